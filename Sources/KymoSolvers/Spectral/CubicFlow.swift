// Periodic complex one-dimensional fields under ψ_t = L ψ - iκ|ψ|²ψ, many at once, in Fourier
// space: the part that the nonlinear Schroedinger solver and its finite-difference baseline share.
// ETDRK4 as in SpectralFlow; the arithmetic is in CKernels (kymo_etd_cubic.h).
import CKernels
import KymoNumerics

/// One recording at its start: its spectrum, and the strength κ of its cubic term.
struct CubicStart: Sendable {
  /// Modes 0, 1, … K, −K, … −1, real and imaginary parts alternating; an even number of modes ends
  /// its first half with the Nyquist mode.
  var spectrum: [Double]
  var coupling: Double
  /// The symbol of L where recordings differ in it; nil takes the flow's.
  var frequencies: [Double]?
}

/// A mesh, a linear operator and a time step: everything that recordings have in common.
struct CubicFlow: Sendable {
  /// Points of the mesh on which the equation is solved.
  var internalPointCount: Int
  /// Points of the mesh on which frames are given.
  var pointCount: Int
  /// The imaginary part of the symbol of L at every mode of the internal mesh, the negative modes
  /// after the positive ones; L has no real part.
  var frequencies: [Double]
  var frameInterval: Double
  var stepsPerFrame: Int
  /// The best instruction set that may be used; fixed for tests.
  var level = kk_processor_level()

  /// Recordings that one call of `run` takes.
  var laneCount: Int { ETDStepper.laneCount(level: level) }

  /// Takes up to `laneCount` recordings through `frameCount` frames, the start being the first.
  ///
  /// `deliver` sees every frame; it returns false to stop.
  func run(
    _ starts: [CubicStart], frameCount: Int,
    deliver: (_ frame: Int, _ state: CubicFrameView) -> Bool
  ) {
    let stepper = CubicStepper(pointCount: internalPointCount, level: level)
    precondition(starts.count <= stepper.laneCount, "CubicFlow: too many recordings at once")
    guard let last = starts.last else { return }
    // Idle lanes repeat the last recording, so that every lane holds ordinary numbers.
    let all = starts + Array(repeating: last, count: stepper.laneCount - starts.count)
    let own = starts.contains { $0.frequencies != nil }
    stepper.prepare(
      frequencies: own ? all.map { $0.frequencies ?? frequencies } : [frequencies],
      couplings: all.map(\.coupling), step: frameInterval / Double(stepsPerFrame))
    for (lane, start) in all.enumerated() { stepper.setSpectrum(start.spectrum, lane: lane) }
    let view = CubicFrameView(stepper: stepper, pointCount: pointCount, level: level)
    for frame in 0..<frameCount {
      if frame > 0 { stepper.advance(stepsPerFrame) }
      guard deliver(frame, view) else { return }
    }
  }

  /// Runs to the end and rounds to Float, each recording `(2, frames, points)`, real part first.
  ///
  /// Returns the mask of those that diverged; `stopsEarly` leaves the rest out once all have.
  func run(
    _ starts: [CubicStart], frameCount: Int, into recordings: UnsafeMutablePointer<Float>,
    stopsEarly: Bool = true
  ) -> UInt32 {
    let all: UInt32 = 1 << UInt32(starts.count) - 1
    let part = frameCount * pointCount
    var mask: UInt32 = 0
    run(starts, frameCount: frameCount) { frame, view in
      mask |= unsafe view.write(
        to: recordings + frame * pointCount, stride: 2 * part, partStride: part,
        laneCount: starts.count)
      return mask != all || !stopsEarly
    }
    return mask
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

/// The present state on the frames' mesh: the lowest modes only, the two halves of the mesh's
/// Nyquist mode added (Fourier resampling).
@safe final class CubicFrameView {
  private let stepper: CubicStepper
  private let pointCount: Int
  private let transform: FourierTransform
  private let modes: UnsafeMutableBufferPointer<Double>
  private let scratch: UnsafeMutableBufferPointer<Double>

  init(stepper: CubicStepper, pointCount: Int, level: kk_level) {
    (self.stepper, self.pointCount) = (stepper, pointCount)
    transform = FourierTransform(complexPoints: pointCount, level: level)
    unsafe modes = allocateAligned(2 * pointCount * stepper.laneCount)
    unsafe scratch = allocateAligned(2 * pointCount * stepper.laneCount)
  }

  deinit {
    unsafe modes.deallocate()
    unsafe scratch.deallocate()
  }

  private func truncate() {
    let entry = 2 * stepper.laneCount
    let (half, skipped) = (pointCount / 2, stepper.pointCount - pointCount)
    // In bounds: `modes` holds `pointCount` entries, the state `skipped` more.
    for index in 0..<half * entry { unsafe modes[index] = stepper.state[index] }
    for index in half * entry..<pointCount * entry {
      unsafe modes[index] = stepper.state[index + skipped * entry]
    }
    guard skipped > 0 else { return }
    for index in half * entry..<(half + 1) * entry {
      unsafe modes[index] += stepper.state[index]
    }
  }

  /// Writes lane l to `rows[l × stride ...]`, imaginary parts `partStride` further; bit l of the
  /// result says that it has diverged.
  func write(
    to rows: UnsafeMutablePointer<Float>, stride: Int, partStride: Int, laneCount: Int
  ) -> UInt32 {
    truncate()
    guard let modes = unsafe modes.baseAddress, let scratch = unsafe scratch.baseAddress else {
      return 0
    }
    return unsafe kk_fft_complex_inverse_rows(
      transform.plan, modes, rows, stride, partStride, Int32(laneCount), SpectralFlow.bound,
      scratch)
  }

  /// Lane `lane` in double precision, real and imaginary parts alternating.
  func field(lane: Int) -> [Double] {
    truncate()
    let lanes = stepper.laneCount
    // In bounds: `modes` has one number of each lane for each of these.
    return transform.complexInverse(
      (0..<2 * pointCount).map { unsafe modes[$0 * lanes + lane] })
  }

  /// The spectrum of lane `lane` on the internal mesh.
  func spectrum(lane: Int) -> [Double] {
    let lanes = stepper.laneCount
    return (0..<2 * stepper.pointCount).map { unsafe stepper.state[$0 * lanes + lane] }
  }
}

/// Owns a stepper of CKernels.
@safe final class CubicStepper {
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

  func advance(_ steps: Int) { unsafe kk_cubic_advance(stepper, Int64(steps)) }
}
