// What `kymo inspect` says about a data file: what was understood, statistics, what is suspicious.
public import Foundation
import KymoNumerics

/// The range of one known parameter.
public struct ParameterRange: Codable, Hashable, Sendable {
  /// The parameter's name.
  public var name: String
  /// Its unit; empty when nondimensional.
  public var unit: String
  /// Smallest finite value; nil when there is none, as for all that follow.
  public var minimum: Double?
  /// Largest finite value.
  public var maximum: Double?
  /// Mean of the finite values.
  public var mean: Double?
  /// Standard deviation of the finite values.
  public var standardDeviation: Double?
}

/// What was understood of a data file, and what is worth a second look.
///
/// Encodes to JSON with the names of its properties as keys.
public struct Inspection: Codable, Hashable, Sendable {
  /// The file's name, or what several files are called.
  public var file: String
  /// Number of files.
  public var fileCount: Int
  /// The size of all files.
  public var bytes: Int
  /// The array that holds the field.
  public var key: String
  /// What its axes were said to be; nil when they have the usual order.
  public var axes: String?
  /// Frames of the pieces that recordings were cut into; nil where they are whole.
  public var cut: Int?
  /// NumPy's name of the type of its numbers.
  public var type: String
  /// Whether the numbers stay in the file instead of taking memory.
  public var isMapped: Bool
  /// Whether frames are made on demand from spectra that the file holds.
  public var isMadeOnDemand: Bool
  /// Number of recordings.
  public var recordingCount: Int
  /// Number of frames of each.
  public var frameCount: Int
  /// Mesh points along every space axis.
  public var spaceShape: [Int]
  /// Names, units, boundary, scales and origin.
  public var metadata: RecordingsMetadata
  /// Statistics of every channel.
  public var channels: [ChannelStatistics]
  /// How the ends of every space axis fit together.
  public var seams: [SeamStatistics]
  /// Estimated standard deviation of white noise in every channel; nil where none shows.
  public var noise: [Double?]
  /// Known parameters; empty when the file has none.
  public var parameters: [ParameterRange]
  /// How many recordings the statistics are of.
  public var sampledRecordingCount: Int
  /// Hash of the data, 16 hexadecimal digits; see `Recordings.contentHash`.
  public var contentHash: String
  /// Which methods can be trained on the data, and why the others cannot.
  public var methods: [MethodFitness]
  /// What was noticed, the worst first.
  public var findings: [Finding]

  /// The worst severity among the findings.
  public var severity: Finding.Severity {
    let found = Set(findings.map(\.severity))
    return [Finding.Severity.error, .warning].first(where: found.contains) ?? .ok
  }

  /// Bytes of the field up to which every recording is looked at.
  static let sampledBytes = 2 << 30

  /// Looks at a file; one pass over the numbers, over an even sample of recordings beyond 2 GB.
  ///
  /// - Parameters:
  ///   - url: The file, a folder or a pattern.
  ///   - key: The array that holds the field; "x" when nil.
  ///   - axes: What its axes are, such as "N,T,C,X"; see `Recordings.load`.
  ///   - threads: How many recordings are read at the same time.
  /// - Throws: `FormatError` when the file cannot be read as recordings.
  public init(
    _ url: URL, key: String? = nil, axes: String? = nil, threads: Int = 2
  ) throws(FormatError) {
    try self.init(DataFiles(url), FieldLayout(key: key, axes: axes), threads: threads)
  }

  /// Looks at the files of one data set; see ``init(_:key:axes:threads:)``.
  public init(
    _ files: DataFiles, _ layout: FieldLayout = FieldLayout(), threads: Int = 2
  ) throws(FormatError) {
    try self.init(files, layout, threads: threads, sampledBytes: Inspection.sampledBytes)
  }

