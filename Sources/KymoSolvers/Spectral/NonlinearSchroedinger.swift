// Recordings of the nonlinear Schroedinger equation, pseudospectral in space (Fourier), ETDRK4 in
// time (Kassam and Trefethen 2005, doi:10.1137/S1064827502410633); data of Lu, Kim and Soljačić,
// Phys. Rev. X 10, 031056 (2020).
import Foundation
public import KymoNumerics

/// Solves the nonlinear Schrödinger equation for many recordings at once.
///
/// `iψₜ = −½ψₓₓ + κ|ψ|²ψ` on a periodic domain; all quantities are nondimensional. A recording has
/// two channels, the real and the imaginary part of ψ, and starts with mean |ψ|² = 2. Recording i
/// is a function of the seed and of i.
///
/// **Accuracy.** Fourth order in time, spectral in space, in `Double`; frames are rounded to
/// `Float`. With the default settings the norm ∫|ψ|² is kept to 10⁻⁴ over the 255 frames of a
/// recording.
///
/// **Good values.** The defaults are the paper's; peaks reach |ψ| ≈ 9, where the time step is what
/// limits the accuracy.
public struct NonlinearSchroedinger: RecordingSimulator {
  /// The settings.
  public let configuration: NonlinearSchroedingerConfiguration

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: NonlinearSchroedingerConfiguration = NonlinearSchroedingerConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// The coupling and the initial spectrum of a recording.
  public struct Draw: Sendable {
    var coupling: Double
    var spectrum: [Double]
  }

  /// The coupling and the initial spectrum of one draw: first κ, then κ₀, then the spectrum.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let coupling = configuration.coupling.draw(using: &stream)
    let (low, high) = (configuration.spectrumWidthMinimum, configuration.spectrumWidthMaximum)
    let width = low + (high - low) * stream.uniform()
    let spectrum = InitialSpectrum.drawComplex(
      width: width, length: configuration.length, highestMode: configuration.pointCount / 2 - 1,
      using: &stream)
    return Draw(coupling: coupling, spectrum: spectrum)
  }

  /// The coupling.
  public func parameters(of draw: Draw) -> [Float] { [Float(draw.coupling)] }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let starts = draws.map { CubicStart(spectrum: $0.spectrum, coupling: $0.coupling) }
    return unsafe makeFlow().run(
      starts, frameCount: configuration.frameCount, into: recordings)
  }

  /// The mesh, the frequencies −k²/2 and the time step.
  func makeFlow() -> CubicFlow {
    let count = configuration.internalPointCount
    let frequencies = (0..<count).map { index in
      let mode = index <= count / 2 ? index : index - count
      return -0.5 * pow(2 * Double.pi * Double(mode) / configuration.length, 2)
    }
    return CubicFlow(
      internalPointCount: count, pointCount: configuration.pointCount, frequencies: frequencies,
      frameInterval: configuration.frameInterval, stepsPerFrame: configuration.substeps)
  }
}
