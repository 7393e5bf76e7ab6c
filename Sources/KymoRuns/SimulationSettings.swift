// How a recipe makes its own data when the files are absent, and the making of a file of recordings.
package import Foundation
import KymoData
import KymoNumerics
package import KymoSolvers

/// Built-in systems.
package enum SimulatedSystem: String, SettingChoice {
  /// Kuramoto–Sivashinsky with damping γ.
  case ks
}

/// How the files of a recipe are made when they are absent.
package struct SimulationSettings: Codable, Hashable, Sendable {
  /// The system.
  package var system = SimulatedSystem.ks
  /// The training recordings.
  package var train: KuramotoSivashinskyConfiguration
  /// The test recordings.
  package var test: KuramotoSivashinskyConfiguration

  /// Creates the default settings: 1,000 recordings each, from different seeds.
  package init() {
    (train, test) = (KuramotoSivashinskyConfiguration(), KuramotoSivashinskyConfiguration())
    (train.seed, test.seed) = (1, 1001)
  }

  /// Decodes onto the defaults; an unknown key is an error.
  package init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    system = try values.decodeIfPresent(SimulatedSystem.self, forKey: .system) ?? system
    try read(&train, .train, values)
    try read(&test, .test, values)
  }

  private enum CodingKeys: String, CodingKey, CaseIterable { case system, train, test }
  private enum SeedKey: String, CodingKey { case seed }

  /// Replaces settings that are given; a seed that is not given stays, so that the two differ.
  private func read(
    _ configuration: inout KuramotoSivashinskyConfiguration, _ key: CodingKeys,
    _ values: KeyedDecodingContainer<CodingKeys>
  ) throws {
    guard
      var given = try values.decodeIfPresent(KuramotoSivashinskyConfiguration.self, forKey: key)
    else { return }
    let seeds = try values.nestedContainer(keyedBy: SeedKey.self, forKey: key)
    if !seeds.contains(.seed) { given.seed = configuration.seed }
    configuration = given
  }

  /// Throws the first setting that cannot work.
  package func validate() throws {
    try train.validate(at: "data.simulate.train")
    try test.validate(at: "data.simulate.test")
    try require(
      train.seed != test.seed, "data.simulate.test.seed", found: test.seed,
      allowed: "another seed than data.simulate.train.seed",
      remedy: "With the same seed the test recordings would be training recordings.")
  }
}

/// What a simulation wrote.
package struct SimulationSummary: Codable, Hashable, Sendable {
  /// The file.
  package var file: String
  /// Number of recordings in it.
  package var recordings: Int
  /// Draws that blew up and were replaced.
  package var redrawn: Int
  /// Time that it took.
  package var seconds: Double
}

extension KuramotoSivashinskyConfiguration {
  /// Simulates and writes an NPZ file, a block at a time; it appears whole or not at all.
  ///
  /// - Parameters:
  ///   - file: The file to write.
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FormatError` when the file cannot be written.
  /// - Returns: What was written.
  package func write(
    to file: URL, threads: Int, progress: (Int) -> Void = { _ in },
    stopSignal: () -> Int32? = { nil }
  ) throws -> SimulationSummary {
    let start = ContinuousClock.now
    let solver = try KuramotoSivashinsky(configuration: self)
    var metadata = RecordingsMetadata()
    metadata.systemName = "Kuramoto–Sivashinsky"
    metadata.parameterNames = ["γ"]
    metadata.channelNames = ["u"]
    metadata.axisNames = ["t", "x"]
    metadata.frameInterval = frameInterval
    metadata.extents = [length]
    metadata.boundary = [.periodic]
    metadata.provenance =
      "kymo simulate ks "
      + String(decoding: try RunDirectory.json(self, pretty: false), as: UTF8.self)
      .trimmingCharacters(in: .newlines)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let writer = try RecordingsWriter(
      file, shape: [recordings, 1, frameCount, pointCount], parameterCount: 1, metadata: metadata)
    let size = frameCount * pointCount
    var redrawn = 0
    try solver.simulate(threads: threads, blockSize: 64) { block in
      if let signal = stopSignal() {
        throw Interrupted(signal: signal, advice: "\(file.relativePath) was not written.")
      }
      for index in 0..<block.recordingCount {
        try writer.append(
          Array(block.x[index * size..<(index + 1) * size]),
          parameters: [block.parameters[index]])
      }
      redrawn += block.redrawn
      progress(block.firstRecording + block.recordingCount)
    }
    try writer.finish()
    return SimulationSummary(
      file: file.relativePath, recordings: recordings, redrawn: redrawn,
      seconds: start.duration(to: .now).seconds)
  }
}