  init(
    _ files: DataFiles, _ layout: FieldLayout, threads: Int, sampledBytes: Int
  ) throws(FormatError) {
    let loaded = try files.load(layout)
    let (stored, arrays) = (loaded.recordings, loaded.files[0])
    let recordings = stored.less(stored.largeOffset(threads: threads))
    (key, axes, cut) = (
      layout.key ?? (recordings.isMadeOnDemand ? RecordingKey.spectra : RecordingKey.field),
      layout.axes, layout.cut
    )
    let field = key
    // Loading compares the checksum of small fields only.
    for file in loaded.files where recordings.isMapped || recordings.isMadeOnDemand {
      let array = try file.array(field)
      if array.count * array.element.width > Recordings.checkedUpTo { try array.verify() }
    }
    let statistics = RecordingsStatistics(
      recordings, bytes: recordings.isMadeOnDemand ? sampledBytes / 8 : sampledBytes,
      threads: threads)
    file = files.urls.count == 1 ? files.urls[0].lastPathComponent : files.name
    fileCount = files.urls.count
    bytes = loaded.files.reduce(0) { $0 + $1.byteCount }
    type = try arrays.array(field).element.name
    isMapped = recordings.isMapped
    isMadeOnDemand = recordings.isMadeOnDemand
    recordingCount = recordings.count
    frameCount = recordings.frameCount
    spaceShape = recordings.spaceShape
    metadata = recordings.metadata
    channels = statistics.channels
    seams = recordings.stateKind == .field ? statistics.seams : []
    parameters = Inspection.ranges(of: recordings)
    sampledRecordingCount = statistics.sample.count
    contentHash = recordings.contentHashDigits(threads: threads)
    let values = recordings.contents(
      statistics,
      recordings.isMadeOnDemand
        ? nil : MeasurementCheck(recordings, statistics, threads: threads), isNormalized: true
    ).findings
    // What marks and gaps look like as noise and seams says nothing.
    let isMeasured = values.allSatisfy { $0.severity != .error }
    noise =
      isMeasured && recordings.stateKind == .field
      ? recordings.whiteNoise(
        of: recordings.sampledIndices(bytes: 32 * recordings.recordingLength))
      : channels.map { _ in nil }
    let isField = recordings.stateKind == .field
    let all =
      recordings.timeFindings() + recordings.originFindings()
      + values
      + (isMeasured && isField ? Inspection.boundaryFindings(recordings, statistics) : [])
      + Inspection.scaleFindings(recordings, parameters)
      + (isMeasured ? Inspection.noiseFindings(channels, noise) : [])
      + (loaded.joining.map { [Finding(.ok, "read as \($0)")] } ?? [])
      + Inspection.arrayFindings(arrays, field: field)
    (methods, findings) = ([], [])
    methods = MethodFitness.all(self)
    let errors = [MethodFitness.finding(methods)].compactMap(\.self)
    findings =
      all.filter { $0.severity == .error } + errors + all.filter { $0.severity != .error }
      + StarterCrops(self).warnings
    if findings.isEmpty { findings = [Finding(.ok, "nothing suspicious was found")] }
  }

  private static func ranges(of recordings: Recordings) -> [ParameterRange] {
    guard let params = recordings.params else { return [] }
    let units = recordings.metadata.parameterUnits
    return recordings.parameterNames.enumerated().map { column, name in
      let values = stride(from: column, to: params.count, by: params.shape[1])
        .map { Double(params.elements[$0]) }.filter(\.isFinite)
      var range = ParameterRange(name: name, unit: column < units.count ? units[column] : "")
      guard let first = values.first else { return range }
      let offset = values.reduce(0) { $0 + ($1 - first) } / Double(values.count)
      let mean = first + offset
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      (range.minimum, range.maximum) = (values.min(), values.max())
      (range.mean, range.standardDeviation) =
        (mean, (squares / Double(values.count)).squareRoot())
      return range
    }
  }

