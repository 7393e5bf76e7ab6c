// The parts of a law as its stepper in CKernels (kymo_law.h) takes them: products on the finer mesh,
// symbols of derivatives, and the linear terms of channels that they couple, whose coefficients are
// functions of small matrices.
import CKernels
import KymoNumerics

/// What all trajectories of a law have in common.
struct LawPlan: Sendable {
  /// A product of channels under a derivative, in an equation.
  struct ProductTerm {
    var equation: Int
    /// Which of ``products``.
    var product: Int
    var symbol: Symbol
    var coefficients: [Double]
  }

  /// A channel under a derivative, in an equation.
  struct LinearTerm {
    var equation: Int
    var channel: Int
    var symbol: Symbol
    var coefficients: [Double]
  }

  /// The symbol of a derivative: real at every mode, times i where `turned`.
  struct Symbol {
    var values: [Double]
    var turned: Bool
  }

  let rows: Int
  let columns: Int
  let fineRows: Int
  let fineColumns: Int
  let channels: Int
  let level: kk_level
  private(set) var products: [LawTerm] = []
  private(set) var terms: [ProductTerm] = []
  private(set) var linear: [LinearTerm] = []
  private(set) var constants: [(equation: Int, coefficients: [Double])] = []
  /// Channels that linear terms couple; every channel is in one of them.
  private(set) var blocks: [[Int]]

  /// Modes of a channel that are kept: half of those of a row.
  var modes: Int { rows * (columns / 2) }

  init(_ law: SpectralLaw, _ grid: Grid, level: kk_level) {
    self.level = level
    (rows, columns) = Self.mesh(grid.shape)
    channels = law.equations.count
    // (d + 1)/2 times as many points: the modes of a product of degree d that alias do so onto
    // modes that are dropped.
    let factor = Double(law.degree + 1) / 2
    fineRows = rows == 1 ? 1 : internalMesh(2 * rows, factor: factor) / 2
    fineColumns = internalMesh(columns, factor: factor)
    blocks = (0..<channels).map { [$0] }
    for (equation, terms) in law.equations.enumerated() {
      for entry in terms {
        let symbol = Self.symbol(entry.term.derivative, rows, columns, grid)
        if entry.term.degree == 0 {
          if entry.term.derivative.order == 0 { constants.append((equation, entry.coefficients)) }
        } else if entry.term.degree == 1, entry.term.wave == nil {
          let channel = entry.term.powers.firstIndex(of: 1) ?? 0
          linear.append(
            LinearTerm(
              equation: equation, channel: channel, symbol: symbol,
              coefficients: entry.coefficients))
          couple(equation, channel)
        } else {
          let product = entry.term.monomial
          let place = products.firstIndex(of: product) ?? products.count
          if place == products.count { products.append(product) }
          self.terms.append(
            ProductTerm(
              equation: equation, product: place, symbol: symbol, coefficients: entry.coefficients))
        }
      }
    }
  }

  /// Whether a mesh has transforms.
  static func exists(_ shape: [Int]) -> Bool {
    let (rows, columns) = mesh(shape)
    return FourierTransform.exists(realPoints: columns)
      && (rows == 1 || rows % 2 == 0 && FourierTransform.exists(realPoints: 2 * rows))
  }

  /// Rows and columns of a mesh; one axis is a single row.
  private static func mesh(_ shape: [Int]) -> (rows: Int, columns: Int) {
    shape.count == 1 ? (1, shape[0]) : (shape[0], shape[1])
  }

  private mutating func couple(_ first: Int, _ second: Int) {
    guard let one = blocks.firstIndex(where: { $0.contains(first) }),
      let other = blocks.firstIndex(where: { $0.contains(second) }), one != other
    else { return }
    blocks[one] = (blocks[one] + blocks[other]).sorted()
    blocks.remove(at: other)
  }

