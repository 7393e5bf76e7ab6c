// Long recordings on the attractor of the Kuramoto-Sivashinsky equation: ETDRK4 (Kassam and
// Trefethen 2005, doi:10.1137/S1064827502410633) as in KuramotoSivashinsky.swift, without an
// internal mesh.
public import KymoNumerics

/// Makes long recordings of the Kuramoto–Sivashinsky equation after its transient.
///
/// Recording i is a function of the seed and of i: the number of threads and the recordings
/// computed beside it do not matter.
public struct KuramotoSivashinskyAttractor: RecordingSimulator {
  /// The settings.
  public let configuration: KuramotoSivashinskyAttractorConfiguration

  /// Creates a simulator; throws the first setting that cannot work.
  public init(
    configuration: KuramotoSivashinskyAttractorConfiguration =
      KuramotoSivashinskyAttractorConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// The initial spectrum of a recording.
  public struct Draw: Sendable {
    var spectrum: [Double]
  }

  /// Uniform noise of mean zero, without the mesh's highest mode.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let noise = (0..<configuration.pointCount).map { _ in
      configuration.initialWidth * (stream.uniform() - 0.5)
    }
    var spectrum = SpectralFlow.spectrum(of: noise)
    spectrum[0] = 0
    spectrum[configuration.pointCount] = 0
    return Draw(spectrum: spectrum)
  }

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let linear = configuration.linearSymbol
    var flow = configuration.flow
    flow.skippedFrames = configuration.spinUpFrames
    let starts = draws.map { FlowStart(spectrum: $0.spectrum, linear: linear) }
    return unsafe flow.run(starts, frameCount: configuration.frameCount, into: recordings)
  }
}
