// What must hold before a training starts, and what is worth a second look.
import Foundation
import KymoNumerics

/// One thing that was noticed about a data set.
public struct Finding: Codable, Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Codable, Hashable, Sendable, CaseIterable {
    /// As it should be.
    case ok
    /// Worth a second look.
    case warning
    /// Training would fail or mislead.
    case error
  }

  /// How bad it is.
  public var severity: Severity
  /// What was noticed, in a sentence.
  public var message: String
  /// What to do about it; empty when nothing.
  public var remedy: String

  /// Creates a finding.
  public init(_ severity: Severity, _ message: String, remedy: String = "") {
    (self.severity, self.message, self.remedy) = (severity, message, remedy)
  }
}

extension Recordings {
  /// Looks through all recordings for what would spoil a training with these crops.
  ///
  /// - Parameters:
  ///   - inputCrop: Frames, then points on every space axis, of the encoder's input.
  ///   - targetCrop: The same for what the decoder is compared with.
  ///   - isNormalized: Whether the training brings every channel to mean 0 and variance 1.
  ///   - threads: How many recordings are read at the same time.
  /// - Returns: Errors and warnings; empty when all is well.
  public func check(
    inputCrop: [Int], targetCrop: [Int], isNormalized: Bool, threads: Int = 2
  ) -> [Finding] {
    cropFindings(inputCrop, name: "input crop") + cropFindings(targetCrop, name: "target crop")
      + timeFindings() + originFindings()
      + valueFindings(isNormalized: isNormalized, threads: threads)
  }

  /// What the numbers show.
  private func valueFindings(isNormalized: Bool, threads: Int) -> [Finding] {
    valueReport(isNormalized: isNormalized, threads: threads).findings
  }

  /// What the numbers show; a file that was looked at before is not looked at again.
  func valueReport(
    isNormalized: Bool, threads: Int, cache: CheckCache = .user
  ) -> ValueReport {
    cache.report(on: self, isNormalized: isNormalized, threads: threads) {
      let statistics = RecordingsStatistics(
        self, bytes: isMadeOnDemand ? Recordings.lookedAtBytes : .max, threads: threads)
      return contents(
        statistics,
        isMadeOnDemand ? nil : MeasurementCheck(self, statistics, threads: threads),
        isNormalized: isNormalized)
    }
  }

  /// Throws the first error in times and numbers, for methods that take no crops; returns what is
  /// worth a second look.
  public func validate(file: String, threads: Int = 2) throws(FormatError) -> [Finding] {
    try Recordings.throwFirst(
      timeFindings() + originFindings() + valueFindings(isNormalized: true, threads: threads),
      file)
  }

  /// Checks recordings that a model is judged on: throws the first error in times and numbers as
  /// before a training, but for values that are NaN or infinite, which cost their recording only, and
  /// for what nothing could be learned from.
  ///
  /// - Returns: Recordings to leave out, and what else is worth a second look.
  public func validateForUse(
    file: String, threads: Int = 2
  ) throws(FormatError) -> (leftOut: [Int], findings: [Finding]) {
    guard !isMadeOnDemand else {
      return ([], try Recordings.throwFirst(timeFindings() + originFindings(), file))
    }
    let report = valueReport(isNormalized: true, threads: threads)
    let findings = try Recordings.throwFirst(
      timeFindings() + report.measured + readFindings, file)
    let constant = report.contents.filter { $0.severity == .error }
      .map { Finding(.warning, $0.message) }
    let gaps = report.nonFinite.map {
      Finding(.warning, $0.message, remedy: "Recordings with such values are left out.")
    }
    return (report.nonFiniteRecordings, findings + constant + gaps)
  }

  /// Bytes of frames that are made on demand for a look at them.
  private static let lookedAtBytes = 256 << 20

