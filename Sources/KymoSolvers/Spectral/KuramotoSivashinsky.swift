// Recordings of the Kuramoto-Sivashinsky equation, pseudospectral in space (Fourier), ETDRK4 in
// time: Kassam and Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26
// (2005), doi:10.1137/S1064827502410633; data of Lu, Kim and Soljačić, Phys. Rev. X 10, 031056
// (2020).
import Foundation
public import KymoNumerics

/// Solves the Kuramoto–Sivashinsky equation for many recordings at once.
///
/// `uₜ = −γ uₓₓₓₓ − uₓₓ − u uₓ` on a periodic domain, or between walls with `u = uₓₓ = 0`; all
/// quantities are nondimensional. Recording i is a function of the seed and of i: the number of
/// threads and the recordings computed beside it do not matter. The spatial mean of a recording is
/// conserved exactly.
///
/// **Accuracy.** Fourth order in time, spectral in space, in `Double`; frames are rounded to
/// `Float`. With the default settings the error after one frame is below 10⁻⁷ for every γ of the
/// paper.
public struct KuramotoSivashinsky: RecordingSimulator {
  /// The settings.
  public let configuration: KuramotoSivashinskyConfiguration

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: KuramotoSivashinskyConfiguration = KuramotoSivashinskyConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Takes given fields through time, for restarts and for protocols of one's own.
  ///
  /// - Parameters:
  ///   - fields: Fields at the first frame, shape `(recordings, points)`.
  ///   - dampings: γ of every recording.
  ///   - frameCount: Number of frames wanted, the given one being the first.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The frames, shape `(recordings, frames, points)`; those of a recording that
  ///   diverged hold what it reached, up to NaN.
  public func advance(
    fields: [Double], dampings: [Double], frameCount: Int, threads: Int
  ) -> [Double] {
    let points = configuration.pointCount
    precondition(
      !configuration.walls && fields.count == dampings.count * points,
      "advance: \(fields.count) values are not \(dampings.count) fields of \(points) points")
    let flow = makeFlow()
    let lanes = flow.laneCount
    let size = frameCount * points
    var result = [Double](repeating: 0, count: dampings.count * size)
    unsafe result.withUnsafeMutableBufferPointer { result in
      // Recordings write to parts of their own.
      nonisolated(unsafe) let result = unsafe result
      parallelFor((dampings.count + lanes - 1) / lanes, threads: threads) { batch in
        let indices = batch * lanes..<min((batch + 1) * lanes, dampings.count)
        let starts = indices.map { index in
          FlowStart(
            spectrum: SpectralFlow.spectrum(
              of: Array(fields[index * points..<(index + 1) * points])),
            linear: linearSymbol(damping: dampings[index]))
        }
        flow.run(starts, frameCount: frameCount) { frame, view in
          for (lane, index) in indices.enumerated() {
            for (point, value) in view.field(lane: lane).enumerated() {
              unsafe result[index * size + frame * points + point] = value
            }
          }
          return true
        }
      }
    }
    return result
  }

  /// The damping and the initial spectrum of a recording.
  public struct Draw: Sendable {
    var damping: Double
    var spectrum: [Double]
  }

  /// The damping and the initial spectrum of one draw: first γ, then κ₀, then the spectrum.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let damping = configuration.damping.draw(using: &stream)
    let (low, high) = (configuration.spectrumWidthMinimum, configuration.spectrumWidthMaximum)
    let width = low + (high - low) * stream.uniform()
    let ring = configuration.ring
    let spectrum = InitialSpectrum.draw(
      width: width, length: ring.length, highestMode: ring.pointCount / 2 - 1, using: &stream)
    return Draw(
      damping: damping, spectrum: configuration.walls ? oddPart(of: spectrum) : spectrum)
  }

  /// The sines of a field about a wall half a cell before the first point, with unit mean square.
  private func oddPart(of spectrum: [Double]) -> [Double] {
    var odd = [Double](repeating: 0, count: spectrum.count)
    var meanSquare = 0.0
    for mode in 1..<spectrum.count / 2 {
      let sine = spectrum[2 * mode + 1]
      let phase = Double.pi * Double(mode) / Double(configuration.ring.pointCount)
      (odd[2 * mode], odd[2 * mode + 1]) = (-sine * sin(phase), sine * cos(phase))
      meanSquare += 2 * sine * sine
    }
    let scale = 1 / meanSquare.squareRoot()
    return odd.map { $0 * scale }
  }

  /// The damping.
  public func parameters(of draw: Draw) -> [Float] { [Float(draw.damping)] }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let starts = draws.map {
      FlowStart(spectrum: $0.spectrum, linear: linearSymbol(damping: $0.damping))
    }
    let frames = configuration.frameCount
    guard configuration.walls else {
      return unsafe makeFlow().run(starts, frameCount: frames, into: recordings)
    }
    let (points, ringPoints) = (configuration.pointCount, configuration.ring.pointCount)
    var whole = [Float](repeating: 0, count: draws.count * frames * ringPoints)
    let mask = unsafe whole.withUnsafeMutableBufferPointer { whole -> UInt32 in
      guard let first = whole.baseAddress else { return 0 }
      // In bounds: one periodic domain of frames for each start.
      return unsafe makeFlow().run(starts, frameCount: frames, into: first)
    }
    for row in 0..<draws.count * frames {
      for point in 0..<points {
        unsafe recordings[row * points + point] = whole[row * ringPoints + point]
      }
    }
    return mask
  }

  /// The mesh, the derivative and the time step.
  func makeFlow() -> SpectralFlow {
    SpectralFlow(
      internalPointCount: configuration.internalPointCount, length: configuration.ring.length,
      pointCount: configuration.ring.pointCount, frameInterval: configuration.frameInterval,
      stepsPerFrame: configuration.substeps)
  }

  /// k² − γk⁴ at every mode of the internal mesh.
  func linearSymbol(damping: Double) -> [Double] {
    (0...configuration.internalPointCount / 2).map { mode in
      let squared = pow(2 * Double.pi * Double(mode) / configuration.ring.length, 2)
      return squared - damping * squared * squared
    }
  }
}