  private static func symbol(
    _ derivative: SpaceDerivative, _ rows: Int, _ columns: Int, _ grid: Grid
  ) -> Symbol {
    let parts = derivative.expansion
    // x is the first axis of the field, y the second: with one axis, x runs along columns.
    func wave(_ mode: Int, _ points: Int, _ extent: Double) -> Double {
      2 * .pi * Double(mode <= points / 2 ? mode : mode - points) / extent
    }
    func power(_ base: Double, _ exponent: Int) -> Double {
      (0..<exponent).reduce(1.0) { product, _ in product * base }
    }
    // i^order: a quarter turn each.
    let sign = derivative.order % 4 < 2 ? 1.0 : -1.0
    let values = (0..<rows).flatMap { row in
      (0..<columns / 2).map { column in
        let along = wave(column, columns, grid.extents.last ?? 1)
        let across = rows > 1 ? wave(row, rows, grid.extents[0]) : 0
        let (x, y) = rows > 1 ? (across, along) : (along, 0)
        return sign * parts.reduce(0) { $0 + $1.weight * power(x, $1.x) * power(y, $1.y) }
      }
    }
    return Symbol(values: values, turned: derivative.order % 2 == 1)
  }
}

/// Owns a stepper of CKernels: the trajectories of one vector.
@safe final class LawLanes {
  let members: Range<Int>
  private let plan: LawPlan
  private let lanes: Int
  private let stepper: OpaquePointer
  /// The time step that coefficients are prepared for.
  private var preparedStep: Double?

  init(plan: LawPlan, _ members: Range<Int>) {
    (self.plan, self.members) = (plan, members)
    guard
      let made = unsafe kk_law_create(
        Int32(plan.rows), Int32(plan.columns), Int32(plan.fineRows), Int32(plan.fineColumns),
        Int32(plan.channels), plan.level)
    else {
      preconditionFailure("LawLanes: no transform of \(plan.fineColumns) points, or no memory")
    }
    unsafe stepper = made
    lanes = unsafe Int(kk_law_lanes(made))
    var complete = true
    for product in plan.products {
      let factors = product.powers.enumerated().flatMap { channel, power in
        Array(repeating: Int32(channel), count: power)
      }
      let wave =
        switch product.wave {
        case nil: KK_LAW_NONE
        case .sin: KK_LAW_SIN
        case .cos: KK_LAW_COS
        }
      complete =
        unsafe kk_law_add_product(
          made, Int32(factors.count), factors, wave, Int32(product.waveChannel)) != 0 && complete
    }
    for term in plan.terms {
      // In bounds: a symbol has one entry for each mode, there is a coefficient for each lane.
      complete =
        unsafe kk_law_add_term(
          made, Int32(term.equation), Int32(term.product), term.symbol.values,
          term.symbol.turned ? 1 : 0, ofLanes(term.coefficients)) != 0 && complete
    }
    for block in plan.blocks {
      complete =
        unsafe kk_law_add_block(made, Int32(block.count), block.map { Int32($0) }) != 0 && complete
    }
    precondition(complete, "LawLanes: no memory")
    for equation in 0..<plan.channels {
      let rates = plan.constants.filter { $0.equation == equation }.map { ofLanes($0.coefficients) }
      unsafe kk_law_set_constant(
        made, Int32(equation), (0..<lanes).map { lane in rates.reduce(0) { $0 + $1[lane] } })
    }
  }

  deinit { unsafe kk_law_release(stepper) }

  /// Coefficients of the lanes; idle ones repeat the last trajectory.
  private func ofLanes(_ coefficients: [Double]) -> [Double] {
    (0..<lanes).map { lane in
      coefficients.count == 1
        ? coefficients[0] : coefficients[min(members.lowerBound + lane, members.upperBound - 1)]
    }
  }

  /// Prepares the coefficients for a time step, unless they are.
  func prepare(step: Double) {
    guard step != preparedStep else { return }
    preparedStep = step
    for (number, block) in plan.blocks.enumerated() {
      let coefficients = block.count == 1 ? diagonal(block[0], step) : coupled(block, step)
      // In bounds: both have entries for all kinds, rows, columns, parts, modes and lanes.
      unsafe kk_law_prepare(stepper, Int32(number), coefficients)
    }
  }

