// Recordings of Burgers' equation, pseudospectral in space (Fourier), ETDRK4 in time (Kassam and
// Trefethen 2005, doi:10.1137/S1064827502410633): the Kuramoto-Sivashinsky solver's flow with
// another linear part.
import Foundation
public import KymoNumerics

/// Solves Burgers' equation `uₜ + u uₓ = ν uₓₓ` on a periodic domain for many recordings at once.
///
/// All quantities are nondimensional. Recording i is a function of the seed and of i. The spatial
/// mean of a recording is conserved exactly.
///
/// **Accuracy.** Fourth order in time, spectral in space, in `Double`; frames are rounded to
/// `Float`.
public struct Burgers: RecordingSimulator {
  /// The settings.
  public let configuration: BurgersConfiguration

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: BurgersConfiguration = BurgersConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// The viscosity and the initial spectrum of a recording.
  public struct Draw: Sendable {
    var viscosity: Double
    var spectrum: [Double]
  }

  /// The viscosity and the initial spectrum of one draw: first ν, then κ₀, then the spectrum.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let viscosity = configuration.viscosity.draw(using: &stream)
    let (low, high) = (configuration.spectrumWidthMinimum, configuration.spectrumWidthMaximum)
    let width = low + (high - low) * stream.uniform()
    let spectrum = InitialSpectrum.draw(
      width: width, length: configuration.length, highestMode: configuration.pointCount / 2 - 1,
      using: &stream)
    return Draw(viscosity: viscosity, spectrum: spectrum)
  }

  /// The viscosity.
  public func parameters(of draw: Draw) -> [Float] { [Float(draw.viscosity)] }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let starts = draws.map {
      FlowStart(spectrum: $0.spectrum, linear: linearSymbol(viscosity: $0.viscosity))
    }
    return unsafe makeFlow().run(
      starts, frameCount: configuration.frameCount, into: recordings)
  }

  /// The mesh, the derivative and the time step.
  func makeFlow() -> SpectralFlow {
    SpectralFlow(
      internalPointCount: configuration.internalPointCount, length: configuration.length,
      pointCount: configuration.pointCount, frameInterval: configuration.frameInterval,
      stepsPerFrame: configuration.substeps)
  }

  /// −νk² at every mode of the internal mesh.
  func linearSymbol(viscosity: Double) -> [Double] {
    (0...configuration.internalPointCount / 2).map { mode in
      -viscosity * pow(2 * Double.pi * Double(mode) / configuration.length, 2)
    }
  }
}
