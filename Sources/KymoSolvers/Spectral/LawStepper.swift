// One solver for every law of polynomial and trigonometric terms on periodic axes: u_t = L u + N(u),
// pseudo-spectral in space, ETDRK4 in time (Cox and Matthews, J. Comput. Phys. 176, 430, 2002), with
// L a matrix over channels at every mode. Products are formed on a mesh so much finer that no mode
// of theirs falls onto one that is kept.
//
// Letters: B trajectories side by side, C channels, T frames, X (Y) space.
import CKernels
import Foundation
public import KymoNumerics

/// Equations of motion of some channels over one or two periodic axes.
public struct SpectralLaw: Sendable {
  /// A term of an equation.
  public struct Term: Sendable {
    /// The derivative of a product.
    public var term: LawTerm
    /// Its coefficient: one for all trajectories, or one for each.
    public var coefficients: [Double]

    /// Creates a term.
    public init(_ term: LawTerm, _ coefficients: [Double]) {
      (self.term, self.coefficients) = (term, coefficients)
    }
  }

  /// The terms of every channel's rate.
  public var equations: [[Term]]

  /// Creates a law, with one equation for each channel.
  public init(_ equations: [[Term]]) { self.equations = equations }

  /// Reads equations such as `["lap(u)": 0.16, "u*v^2": -1]`, one for each channel.
  public init(
    _ equations: [[String: Double]], channels: [String], spaceRank: Int
  ) throws(ConfigurationError) {
    self.equations = []
    for equation in equations {
      var terms: [Term] = []
      for (text, coefficient) in equation.sorted(by: { $0.key < $1.key }) {
        terms.append(
          Term(try LawTerm(text, channels: channels, spaceRank: spaceRank), [coefficient]))
      }
      self.equations.append(terms)
    }
  }

  /// The highest degree of a product; a sine counts as a cubic one.
  var degree: Int {
    equations.joined().map { $0.term.degree + ($0.term.wave == nil ? 0 : 2) }.max() ?? 1
  }
}

/// Solves any ``SpectralLaw``, started from fields.
///
/// **Accuracy.** Spectral in space, fourth order in time. The number of steps in a frame is doubled
/// at a start until the first frame changes by less than a tolerance. A field that diverges is NaN
/// from there on.
public final class LawStepper: MicroSolver {
  /// The law.
  public let law: SpectralLaw
  /// The periodic mesh.
  public let grid: Grid
  /// Time between frames.
  public let frameInterval: Double
  /// Steps in a frame; nil before the first start, if they are to be found.
  public private(set) var stepsPerFrame: Int?
  /// Relative change of the first frame by a doubling of the steps that is small enough.
  public var tolerance = 1e-6
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private let level: kk_level
  private var groups: [LawLanes] = []
  private var trajectoryCount = 0
  private var clock: SolverClock

  private static let mostSteps = 1 << 14
  /// Steps at which the search for them ends: what needs more is better told so.
  private static let mostFoundSteps = 1 << 10

  /// Creates a solver.
  ///
  /// - Parameters:
  ///   - law: The equations.
  ///   - grid: One or two periodic axes, of even numbers of points without prime factors above 5.
  ///   - frameInterval: Time between frames.
  ///   - stepsPerFrame: Steps in a frame; nil finds them at the first start.
  ///   - threads: Threads over which trajectories are spread.
  /// - Throws: ``ConfigurationError`` for another grid, and for a step that cannot be.
  public convenience init(
    _ law: SpectralLaw, on grid: Grid, frameInterval: Double, stepsPerFrame: Int? = nil,
    threads: Int = 1
  ) throws(ConfigurationError) {
    try self.init(
      law, on: grid, frameInterval: frameInterval, stepsPerFrame: stepsPerFrame, threads: threads,
      level: kk_processor_level())
  }

