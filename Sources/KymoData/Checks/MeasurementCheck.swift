// Numbers that are no measurements: values that stand for "missing", numbers that single precision
// does not hold, frames that repeat, cells and channels that never change, digits that are lost.
import Foundation
import KymoNumerics

/// What a look at every number of some recordings found.
struct MeasurementCheck: Sendable {
  /// Values that look like marks for "missing".
  let marks: [Mark]
  /// Numbers beyond the range of Float, and whole numbers beyond 2⁵³, which even Double rounds.
  let beyondFloat: BeyondRange?
  let beyondDouble: BeyondRange?
  /// Frames that repeat the one before though later ones differ: recording, first such frame, how
  /// many.
  let repeated: [(recording: Int, frame: Int, count: Int)]
  /// Recordings that stop in the middle of their motion and stay: the first frame that repeats, how
  /// many.
  let frozen: [(recording: Int, frame: Int, count: Int)]
  /// Channels that repeat frames while others go on, with the recording.
  let held: [(recording: Int, channel: HeldChannel)]
  /// Cells that are frozen among others that are not, with the recording.
  let frozenCells: [(recording: Int, cell: FrozenCell)]
  /// Recordings whose standard deviation is a hundred times that of others, or a hundredth.
  let otherSizes: [OtherSize]
  /// Values of known parameters that look like marks for "missing".
  let parameterMarks: [ParameterMark]
  /// Cells of a channel that never change, inside of what does.
  let obstacles: [Obstacle]
  /// Channels that have the same value everywhere.
  let constantChannels: [Int]
  /// Channels whose values have fewer than 64 steps to a standard deviation: of single precision,
  /// less the offset, or of the file's double precision.
  let coarseChannels: [Int]

  /// Looks at recordings, after their statistics, which have read every number.
  init(_ recordings: Recordings, _ statistics: RecordingsStatistics, threads: Int) {
    let parts = zip(statistics.sample, statistics.parts)
    repeated = parts.compactMap { index, part in
      part.repeated.first.map { (index, $0, part.repeated.count) }
    }
    frozen = parts.compactMap { index, part in
      part.frozenFrom.map { (index, $0, recordings.frameCount - $0) }
    }
    otherSizes = OtherSize.all(statistics)
    parameterMarks = recordings.parameterMarks
    beyondFloat = BeyondRange(statistics.parts.compactMap(\.beyondFloat))
    beyondDouble = BeyondRange(statistics.parts.compactMap(\.beyondDouble))
    let marks = recordings.marks(statistics, threads: threads)
    self.marks = marks
    let constant = statistics.channels.indices.filter {
      statistics.channels[$0].minimum != nil
        && statistics.channels[$0].minimum == statistics.channels[$0].maximum
    }
    constantChannels = constant
    obstacles = recordings.obstacles(in: statistics.sample, threads: threads).filter { obstacle in
      !constant.contains(obstacle.channel) && !marks.contains { $0.channel == obstacle.channel }
    }
    let coarse = statistics.channels.indices.filter { channel in
      let found = statistics.channels[channel]
      guard let low = found.minimum, let high = found.maximum, low < high,
        let spread = found.standardDeviation
      else { return false }
      let offset = recordings.offset?[channel] ?? 0
      let (size, left) = (max(abs(low), abs(high)), max(abs(low - offset), abs(high - offset)))
      return spread < 64 * max(size.ulp, Double(Float(left).ulp))
    }
    coarseChannels = coarse
    // What has few steps repeats by rounding.
    held = parts.flatMap { index, part in
      part.held.filter { !coarse.contains($0.channel) }.map { (index, $0) }
    }
    let solid = Set(obstacles.map(\.channel))
    frozenCells = parts.flatMap { index, part in
      part.frozenCells.filter { cell in
        !solid.union(coarse).contains(cell.channel)
          && !marks.contains { $0.channel == cell.channel }
      }.map { (index, $0) }
    }
  }
}

/// Numbers that a type does not hold: how many, and the first.
struct BeyondRange: Hashable, Sendable {
  var value: Double
  var place: NumberPlace
  var count = 1

  init(value: Double, place: NumberPlace) { (self.value, self.place) = (value, place) }

  /// Those of several recordings together; nil for none.
  init?(_ parts: [BeyondRange]) {
    guard var all = parts.first else { return nil }
    all.count = parts.reduce(0) { $0 + $1.count }
    self = all
  }

  /// One more, or the first.
  static func note(_ value: Double, _ place: NumberPlace, in found: inout BeyondRange?) {
    if found == nil { found = BeyondRange(value: value, place: place) } else { found?.count += 1 }
  }
}

// MARK: - In words

