// The fixed, random part of a reservoir computer: a sparse matrix A, uniform on [0, 1) at degree ·
// N places and scaled to a spectral radius, and input weights, uniform on [−σ, σ], with which every
// unit sees one input.
import CKernels
import KymoNumerics
import KymoTensor

/// A sparse recurrent matrix, row by row, and the weight of each unit's input.
struct SparseReservoir {
  /// Number of inputs; it divides the number of units, and neighbouring units see the same input.
  var inputCount: Int
  /// Where each row's nonzeros begin, and where the last row's end.
  var starts: [Int32]
  /// Columns of the nonzeros.
  var columns: [Int32]
  /// The nonzeros of A.
  var values: [Double]
  /// The weight of each unit's input.
  var weights: [Double]

  /// Number of units, N.
  var unitCount: Int { weights.count }

  /// A matrix from its nonzeros, in any order but each place once.
  init(
    inputCount: Int, nonzeros: [(row: Int, column: Int, value: Double)], weights: [Double]
  ) {
    precondition(
      weights.count % inputCount == 0, "SparseReservoir: \(weights.count) units, \(inputCount)")
    self.inputCount = inputCount
    self.weights = weights
    let sorted = nonzeros.sorted { ($0.row, $0.column) < ($1.row, $1.column) }
    columns = sorted.map { Int32($0.column) }
    values = sorted.map(\.value)
    var counts = [Int32](repeating: 0, count: weights.count + 1)
    for entry in sorted { counts[entry.row + 1] += 1 }
    for row in weights.indices { counts[row + 1] += counts[row] }
    starts = counts
  }

  /// Draws a reservoir and scales it to the spectral radius of the settings.
  init(inputCount: Int, configuration: ReservoirConfiguration) throws {
    let perInput = (configuration.unitCount + inputCount - 1) / inputCount
    let units = inputCount * perInput
    var random = RandomStream(seed: configuration.seed, purpose: .weights, index: 0)
    let places = units * units
    let wanted = min(places, Int((configuration.degree * Double(units)).rounded()))
    // Floyd's sampling: every set of places is as likely, with one draw for each.
    var chosen = Set<Int>(minimumCapacity: wanted)
    for last in places - wanted..<places {
      let place = random.index(below: last + 1)
      if !chosen.insert(place).inserted { chosen.insert(last) }
    }
    let nonzeros = chosen.sorted().map { place in
      (row: place / units, column: place % units, value: random.uniform())
    }
    random = RandomStream(seed: configuration.seed, purpose: .weights, index: 1)
    let scale = configuration.inputScale
    let weights = (0..<units).map { _ in scale * (2 * random.uniform() - 1) }
    self.init(inputCount: inputCount, nonzeros: nonzeros, weights: weights)
    let radius = try spectralRadius()
    guard radius > 0 else {
      throw ConfigurationError(
        "reservoir.degree", found: "\(configuration.degree), which gave a matrix without loops",
        allowed: "so large that activity returns to where it was",
        remedy: "Raise reservoir.degree to 10, or reservoir.unitCount.")
    }
    for index in values.indices { values[index] *= configuration.spectralRadius / radius }
  }

  /// The largest modulus of an eigenvalue of A.
  ///
  /// A has no negative entries, so that its spectral radius is an eigenvalue with a vector that has
  /// none either (Perron and Frobenius), and power iteration on A + c finds it, c > 0 taking away
  /// other eigenvalues of the same modulus. Random matrices of degree 10 need about 50 products.
  /// Where the iteration does not settle (nearly separate parts), all eigenvalues are computed.
  func spectralRadius() throws -> Double {
    precondition(values.allSatisfy { $0 >= 0 }, "spectralRadius: A has negative entries")
    // Powers of a matrix without loops end in zero; rounding would hide that from an eigenvalue
    // routine.
    guard hasLoop else { return 0 }
    let units = unitCount
    let shift = values.reduce(0, +) / Double(units) / 8
    var vector = [Double](repeating: 1 / Double(units), count: units)
    var (radius, settled) = (0.0, 0)
    for _ in 0..<2000 {
      var next = product(vector)
      for unit in next.indices { next[unit] += shift * vector[unit] }
      let sum = next.reduce(0, +)
      let misfit = zip(next, vector).reduce(0) { $0 + ($1.0 - sum * $1.1).magnitude }
      settled = misfit <= 1e-14 * sum * Double(units).squareRoot() ? settled + 1 : 0
      vector = next.map { $0 / sum }
      radius = sum - shift
      if settled == 3 { return radius }
    }
    guard units <= 5000 else {
      throw ConfigurationError(
        "reservoir.degree", found: "so small that the spectral radius cannot be found",
        allowed: "so large that most units are connected", remedy: "Raise it to 10.")
    }
    var dense = [Double](repeating: 0, count: units * units)
    for row in 0..<units {
      for index in Int(starts[row])..<Int(starts[row + 1]) {
        dense[row * units + Int(columns[index])] = values[index]
      }
    }
    let parts = try Tensor(doubles: dense, shape: [units, units]).eigenvalues()
    return parts.square().sum(axes: [1]).max().item.squareRoot()
  }

  /// Whether activity can return to a unit: units without inputs are removed until none
  /// is left, or only loops and what they drive.
  private var hasLoop: Bool {
    var heard = (0..<unitCount).map { Int(starts[$0 + 1] - starts[$0]) }
    var listeners = [[Int]](repeating: [], count: unitCount)
    for row in 0..<unitCount {
      for index in Int(starts[row])..<Int(starts[row + 1]) {
        if values[index] == 0 {
          heard[row] -= 1
        } else {
          listeners[Int(columns[index])].append(row)
        }
      }
    }
    var silent = heard.indices.filter { heard[$0] == 0 }
    var taken = 0
    while let unit = silent.popLast() {
      taken += 1
      for listener in listeners[unit] {
        heard[listener] -= 1
        if heard[listener] == 0 { silent.append(listener) }
      }
    }
    return taken < unitCount
  }

  /// A h.
  private func product(_ h: [Double]) -> [Double] {
    unsafe withPlan { plan in
      unsafe [Double](unsafeUninitializedCapacity: unitCount) { result, initialized in
        unsafe h.withUnsafeBufferPointer { h in
          guard let h = h.baseAddress, let out = result.baseAddress else { return }
          unsafe kk_reservoir_product(plan, h, out)
        }
        initialized = unitCount
      }
    }
  }

  /// Calls `body` with the reservoir as the kernels want it.
  func withPlan<Result>(_ body: (UnsafePointer<kk_reservoir>) throws -> Result) rethrows -> Result {
    unsafe try starts.withUnsafeBufferPointer { starts in
      unsafe try columns.withUnsafeBufferPointer { columns in
        unsafe try values.withUnsafeBufferPointer { values in
          unsafe try weights.withUnsafeBufferPointer { weights in
            var plan = unsafe kk_reservoir(
              units: Int32(unitCount), inputs: Int32(inputCount), starts: starts.baseAddress,
              columns: columns.baseAddress, values: values.baseAddress,
              weights: weights.baseAddress)
            return unsafe try body(&plan)
          }
        }
      }
    }
  }
}
