// How a recipe makes its own data when the files are absent, and the making of a file of
// recordings.
package import Foundation
import KymoData
import KymoNumerics
package import KymoSolvers

/// Built-in systems.
package enum SimulatedSystem: String, SettingChoice {
  /// Kuramoto–Sivashinsky with damping γ.
  case ks
  /// Nonlinear Schrödinger with coupling κ.
  case nls
  /// 2D convection–diffusion, with D, v_x and v_y.
  case cd
  /// Burgers with viscosity ν.
  case burgers
  /// 2D Gray–Scott, with feed rate F and removal rate k.
  case grayScott = "gray-scott"
  /// Light in a fibre, with inverse group velocity k₁, dispersion k₂ and nonlinearity γ.
  case fibre
  /// 1D FitzHugh–Nagumo, by a lattice Boltzmann method.
  case fhn
  /// Long recordings on the attractor of Kuramoto–Sivashinsky with L = 22.
  case ks22
  /// 2D flow past a cylinder: pressure, velocities and vorticity.
  case cylinder
  /// Brownian particles in a box, carried about by a uniform drift.
  case particles
  /// Langevin dynamics on the Müller–Brown potential.
  case muellerBrown = "mueller-brown"
  /// Alanine dipeptide in water, by OpenMM.
  case alanine

  /// The kind of the system's settings.
  package var settings: any SimulationConfiguration.Type {
    switch self {
    case .ks: KuramotoSivashinskyConfiguration.self
    case .nls: NonlinearSchroedingerConfiguration.self
    case .cd: ConvectionDiffusionConfiguration.self
    case .burgers: BurgersConfiguration.self
    case .grayScott: GrayScottConfiguration.self
    case .fibre: FibreConfiguration.self
    case .fhn: FitzHughNagumoConfiguration.self
    case .ks22: KuramotoSivashinskyAttractorConfiguration.self
    case .cylinder: CylinderConfiguration.self
    case .particles: ParticlesConfiguration.self
    case .muellerBrown: MuellerBrownConfiguration.self
    case .alanine: AlanineConfiguration.self
    }
  }
}

/// How the files of a recipe are made when they are absent.
package struct SimulationSettings: Settings {
  /// The system.
  package var system = SimulatedSystem.ks
  /// The training recordings.
  package var train: any SimulationConfiguration
  /// The validation recordings; absent means none.
  package var validation: (any SimulationConfiguration)?
  /// The test recordings.
  package var test: any SimulationConfiguration

  /// Creates the default settings of Kuramoto–Sivashinsky.
  package init() { self.init(.ks) }

  /// Creates the default settings of a system: 1,000 recordings each, from different seeds.
  package init(_ system: SimulatedSystem) {
    self.system = system
    (train, test) = (system.settings.init(), system.settings.init())
    (train.seed, test.seed) = (1, 1001)
  }

  /// Decodes onto the defaults of the system; seeds that are not given stay, so that they differ.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decodeIfPresent(SimulatedSystem.self, forKey: .system) ?? .ks)
    train = try values.superDecoder(forKey: .train).decode(onto: train)
    if values.contains(.validation) {
      var present = system.settings.init()
      present.seed = 501
      validation = try values.superDecoder(forKey: .validation).decode(onto: present)
    }
    test = try values.superDecoder(forKey: .test).decode(onto: test)
  }

  /// Encodes every setting.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(system, forKey: .system)
    try values.encode(train, forKey: .train)
    if let validation { try values.encode(validation, forKey: .validation) }
    try values.encode(test, forKey: .test)
  }

  private enum CodingKeys: CodingKey { case system, train, validation, test }

  /// Whether all settings are the same.
  package static func == (first: SimulationSettings, second: SimulationSettings) -> Bool {
    AnyHashable(first.train) == AnyHashable(second.train)
      && first.validation.map { AnyHashable($0) } == second.validation.map { AnyHashable($0) }
      && AnyHashable(first.test) == AnyHashable(second.test)
  }

  /// Mixes all settings.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(train))
    hasher.combine(validation.map { AnyHashable($0) })
    hasher.combine(AnyHashable(test))
  }

  /// Throws the first setting that cannot work.
  package func validate() throws {
    try train.validate(at: "data.simulate.train")
    try test.validate(at: "data.simulate.test")
    if let validation {
      try validation.validate(at: "data.simulate.validation")
      try require(
        validation.seed != train.seed && validation.seed != test.seed,
        "data.simulate.validation.seed", found: validation.seed,
        allowed: "another seed than those of train and test",
        remedy: "With the same seed these recordings would be the same.")
    }
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
  /// Draws that diverged and were replaced.
  package var redrawn: Int
  /// Time that it took.
  package var seconds: Double
}

extension SimulationConfiguration {
  /// What the file says about the recordings.
  private func metadata() throws -> RecordingsMetadata {
    var metadata = RecordingsMetadata()
    metadata.systemName = Self.systemName
    metadata.parameterNames = Self.parameterNames
    metadata.channelNames = channels
    metadata.stateKind = Self.stateKind
    metadata.axisNames = axisNames
    metadata.axisUnits = axisUnits
    metadata.parameterUnits = Self.parameterUnits
    metadata.frameInterval = frameInterval
    if Self.stateKind == .field { metadata.describe(grid) }
    metadata.provenance =
      "kymo simulate \(Self.identifier) "
      + String(decoding: try RunDirectory.json(self, pretty: false), as: UTF8.self)
      .trimmingCharacters(in: .newlines)
    return metadata
  }