  init(
    _ law: SpectralLaw, on grid: Grid, frameInterval: Double, stepsPerFrame: Int? = nil,
    threads: Int = 1, level: kk_level
  ) throws(ConfigurationError) {
    try grid.validate()
    try require(
      grid.axes.count <= 2 && grid.isPeriodic && grid.obstacles == nil, "grid",
      found: grid.ends.map(\.rawValue).joined(separator: ", "),
      allowed: "one or two periodic axes without obstacles",
      remedy: "Laws on other grids are not solved here: give --solver a program.")
    let mesh = Self.mesh(grid.shape)
    try require(
      LaneTransform.exists(rows: mesh.rows, columns: mesh.columns), "grid",
      found: grid.shape.map(String.init).joined(separator: " × ") + " points",
      allowed: "even numbers of points without prime factors above 5",
      remedy: "Resample the fields, with scipy.signal.resample for instance.")
    try require(
      frameInterval > 0 && frameInterval.isFinite, "dt", found: frameInterval,
      allowed: "a positive number", remedy: "It is the time between frames.")
    try require(
      stepsPerFrame.map { (1...Self.mostSteps).contains($0) } ?? true, "stepsPerFrame",
      found: stepsPerFrame ?? 0, allowed: "from 1 to \(Self.mostSteps)",
      remedy: "Leave it out to find them.")
    (self.law, self.grid, self.frameInterval) = (law, grid, frameInterval)
    (self.stepsPerFrame, self.threads, self.level) = (stepsPerFrame, threads, level)
    clock = SolverClock(interval: frameInterval)
  }

  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { [law.equations.count] + grid.shape }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from fields `[B, C, X…]`.
  public func restart(from states: HostArray<Double>, time: Double) throws {
    try checkStates(states.shape)
    trajectoryCount = states.shape[0]
    let lanes = ETDStepper.laneCount(level: level)
    groups = stride(from: 0, to: trajectoryCount, by: lanes).map { first in
      LawLanes(plan: LawPlan(law, grid, level: level), first..<min(first + lanes, trajectoryCount))
    }
    if stepsPerFrame == nil { stepsPerFrame = foundSteps(states) }
    let step = frameInterval / Double(stepsPerFrame ?? 1)
    let fields = states.elements
    forEachGroup { group in
      group.prepare(step: step)
      group.start(fields)
    }
    clock.start(at: time)
  }

  /// Advances by whole coarse steps; `[B, T, C, X…]`.
  public func advance(frames: Int) throws -> HostArray<Double> {
    try checkStarted(trajectories: trajectoryCount, frames: frames)
    let size = stateShape.reduce(1, *)
    var result = HostArray<Double>(
      repeating: 0, shape: [trajectoryCount, frames] + stateShape)
    let steps = stepsPerFrame ?? 1
    unsafe result.elements.withUnsafeMutableBufferPointer { result in
      // Groups write to the places of their own trajectories.
      nonisolated(unsafe) let result = unsafe result
      forEachGroup { group in
        for frame in 0..<frames {
          group.advance(steps)
          for (lane, member) in group.members.enumerated() {
            let place = (member * frames + frame) * size
            unsafe group.write(lane, to: result.baseAddress.unsafelyUnwrapped + place)
          }
        }
      }
    }
    clock.advance(frames)
    return result
  }

  /// Steps in a frame after which another doubling changes the first frame by less than the
  /// tolerance, in every trajectory that stays finite.
  private func foundSteps(_ states: HostArray<Double>) -> Int {
    let size = stateShape.reduce(1, *)
    // A few trajectories from all over the set.
    let count = min(groups.count, 2)
    let tried = (0..<count).map { groups[$0 * (groups.count - 1) / max(1, count - 1)] }
    func frame(_ steps: Int) -> [[Double]] {
      tried.flatMap { group in
        group.prepare(step: frameInterval / Double(steps))
        group.start(states.elements)
        group.advance(steps)
        return group.members.indices.map { lane in
          var state = [Double](repeating: 0, count: size)
          unsafe state.withUnsafeMutableBufferPointer {
            unsafe group.write(lane, to: $0.baseAddress.unsafelyUnwrapped)
          }
          return state
        }
      }
    }
    var (steps, last) = (1, frame(1))
    while steps < Self.mostFoundSteps {
      let next = frame(2 * steps)
      let isClose = zip(last, next).allSatisfy { before, now in
        let change = zip(before, now).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let whole = now.reduce(0) { $0 + $1 * $1 }
        return change <= tolerance * tolerance * whole
      }
      // The finer of the two is kept: its error is sixteen times smaller.
      if isClose { return 2 * steps }
      (steps, last) = (2 * steps, next)
    }
    return steps
  }

