// What a model was trained on, kept beside its weights, so that other data are noticed at use:
// step, spacing, ends, channels, units, and the range of every channel.
public import Foundation
public import KymoNumerics

/// The recordings that a model was trained on, in `data.json` of its folder.
public struct TrainedData: Codable, Hashable, Sendable {
  /// One channel over at most 200 training recordings.
  public struct Channel: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its unit; empty when unknown.
    public var unit: String
    /// The least and the largest number.
    public var range: [Double]
    /// The least and the largest standard deviation of a recording.
    public var deviations: [Double]
  }

  /// Time between frames; nil when unknown.
  public var frameInterval: Double?
  /// Distance of neighbouring points along every axis of space; nil when unknown.
  public var spacings: [Double]?
  /// What holds at the ends of every axis of space.
  public var boundary: [Grid.Ends]
  /// Units of time and space; empty when unknown.
  public var axisUnits: [String]
  /// The channels.
  public var channels: [Channel]
  /// What was subtracted from every channel before its numbers became Float, as from the recordings
  /// of every use; nil for nothing.
  public var offset: [Double]?

  /// Describes recordings in the units of their file, the range of their numbers by at most so many.
  public init(_ recordings: Recordings, sample: Int = 200, threads: Int = 1) {
    let recordings = recordings.scaled(by: nil)
    frameInterval = recordings.frameInterval
    spacings = recordings.extents.map { _ in recordings.grid.spacings }
    (boundary, axisUnits) = (recordings.boundary, recordings.metadata.axisUnits)
    offset = recordings.offset
    let count = min(recordings.count, sample)
    let moments = recordings.moments(
      (0..<count).map { $0 * recordings.count / count }, threads: threads)
    channels = (0..<recordings.channelCount).map { channel in
      let all = moments.map { $0[channel] }.filter { $0.deviation.isFinite }
      let deviations = all.map(\.deviation)
      return Channel(
        name: recordings.channelNames[channel], unit: recordings.channelUnit(channel),
        range: [all.map(\.lowest).min() ?? 0, all.map(\.highest).max() ?? 0],
        deviations: [deviations.min() ?? 0, deviations.max() ?? 0])
    }
  }

  static let fileName = "data.json"

  /// Writes `data.json` into the folder of a model.
  public func write(to folder: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try AtomicFile.write(encoder.encode(self), to: folder.appending(path: Self.fileName))
  }

  /// Reads it; nil for models of before, which have none.
  public static func read(from folder: URL) throws -> TrainedData? {
    let file = folder.appending(path: fileName)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let data = try SettingsTree(json: Data(contentsOf: file))
      .decode(TrainedData.self, source: file.relativePath)
    let isWhole = data.channels.allSatisfy { $0.range.count == 2 && $0.deviations.count == 2 }
    guard isWhole, data.spacings.map({ $0.count == data.boundary.count }) ?? true,
      data.offset.map({ $0.count == data.channels.count }) ?? true
    else {
      throw ModelDataError(
        file.relativePath, found: "lists of other lengths",
        allowed: "two ends of every range, one spacing of every axis, one offset of every channel",
        remedy: "Restore the file or train again.")
    }
    return data
  }
}

// MARK: - Comparison

extension TrainedData {
  /// One thing in which recordings differ from those of the training.
  public struct Difference: Hashable, Sendable {
    /// What it is, such as `dt`.
    public var entry: String
    /// What the recordings say.
    public var found: String
    /// What the training's said.
    public var trained: String
    /// Every how many frames or points have the training's distance; nil for none.
    public var factor: Int?
    /// Whether the recordings say nothing of it.
    public var isMissing: Bool
    /// The line of NumPy that mends it.
    public var mend: String
  }

  /// Greatest relative difference of steps and spacings that counts as none.
  public static let tolerance = 1e-3