  /// Bytes of the file that `write` makes, but for a few hundred.
  package var fileBytes: Int64 {
    let stored = holdsSpectra ? SpectraWriter.length(of: spaceShape) : recordingShape.reduce(1, *)
    return 4 * Int64(recordings) * Int64(stored + Self.parameterNames.count)
  }

  /// Bytes that the disk must have while the file is made: frames of flows are kept beside it.
  package var roomBytes: Int64 { self is CylinderConfiguration ? 2 * fileBytes : fileBytes }

  /// Whether the file holds spectra from which frames are made on demand.
  package var holdsSpectra: Bool {
    (self as? ConvectionDiffusionConfiguration)?.storage == .spectra
  }

  /// Simulates and writes an NPZ file, a block at a time; it appears whole or not at all.
  ///
  /// - Parameters:
  ///   - file: The file to write.
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done; of long ones, parts.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FileError` when the file cannot be written.
  /// - Returns: What was written.
  package func write(
    to file: URL, threads: Int, progress: (Double) -> Void = { _ in },
    stopSignal: () -> Int32? = { nil }
  ) throws -> SimulationSummary {
    let start = ContinuousClock.now
    try AtomicFolder.make(file.deletingLastPathComponent())
    let asked = {
      if let signal = stopSignal() {
        throw Interrupted(signal: signal, advice: "\(file.relativePath) was not written.")
      }
    }
    var redrawn = 0
    if let configuration = self as? ConvectionDiffusionConfiguration, holdsSpectra {
      try SpectraWriter.write(
        configuration, metadata(), to: file, threads: threads, progress: progress, stop: asked)
    } else if let configuration = self as? CylinderConfiguration {
      try FlowWriter(configuration: configuration, metadata: metadata(), file: file)
        .write(threads: threads, progress: progress, stopSignal: stopSignal)
    } else if let configuration = self as? AlanineConfiguration {
      redrawn = try MoleculeWriter(
        configuration: configuration, metadata: metadata(), file: file
      ).write(threads: threads, progress: progress, stopSignal: stopSignal)
    } else {
      redrawn = try writeFrames(to: file, threads: threads, progress: progress, stop: asked)
    }
    return SimulationSummary(
      file: file.relativePath, recordings: recordings, redrawn: redrawn,
      seconds: start.duration(to: .now).seconds)
  }
  /// Writes all frames; returns how many draws diverged.
  private func writeFrames(
    to file: URL, threads: Int, progress: (Double) -> Void, stop: () throws -> Void
  ) throws -> Int {
    let simulator = try makeSimulator()
    let (size, width) = (recordingShape.reduce(1, *), Self.parameterNames.count)
    let writer = try RecordingsWriter(
      file, shape: [recordings] + recordingShape, parameterCount: width, metadata: metadata())
    var redrawn = 0
    // Blocks of at most 64 MB, in whole batches of the vector's lanes for every thread.
    let batch = simulator.laneCount * max(1, threads)
    let blockSize = max(1, min(64, (16 << 20) / size) / batch) * batch
    try simulator.simulate(threads: threads, blockSize: blockSize) { block in
      try stop()
      for index in 0..<block.recordingCount {
        try writer.append(
          Array(block.x[index * size..<(index + 1) * size]),
          parameters: Array(block.parameters[index * width..<(index + 1) * width]))
      }
      redrawn += block.redrawn
      progress(Double(block.firstRecording + block.recordingCount))
    }
    try writer.finish()
    return redrawn
  }
}

/// Writes spectra of convection and diffusion in the place of frames.
private enum SpectraWriter {
  /// Numbers of one spectrum.
  static func length(of shape: [Int]) -> Int { shape[0] * (shape[1] / 2 + 1) * 2 }

  static func write(
    _ configuration: ConvectionDiffusionConfiguration, _ metadata: RecordingsMetadata,
    to file: URL, threads: Int, progress: (Double) -> Void, stop: () throws -> Void
  ) throws {
    let simulator = try configuration.makeSimulator()
    let writer = try RecordingsWriter(
      file, spectraOf: [configuration.recordings] + configuration.recordingShape,
      metadata: metadata)
    let blockSize = 16 * max(1, threads)
    for first in stride(from: 0, to: configuration.recordings, by: blockSize) {
      try stop()
      let members = first..<min(first + blockSize, configuration.recordings)
      for draw in concurrentMap(members, threads: threads, simulator.draw) {
        try writer.append(draw.spectrum, parameters: simulator.parameters(of: draw))
      }
      progress(Double(members.upperBound))
    }
    try writer.finish()
  }

  private static func concurrentMap(
    _ range: Range<Int>, threads: Int,
    _ body: @Sendable (_ recording: Int, _ attempt: Int) -> ConvectionDiffusion.Draw
  ) -> [ConvectionDiffusion.Draw] {
    var result = [ConvectionDiffusion.Draw?](repeating: nil, count: range.count)
    unsafe result.withUnsafeMutableBufferPointer { result in
      // Every draw has a place of its own.
      nonisolated(unsafe) let result = unsafe result
      parallelFor(range.count, threads: threads) {
        unsafe result[$0] = body(range.lowerBound + $0, 0)
      }
    }
    return result.compactMap(\.self)
  }
}