  /// Whether frames that are made on demand are made from ordinary numbers, all recordings.
  func originFindings() -> [Finding] {
    guard let source else { return [] }
    for index in 0..<count {
      var isFinite = true
      unsafe source.withOrigin(of: storedIndex(index)) { numbers in
        isFinite = unsafe isFinite && numbers.allSatisfy(\.isFinite)
      }
      guard isFinite else {
        return [
          Finding(
            .error, "recording \(index) is made from numbers that are NaN or infinite",
            remedy: "Simulate the file again.")
        ]
      }
    }
    return []
  }

  /// Throws the first error that `check` finds; returns the warnings.
  ///
  /// - Parameters:
  ///   - inputCrop: Frames, then points on every space axis, of the encoder's input.
  ///   - targetCrop: The same for what the decoder is compared with.
  ///   - isNormalized: Whether the training brings every channel to mean 0 and variance 1.
  ///   - file: What the data set is called in the error.
  ///   - threads: How many recordings are read at the same time.
  /// - Returns: What is worth a second look.
  /// - Throws: `FormatError` of the kind `wrongContent`.
  public func validate(
    inputCrop: [Int], targetCrop: [Int], isNormalized: Bool, file: String, threads: Int = 2
  ) throws(FormatError) -> [Finding] {
    try Recordings.throwFirst(
      check(
        inputCrop: inputCrop, targetCrop: targetCrop, isNormalized: isNormalized,
        threads: threads), file)
  }

  private static func throwFirst(
    _ findings: [Finding], _ file: String
  ) throws(FormatError) -> [Finding] {
    let errors = findings.filter { $0.severity == .error }
    if let first = errors.first {
      let more = errors.count == 1 ? "" : " (and \(errors.count - 1) more)"
      throw FormatError(
        .wrongContent, file: file, found: first.message + more,
        allowed: "recordings that can be trained on", remedy: first.remedy)
    }
    return findings
  }

  /// The other recordings, copied into memory; at least one must be left.
  public func leavingOut(_ indices: [Int]) -> Recordings {
    let (bad, width) = (Set(indices), parameterCount)
    let kept = (0..<count).filter { !bad.contains($0) }
    let values = kept.flatMap { index in unsafe withRecording(index) { unsafe Array($0) } }
    return Recordings(
      x: HostArray(values, shape: [kept.count] + shape[1...]),
      params: params.map { params in
        HostArray(
          kept.flatMap { params.elements[$0 * width..<($0 + 1) * width] },
          shape: [kept.count, width])
      }, metadata: metadata, offset: offset)
  }

  /// Whether a crop lies in the recordings.
  func cropFindings(_ size: [Int], name: String) -> [Finding] {
    guard size.count == 1 + spaceRank, size.allSatisfy({ $0 > 0 }) else {
      return [
        Finding(
          .error, "the \(name) \(size) does not fit recordings with \(spaceRank) space axes",
          remedy: "Give frames and then points on every space axis: \(1 + spaceRank) numbers.")
      ]
    }
    var findings: [Finding] = []
    if size[0] > frameCount {
      findings.append(
        Finding(
          .error, "the recordings have \(frameCount) frames, but the \(name) needs \(size[0])",
          remedy: "Choose a crop of at most \(frameCount) frames, or record longer."))
    }
    for axis in 0..<spaceRank where size[1 + axis] > shape[3 + axis] {
      let words =
        "axis \(axisNames[1 + axis]) has \(shape[3 + axis]) points, but the \(name) needs "
        + "\(size[1 + axis])"
      findings.append(
        boundary[axis] == .periodic
          ? Finding(
            .warning, words + ": it wraps around more than once",
            remedy: "Choose at most \(shape[3 + axis]) points, unless that is meant.")
          : Finding(
            .error, words,
            remedy: "Choose at most \(shape[3 + axis]) points, or declare the axis periodic if "
              + "it is."))
    }
    return findings
  }