  /// In what recordings differ from those of the training, most important first.
  public func differences(of recordings: Recordings) -> [Difference] {
    var differences: [Difference] = []
    func compare(_ entry: String, _ found: Double?, _ trained: Double?, _ mend: String) {
      guard let trained else { return }
      guard let found else {
        differences.append(
          Difference(
            entry: entry, found: "absent", trained: short(trained), isMissing: true, mend: mend))
        return
      }
      guard abs(found / trained - 1) > Self.tolerance else { return }
      let factor = (trained / found).rounded()
      let isWhole =
        (2...1e6).contains(factor) && abs(trained / found / factor - 1) <= Self.tolerance
      differences.append(
        Difference(
          entry: entry, found: "\(short(found))", trained: "\(short(trained))",
          factor: isWhole ? Int(factor) : nil, isMissing: false, mend: mend))
    }
    let names = recordings.axisNames
    compare(
      "dt", recordings.frameInterval, frameInterval,
      recordings.frameInterval == nil
        ? "Save dt beside x: np.savez(file, x=x, dt=dt, …)."
        : "With NumPy: scipy.interpolate.interp1d(t, x, axis=2)(np.arange(t[0], t[-1], "
          + "\(short(frameInterval ?? 1)))).")
    for axis in recordings.spaceShape.indices where axis < boundary.count {
      // Ends first: how many steps a length has depends on them.
      let (found, trained) = (recordings.boundary[axis], boundary[axis])
      if found != trained, trained != .unknown {
        differences.append(
          Difference(
            entry: "boundary of \(names[1 + axis])", found: found.rawValue,
            trained: trained.rawValue, isMissing: found == .unknown,
            mend: "Save boundary beside x if it is '\(trained.rawValue)'; else train on recordings "
              + "with these ends."))
      }
      let ends = found == .unknown ? trained : found
      compare(
        "spacing of \(names[1 + axis])",
        recordings.extents.map {
          Grid.Axis(recordings.spaceShape[axis], extent: $0[axis], ends).spacing
        },
        spacings?[axis],
        recordings.extents == nil
          ? "Save extent, the length of every axis, beside x."
          : "With NumPy: scipy.signal.resample on periodic axes, scipy.interpolate elsewhere.")
    }
    func compareUnits(_ entry: String, _ found: String, _ trained: String, _ array: String) {
      guard !trained.isEmpty, found != trained else { return }
      differences.append(
        Difference(
          entry: "unit of \(entry)", found: found.isEmpty ? "absent" : "'\(found)'",
          trained: "'\(trained)'", isMissing: found.isEmpty,
          mend: found.isEmpty
            ? "Save \(array) beside x if the numbers are in this unit."
            : "Convert the numbers and their unit."))
    }
    let units = recordings.metadata.axisUnits
    for (index, trained) in axisUnits.enumerated() where index < names.count {
      compareUnits(names[index], index < units.count ? units[index] : "", trained, "axis_units")
    }
    let (foundNames, trainedNames) = (recordings.channelNames, channels.map(\.name))
    if foundNames != trainedNames, foundNames.sorted() == trainedNames.sorted() {
      differences.append(
        Difference(
          entry: "order of channels", found: foundNames.joined(separator: ", "),
          trained: trainedNames.joined(separator: ", "), isMissing: false,
          mend: "With NumPy: x = x[:, "
            + "\(trainedNames.map { foundNames.firstIndex(of: $0) ?? 0 })]."))
    }
    for (index, channel) in channels.enumerated() where index < recordings.channelCount {
      let usual = RecordingsMetadata.usualChannelName(index, of: channels.count)
      let name = foundNames[index]
      if name != channel.name, ![name, channel.name].contains(usual),
        foundNames.sorted() != trainedNames.sorted()
      {
        differences.append(
          Difference(
            entry: "name of channel \(index + 1)", found: "'\(name)'", trained: "'\(channel.name)'",
            isMissing: false,
            mend: "If it is the same quantity, give it the same name in channel_names."))
      }
      compareUnits(channel.name, recordings.channelUnit(index), channel.unit, "channel_units")
    }
    return differences
  }

