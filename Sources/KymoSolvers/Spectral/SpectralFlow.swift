// Periodic one-dimensional fields under u_t = L u - D(u²)/2, many at once, in Fourier space: the
// part that the Kuramoto-Sivashinsky solver and its finite-difference baseline share. ETDRK4 of Cox
// and Matthews (2002) with the coefficients of Kassam and Trefethen (2005); the arithmetic is in
// CKernels (kymo_etd.h), which takes one recording in each lane of a vector.
import CKernels
import KymoNumerics

/// How the quadratic term of the equation is written.
public enum QuadraticForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// `u D(u)`.
  case advective
  /// `½ D(u²)`; the same for exact derivatives, not for differences.
  case conservative
}

/// One recording at its start: its spectrum, and the linear part of its equation.
struct FlowStart: LaneStart {
  /// The modes of `u = Σ v_k exp(ikx)` from 0 upwards, real and imaginary parts alternating.
  var spectrum: [Double]
  /// The symbol of L at every mode of the internal mesh.
  var linear: [Double]
}

/// A mesh, a derivative and a time step: everything that recordings have in common.
struct SpectralFlow: LaneFlow {
  /// Points of the mesh on which the equation is solved.
  var internalPointCount: Int
  /// Points of the mesh on which frames are given.
  var pointCount: Int
  /// The symbol of D divided by i at every mode of the internal mesh; zero at both ends.
  var derivative: [Double]
  var form: QuadraticForm
  var frameInterval: Double
  var stepsPerFrame: Int
  /// Frames that pass before the first one that is given.
  var skippedFrames = 0
  /// The best instruction set that may be used; fixed for tests.
  var level = kk_processor_level()

  /// A stepper of the equation, ready for as many recordings as it has lanes.
  func makeStepper(for starts: [FlowStart]) -> ETDStepper {
    let stepper = ETDStepper(pointCount: internalPointCount, form: form, level: level)
    stepper.prepare(
      linear: starts.map(\.linear), derivative: derivative,
      step: frameInterval / Double(stepsPerFrame))
    return stepper
  }

  /// The spectrum of a real field given at the points of the frames' mesh.
  static func spectrum(of field: [Double]) -> [Double] {
    let transform = FourierTransform(realPoints: field.count)
    var spectrum = transform.forward(field)
    for index in spectrum.indices { spectrum[index] /= Double(field.count) }
    return spectrum
  }
}

extension SpectralFlow {
  /// The conservative form with the exact derivative on a periodic domain.
  init(
    internalPointCount: Int, length: Double, pointCount: Int, frameInterval: Double,
    stepsPerFrame: Int
  ) {
    // The derivative of the highest mode is invisible on the mesh.
    let derivative = (0...internalPointCount / 2).map { mode in
      mode == internalPointCount / 2 ? 0 : 2 * Double.pi * Double(mode) / length
    }
    self.init(
      internalPointCount: internalPointCount, pointCount: pointCount, derivative: derivative,
      form: .conservative, frameInterval: frameInterval, stepsPerFrame: stepsPerFrame)
  }
}

/// Owns a stepper of CKernels.
@safe final class ETDStepper: LaneStepper {
  static let partCount = 1
  static func numberCount(points: Int) -> Int { points + 2 }

  let pointCount: Int
  let laneCount: Int
  private let stepper: OpaquePointer
  let state: UnsafeMutablePointer<Double>

  init(pointCount: Int, form: QuadraticForm, level: kk_level) {
    let shape = form == .advective ? KK_ETD_ADVECTIVE : KK_ETD_CONSERVATIVE
    guard let made = unsafe kk_etd_create(Int32(pointCount), level, shape),
      let state = unsafe kk_etd_state(made)
    else {
      preconditionFailure("ETDStepper: no transform of \(pointCount) points, or no memory for it")
    }
    self.pointCount = pointCount
    laneCount = unsafe Int(kk_etd_lanes(made))
    unsafe stepper = made
    unsafe self.state = state
  }

  deinit { unsafe kk_etd_release(stepper) }

  static func laneCount(level: kk_level) -> Int {
    FourierTransform(realPoints: 4, level: level).laneCount
  }

  func prepare(linear: [[Double]], derivative: [Double], step: Double) {
    let modes = pointCount / 2 + 1
    precondition(derivative.count == modes && linear.allSatisfy { $0.count == modes })
    let symbols = unsafe allocateAligned(modes * laneCount)
    defer { unsafe symbols.deallocate() }
    for (lane, values) in linear.enumerated() {
      for (mode, value) in values.enumerated() { unsafe symbols[mode * laneCount + lane] = value }
    }
    // In bounds: both have the counts that the kernel reads, checked above.
    unsafe kk_etd_prepare(stepper, symbols.baseAddress, derivative, step)
  }

  /// Sets a lane to the given modes, those above being zero; modes beyond the mesh are dropped.
  func setSpectrum(_ spectrum: [Double], lane: Int) {
    for index in 0..<(pointCount + 2) {
      unsafe state[index * laneCount + lane] = index < spectrum.count ? spectrum[index] : 0
    }
    // The first and the last mode are real.
    unsafe state[laneCount + lane] = 0
    unsafe state[(pointCount + 1) * laneCount + lane] = 0
  }

  func copyModes(points: Int, to modes: UnsafeMutableBufferPointer<Double>) {
    let (kept, there) = (points / 2, pointCount / 2)
    // In bounds: both hold at least `kept` + 1 modes of 2 × `laneCount` numbers.
    for index in 0..<(2 * (kept + 1) * laneCount) { unsafe modes[index] = state[index] }
    guard kept < there else { return }
    for lane in 0..<laneCount { unsafe modes[2 * kept * laneCount + lane] *= 2 }
  }

  func advance(_ steps: Int) { unsafe kk_etd_advance(stepper, Int64(steps)) }
}