extension Recordings {
  /// What is no measurement, in words; errors where a training would be spoilt.
  func measurementFindings(_ check: MeasurementCheck) -> [Finding] {
    var findings = rangeFindings(check) + check.marks.map(markFinding)
    if let params {
      let bad = params.elements.count { !$0.isFinite }
      if bad > 0 {
        findings.append(
          Finding(
            .warning, "\(counted(bad, "value")) of 'params' \(bad == 1 ? "is" : "are") not finite",
            remedy: "Scores of a parameter leave out the recordings in which it is not known; "
              + "training is not affected."))
      }
    }
    let hasMore = storage.fileType.exceedsFloat
    findings += check.coarseChannels.map {
      Finding(
        .error,
        "channel \(channelNames[$0]) changes by little beside its mean: "
          + "\(hasMore && offset != nil ? "double" : "single") precision, in which "
          + "\(hasMore && offset == nil ? "a law is sought" : "the file has it"), holds fewer than 64 "
          + "steps of its standard deviation",
        remedy: hasMore && offset == nil
          ? "Subtract the mean, x = x - x.mean(): the law is then one of what is left."
          : "Save what was computed in double precision, x.astype('float64'): then the mean is "
            + "subtracted before anything is rounded. Or subtract it yourself before you round: "
            + "x = (x - x.mean()).astype('float32').")
    }
    findings += stillnessFindings(check)
    findings += [sizeFinding(check)].compactMap(\.self) + check.parameterMarks.map(parameterFinding)
    findings += check.obstacles.map { obstacle in
      Finding(
        .warning,
        "\(counted(obstacle.count, "cell")) of \(spaceShape.reduce(1, *)) in channel "
          + "\(channelNames[obstacle.channel]) never change, the first is cell \(obstacle.cell): an "
          + "obstacle, or something that was not measured",
        remedy: "Nothing to do for an obstacle, whose cells are learned and scored like others; "
          + "else crop x to what was measured.")
    }
    return findings
  }

  private func words(_ place: NumberPlace) -> String {
    "channel \(channelNames[place.channel]), first in recording \(place.recording), frame "
      + "\(place.frame), cell \(place.cell)"
  }

  private func rangeFindings(_ check: MeasurementCheck) -> [Finding] {
    let beyondFloat = check.beyondFloat.map { found in
      Finding(
        .error,
        "\(counted(found.count, "value")) such as \(short(found.value)) in \(words(found.place)): "
          + "beyond \(short(Double(Float.greatestFiniteMagnitude))), the largest number of single "
          + "precision, in which models compute",
        remedy: "If they stand for what was not measured, leave out those recordings, frames or "
          + "cells. Else save x in larger units: x / 1e30.")
    }
    let beyondDouble = check.beyondDouble.map { found in
      Finding(
        .error,
        "\(counted(found.count, "whole number")) such as \(String(format: "%.0f", found.value)) in "
          + "\(words(found.place)): beyond 2^53, from where on double precision rounds whole numbers",
        remedy: "If they stand for what was not measured, leave out those recordings, frames or "
          + "cells. Else subtract the first value while they are whole numbers: "
          + "x = (x - x.flat[0]).astype('float64').")
    }
    return [beyondFloat, beyondDouble].compactMap(\.self)
  }

  /// A number with all its digits where it is a whole one.
  private func exact(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e7 ? String(Int(value)) : short(value)
  }

  private func parameterFinding(_ mark: ParameterMark) -> Finding {
    Finding(
      .warning,
      "parameter \(parameterNames[mark.parameter]) is \(exact(mark.value)) in "
        + "\(counted(mark.count, "recording")), such as \(mark.recording), far from all others: it "
        + "stands for something that is not known",
      remedy: "Write NaN there, params[params == \(exact(mark.value))] = np.nan: scores leave such "
        + "recordings out.")
  }

  private func sizeFinding(_ check: MeasurementCheck) -> Finding? {
    check.otherSizes.first.map { first in
      let count = check.otherSizes.count
      return Finding(
        .warning,
        "\(counted(count, "recording")) \(count == 1 ? "has" : "have") another size than the others: "
          + "recording \(first.recording) has the standard deviation \(short(first.deviation)) in "
          + "channel \(channelNames[first.channel]), the next \(short(first.next))",
        remedy: "If it was saved in other units, convert it; a training sees little beside the "
          + "largest.")
    }
  }

  private func markFinding(_ mark: Mark) -> Finding {
    let value = exact(Double(mark.value) + (offset?[mark.channel] ?? 0))
    guard mark.isMissing else {
      return Finding(
        .warning,
        "the value \(value) appears once in channel \(channelNames[mark.channel]), more than a "
          + "hundred times the width of all others away from them, in recording "
          + "\(mark.place.recording), frame \(mark.place.frame), cell \(mark.place.cell)",
        remedy: "If it is a fault of a sensor, interpolate it or leave out that recording: models "
          + "are scaled by the range of the data.")
    }
    return Finding(
      .error,
      "the value \(value) appears \(counted(mark.count, "time")) in channel "
        + "\(channelNames[mark.channel]), far from all others, first in recording "
        + "\(mark.place.recording), frame \(mark.place.frame), cell \(mark.place.cell): it stands for "
        + "something that was not measured",
      remedy: "Leave out those recordings or frames; where the same cells are marked in every "
        + "frame, crop x to the others. What is made up there would be learned as measured.")
  }