  /// Whether the listed times are those of a uniform step.
  func timeFindings() -> [Finding] {
    guard let times, times.count > 1, let first = times.first, let last = times.last else {
      return []
    }
    let step = (last - first) / Double(times.count - 1)
    guard times.allSatisfy(\.isFinite), step > 0 else {
      return [
        Finding(
          .error, "the times in 't' do not increase from \(first) to \(last)",
          remedy: "Sort the frames by time, or remove 't'.")
      ]
    }
    var (worst, place) = (0.0, 0)
    for (index, time) in times.enumerated() {
      let deviation = (time - (first + step * Double(index))).magnitude
      if deviation > worst { (worst, place) = (deviation, index) }
    }
    // Times saved as float32 are rounded by about 6e-8 of the largest.
    let rounding = 1.2e-7 * max(first.magnitude, last.magnitude)
    var findings: [Finding] = []
    if worst > 1e-3 * step + rounding {
      findings.append(
        Finding(
          .error,
          "the frames are not at even times: frame \(place) is \(short(worst)) off, "
            + "\(short(100 * worst / step)) % of the mean step \(short(step))",
          remedy: "Interpolate the recordings to even times first, for example with "
            + "scipy.interpolate.interp1d along the time axis."))
    }
    if let interval = frameInterval,
      (interval - step).magnitude > 1e-3 * step + rounding / Double(times.count - 1)
    {
      findings.append(
        Finding(
          .error, "'dt' is \(short(interval)), but the times in 't' are \(short(step)) apart",
          remedy: "Correct one of the two."))
    }
    return findings
  }

  /// Whether the file could be read when its numbers were looked at.
  private var readFindings: [Finding] {
    [readFailure].compactMap(\.self).map {
      Finding(
        .error, "\($0.file)\($0.place.isEmpty ? "" : ", \($0.place)"): \($0.found)",
        remedy: $0.remedy)
    }
  }

  /// What the numbers themselves show; their size means nothing where a training normalises.
  ///
  /// Where numbers are no measurements, moments and changes say nothing and are not spoken of.
  func contents(
    _ statistics: RecordingsStatistics, _ check: MeasurementCheck?, isNormalized: Bool
  ) -> ValueReport {
    let measured = check.map(measurementFindings) ?? []
    let isMeasured = measured.allSatisfy { $0.severity != .error }
    var findings = readFindings
    let gaps = statistics.nonFinite.filter { $0.paddedFrom == nil }
    let gapFinding = gaps.first.map { first in
      let recordings = gaps.count
      let values = gaps.reduce(0) { $0 + $1.count }
      return Finding(
        .error,
        "\(counted(values, "value")) in \(counted(recordings, "recording")) "
          + "\(values == 1 ? "is" : "are") NaN or infinite, the first in recording "
          + "\(first.place.recording), channel \(channelNames[first.place.channel]), frame "
          + "\(first.place.frame), cell \(first.place.cell)",
        remedy: recordings < statistics.sample.count
          ? "Remove those recordings, or find out why they diverged."
          : "Fill the gaps by interpolation, or remove what is masked.")
    }
    if !statistics.constant.isEmpty {
      let isAll = statistics.constant.count == statistics.sample.count
      findings.append(
        Finding(
          isAll ? .error : .warning,
          "\(counted(statistics.constant.count, "recording")) of \(statistics.sample.count) "
            + "\(statistics.constant.count == 1 ? "is" : "are") constant: \(list(statistics.constant))",
          remedy: "Nothing can be learned from them; remove them."))
    }
    if let check, check.constantChannels.count < channelCount {
      findings += check.constantChannels.map {
        Finding(
          .error, "channel \(channelNames[$0]) has the same value everywhere",
          remedy: "Nothing can be learned from it; leave it out: x = np.delete(x, \($0), axis=1).")
      }
    }
    // Constant recordings repeat each other and are reported already.
    let constant = Set(statistics.constant)
    let duplicates = statistics.duplicates.filter { !constant.contains($0.second) }
    if let first = duplicates.first {
      findings.append(
        Finding(
          .warning,
          "\(counted(duplicates.count, "recording")) \(duplicates.count == 1 ? "repeats" : "repeat")"
            + " an earlier one exactly, for example \(first.second) repeats \(first.first)",
          remedy: "Remove the copies; in a test set they would flatter the result."))
    }
    if isMeasured {
      if !isNormalized { findings += scaleFindings(statistics) }
      findings += changeFindings(statistics)
    }
    return ValueReport(
      measured: measured,
      nonFinite: [gapFinding].compactMap(\.self) + paddingFindings(statistics),
      contents: findings,
      nonFiniteRecordings: statistics.nonFinite.map(\.place.recording))
  }