  /// Compares what is declared about the ends of every axis with what the numbers show.
  private static func boundaryFindings(
    _ recordings: Recordings, _ statistics: RecordingsStatistics
  ) -> [Finding] {
    // Between unrelated points the mean square jump is twice the variance, at the seam as well:
    // then the seam shows nothing.
    let variance = statistics.channels.compactMap(\.standardDeviation).reduce(0) { $0 + $1 * $1 }
    let noise = (2 * variance / Double(max(1, statistics.channels.count))).squareRoot()
    return statistics.seams.enumerated().flatMap { axis, seam -> [Finding] in
      let name = seam.axis
      let periodic = "boundary=np.array([\"periodic\"])"
      let kind = recordings.boundary[axis]
      guard let ratio = seam.ratio, recordings.spaceShape[axis] >= 8 else {
        return kind == .unknown ? [undeclared(name, "The numbers do not show what it is.")] : []
      }
      let isSmooth = seam.typicalJump < 0.7 * noise
      let looksPeriodic = isSmooth && (0.5...1.6).contains(ratio)
      let jump = "the jump across its ends is \(short(ratio)) times that between neighbours"
      switch kind {
      case .periodic where ratio > 3:
        return [
          Finding(
            .warning, "axis \(name) is declared periodic, but \(jump)",
            remedy: "Declare it \"open\" or \"dirichlet\" in the array 'boundary'; otherwise crops "
              + "contain a false seam.")
        ]
      case .periodic where ratio < 0.1 && isSmooth:
        return [
          Finding(
            .warning, "axis \(name) is declared periodic, but its last point repeats the first",
            remedy: "Drop the last point: x[..., :-1] for the last axis.")
        ]
      case .unknown where looksPeriodic:
        return [undeclared(name, "It looks periodic (\(jump)); if it is, save \(periodic).")]
      case .unknown:
        return [undeclared(name, "It does not look periodic: \(jump).")]
      case _ where looksPeriodic && kind != .periodic:
        return [
          Finding(
            .warning, "axis \(name) is declared \(kind.rawValue), but looks periodic: \(jump)",
            remedy: "If it is periodic, save \(periodic): crops may then lie anywhere.")
        ]
      default: return []
      }
    }
  }

  /// Noise, as a part of a channel's standard deviation, from which on it is spoken of.
  private static let notableNoise = 0.03

  /// Whether some channel carries notable white noise.
  var isNoisy: Bool { !Inspection.noiseFindings(channels, noise).isEmpty }

  private static func noiseFindings(
    _ channels: [ChannelStatistics], _ noise: [Double?]
  ) -> [Finding] {
    zip(channels, noise).compactMap { channel, noise in
      guard let noise, let spread = channel.standardDeviation, noise > notableNoise * spread else {
        return nil
      }
      return Finding(
        .warning,
        "channel \(channel.name) carries white noise of about \(String(format: "%.2g", noise)), "
          + "\(String(format: "%.0f", 100 * noise / spread)) % of its standard deviation",
        remedy: "Let the decoder assimilate some frames before it forecasts, or it learns to "
          + "smooth: training.assimilatedFrames=\(StarterCrops.assimilated.frames).")
    }
  }

  private static func undeclared(_ axis: String, _ remedy: String) -> Finding {
    Finding(
      .warning,
      "the file does not say what happens at the ends of axis \(axis); crops will not wrap",
      remedy: remedy)
  }

  private static func scaleFindings(
    _ recordings: Recordings, _ parameters: [ParameterRange]
  ) -> [Finding] {
    var findings: [Finding] = []
    if recordings.frameInterval == nil {
      findings.append(
        Finding(
          .warning, "the file does not say how much time lies between frames",
          remedy: "Save it as dt; until then time is counted in frames."))
    }
    if recordings.extents == nil, recordings.stateKind == .field {
      findings.append(
        Finding(
          .warning, "the file does not say how long the space axes are",
          remedy: "Save the lengths as extent; until then space is counted in points."))
    }
    for range in parameters where recordings.count > 1 && range.standardDeviation == 0 {
      findings.append(
        Finding(
          .warning, "parameter \(range.name) is the same in all recordings",
          remedy: "It cannot be scored; remove its column."))
    }
    return findings
  }

  /// Arrays that are not ours: often a misspelt name.
  private static func arrayFindings(_ file: any ArrayFile, field: String) -> [Finding] {
    guard !file.isBareArray else { return [] }
    if let reading = file.reading { return [Finding(.ok, "read as \(reading)")] }
    let known = RecordingKey.known(in: file)
    return file.names.filter { $0 != field && !known.contains($0) }.map { name in
      Finding(
        .warning, "the array '\(name)' is not used",
        remedy: nearestName(to: name, among: RecordingKey.all).map { "Did you mean '\($0)'?" }
          ?? "Nothing to do, unless it was meant to be one of: "
          + RecordingKey.all.joined(separator: ", ") + ".")
    }
  }
}
