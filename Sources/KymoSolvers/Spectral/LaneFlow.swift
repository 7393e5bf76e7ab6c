// Periodic one-dimensional fields in Fourier space, many at once, one in each lane of a vector: what
// real and complex fields have in common. The arithmetic is in CKernels.
import CKernels
import KymoNumerics

/// One recording at its start.
protocol LaneStart: Sendable {
  /// Its modes, real and imaginary parts alternating.
  var spectrum: [Double] { get }
}

/// A stepper of CKernels, which holds the spectra of as many recordings as a vector has lanes.
protocol LaneStepper: AnyObject {
  /// Real numbers at a point: 1 for real fields, 2 for complex ones.
  static var partCount: Int { get }
  /// Numbers of the spectrum of a field on so many points.
  static func numberCount(points: Int) -> Int
  /// Points of the mesh on which the equation is solved.
  var pointCount: Int { get }
  var laneCount: Int { get }
  /// The spectra: the numbers of a mode after each other, lanes side by side.
  var state: UnsafeMutablePointer<Double> { get }
  /// Sets a lane to the given modes, all others being zero.
  func setSpectrum(_ spectrum: [Double], lane: Int)
  /// Copies the lowest modes only, those of a mesh of `points`, the two halves of its Nyquist mode
  /// added (Fourier resampling).
  func copyModes(points: Int, to modes: UnsafeMutableBufferPointer<Double>)
  func advance(_ steps: Int)
}

/// A mesh, an equation and a time step: everything that recordings have in common.
protocol LaneFlow: Sendable {
  associatedtype Start: LaneStart
  associatedtype Stepper: LaneStepper
  /// Points of the mesh on which frames are given.
  var pointCount: Int { get }
  var stepsPerFrame: Int { get }
  /// Frames that pass before the first one that is given.
  var skippedFrames: Int { get }
  /// The best instruction set that may be used; fixed for tests.
  var level: kk_level { get }
  /// A stepper of the equation, ready for as many recordings as it has lanes.
  func makeStepper(for starts: [Start]) -> Stepper
}

extension LaneFlow {
  /// Recordings that one call of `run` takes.
  var laneCount: Int { ETDStepper.laneCount(level: level) }

  /// Takes up to `laneCount` recordings through `frameCount` frames, the start being the first.
  ///
  /// `deliver` sees every frame; it returns false to stop.
  func run(
    _ starts: [Start], frameCount: Int,
    deliver: (_ frame: Int, _ state: FrameView<Stepper>) -> Bool
  ) {
    precondition(starts.count <= laneCount, "LaneFlow: too many recordings at once")
    guard let last = starts.last else { return }
    // Idle lanes repeat the last recording, so that every lane holds ordinary numbers.
    let all = starts + Array(repeating: last, count: laneCount - starts.count)
    let stepper = makeStepper(for: all)
    for (lane, start) in all.enumerated() { stepper.setSpectrum(start.spectrum, lane: lane) }
    let view = FrameView(stepper: stepper, pointCount: pointCount, level: level)
    stepper.advance(skippedFrames * stepsPerFrame)
    for frame in 0..<frameCount {
      if frame > 0 { stepper.advance(stepsPerFrame) }
      guard deliver(frame, view) else { return }
    }
  }

  /// Runs to the end and rounds to Float, each recording `(parts, frames, points)`.
  ///
  /// Returns the mask of those that diverged; `stopsEarly` leaves the rest out once all have.
  func run(
    _ starts: [Start], frameCount: Int, into recordings: UnsafeMutablePointer<Float>,
    stopsEarly: Bool = true
  ) -> UInt32 {
    let all: UInt32 = 1 << UInt32(starts.count) - 1
    let part = frameCount * pointCount
    var mask: UInt32 = 0
    run(starts, frameCount: frameCount) { frame, view in
      mask |= unsafe view.write(
        to: recordings + frame * pointCount, stride: Stepper.partCount * part, partStride: part,
        laneCount: starts.count)
      return mask != all || !stopsEarly
    }
    return mask
  }
}

/// The present state on the frames' mesh.
@safe final class FrameView<Stepper: LaneStepper> {
  private let stepper: Stepper
  private let pointCount: Int
  private let transform: FourierTransform
  private let modes: UnsafeMutableBufferPointer<Double>
  private let scratch: UnsafeMutableBufferPointer<Double>
  private let fields: UnsafeMutableBufferPointer<Double>

  /// Fields beyond this have diverged.
  private static var bound: Double { 1e3 }

  init(stepper: Stepper, pointCount: Int, level: kk_level) {
    (self.stepper, self.pointCount) = (stepper, pointCount)
    transform =
      Stepper.partCount == 1
      ? FourierTransform(realPoints: pointCount, level: level)
      : FourierTransform(complexPoints: pointCount, level: level)
    unsafe modes = allocateAligned(Stepper.numberCount(points: pointCount) * stepper.laneCount)
    let size = Stepper.partCount * pointCount * stepper.laneCount
    unsafe scratch = allocateAligned(size)
    unsafe fields = allocateAligned(size)
  }

  deinit {
    unsafe modes.deallocate()
    unsafe scratch.deallocate()
    unsafe fields.deallocate()
  }

  /// Writes lane l to `rows[l × stride ...]`, imaginary parts `partStride` further; bit l of the
  /// result says that it has diverged.
  func write(
    to rows: UnsafeMutablePointer<Float>, stride: Int, partStride: Int, laneCount: Int
  ) -> UInt32 {
    unsafe stepper.copyModes(points: pointCount, to: modes)
    guard let modes = unsafe modes.baseAddress, let scratch = unsafe scratch.baseAddress else {
      return 0
    }
    return Stepper.partCount == 1
      ? unsafe kk_fft_inverse_rows(
        transform.plan, modes, rows, stride, Int32(laneCount), Self.bound, scratch)
      : unsafe kk_fft_complex_inverse_rows(
        transform.plan, modes, rows, stride, partStride, Int32(laneCount), Self.bound, scratch)
  }

  /// Lane `lane` in double precision; complex fields have real and imaginary parts alternating.
  func field(lane: Int) -> [Double] {
    unsafe stepper.copyModes(points: pointCount, to: modes)
    let lanes = stepper.laneCount
    // In bounds: `modes` has one number of each lane for each of these.
    let spectrum = (0..<Stepper.numberCount(points: pointCount)).map {
      unsafe modes[$0 * lanes + lane]
    }
    return Stepper.partCount == 1
      ? transform.inverse(spectrum) : transform.complexInverse(spectrum)
  }

  /// The spectrum of lane `lane` on the internal mesh.
  func spectrum(lane: Int) -> [Double] {
    (0..<Stepper.numberCount(points: stepper.pointCount)).map {
      unsafe stepper.state[$0 * stepper.laneCount + lane]
    }
  }
}

extension FrameView<ETDStepper> {
  /// Writes lane l to `rows[l × stride ...]` in double precision.
  func write(to rows: UnsafeMutablePointer<Double>, stride: Int, laneCount: Int) {
    unsafe stepper.copyModes(points: pointCount, to: modes)
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
}