  private func forEachGroup(_ body: @Sendable (LawLanes) -> Void) {
    // No two threads take the same group.
    nonisolated(unsafe) let groups = groups
    unsafe parallelFor(groups.count, threads: threads) { index in unsafe body(groups[index]) }
  }

  /// Rows and columns of a mesh; one axis is a single row.
  fileprivate static func mesh(_ shape: [Int]) -> (rows: Int, columns: Int) {
    shape.count == 1 ? (1, shape[0]) : (shape[0], shape[1])
  }
}

/// What all trajectories of a law have in common: meshes, wave numbers, products.
private final class LawPlan {
  /// A product of channels, and which equations it enters with which symbol.
  struct Product {
    var term: LawTerm
    var uses: [(equation: Int, symbol: [Double], turns: Int, coefficients: [Double])]
  }

  let coarse: LaneTransform
  let fine: LaneTransform
  let channels: Int
  /// Products on the finer mesh.
  var products: [Product] = []
  /// Linear terms: equation, channel, symbol, quarter turns, coefficients.
  var linear:
    [(equation: Int, channel: Int, symbol: [Double], turns: Int, coefficients: [Double])] =
      []
  /// Constant rates.
  var constants: [(equation: Int, coefficients: [Double])] = []

  init(_ law: SpectralLaw, _ grid: Grid, level: kk_level) {
    let mesh = LawStepper.mesh(grid.shape)
    coarse = LaneTransform(rows: mesh.rows, columns: mesh.columns, level: level)
    channels = law.equations.count
    // (d + 1)/2 times as many points: the modes of a product of degree d that alias do so onto
    // modes that are dropped.
    let factor = Double(law.degree + 1) / 2
    func finer(_ points: Int, _ exists: (Int) -> Bool) -> Int {
      var count = Int((factor * Double(points)).rounded(.up))
      while !exists(count) { count += 1 }
      return count
    }
    let rows =
      mesh.rows == 1
      ? 1 : finer(mesh.rows) { LaneTransform.exists(rows: $0, columns: mesh.columns) }
    fine = LaneTransform(
      rows: rows, columns: finer(mesh.columns) { LaneTransform.exists(rows: rows, columns: $0) },
      level: level)
    for (equation, terms) in law.equations.enumerated() {
      for entry in terms {
        let symbol = Self.symbol(entry.term.derivative, mesh, grid)
        let turns = entry.term.derivative.order % 4
        if entry.term.degree == 0 {
          if entry.term.derivative.order == 0 { constants.append((equation, entry.coefficients)) }
        } else if entry.term.degree == 1, entry.term.wave == nil {
          let channel = entry.term.powers.firstIndex(of: 1) ?? 0
          linear.append((equation, channel, symbol, turns, entry.coefficients))
        } else {
          let use = (equation, symbol, turns, entry.coefficients)
          let product = entry.term.monomial
          if let place = products.firstIndex(where: { $0.term == product }) {
            products[place].uses.append(use)
          } else {
            products.append(Product(term: product, uses: [use]))
          }
        }
      }
    }
  }

