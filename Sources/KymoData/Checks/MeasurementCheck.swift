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
    coarseChannels = statistics.channels.indices.filter { channel in
      let found = statistics.channels[channel]
      guard let low = found.minimum, let high = found.maximum, low < high,
        let spread = found.standardDeviation
      else { return false }
      let offset = recordings.offset?[channel] ?? 0
      let (size, left) = (max(abs(low), abs(high)), max(abs(low - offset), abs(high - offset)))
      return spread < 64 * max(size.ulp, Double(Float(left).ulp))
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
    findings += stillnessFindings(check)
    if check.constantChannels.count < channelCount {
      findings += check.constantChannels.map {
        Finding(
          .error, "channel \(channelNames[$0]) has the same value everywhere",
          remedy: "Nothing can be learned from it; leave it out: x = np.delete(x, \($0), axis=1).")
      }
    }
    findings += check.coarseChannels.map {
      Finding(
        .error,
        "channel \(channelNames[$0]) changes by little beside its mean: "
          + "\(storage.fileType.exceedsFloat ? "double" : "single") precision, in which the file "
          + "has it, holds fewer than 64 steps of its standard deviation",
        remedy: "Save what was computed in double precision, x.astype('float64'): then the mean is "
          + "subtracted before anything is rounded. Or subtract it yourself before you round: "
          + "x = (x - x.mean()).astype('float32').")
    }
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

  private func markFinding(_ mark: Mark) -> Finding {
    let value = short(Double(mark.value) + (offset?[mark.channel] ?? 0))
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
    var findings: [Finding] = []
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
            + "what measured was frozen, or frames were repeated to fill up",
          remedy: "Cut all recordings before that frame, x[:, :, :\(first.frame)], or remove those "
            + "that are frozen."))
    }
    return findings
  }
}
