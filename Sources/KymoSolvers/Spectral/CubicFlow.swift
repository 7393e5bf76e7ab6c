// Periodic complex one-dimensional fields under ψ_t = L ψ - iκ|ψ|²ψ, many at once, in Fourier
// space: the part that the nonlinear Schroedinger solver and its finite-difference baseline share.
// ETDRK4 as in SpectralFlow; the arithmetic is in CKernels (kymo_etd_cubic.h).
import CKernels
import KymoNumerics

/// One recording at its start: its spectrum, and the strength κ of its cubic term.
struct CubicStart: LaneStart {
  /// Modes 0, 1, … K, −K, … −1, real and imaginary parts alternating; an even number of modes ends
  /// its first half with the Nyquist mode.
  var spectrum: [Double]
  var coupling: Double
  /// The symbol of L where recordings differ in it; nil takes the flow's.
  var frequencies: [Double]?
}

/// A mesh, a linear operator and a time step: everything that recordings have in common.
struct CubicFlow: LaneFlow {
  /// Points of the mesh on which the equation is solved.
  var internalPointCount: Int
  /// Points of the mesh on which frames are given.
  var pointCount: Int
  /// The imaginary part of the symbol of L at every mode of the internal mesh, the negative modes
  /// after the positive ones; L has no real part.
  var frequencies: [Double]
  var frameInterval: Double
  var stepsPerFrame: Int
  /// Frames that pass before the first one that is given.
  var skippedFrames = 0
  /// The best instruction set that may be used; fixed for tests.
  var level = kk_processor_level()

  /// A stepper of the equation, ready for as many recordings as it has lanes.
  func makeStepper(for starts: [CubicStart]) -> CubicStepper {
    let stepper = CubicStepper(pointCount: internalPointCount, level: level)
    let own = starts.contains { $0.frequencies != nil }
    stepper.prepare(
      frequencies: own ? starts.map { $0.frequencies ?? frequencies } : [frequencies],
      couplings: starts.map(\.coupling), step: frameInterval / Double(stepsPerFrame))
    return stepper
  }

  /// The field at the points of a mesh with as many points as modes, in the order of `CubicStart`.
  static func field(_ spectrum: [Double]) -> (real: [Double], imaginary: [Double]) {
    let transform = FourierTransform(complexPoints: spectrum.count / 2)
    let values = transform.complexInverse(spectrum)
    let points = values.indices.filter { $0 % 2 == 0 }
    return (points.map { values[$0] }, points.map { values[$0 + 1] })
  }

  /// The spectrum of a complex field given at the points of a mesh, in the order of `CubicStart`.
  static func spectrum(real: [Double], imaginary: [Double]) -> [Double] {
    let transform = FourierTransform(complexPoints: real.count)
    let values = zip(real, imaginary).flatMap { [$0, $1] }
    return transform.complexForward(values).map { $0 / Double(real.count) }
  }
}

/// Owns a stepper of CKernels.
@safe final class CubicStepper: LaneStepper {
  static let partCount = 2
  static func numberCount(points: Int) -> Int { 2 * points }

  let pointCount: Int
  let laneCount: Int
  private let stepper: OpaquePointer
  let state: UnsafeMutablePointer<Double>

  init(pointCount: Int, level: kk_level) {
    guard let made = unsafe kk_cubic_create(Int32(pointCount), level),
      let state = unsafe kk_cubic_state(made)
    else {
      preconditionFailure("CubicStepper: no transform of \(pointCount) points, or no memory for it")
    }
    self.pointCount = pointCount
    laneCount = unsafe Int(kk_cubic_lanes(made))
    unsafe stepper = made
    unsafe self.state = state
  }

  deinit { unsafe kk_cubic_release(stepper) }

  /// Frequencies of all lanes, or of each.
  func prepare(frequencies: [[Double]], couplings: [Double], step: Double) {
    precondition(
      (frequencies.count == 1 || frequencies.count == laneCount)
        && frequencies.allSatisfy { $0.count == pointCount } && couplings.count == laneCount)
    // In bounds: both have the counts that the kernel reads, checked above.
    unsafe kk_cubic_prepare(
      stepper, frequencies.joined().flatMap { [0, $0] }, Int32(frequencies.count), couplings, step)
  }

  /// Sets a lane to the given modes, all others being zero; the mesh has at least as many.
  func setSpectrum(_ spectrum: [Double], lane: Int) {
    precondition(spectrum.count <= 2 * pointCount, "CubicStepper: more modes than points")
    for index in 0..<2 * pointCount { unsafe state[index * laneCount + lane] = 0 }
    let count = spectrum.count / 2
    let positive = count == pointCount ? count : (count + 1) / 2
    for mode in 0..<count {
      let place = mode < positive ? mode : pointCount - count + mode
      for part in 0..<2 {
        unsafe state[(2 * place + part) * laneCount + lane] = spectrum[2 * mode + part]
      }
    }
  }

  func copyModes(points: Int, to modes: UnsafeMutableBufferPointer<Double>) {
    let entry = 2 * laneCount
    let (half, skipped) = (points / 2, pointCount - points)
    // In bounds: `modes` holds `points` entries, the state `skipped` more.
    for index in 0..<half * entry { unsafe modes[index] = state[index] }
    for index in half * entry..<points * entry {
      unsafe modes[index] = state[index + skipped * entry]
    }
    guard skipped > 0 else { return }
    for index in half * entry..<(half + 1) * entry { unsafe modes[index] += state[index] }
  }

  func advance(_ steps: Int) { unsafe kk_cubic_advance(stepper, Int64(steps)) }
}