  /// The symbol of a derivative at every mode, but for its factor i^order.
  private static func symbol(
    _ derivative: SpaceDerivative, _ mesh: (rows: Int, columns: Int), _ grid: Grid
  ) -> [Double] {
    let parts = derivative.expansion
    // x is the first axis of the field, y the second: with one axis, x runs along columns.
    func wave(_ mode: Int, _ points: Int, _ extent: Double) -> Double {
      2 * .pi * Double(mode <= points / 2 ? mode : mode - points) / extent
    }
    func power(_ base: Double, _ exponent: Int) -> Double {
      (0..<exponent).reduce(1.0) { product, _ in product * base }
    }
    return (0..<mesh.rows).flatMap { row in
      (0...mesh.columns / 2).map { column in
        let along = wave(column, mesh.columns, grid.extents.last ?? 1)
        let across = mesh.rows > 1 ? wave(row, mesh.rows, grid.extents[0]) : 0
        let (x, y) = mesh.rows > 1 ? (across, along) : (along, 0)
        return parts.reduce(0) { $0 + $1.weight * power(x, $1.x) * power(y, $1.y) }
      }
    }
  }
}

/// Trajectories of one vector.
@safe private final class LawLanes {
  let members: Range<Int>
  private let plan: LawPlan
  private let lanes: Int
  private let modes: Int
  /// Numbers of the spectra of all channels.
  private let count: Int
  /// State, stages and rates, one after the other.
  private let memory: UnsafeMutableBufferPointer<Double>
  /// Matrices of the scheme: [kind][mode][row][column][re, im][lane].
  private let matrices: UnsafeMutableBufferPointer<Double>
  private let fields: UnsafeMutableBufferPointer<Double>
  private let product: UnsafeMutableBufferPointer<Double>
  private let fineSpectrum: UnsafeMutableBufferPointer<Double>
  private let coarseSpectrum: UnsafeMutableBufferPointer<Double>
  private let frame: UnsafeMutableBufferPointer<Double>

  private enum Kind: Int, CaseIterable { case half, halfRate, whole, first, middle, last }
  private enum Part: Int, CaseIterable { case state, stage, second, rate, rateA, rateB, rateC }

  init(plan: LawPlan, _ members: Range<Int>) {
    (self.plan, self.members) = (plan, members)
    lanes = plan.coarse.lanes
    modes = plan.coarse.rows * (plan.coarse.columns / 2 + 1)
    count = plan.channels * plan.coarse.spectrumCount
    unsafe memory = allocateAligned(Part.allCases.count * count)
    unsafe matrices = allocateAligned(
      Kind.allCases.count * modes * plan.channels * plan.channels * 2 * lanes)
    unsafe fields = allocateAligned(plan.channels * plan.fine.fieldCount)
    unsafe product = allocateAligned(plan.fine.fieldCount)
    unsafe fineSpectrum = allocateAligned(plan.fine.spectrumCount)
    unsafe coarseSpectrum = allocateAligned(plan.coarse.spectrumCount)
    unsafe frame = allocateAligned(plan.coarse.fieldCount)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe matrices.deallocate()
    unsafe fields.deallocate()
    unsafe product.deallocate()
    unsafe fineSpectrum.deallocate()
    unsafe coarseSpectrum.deallocate()
    unsafe frame.deallocate()
  }

  /// The coefficient of a lane; idle lanes repeat the last trajectory.
  private func coefficient(_ coefficients: [Double], _ lane: Int) -> Double {
    coefficients.count == 1
      ? coefficients[0] : coefficients[min(members.lowerBound + lane, members.upperBound - 1)]
  }

  private func part(_ part: Part) -> UnsafeMutablePointer<Double> {
    unsafe memory.baseAddress.unsafelyUnwrapped + part.rawValue * count
  }

  // MARK: Scheme