  /// Throws for the first difference of recordings that a training uses beside those trained on.
  public func require(_ recordings: Recordings, _ entry: String) throws(ConfigurationError) {
    guard recordings.channelCount == channels.count, recordings.spaceRank == boundary.count,
      let first = differences(of: recordings).first
    else { return }
    throw ConfigurationError(
      "\(entry): \(first.entry)", found: first.found, allowed: "\(first.trained) as in data.train",
      remedy: first.factor.map { "Keep 1 of \($0)." } ?? first.mend)
  }

  /// Numbers of a channel that the training has seen the like of: its range, wider by half of its
  /// width at either end.
  public func usualRange(_ channel: Int) -> ClosedRange<Double> {
    let range = channels[channel].range
    let margin = max(0, range[1] - range[0]) / 2
    return range[0] - margin...max(range[0], range[1]) + margin
  }

  /// The recordings whose fields the training has not seen the like of, with what is unlike.
  ///
  /// The rule: numbers beyond the training's range by more than half of its width, or a standard
  /// deviation below a third of the least or above three times the largest of a recording.
  public func unusual(_ recordings: Recordings, threads: Int = 1) -> [Int: String] {
    guard recordings.channelCount == channels.count else { return [:] }
    let moments = recordings.scaled(by: nil)
      .moments(Array(0..<recordings.count), threads: threads)
    var unusual: [Int: String] = [:]
    for (index, ofChannels) in moments.enumerated() {
      for (position, found) in ofChannels.enumerated() where unusual[index] == nil {
        let channel = channels[position]
        guard found.deviation.isFinite else {
          unusual[index] = "\(channel.name) has values that are NaN or infinite"
          continue
        }
        let usual = usualRange(position)
        if !(usual.contains(found.lowest) && usual.contains(found.highest)) {
          unusual[index] =
            "\(channel.name) from \(short(found.lowest)) to \(short(found.highest)), in training "
            + "from \(short(channel.range[0])) to \(short(channel.range[1]))"
        } else if found.deviation < channel.deviations[0] / 3
          || found.deviation > channel.deviations[1] * 3
        {
          unusual[index] =
            "\(channel.name) has the standard deviation \(short(found.deviation)), in training "
            + "from \(short(channel.deviations[0])) to \(short(channel.deviations[1]))"
        }
      }
    }
    return unusual
  }
}

/// The size of a channel in one recording.
private struct Moments: Sendable {
  var (lowest, highest, deviation) = (Double.nan, Double.nan, Double.nan)
}

extension Recordings {
  fileprivate func channelUnit(_ channel: Int) -> String {
    let units = metadata.channelUnits
    return channel < units.count ? units[channel] : ""
  }

  /// The size of every channel in some recordings.
  fileprivate func moments(_ indices: [Int], threads: Int) -> [[Moments]] {
    let cells = shape[2...].reduce(1, *)
    return parallelMap(indices.count, threads: threads) { place in
      unsafe withRecording(indices[place]) { values in
        (0..<channelCount).map { channel in
          var (sum, squares) = (0.0, 0.0)
          var (lowest, highest) = (Float.infinity, -Float.infinity)
          // Deviations from the first number: an offset costs no digits.
          let origin = unsafe Double(values[channel * cells])
          for index in channel * cells..<(channel + 1) * cells {
            let value = unsafe values[index]
            (lowest, highest) = (min(lowest, value), max(highest, value))
            sum += Double(value) - origin
            squares += (Double(value) - origin) * (Double(value) - origin)
          }
          let mean = sum / Double(cells)
          let offset = self.offset?[channel] ?? 0
          return Moments(
            lowest: offset + Double(lowest), highest: offset + Double(highest),
            deviation: max(0, squares / Double(cells) - mean * mean).squareRoot())
        }
      }
    }
  }
}
