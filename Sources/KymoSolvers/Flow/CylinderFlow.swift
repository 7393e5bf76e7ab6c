// One flow past a cylinder: fields on the staggered grid, starts, time steps, force. The scheme,
// with its sources, and the arithmetic are in CKernels (kymo_flow.h).
import CKernels
import Foundation
public import KymoNumerics

/// A flow past a cylinder that is stepped in time.
///
/// Second order in time, third-order upwind in advection; the divergence is zero to rounding after
/// every step. A step depends on the fields alone, so going on from copied fields gives the same
/// numbers, on any number of threads.
@safe public final class CylinderFlow {
  /// Fields on faces and in cells, row by row.
  public struct State: Hashable, Sendable {
    /// Velocity along the stream on faces, `rows × (columns + 1)`.
    public var u: [Double]
    /// Velocity across the stream on faces, `(rows + 1) × columns`.
    public var v: [Double]
    /// Pressure in cells, `rows × columns`.
    public var p: [Double]

    /// Takes fields that ``CylinderFlow/state`` gave.
    public init(u: [Double], v: [Double], p: [Double]) { (self.u, self.v, self.p) = (u, v, p) }
  }

  /// The settings; those of recordings are not used.
  public let configuration: CylinderConfiguration
  /// The present time.
  public private(set) var time = 0.0
  /// The last time step.
  public private(set) var step = 0.0
  private let threads: Int
  private let flow: OpaquePointer

  /// Creates an impulsively started flow; throws the first setting that cannot work.
  public convenience init(
    configuration: CylinderConfiguration = CylinderConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try self.init(configuration: configuration, threads: threads, level: kk_processor_level())
  }