  /// Prepares the matrices of a time step h: exp(hL/2), (h/2) φ₁(hL/2), exp(hL) and the weights of
  /// the rates, h (φ₁ − 3φ₂ + 4φ₃), h (2φ₂ − 4φ₃) and h (4φ₃ − φ₂) of hL.
  func prepare(step: Double) {
    let size = plan.channels
    for mode in 0..<modes {
      for lane in 0..<lanes {
        var linear = SmallMatrix(identity: size, times: 0)
        for entry in plan.linear {
          let value = step * entry.symbol[mode] * coefficient(entry.coefficients, lane)
          let old = linear[entry.equation, entry.channel]
          linear[entry.equation, entry.channel] =
            switch entry.turns {
            case 0: (old.re + value, old.im)
            case 1: (old.re, old.im + value)
            case 2: (old.re - value, old.im)
            default: (old.re, old.im - value)
            }
        }
        var halved = linear
        for index in halved.entries.indices { halved.entries[index] /= 2 }
        let (half, whole) = (halved.exponentialFunctions, linear.exponentialFunctions)
        for place in 0..<size * size * 2 {
          func set(_ kind: Kind, _ value: Double) {
            unsafe matrices[
              ((kind.rawValue * modes + mode) * size * size * 2 + place) * lanes + lane] = value
          }
          let phi = whole.map { $0.entries[place] }
          set(.half, half[0].entries[place])
          set(.halfRate, step / 2 * half[1].entries[place])
          set(.whole, phi[0])
          set(.first, step * (phi[1] - 3 * phi[2] + 4 * phi[3]))
          set(.middle, step * (2 * phi[2] - 4 * phi[3]))
          set(.last, step * (4 * phi[3] - phi[2]))
        }
      }
    }
  }

  /// Starts from fields `[B, C, X…]` of all trajectories.
  func start(_ states: [Double]) {
    let cells = plan.coarse.rows * plan.coarse.columns
    for channel in 0..<plan.channels {
      for lane in 0..<lanes {
        let member = min(members.lowerBound + lane, members.upperBound - 1)
        let first = (member * plan.channels + channel) * cells
        for cell in 0..<cells { unsafe frame[cell * lanes + lane] = states[first + cell] }
      }
      unsafe plan.coarse.forward(frame.baseAddress.unsafelyUnwrapped, coarse)
      // The highest mode has no derivative on the mesh: it is left out.
      unsafe copyModes(
        coarse, of: plan.coarse, to: plan.coarse,
        part(.state) + channel * plan.coarse.spectrumCount)
    }
  }

  private var coarse: UnsafeMutablePointer<Double> {
    unsafe coarseSpectrum.baseAddress.unsafelyUnwrapped
  }

  /// Writes one trajectory as `[C, X…]`; NaN where it has diverged.
  func write(_ lane: Int, to state: UnsafeMutablePointer<Double>) {
    let cells = plan.coarse.rows * plan.coarse.columns
    for channel in 0..<plan.channels {
      unsafe plan.coarse.inverse(
        part(.state) + channel * plan.coarse.spectrumCount, frame.baseAddress.unsafelyUnwrapped)
      for cell in 0..<cells { unsafe state[channel * cells + cell] = frame[cell * lanes + lane] }
    }
    unsafe loseUnlessFinite(state, count: plan.channels * cells)
  }

  /// Takes steps of ETDRK4.
  func advance(_ steps: Int) {
    let (state, stage, second) = unsafe (part(.state), part(.stage), part(.second))
    let (rate, a, b, c) = unsafe (part(.rate), part(.rateA), part(.rateB), part(.rateC))
    for _ in 0..<steps {
      unsafe rates(of: state, into: rate)
      unsafe apply(.half, state, to: stage, adding: false)
      unsafe apply(.halfRate, rate, to: stage, adding: true)
      unsafe rates(of: stage, into: a)
      unsafe apply(.half, state, to: second, adding: false)
      unsafe apply(.halfRate, a, to: second, adding: true)
      unsafe rates(of: second, into: b)
      // 2 N(b) − N(u), from the stage of a.
      for index in 0..<count { unsafe c[index] = 2 * b[index] - rate[index] }
      unsafe apply(.half, stage, to: second, adding: false)
      unsafe apply(.halfRate, c, to: second, adding: true)
      unsafe rates(of: second, into: c)
      for index in 0..<count { unsafe a[index] += b[index] }
      unsafe apply(.whole, state, to: second, adding: false)
      unsafe apply(.first, rate, to: second, adding: true)
      unsafe apply(.middle, a, to: second, adding: true)
      unsafe apply(.last, c, to: second, adding: true)
      unsafe state.update(from: second, count: count)
    }
  }

