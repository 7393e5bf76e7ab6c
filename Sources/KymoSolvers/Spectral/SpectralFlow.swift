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
struct FlowStart: Sendable {
  /// The modes of `u = Σ v_k exp(ikx)` from 0 upwards, real and imaginary parts alternating.
  var spectrum: [Double]
  /// The symbol of L at every mode of the internal mesh.
  var linear: [Double]
}

/// A mesh, a derivative and a time step: everything that recordings have in common.
struct SpectralFlow: Sendable {
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

  /// Fields beyond this have diverged.
  static let bound = 1e3

  /// Recordings that one call of `run` takes.
  var laneCount: Int { ETDStepper.laneCount(level: level) }

  /// Takes up to `laneCount` recordings through `frameCount` frames, the start being the first.
  ///
  /// `deliver` sees every frame; it returns false to stop.
  func run(
    _ starts: [FlowStart], frameCount: Int, deliver: (_ frame: Int, _ state: FrameView) -> Bool
  ) {
    let stepper = ETDStepper(pointCount: internalPointCount, form: form, level: level)
    precondition(starts.count <= stepper.laneCount, "SpectralFlow: too many recordings at once")
    guard let last = starts.last else { return }
    // Idle lanes repeat the last recording, so that every lane holds ordinary numbers.
    let all = starts + Array(repeating: last, count: stepper.laneCount - starts.count)
    stepper.prepare(
      linear: all.map(\.linear), derivative: derivative,
      step: frameInterval / Double(stepsPerFrame))
    for (lane, start) in all.enumerated() { stepper.setSpectrum(start.spectrum, lane: lane) }
    let view = FrameView(stepper: stepper, pointCount: pointCount, level: level)
    stepper.advance(skippedFrames * stepsPerFrame)
    for frame in 0..<frameCount {
      if frame > 0 { stepper.advance(stepsPerFrame) }
      guard deliver(frame, view) else { return }
    }
  }

  /// Runs to the end and rounds to Float, recording l at `recordings[l × frameCount × pointCount]`.
  ///
  /// Returns the mask of those that diverged; `stopsEarly` leaves the rest out once all have.
  func run(
    _ starts: [FlowStart], frameCount: Int, into recordings: UnsafeMutablePointer<Float>,
    stopsEarly: Bool = true
  ) -> UInt32 {
    let all: UInt32 = 1 << UInt32(starts.count) - 1
    var mask: UInt32 = 0
    run(starts, frameCount: frameCount) { frame, view in
      mask |= unsafe view.write(
        to: recordings + frame * pointCount, stride: frameCount * pointCount,
        laneCount: starts.count)
      return mask != all || !stopsEarly
    }
    return mask
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

/// The present state on the frames' mesh: the lowest modes only, the two halves of the mesh's
/// Nyquist mode added (Fourier resampling).
@safe final class FrameView {
  private let stepper: ETDStepper
  private let pointCount: Int
  private let transform: FourierTransform
  private let modes: UnsafeMutableBufferPointer<Double>
  private let scratch: UnsafeMutableBufferPointer<Double>
  private let fields: UnsafeMutableBufferPointer<Double>

  init(stepper: ETDStepper, pointCount: Int, level: kk_level) {
    (self.stepper, self.pointCount) = (stepper, pointCount)
    transform = FourierTransform(realPoints: pointCount, level: level)
    unsafe modes = allocateAligned((pointCount + 2) * stepper.laneCount)
    unsafe scratch = allocateAligned(pointCount * stepper.laneCount)
    unsafe fields = allocateAligned(pointCount * stepper.laneCount)
  }

  deinit {
    unsafe modes.deallocate()
    unsafe scratch.deallocate()
    unsafe fields.deallocate()
  }

  private func truncate() {
    let lanes = stepper.laneCount
    let (kept, there) = (pointCount / 2, stepper.pointCount / 2)
    // In bounds: both hold at least `kept` + 1 modes of 2 × `lanes` numbers.
    for index in 0..<(2 * (kept + 1) * lanes) { unsafe modes[index] = stepper.state[index] }
    guard kept < there else { return }
    for lane in 0..<lanes { unsafe modes[2 * kept * lanes + lane] *= 2 }
  }

  /// Writes lane l to `rows[l × stride ...]`; bit l of the result says that it has diverged.
  func write(
    to rows: UnsafeMutablePointer<Float>, stride: Int, laneCount: Int
  ) -> UInt32 {
    truncate()
    guard let modes = unsafe modes.baseAddress, let scratch = unsafe scratch.baseAddress else {
      return 0
    }
    return unsafe kk_fft_inverse_rows(
      transform.plan, modes, rows, stride, Int32(laneCount), SpectralFlow.bound, scratch)
  }

  /// Writes lane l to `rows[l × stride ...]` in double precision.
  func write(to rows: UnsafeMutablePointer<Double>, stride: Int, laneCount: Int) {
    truncate()
    // In bounds: `fields` and `scratch` hold a field of every lane.
    unsafe kk_fft_inverse(
      transform.plan, modes.baseAddress, fields.baseAddress, scratch.baseAddress)
    for lane in 0..<laneCount {
      let row = unsafe rows + lane * stride
      for point in 0..<pointCount {
        unsafe row[point] = fields[point * stepper.laneCount + lane]
      }
    }
  }

  /// Lane `lane` in double precision.
  func field(lane: Int) -> [Double] {
    truncate()
    let lanes = stepper.laneCount
    var spectrum = [Double](repeating: 0, count: pointCount + 2)
    // In bounds: `modes` has one number of each lane for each of these.
    for index in spectrum.indices { unsafe spectrum[index] = modes[index * lanes + lane] }
    return transform.inverse(spectrum)
  }

  /// The spectrum of lane `lane` on the internal mesh.
  func spectrum(lane: Int) -> [Double] {
    let lanes = stepper.laneCount
    return (0..<(stepper.pointCount + 2)).map { unsafe stepper.state[$0 * lanes + lane] }
  }
}

/// Owns a stepper of CKernels.
@safe final class ETDStepper {
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

  func advance(_ steps: Int) { unsafe kk_etd_advance(stepper, Int64(steps)) }
}
