// The Kuramoto-Sivashinsky equation for forecasts that alternate with its solver: ETDRK4 (Cox and
// Matthews 2002; coefficients of Kassam and Trefethen 2005, doi:10.1137/S1064827502410633), the
// arithmetic in CKernels (kymo_etd.h).
import CKernels
public import KymoNumerics

/// Solves the Kuramoto–Sivashinsky equation `uₜ = −u uₓ − uₓₓ − uₓₓₓₓ` on a periodic domain,
/// started from fields.
///
/// Pseudospectral without dealiasing. Spectra are those of real fields, modes 0 to N/2, so nothing
/// can drift away from Hermitian symmetry, which ends a plain complex implementation after about
/// 400 units of time. The mesh's highest mode, whose first derivative vanishes on the mesh, is set
/// to zero at the start. The spatial mean is conserved exactly.
///
/// **Good values.** L = 22 and N = 64 with Δt = 0.25 and 5 steps in it are the default; the paper
/// takes 1,000 steps for the same answer to six digits at t = 10.
///
/// **Cost.** One step of a trajectory with N = 64 takes about 0.9 µs on a core with AVX2, and one
/// step of eight trajectories about 1.5 µs with AVX-512. A trajectory does not depend, in any bit,
/// on those beside it.
public final class KuramotoSivashinskySolver: MicroSolver {
  /// The settings; those of recordings are not used.
  public let configuration: KuramotoSivashinskyAttractorConfiguration
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private let level: kk_level
  private let transform: FourierTransform
  private var groups: [LaneGroup] = []
  private var trajectoryCount = 0
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work.
  public convenience init(
    configuration: KuramotoSivashinskyAttractorConfiguration =
      KuramotoSivashinskyAttractorConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try self.init(configuration: configuration, threads: threads, level: kk_processor_level())
  }

  init(
    configuration: KuramotoSivashinskyAttractorConfiguration, threads: Int = 1, level: kk_level
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads, self.level) = (configuration, threads, level)
    transform = FourierTransform(realPoints: configuration.pointCount)
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// u at every point.
  public var stateShape: [Int] { [1, configuration.pointCount] }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from fields `[B, 1, X]`.
  public func restart(
    from states: HostArray<Double>, time: Double
  ) throws(SimulationError) {
    try checkStates(states.shape)
    let (count, points) = (states.shape[0], configuration.pointCount)
    if count != trajectoryCount { makeGroups(count) }
    for group in groups {
      for (lane, index) in group.members.enumerated() {
        var spectrum = transform.forward(
          Array(states.elements[index * points..<(index + 1) * points]))
        for place in spectrum.indices { spectrum[place] /= Double(points) }
        spectrum[points] = 0
        group.stepper.setSpectrum(spectrum, lane: lane)
      }
    }
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: trajectoryCount, frames: frames)
    let (points, steps, count) = (configuration.pointCount, configuration.substeps, trajectoryCount)
    var result = [Double](repeating: 0, count: count * frames * points)
    // A group and the rows of its members are touched by one iteration.
    nonisolated(unsafe) let groups = groups
    unsafe result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = unsafe result
      unsafe parallelFor(groups.count, threads: threads) { index in
        let group = unsafe groups[index]
        guard let base = unsafe result.baseAddress else { return }
        for frame in 0..<frames {
          group.stepper.advance(steps)
          let first = unsafe base + (group.members.lowerBound * frames + frame) * points
          unsafe group.view.write(
            to: first, stride: frames * points, laneCount: group.members.count)
          for lane in 0..<group.members.count {
            unsafe loseUnlessFinite(first + lane * frames * points, count: points)
          }
        }
      }
    }
    clock.advance(frames)
    return HostArray(result, shape: [count, frames] + stateShape)
  }

  /// Trajectories that run in the lanes of one stepper.
  private struct LaneGroup {
    var members: Range<Int>
    var stepper: ETDStepper
    var view: FrameView<ETDStepper>
  }

  private func makeGroups(_ count: Int) {
    trajectoryCount = count
    let wide = ETDStepper.laneCount(level: level)
    let narrow = level == KK_LEVEL_AVX512 ? KK_LEVEL_AVX2 : level
    groups = stride(from: 0, to: count, by: wide).map { first in
      let members = first..<min(first + wide, count)
      // Half the lanes take two thirds of the time.
      let fitting =
        members.count <= ETDStepper.laneCount(level: narrow) ? narrow : level
      var flow = configuration.flow
      flow.level = fitting
      let still = FlowStart(spectrum: [], linear: configuration.linearSymbol)
      let stepper = flow.makeStepper(for: Array(repeating: still, count: flow.laneCount))
      return LaneGroup(
        members: members, stepper: stepper,
        view: FrameView(stepper: stepper, pointCount: flow.pointCount, level: fitting))
    }
  }
}