  /// A matrix of the scheme times spectra.
  private func apply(
    _ kind: Kind, _ from: UnsafePointer<Double>, to result: UnsafeMutablePointer<Double>,
    adding: Bool
  ) {
    let (size, block) = (plan.channels, plan.coarse.spectrumCount)
    if !adding { for index in 0..<count { unsafe result[index] = 0 } }
    for row in 0..<size {
      for column in 0..<size {
        for mode in 0..<modes {
          let entry = ((kind.rawValue * modes + mode) * size * size + row * size + column) * 2
          let matrix = unsafe matrices.baseAddress.unsafelyUnwrapped + entry * lanes
          let input = unsafe from + column * block + mode * 2 * lanes
          let output = unsafe result + row * block + mode * 2 * lanes
          for lane in 0..<lanes {
            let (re, im) = unsafe (matrix[lane], matrix[lanes + lane])
            let (x, y) = unsafe (input[lane], input[lanes + lane])
            unsafe output[lane] += re * x - im * y
            unsafe output[lanes + lane] += re * y + im * x
          }
        }
      }
    }
  }

  /// N(u): products on the finer mesh, their derivatives at the modes that are kept.
  private func rates(
    of state: UnsafePointer<Double>, into rate: UnsafeMutablePointer<Double>
  ) {
    let block = plan.coarse.spectrumCount
    for index in 0..<count { unsafe rate[index] = 0 }
    for entry in plan.constants {
      for lane in 0..<lanes {
        unsafe rate[entry.equation * block + lane] += coefficient(entry.coefficients, lane)
      }
    }
    guard !plan.products.isEmpty else { return }
    let fieldCount = plan.fine.fieldCount
    let fields = unsafe fields.baseAddress.unsafelyUnwrapped
    let product = unsafe product.baseAddress.unsafelyUnwrapped
    let spectrum = unsafe fineSpectrum.baseAddress.unsafelyUnwrapped
    for channel in 0..<plan.channels {
      unsafe copyModes(state + channel * block, of: plan.coarse, to: plan.fine, spectrum)
      unsafe plan.fine.inverse(spectrum, fields + channel * fieldCount)
    }
    for entry in plan.products {
      unsafe multiply(entry.term, fields, product)
      unsafe plan.fine.forward(product, spectrum)
      unsafe copyModes(spectrum, of: plan.fine, to: plan.coarse, coarse)
      for use in entry.uses {
        let factors = (0..<lanes).map { coefficient(use.coefficients, $0) }
        let output = unsafe rate + use.equation * block
        for mode in 0..<modes where use.symbol[mode] != 0 {
          // A quarter turn takes (re, im) to (−im, re).
          let symbol = use.turns < 2 ? use.symbol[mode] : -use.symbol[mode]
          let place = mode * 2 * lanes
          for lane in 0..<lanes {
            let factor = symbol * factors[lane]
            let (re, im) = unsafe (coarse[place + lane], coarse[place + lanes + lane])
            let turned = use.turns % 2 == 0 ? (re, im) : (-im, re)
            unsafe output[place + lane] += factor * turned.0
            unsafe output[place + lanes + lane] += factor * turned.1
          }
        }
      }
    }
  }

  private func multiply(
    _ term: LawTerm, _ fields: UnsafePointer<Double>, _ product: UnsafeMutablePointer<Double>
  ) {
    let count = plan.fine.fieldCount
    for index in 0..<count { unsafe product[index] = 1 }
    for (channel, power) in term.powers.enumerated() {
      for _ in 0..<power {
        let field = unsafe fields + channel * count
        for index in 0..<count { unsafe product[index] *= field[index] }
      }
    }
    guard let wave = term.wave else { return }
    let field = unsafe fields + term.waveChannel * count
    switch wave {
    case .sin: for index in 0..<count { unsafe product[index] *= sin(field[index]) }
    case .cos: for index in 0..<count { unsafe product[index] *= cos(field[index]) }
    }
  }
}