  /// Recordings of unequal lengths that were filled up to one.
  private func paddingFindings(_ statistics: RecordingsStatistics) -> [Finding] {
    let padded = statistics.nonFinite.compactMap { entry in
      entry.paddedFrom.map { (recording: entry.place.recording, frame: $0) }
    }
    guard let shortest = padded.min(by: { $0.frame < $1.frame }) else { return [] }
    let frames = shortest.frame
    let axes = (1...2 + spaceRank).map(String.init).joined(separator: ", ")
    let cut =
      times == nil ? "x = x[:, :, :\(frames)]" : "x, t = x[:, :, :\(frames)], t[:\(frames)]"
    return [
      Finding(
        .error,
        "\(counted(padded.count, "recording")) of \(statistics.sample.count) "
          + "\(padded.count == 1 ? "ends" : "end") before the last frame, with nothing but NaN "
          + "behind: the shortest, \(shortest.recording), from frame \(frames) on",
        remedy: "Cut to \(counted(frames, "frame")): \(cut). Or keep the recordings that are "
          + "whole: x = x[np.isfinite(x).all(axis=(\(axes)))]. Axes are N, C, T, "
          + "\(spaceRank == 2 ? "X, Y" : "X") here.")
    ]
  }

  private func scaleFindings(_ statistics: RecordingsStatistics) -> [Finding] {
    let sizes = statistics.channels.compactMap(\.rootMeanSquare)
    guard let least = sizes.min(), let most = sizes.max(), most > 0 else { return [] }
    var findings: [Finding] = []
    if least < most / 100 {
      let names = zip(channelNames, sizes).map { "\($0): \(short($1))" }
      findings.append(
        Finding(
          .warning,
          "the channels have very different sizes (RMS \(names.joined(separator: ", ")))",
          remedy: "The loss would see only the large ones; divide every channel by its RMS."))
    }
    if most > 10 || most < 0.1 {
      findings.append(
        Finding(
          .warning, "the fields have an RMS of \(short(most)); they are used as they are",
          remedy: "Divide x by its RMS, so that the loss and the noise level mean what they say."))
    }
    return findings
  }

  private func changeFindings(_ statistics: RecordingsStatistics) -> [Finding] {
    // Random dynamics may forget its state within a frame.
    guard stateKind == .field else { return [] }
    var findings: [Finding] = []
    for channel in statistics.channels {
      guard let change = channel.relativeFrameChange else { continue }
      if change > 1 {
        findings.append(
          Finding(
            .warning,
            "channel \(channel.name) changes by \(short(change)) of its standard deviation from frame to "
              + "frame: neighbouring frames are almost unrelated",
            remedy: "Store frames more often; a one-step model needs to see the way in between."))
      } else if change < 1e-3 {
        findings.append(
          Finding(
            .warning,
            "channel \(channel.name) changes by \(short(change)) of its standard deviation from frame to "
              + "frame: almost nothing happens in a crop",
            remedy: "Keep every k-th frame only, so that a crop sees the field change."))
      }
    }
    return findings
  }
}

/// The first few of many.
private func list(_ indices: [Int]) -> String {
  indices.prefix(5).map(String.init).joined(separator: ", ") + (indices.count > 5 ? ", …" : "")
}

/// Four significant digits.
func short(_ value: Double) -> String { String(format: "%.4g", value) }