  /// Without a body there is a stream alone, for which exact solutions are known.
  init(
    configuration: CylinderConfiguration, threads: Int = 1, level: kk_level, hasBody: Bool = true
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads) = (configuration, max(1, threads))
    var shape = kk_flow_shape(
      columns: Int32(configuration.columns), rows: Int32(configuration.rows),
      spacing: configuration.spacing, viscosity: configuration.viscosity,
      speed: configuration.speed, penalty: configuration.penalty,
      centre: (configuration.centre[0], configuration.centre[1]),
      radius: hasBody ? 0.5 * configuration.diameter : 0, slip: configuration.sides == .slip ? 1 : 0
    )
    guard let made = unsafe kk_flow_create(&shape, Int32(self.threads), level) else {
      throw ConfigurationError(
        "columns", found: "\(configuration.columns), with \(configuration.rows) rows",
        allowed: "a mesh that fits into memory", remedy: "Take fewer columns and rows.")
    }
    unsafe flow = made
    start()
  }

  deinit { unsafe kk_flow_release(flow) }

  /// The fields.
  public var state: State {
    let (columns, rows) = (configuration.columns, configuration.rows)
    return State(
      u: read(0, rows: rows, columns: columns + 1), v: read(1, rows: rows + 1, columns: columns),
      p: read(2, rows: rows, columns: columns))
  }

  /// Goes on from fields of another flow, unchanged.
  public func resume(from state: State, time: Double) {
    let (columns, rows) = (configuration.columns, configuration.rows)
    write(state.u, 0, rows: rows, columns: columns + 1)
    write(state.v, 1, rows: rows + 1, columns: columns)
    write(state.p, 2, rows: rows, columns: columns)
    unsafe kk_flow_close(flow)
    self.time = time
  }

  /// Starts from fields that need not be a flow: the body comes to rest, and one projection takes the
  /// divergence away.
  public func start(from state: State, time: Double) {
    resume(from: state, time: time)
    bringToRest()
  }

  /// Starts impulsively at time 0: potential flow.
  ///
  /// Rest in the body and projection by turns; each turn halves what flows through the body.
  public func start() {
    let (columns, rows) = (configuration.columns, configuration.rows)
    resume(
      from: State(
        u: Array(repeating: configuration.speed, count: rows * (columns + 1)),
        v: Array(repeating: 0, count: (rows + 1) * columns),
        p: Array(repeating: 0, count: rows * columns)), time: 0)
    for _ in 0..<40 { bringToRest() }
  }

  private func bringToRest() {
    unsafe kk_flow_still(flow)
    unsafe kk_flow_close(flow)
    project(step: .infinity)
  }

  /// Adds a vortex with a Gaussian stream function, so that a symmetric flow loses its symmetry.
  ///
  /// - Parameters:
  ///   - speed: Its largest speed; positive turns counter-clockwise.
  ///   - place: Its centre, along and across the stream.
  ///   - width: Its standard deviation, where it is fastest.
  public func addVortex(speed: Double, at place: [Double], width: Double) {
    let h = configuration.spacing
    func stream(_ i: Int, _ j: Int) -> Double {
      let (x, y) = (Double(i) * h - place[0], Double(j) * h - place[1])
      return -speed * width * exp(0.5 - (x * x + y * y) / (2 * width * width))
    }
    var state = state
    let (columns, rows) = (configuration.columns, configuration.rows)
    for j in 0..<rows {
      for i in 0...columns {
        state.u[j * (columns + 1) + i] += (stream(i, j + 1) - stream(i, j)) / h
      }
    }
    for j in 0...rows {
      for i in 0..<columns { state.v[j * columns + i] -= (stream(i + 1, j) - stream(i, j)) / h }
    }
    start(from: state, time: time)
  }

  /// Whether the numbers are finite and steps possible.
  public var isFinite: Bool { unsafe kk_flow_fastest(flow).isFinite && !limit.isNaN }

  /// The longest stable step: Heun's method with third-order upwind differences is stable up to a
  /// Courant number of 0.87 and νδt/h² = ¼, and while their shares add up to 1.
  private var limit: Double {
    let h = configuration.spacing
    let fastest = unsafe max(kk_flow_fastest(flow), configuration.speed)
    return 1 / (fastest / (configuration.courant * h) + 4.4 * configuration.viscosity / (h * h))
  }

  /// Advances by an interval in equal steps that the Courant number bounds, renewed as speeds change.
  ///
  /// - Parameters:
  ///   - interval: Time to go.
  ///   - visit: Is called after every step.
  public func advance(by interval: Double, visit: () -> Void = {}) {
    let start = time
    var gone = 0.0
    while gone < interval, isFinite {
      let count = max(1, ((interval - gone) / limit - 1e-9).rounded(.up))
      take(step: (interval - gone) / count)
      gone = count == 1 ? interval : gone + step
      time = start + gone
      visit()
    }
    time = start + interval
  }

  /// Takes one step, which has to be stable; ``advance(by:visit:)`` chooses such steps.
  public func take(step: Double) {
    unsafe inBands { flow, rows, _ in
      unsafe kk_flow_predict(flow, step, rows.lowerBound, rows.upperBound)
    }
    unsafe kk_flow_close_stage(flow)
    unsafe inBands { flow, rows, _ in
      unsafe kk_flow_correct(flow, step, rows.lowerBound, rows.upperBound)
    }
    self.step = step
    project(step: step)
  }

  /// Makes the velocity free of divergence and adds what that took to the pressure.
  private func project(step: Double) {
    unsafe kk_flow_balance(flow)
    unsafe inBands { flow, rows, worker in
      unsafe kk_flow_transform(flow, worker, rows.lowerBound, rows.upperBound)
    }
    unsafe inBands(of: configuration.columns) { flow, modes, worker in
      unsafe kk_flow_solve(flow, worker, modes.lowerBound, modes.upperBound)
    }
    unsafe inBands { flow, rows, worker in
      unsafe kk_flow_project(flow, worker, step, rows.lowerBound, rows.upperBound)
    }
    unsafe kk_flow_close_sides(flow)
  }

  /// Calls a pass for one range of rows, or modes, a thread; ranges start at multiples of 8.
  private func inBands(
    of count: Int? = nil, _ pass: @Sendable (OpaquePointer, Range<Int32>, Int32) -> Void
  ) {
    let count = count ?? configuration.rows
    let (blocks, threads) = ((count + 7) / 8, threads)
    // A pass writes to its own rows or modes and to the scratch of its worker.
    nonisolated(unsafe) let flow = unsafe flow
    parallelFor(threads, threads: threads) { worker in
      let (first, end) = (blocks * worker / threads * 8, blocks * (worker + 1) / threads * 8)
      guard first < end else { return }
      unsafe pass(flow, Int32(first)..<Int32(min(end, count)), Int32(worker))
    }
  }

  /// Coefficients of drag and lift, `2F/(U²D)`, by what the penalty took in the last step.
  public var coefficients: (drag: Double, lift: Double) {
    var force = [0.0, 0.0]
    unsafe kk_flow_force(flow, &force)
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    return (force[0] / unit, force[1] / unit)
  }

  private func read(_ field: Int32, rows: Int, columns: Int) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(rows * columns)
    for row in 0..<rows {
      // In bounds: the rows of a field are as long as that.
      guard let start = unsafe kk_flow_row(flow, field, Int32(row)) else { continue }
      unsafe result.append(contentsOf: UnsafeBufferPointer(start: start, count: columns))
    }
    return result
  }

  private func write(_ values: [Double], _ field: Int32, rows: Int, columns: Int) {
    precondition(values.count == rows * columns, "CylinderFlow: \(values.count) values of a field")
    for row in 0..<rows {
      guard let start = unsafe kk_flow_row(flow, field, Int32(row)) else { continue }
      for column in 0..<columns { unsafe start[column] = values[row * columns + column] }
    }
  }
}
