// Recordings of light in a fibre by an envelope equation, pseudospectral in time t (Fourier),
// ETDRK4 along the fibre (Kassam and Trefethen 2005, doi:10.1137/S1064827502410633): the nonlinear
// Schrödinger solver's flow with a linear part of each recording's own. The equation is the usual
// one for a slowly varying envelope (Agrawal, Nonlinear Fiber Optics, section 2.3).
import Foundation
public import KymoNumerics

/// Solves `A_z = −k₁ A_t − ½ i k₂ A_tt + iγ|A|²A` for many fibres at once.
///
/// z is the position along the fibre in µm, t the time in fs, |A|² has no unit. A recording has two
/// channels, the real and the imaginary part of A. Random light with a Gaussian spectrum and unit
/// mean square of each part is switched on at the entrance by a logistic function. Recording i is a
/// function of the seed and of i.
///
/// **Accuracy.** Fourth order along the fibre, spectral in time, in `Double`; frames are rounded to
/// `Float`. The equation is solved on a periodic time axis that is longer than the recording.
///
/// **Good values.** The defaults have the published ranges of k₁ and k₂ and the published source; γ
/// turns the phase of the light by about 3 over the 75 µm of a recording.
public struct Fibre: RecordingSimulator {
  /// The settings.
  public let configuration: FibreConfiguration

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: FibreConfiguration = FibreConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// The fibre and the light that enters it.
  public struct Draw: Sendable {
    var slowness: Double
    var dispersion: Double
    var nonlinearity: Double
    /// Modes of the periodic time axis, in the order of `CubicStart`.
    var spectrum: [Double]
  }

  /// The fibre and the light of one draw: first k₁, k₂ and γ, then the spectrum.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let slowness = configuration.slowness.draw(using: &stream)
    let dispersion = configuration.dispersion.draw(using: &stream)
    let nonlinearity =
      configuration.nonlinearityMedian
      * exp(configuration.nonlinearitySpread * stream.normal())
    let ring = configuration.duration * Double(configuration.ringFactor)
    let steady = InitialSpectrum.drawComplex(
      width: configuration.spectrumWidth, length: ring,
      highestMode: configuration.ringPointCount / 2 - 1, using: &stream)
    return Draw(
      slowness: slowness, dispersion: dispersion, nonlinearity: nonlinearity,
      spectrum: switchedOn(steady))
  }

  /// Light that is switched on before the recording begins, and off again as long after its end.
  private func switchedOn(_ spectrum: [Double]) -> [Double] {
    let count = configuration.ringPointCount
    // The mesh's Nyquist mode, which the light does not have, stands after the positive ones.
    var modes = spectrum
    modes.insert(contentsOf: [0, 0], at: count)
    var field = CubicFlow.field(modes)
    let spacing = configuration.duration / Double(configuration.pointCount)
    let last = configuration.duration - configuration.switchOn
    for point in 0..<count {
      let time = Double(point - configuration.firstPoint) * spacing
      let on = 1 / (1 + exp((configuration.switchOn - time) / configuration.switchTime))
      let off = 1 / (1 + exp((time - last) / configuration.switchTime))
      field.real[point] *= on * off
      field.imaginary[point] *= on * off
    }
    return CubicFlow.spectrum(real: field.real, imaginary: field.imaginary)
  }

  /// k₁, k₂ and γ.
  public func parameters(of draw: Draw) -> [Float] {
    [Float(draw.slowness), Float(draw.dispersion), Float(draw.nonlinearity)]
  }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let flow = makeFlow()
    let starts = draws.map { draw in
      CubicStart(
        spectrum: draw.spectrum, coupling: -draw.nonlinearity,
        frequencies: symbol(slowness: draw.slowness, dispersion: draw.dispersion))
    }
    let (ring, points) = (configuration.ringPointCount, configuration.pointCount)
    let part = configuration.frameCount * points
    let frame = UnsafeMutablePointer<Float>.allocate(capacity: 2 * ring * draws.count)
    defer { unsafe frame.deallocate() }
    let all: UInt32 = 1 << UInt32(draws.count) - 1
    var mask: UInt32 = 0
    flow.run(starts, frameCount: configuration.frameCount) { index, view in
      mask |= unsafe view.write(
        to: frame, stride: 2 * ring, partStride: ring, laneCount: draws.count)
      // In bounds: a recording has two parts, each of frames × points; the periodic axis reaches
      // beyond the window's end.
      for row in 0..<2 * draws.count {
        unsafe (recordings + row * part + index * points).update(
          from: frame + row * ring + configuration.firstPoint, count: points)
      }
      return mask != all
    }
    return mask
  }

  /// The periodic time axis and the step along the fibre.
  func makeFlow() -> CubicFlow {
    CubicFlow(
      internalPointCount: configuration.internalPointCount,
      pointCount: configuration.ringPointCount, frequencies: symbol(slowness: 0, dispersion: 0),
      frameInterval: configuration.frameInterval, stepsPerFrame: configuration.substeps)
  }

  /// −k₁ω + ½k₂ω² at every mode exp(iωt) of the internal mesh.
  func symbol(slowness: Double, dispersion: Double) -> [Double] {
    let count = configuration.internalPointCount
    let ring = configuration.duration * Double(configuration.ringFactor)
    return (0..<count).map { index in
      let omega = 2 * Double.pi * Double(index <= count / 2 ? index : index - count) / ring
      return -slowness * omega + 0.5 * dispersion * omega * omega
    }
  }
}