  /// Coefficients of a channel by itself.
  private func diagonal(_ channel: Int, _ step: Double) -> [Double] {
    let count = plan.modes * lanes
    var parts = [[Double]](repeating: [Double](repeating: 0, count: count), count: 2)
    for term in plan.linear where term.equation == channel {
      let coefficients = ofLanes(term.coefficients)
      let part = term.symbol.turned ? 1 : 0
      for index in 0..<count {
        parts[part][index] += term.symbol.values[index / lanes] * coefficients[index % lanes]
      }
    }
    var coefficients = [Double](repeating: 0, count: 2 * Int(KK_ETD_KINDS) * count)
    unsafe kk_etd_coefficients(
      count, parts[0], parts[1], step, 1, plan.level, &coefficients)
    return coefficients
  }

  /// Coefficients of channels that are coupled: with φ_k of hL, exp(hL/2), (h/2) φ₁(hL/2), exp(hL)
  /// and the weights of the rates, h (φ₁ − 3φ₂ + 4φ₃), h (2φ₂ − 4φ₃) and h (4φ₃ − φ₂).
  private func coupled(_ block: [Int], _ step: Double) -> [Double] {
    let size = block.count
    let entries = 2 * size * size
    var result = [Double](
      repeating: 0, count: Int(KK_ETD_KINDS) * entries * plan.modes * lanes)
    let terms = plan.linear.compactMap { term in
      block.firstIndex(of: term.equation).map { row in
        (
          row: row, column: block.firstIndex(of: term.channel) ?? 0, symbol: term.symbol,
          coefficients: ofLanes(term.coefficients)
        )
      }
    }
    // Lanes with the same coefficients have the same matrices.
    let sources = (0..<lanes).map { lane in
      (0...lane).first { other in
        terms.allSatisfy { $0.coefficients[other] == $0.coefficients[lane] }
      } ?? lane
    }
    for mode in 0..<plan.modes {
      for lane in 0..<lanes {
        func place(_ kind: Int, _ entry: Int, _ lane: Int) -> Int {
          ((kind * entries + entry) * plan.modes + mode) * lanes + lane
        }
        guard sources[lane] == lane else {
          for kind in 0..<Int(KK_ETD_KINDS) {
            for entry in 0..<entries {
              result[place(kind, entry, lane)] = result[place(kind, entry, sources[lane])]
            }
          }
          continue
        }
        var halved = SmallMatrix(identity: size, times: 0)
        for term in terms {
          let value = step / 2 * term.symbol.values[mode] * term.coefficients[lane]
          let old = halved[term.row, term.column]
          halved[term.row, term.column] =
            term.symbol.turned ? (old.re, old.im + value) : (old.re + value, old.im)
        }
        let half = halved.exponentialFunctions
        let whole = SmallMatrix.doubled(half)
        for entry in 0..<entries {
          let phi = whole.map { $0.entries[entry] }
          let kinds = [
            half[0].entries[entry], step / 2 * half[1].entries[entry], phi[0],
            step * (phi[1] - 3 * phi[2] + 4 * phi[3]), step * (2 * phi[2] - 4 * phi[3]),
            step * (4 * phi[3] - phi[2]),
          ]
          for (kind, value) in kinds.enumerated() { result[place(kind, entry, lane)] = value }
        }
      }
    }
    return result
  }

  /// Starts from fields `[B, C, X…]` of all trajectories.
  func start(_ states: [Double]) {
    let size = plan.channels * plan.rows * plan.columns
    for lane in 0..<lanes {
      let member = min(members.lowerBound + lane, members.upperBound - 1)
      precondition(states.count >= (member + 1) * size)
      unsafe states.withUnsafeBufferPointer { states in
        // In bounds: checked above.
        unsafe kk_law_set(
          stepper, Int32(lane), states.baseAddress.unsafelyUnwrapped + member * size)
      }
    }
    unsafe kk_law_start(stepper)
  }

  /// Takes time steps.
  func advance(_ steps: Int) { unsafe kk_law_advance(stepper, Int64(steps)) }

  /// Hands out room `[C, X…]` for each member and writes its fields there; NaN where it diverged.
  func write(to place: (_ member: Int) -> UnsafeMutablePointer<Double>) {
    unsafe kk_law_show(stepper)
    for (lane, member) in members.enumerated() {
      let state = unsafe place(member)
      unsafe kk_law_get(stepper, Int32(lane), state)
      unsafe loseUnlessFinite(state, count: plan.channels * plan.rows * plan.columns)
    }
  }
}
