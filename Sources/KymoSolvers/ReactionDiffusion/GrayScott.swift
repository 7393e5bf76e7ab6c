// Recordings of the Gray-Scott equations, pseudospectral in both directions, ETDRK4 in time (Kassam
// and Trefethen 2005, doi:10.1137/S1064827502410633); the arithmetic is in CKernels
// (kymo_gray_scott.h), which takes one recording in each lane of a vector.
import CKernels
import Foundation
public import KymoNumerics

/// Solves the Gray–Scott equations in a periodic rectangle for many recordings at once.
///
/// Recording i is a function of the seed and of i. It starts from u = 1, v = 0 with Gaussian blobs
/// of v = ¼ and u = ½ at random places.
///
/// **Accuracy.** Fourth order in time, spectral in space, in `Double`; frames are rounded to
/// `Float`. With the default settings a time step is 2, and the error after 100 time units below
/// 10⁻⁵.
public struct GrayScott: RecordingSimulator {
  /// The settings.
  public let configuration: GrayScottConfiguration
  /// The best instruction set that may be used; fixed for tests.
  var level = kk_processor_level()

  /// Concentrations beyond this have diverged; those of the equations stay below about 1.
  private static let bound = 1e3

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: GrayScottConfiguration = GrayScottConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Recordings that run side by side.
  public var laneCount: Int { ETDStepper.laneCount(level: level) }

  /// The rates and the initial fields of a recording.
  public struct Draw: Sendable {
    var feed: Double
    var kill: Double
    /// u and v, each of shape `(rows, columns)`.
    var fields: [[Double]]
  }

  /// The rates and the initial fields of one draw: first F, then k, then the places of the blobs.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let feed = configuration.feed.draw(using: &stream)
    let kill = configuration.kill.draw(using: &stream)
    let shape = configuration.spaceShape
    var height = [Double](repeating: 0, count: shape[0] * shape[1])
    for _ in 0..<configuration.blobCount {
      let profiles = shape.map { points -> [Double] in
        let place = stream.uniform() * Double(points)
        return (0..<points).map { point in
          let distance = (Double(point) - place).magnitude
          let nearest = min(distance, Double(points) - distance)
          return exp(-nearest * nearest / (2 * configuration.blobRadius * configuration.blobRadius))
        }
      }
      for row in 0..<shape[0] {
        for column in 0..<shape[1] {
          let place = row * shape[1] + column
          height[place] = max(height[place], profiles[0][row] * profiles[1][column])
        }
      }
    }
    return Draw(
      feed: feed, kill: kill, fields: [height.map { 1 - 0.5 * $0 }, height.map { 0.25 * $0 }])
  }

  /// F and k.
  public func parameters(of draw: Draw) -> [Float] { [Float(draw.feed), Float(draw.kill)] }

  /// Simulates up to `laneCount` draws.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let cells = configuration.rows * configuration.columns
    let part = configuration.frameCount * cells
    var mask: UInt32 = 0
    advance(draws) { frame, lane, fields, blewUp in
      if blewUp { mask |= 1 << UInt32(lane) }
      for channel in 0..<2 {
        let target = unsafe recordings + (2 * lane + channel) * part + frame * cells
        for cell in 0..<cells { unsafe target[cell] = Float(fields[channel][cell]) }
      }
    }
    return mask
  }

  /// Runs draws and shows the fields of every stored frame in double precision.
  func advance(
    _ draws: [Draw],
    visit: (_ frame: Int, _ lane: Int, _ fields: [[Double]], _ blewUp: Bool) -> Void
  ) {
    guard let last = draws.last else { return }
    let stepper = GrayScottStepper(shape: configuration.spaceShape, level: level)
    // Idle lanes repeat the last recording, so that every lane holds ordinary numbers.
    let all = draws + Array(repeating: last, count: stepper.laneCount - draws.count)
    stepper.prepare(
      configuration, feed: all.map(\.feed), kill: all.map(\.kill), fields: all.map(\.fields))
    stepper.advance(configuration.spinUpFrames * configuration.substeps)
    for frame in 0..<configuration.frameCount {
      if frame > 0 { stepper.advance(configuration.substeps) }
      stepper.show()
      for lane in draws.indices {
        let (fields, blewUp) = stepper.fields(lane: lane, bound: Self.bound)
        visit(frame, lane, fields, blewUp)
      }
    }
  }
}

/// Owns a stepper of CKernels.
@safe private final class GrayScottStepper {
  let laneCount: Int
  private let shape: [Int]
  private let stepper: OpaquePointer

  init(shape: [Int], level: kk_level) {
    guard let made = unsafe kk_gray_scott_create(Int32(shape[0]), Int32(shape[1]), level) else {
      preconditionFailure("GrayScottStepper: no transform of \(shape) points, or no memory for it")
    }
    laneCount = unsafe Int(kk_gray_scott_lanes(made))
    self.shape = shape
    unsafe stepper = made
  }

  deinit { unsafe kk_gray_scott_release(stepper) }

  func prepare(
    _ configuration: GrayScottConfiguration, feed: [Double], kill: [Double], fields: [[[Double]]]
  ) {
    precondition(feed.count == laneCount && kill.count == laneCount && fields.count == laneCount)
    // In bounds: one number for each lane, two for lengths and diffusivities.
    unsafe kk_gray_scott_prepare(
      stepper, configuration.grid.extents,
      [configuration.diffusivityU, configuration.diffusivityV],
      feed, kill, configuration.frameInterval / Double(configuration.substeps))
    for (lane, fields) in fields.enumerated() {
      precondition(fields.allSatisfy { $0.count == shape[0] * shape[1] })
      unsafe kk_gray_scott_set(stepper, Int32(lane), fields[0], fields[1])
    }
    unsafe kk_gray_scott_start(stepper)
  }

  func advance(_ steps: Int) { unsafe kk_gray_scott_advance(stepper, Int64(steps)) }

  func show() { unsafe kk_gray_scott_show(stepper) }

  func fields(lane: Int, bound: Double) -> (fields: [[Double]], blewUp: Bool) {
    var u = [Double](repeating: 0, count: shape[0] * shape[1])
    var v = u
    let wrong = unsafe kk_gray_scott_get(stepper, Int32(lane), bound, &u, &v)
    return ([u, v], wrong != 0)
  }
}