  private func stillnessFindings(_ check: MeasurementCheck) -> [Finding] {
    var findings = heldFindings(check)
    if let first = check.repeated.first {
      let count = check.repeated.reduce(0) { $0 + $1.count }
      let isMany = 100 * count > frameCount * check.repeated.count
      findings.append(
        Finding(
          isMany ? .error : .warning,
          "\(counted(count, "frame")) in \(counted(check.repeated.count, "recording")) "
            + "\(count == 1 ? "repeats" : "repeat") the one before exactly, the first in recording "
            + "\(first.recording), frame \(first.frame), though later ones differ: the recording "
            + "was frozen or its frames are doubled",
          remedy: "Remove doubled frames (x[:, :, ::2] if every frame is twice there, and correct "
            + "dt), or the recordings with frozen ones."))
    }
    if let first = check.frozen.first {
      let count = check.frozen.reduce(0) { $0 + $1.count }
      let isMany = 100 * count > frameCount * check.frozen.count
      findings.append(
        Finding(
          isMany ? .error : .warning,
          "\(counted(check.frozen.count, "recording")) \(check.frozen.count == 1 ? "stops" : "stop") "
            + "in the middle of the motion and \(check.frozen.count == 1 ? "stays" : "stay") the "
            + "same to the end, such as recording \(first.recording) from frame \(first.frame) on: "
            + "what measured was frozen, or the recording was filled up",
          remedy: "Cut all recordings before that frame, x[:, :, :\(first.frame)], or remove those "
            + "that are frozen."))
    }
    return findings
  }

  private func heldFindings(_ check: MeasurementCheck) -> [Finding] {
    func more(_ count: Int) -> String {
      count > 1 ? ". There \(count == 2 ? "is" : "are") \(count - 1) more such" : ""
    }
    let channels = check.held.first.map { recording, channel in
      Finding(
        .warning,
        "channel \(channelNames[channel.channel]) repeats \(counted(channel.count, "frame")) exactly "
          + "in recording \(recording), the first \(channel.frame), while other channels go on: it "
          + "was frozen, or is measured less often" + more(check.held.count),
        remedy: "Leave out those recordings, or interpolate between the frames that are new.")
    }
    let cells = check.frozenCells.first.map { recording, cell in
      Finding(
        .warning,
        "cell \(cell.cell) of channel \(channelNames[cell.channel]) repeats its number over "
          + "\(counted(cell.count, "frame")) in recording \(recording), the first \(cell.frame), "
          + "while its neighbours go on: a sensor that was frozen" + more(check.frozenCells.count),
        remedy: "Interpolate it from its neighbours, or leave out that recording; what it repeats "
          + "would be learned as measured.")
    }
    return [channels, cells].compactMap(\.self)
  }
}

/// A recording of another size than the others.
struct OtherSize: Hashable, Sendable {
  var recording: Int
  var channel: Int
  var deviation: Double
  /// The nearest standard deviation of those that are like each other.
  var next: Double

  /// From this factor between neighbours in the order of sizes on, and at most so many of a hundred.
  private static let (factor, most) = (100.0, 20)

  static func all(_ statistics: RecordingsStatistics) -> [OtherSize] {
    statistics.channels.indices.flatMap { channel -> [OtherSize] in
      let sizes = zip(statistics.sample, statistics.parts)
        .map { (recording: $0, deviation: $1.channels[channel].deviation) }
        .filter { $0.deviation > 0 && $0.deviation.isFinite }.sorted { $0.deviation < $1.deviation }
      guard
        let gap = sizes.indices.dropFirst().first(where: {
          sizes[$0].deviation > factor * sizes[$0 - 1].deviation
        })
      else { return [] }
      let (low, high) = (sizes[..<gap], sizes[gap...])
      let isLow = low.count < high.count
      let few = isLow ? low : high
      guard 100 * few.count <= most * sizes.count else { return [] }
      let next = (isLow ? high.first : low.last)?.deviation ?? 0
      return few.map {
        OtherSize(recording: $0.recording, channel: channel, deviation: $0.deviation, next: next)
      }.sorted { $0.recording < $1.recording }
    }
  }
}

/// A value of a known parameter that stands for "missing".
struct ParameterMark: Hashable, Sendable {
  var parameter: Int
  var value: Double
  var count: Int
  /// The first recording that has it.
  var recording: Int
}

extension Recordings {
  /// Values that are known as marks and lie farther from all others than these are wide.
  fileprivate var parameterMarks: [ParameterMark] {
    guard let params else { return [] }
    let width = params.shape[1]
    return (0..<width).compactMap { column in
      let values = (0..<count).map { Double(params.elements[$0 * width + column]) }
      let others = values.filter { $0.isFinite && !Self.isKnownMark($0) }
      guard let low = others.min(), let high = others.max(),
        let first = values.firstIndex(where: {
          Self.isKnownMark($0) && max(low - $0, $0 - high) > high - low
        })
      else { return nil }
      return ParameterMark(
        parameter: column, value: values[first], count: values.count { $0 == values[first] },
        recording: first)
    }
  }
}
