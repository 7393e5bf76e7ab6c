// The reservoir computer: its kernels against plain loops, NumPy's numbers, the properties that the
// method rests on, and known signals.
import CKernels
import Foundation
import KymoData
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoPropagation

extension ReservoirMemory {
  /// The activity h of every unit, `[B, N]`.
  fileprivate var units: HostArray<Double> {
    get {
      var units = HostArray(repeating: 0.0, shape: [batchCount, unitCount])
      for index in units.elements.indices { units.elements[index] = activity[place(of: index)] }
      return units
    }
    set {
      precondition(
        newValue.shape == [batchCount, unitCount], "ReservoirMemory: \(newValue.shape)")
      for index in newValue.elements.indices {
        activity[place(of: index)] = newValue.elements[index]
      }
    }
  }

  private func place(of index: Int) -> Int {
    let (item, unit) = (index / unitCount, index % unitCount)
    return (item / lanes * unitCount + unit) * lanes + item % lanes
  }
}

/// Runs `body` on every instruction set that this processor has.
private func onEveryLevel(_ body: () throws -> Void) rethrows {
  defer { kk_limit_level(KK_LEVEL_AVX512) }
  for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
    kk_limit_level(level)
    if kk_processor_level() == level { try body() }
  }
}

private func sine(_ count: Int, step: Double = 0.1) -> HostArray<Double> {
  HostArray((0..<count).map { sin(step * Double($0)) }, shape: [count, 1])
}

/// A · h by the definition.
private func plainProduct(_ reservoir: SparseReservoir, _ h: [Double]) -> [Double] {
  (0..<reservoir.unitCount).map { row in
    (Int(reservoir.starts[row])..<Int(reservoir.starts[row + 1])).reduce(0) {
      $0 + reservoir.values[$1] * h[Int(reservoir.columns[$1])]
    }
  }
}

@Suite("Kernels of the reservoir") struct ReservoirKernelTests {
  @Test("the hyperbolic tangent is within four units in the last place") func hyperbolicTangent() {
    var random = RandomStream(seed: 5, purpose: .testing)
    var arguments = (0..<2003).map { _ in
      pow(10, 20 * random.uniform() - 18) * (random.uniform() < 0.5 ? -1 : 1)
    }
    arguments += [0, -0.0, 19.06, -19.07, 40, 1e300, .infinity, -.infinity, .leastNonzeroMagnitude]
    onEveryLevel {
      var values = arguments + [.nan]
      unsafe kk_tanh(&values, Int64(values.count))
      #expect(values.last?.isNaN == true)
      for (x, y) in zip(arguments, values) {
        let exact = tanh(x)
        #expect((y - exact).magnitude <= 4 * exact.ulp && y.sign == exact.sign, "tanh \(x)")
      }
    }
  }

  @Test("a step and a read-out are those of plain loops", arguments: [1, 2, 3, 9, 31, 64], [1, 8])
  func plainTwin(_ units: Int, _ lanes: Int) throws {
    var random = RandomStream(seed: UInt64(units), purpose: .testing)
    let inputs = units % 3 == 0 ? 3 : 1
    var nonzeros: [(row: Int, column: Int, value: Double)] = []
    for row in 0..<units {
      for column in 0..<units where random.uniform() < 0.3 {
        nonzeros.append((row, column, random.uniform()))
      }
    }
    let reservoir = SparseReservoir(
      inputCount: inputs, nonzeros: nonzeros, weights: (0..<units).map { _ in random.normal() })
    let h = (0..<units * lanes).map { _ in random.normal() / 2 }
    let z = (0..<inputs * lanes).map { _ in random.normal() }
    let outputs = 5
    let readOut = (0..<outputs * units).map { _ in random.normal() }
    var (next, y) = ([Double](), [Double]())
    next = [Double](repeating: 0, count: units * lanes)
    y = [Double](repeating: 0, count: outputs * lanes)
    for lane in 0..<lanes {
      let state = (0..<units).map { h[$0 * lanes + lane] }
      for (unit, sum) in plainProduct(reservoir, state).enumerated() {
        let input = z[unit / (units / inputs) * lanes + lane]
        next[unit * lanes + lane] = tanh(sum + reservoir.weights[unit] * input)
      }
      for output in 0..<outputs {
        y[output * lanes + lane] = (0..<units).reduce(0) {
          let value = h[$1 * lanes + lane]
          return $0 + readOut[output * units + $1] * ($1 % 2 == 0 ? value * value : value)
        }
      }
    }
    let close = Tolerance(
      absolute: 1e-13, relative: 1e-13, because: "sums of up to 64 terms of size 1 in Double")
    onEveryLevel {
      var (observed, read) = (next.map { _ in 0.0 }, y.map { _ in 0.0 })
      unsafe reservoir.withPlan {
        unsafe kk_reservoir_step($0, Int32(lanes), z, h, &observed)
      }
      unsafe kk_reservoir_read(Int32(units), Int32(outputs), Int32(lanes), readOut, h, &read)
      expectClose(observed, next, close)
      expectClose(read, y, close)
    }
  }
}

@Suite("The reservoir computer") struct ReservoirTests {
  /// The reservoir of the golden values, with its settings.
  private func goldenReservoir(
    _ golden: HostModelsGolden, ridgePenalty: Double
  ) throws -> ReservoirPropagator {
    var configuration = ReservoirConfiguration()
    configuration.washOutSteps = 20
    configuration.ridgePenalty = ridgePenalty
    let nonzeros = golden.adjacency.indices.filter { golden.adjacency[$0] != 0 }.map {
      (row: $0 / 30, column: $0 % 30, value: golden.adjacency[$0])
    }
    return try ReservoirPropagator(
      fitting: golden.series, configuration: configuration,
      scaler: ChannelScaler(kind: .none, offset: [0, 0], scale: [1, 1]),
      reservoir: SparseReservoir(
        inputCount: 2, nonzeros: nonzeros, weights: golden.inputWeights))
  }

  @Test("agrees with NumPy: read-out by ridge regression, activity, free run") func golden() throws
  {
    let golden = try HostModelsGolden.load()
    let reservoir = try goldenReservoir(golden, ridgePenalty: 1e-3)
    #expect(reservoir.solver == .cholesky)
    #expect(reservoir.trainingStateCount == 120 + 90 - 2 - 40)
    let close = Tolerance(
      absolute: 1e-9, relative: 1e-8, because: "condition number of about 1e6 in Double")
    expectClose(reservoir.readOut, golden.ridgeReadOut, close)
    var memory = reservoir.initialMemory(batchCount: 1)
    let known = HostArray(Array(golden.firstSeries[0..<80]), shape: [1, 40, 2])
    let predictions = try reservoir.oneStepPredictions(known, memory: &memory)
    expectClose(
      memory.units.elements, golden.activity,
      Tolerance(absolute: 1e-13, because: "rounding, forgotten at rate 0.8"))
    let first = HostArray(Array(predictions.elements.suffix(2)), shape: [1, 2])
    let path = try reservoir.rollout(from: first, stepCount: 14, memory: &memory)
    let free = Tolerance(
      absolute: 1e-7, because: "the read-out's 1e-9 fed back for 15 steps")
    expectClose(first.elements + path.elements, golden.freeRun, free)
    // One step later is another path.
    expectFar(path.elements, Array(golden.freeRun.prefix(28)), free)
    #expect(
      try abs(reservoir.reservoir.spectralRadius() - golden.radius) < 1e-10 * golden.radius)
  }

  @Test("without a penalty it fits as the pseudo-inverse of NumPy does") func pseudoInverse() throws
  {
    let golden = try HostModelsGolden.load()
    let reservoir = try goldenReservoir(golden, ridgePenalty: 0)
    #expect(reservoir.solver == .pseudoInverse)
    var memory = reservoir.initialMemory(batchCount: 1)
    let known = HostArray(Array(golden.firstSeries[0..<50]), shape: [1, 25, 2])
    let fitted = try reservoir.oneStepPredictions(known, memory: &memory)
    // The fitted values of the first five states after the wash-out; entry [latent][state] in
    // NumPy.
    let expected = (0..<5).flatMap { state in
      (0..<2).map { golden.pseudoInverseFit[$0 * 5 + state] }
    }
    expectClose(
      Array(fitted.elements[40..<50]), expected,
      Tolerance(
        absolute: 1e-5, because: "squared singular values below 3e-14 of the largest are cut"))
  }

  @Test("has the spectral radius of its settings", arguments: [(40, 3.0), (300, 10.0), (300, 1.0)])
  func spectralRadius(_ units: Int, _ degree: Double) throws {
    var configuration = ReservoirConfiguration()
    configuration.unitCount = units
    configuration.degree = degree
    configuration.spectralRadius = 0.9
    let reservoir = try SparseReservoir(inputCount: 3, configuration: configuration)
    #expect(reservoir.unitCount == (units + 2) / 3 * 3)
    #expect(reservoir.values.count == Int((degree * Double(reservoir.unitCount)).rounded()))
    let count = reservoir.unitCount
    var dense = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for index in Int(reservoir.starts[row])..<Int(reservoir.starts[row + 1]) {
        dense[row * count + Int(reservoir.columns[index])] += reservoir.values[index]
      }
    }
    // Every place at most once: no nonzero is hidden by another.
    #expect(dense.count { $0 != 0 } == reservoir.values.count { $0 != 0 })
    let parts = try Tensor(doubles: dense, shape: [count, count]).eigenvalues().doubles
    let radius =
      stride(from: 0, to: parts.count, by: 2).map { hypot(parts[$0], parts[$0 + 1]) }
      .max() ?? 0
    expectClose([radius], [0.9], Tolerance(absolute: 1e-10, because: "asked for by the method"))
    #expect(reservoir.weights.allSatisfy { $0.magnitude <= 1 })
  }

  @Test("forgets how it started: the echo-state property") func echoState() throws {
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 200
    configuration.spectralRadius = 0.9
    let reservoir = try ReservoirPropagator(fitting: [sine(600)], configuration: configuration)
    var random = RandomStream(seed: 8, purpose: .testing)
    var memory = reservoir.initialMemory(batchCount: 2)
    memory.units = HostArray((0..<400).map { _ in 2 * random.uniform() - 1 }, shape: [2, 200])
    let one = sine(500).elements
    _ = try reservoir.oneStepPredictions(
      HostArray(one + one, shape: [2, 500, 1]), memory: &memory)
    let (first, second) = (memory.units.slice(0).elements, memory.units.slice(1).elements)
    let distance = zip(first, second).map { ($0 - $1).magnitude }.max() ?? 1
    #expect(distance < 1e-6, "after 500 steps")
    #expect(first.contains { $0.magnitude > 0.1 }, "it is not at rest")
  }

  @Test("learns a sine, one step ahead", arguments: [1e-8, 0.0]) func sineAhead(_ penalty: Double)
    throws
  {
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 300
    configuration.ridgePenalty = penalty
    let reservoir = try ReservoirPropagator(
      fitting: [sine(1500), sine(400)], configuration: configuration)
    var memory = reservoir.initialMemory(batchCount: 1)
    let known = sine(900)
    let predictions = try reservoir.oneStepPredictions(
      known.reshaped([1, 900, 1]), memory: &memory)
    let errors = (200..<899).map { (predictions.elements[$0] - known.elements[$0 + 1]).magnitude }
    #expect((errors.max() ?? 1) < 1e-4)
  }

  @Test("a batch is its trajectories one by one, steps are a rollout", arguments: [2, 8, 11])
  func batches(_ batch: Int) throws {
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 101
    configuration.washOutSteps = 20
    let golden = try HostModelsGolden.load()
    let reservoir = try ReservoirPropagator(fitting: golden.series, configuration: configuration)
    #expect(reservoir.unitCount == 102 && reservoir.latentCount == 2)
    let warmUp = HostArray(
      (0..<batch).flatMap { Array(golden.firstSeries[4 * $0..<4 * $0 + 60]) },
      shape: [batch, 30, 2])
    var memory = reservoir.initialMemory(batchCount: batch)
    let start = try reservoir.oneStepPredictions(warmUp, memory: &memory).frame(29)
    var stepped = memory
    let path = try reservoir.rollout(from: start, stepCount: 5, memory: &memory)
    // Sums over units in another order, fed back five times by a read-out of size 10.
    let close = Tolerance(absolute: 1e-9, because: "another order of additions, fed back")
    for item in 0..<batch {
      var own = reservoir.initialMemory(batchCount: 1)
      let last = try reservoir.oneStepPredictions(
        warmUp.slice(item).reshaped([1, 30, 2]), memory: &own
      ).frame(29)
      let alone = try reservoir.rollout(from: last, stepCount: 5, memory: &own)
      expectClose(path.slice(item).elements, alone.elements, close)
      expectClose(memory.units.slice(item).elements, own.units.elements, close)
    }
    var current = start
    for step in 0..<5 {
      current = try reservoir.step(current, memory: &stepped)
      expectClose(current.elements, path.frame(step).elements, close)
    }
  }

  @Test("latents that are not finite stay so, and the others go on") func notFinite() throws {
    let golden = try HostModelsGolden.load()
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 50
    configuration.washOutSteps = 20
    let reservoir = try ReservoirPropagator(fitting: golden.series, configuration: configuration)
    var memory = reservoir.initialMemory(batchCount: 2)
    let path = try reservoir.rollout(
      from: HostArray([.nan, 0, 0.1, 0.2], shape: [2, 2]), stepCount: 3, memory: &memory)
    #expect(path.slice(0).elements.allSatisfy { $0.isNaN })
    #expect(path.slice(1).elements.allSatisfy { $0.isFinite })
  }

  @Test("sums in chunks are the sums at once, noise moves the fit a little") func chunks() throws {
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 20
    configuration.washOutSteps = 0
    let long = sine(2600)
    let plain = try ReservoirPropagator(fitting: [long], configuration: configuration)
    #expect(plain.trainingStateCount == 2599)
    // The normal equations of all states at once.
    var memory = plain.initialMemory(batchCount: 1)
    var (rows, following) = ([Double](), [Double]())
    let scaled = plain.scaler.scale(long).elements
    for frame in 0..<2599 {
      _ = try plain.step(HostArray([long.elements[frame]], shape: [1, 1]), memory: &memory)
      rows += memory.units.elements.enumerated().map { $0 % 2 == 0 ? $1 * $1 : $1 }
      following.append(scaled[frame + 1])
    }
    let features = Tensor(doubles: rows, shape: [2599, 20])
    let residual =
      features.matmul(Tensor(doubles: plain.readOut, shape: [20, 1]))
      - Tensor(doubles: following, shape: [2599, 1])
    let gradient =
      features.transposed(0, 1).matmul(residual)
      + Tensor(doubles: plain.readOut, shape: [20, 1]) * configuration.ridgePenalty
    expectClose(
      gradient.doubles, [Double](repeating: 0, count: 20),
      Tolerance(absolute: 1e-7, because: "2,600 terms of size 1, read-out of size 100, rounding"))
    configuration.inputNoisePerMille = 10
    let noisy = try ReservoirPropagator(fitting: [long], configuration: configuration)
    #expect(noisy.readOut != plain.readOut)
    #expect(noisy.reservoir.values == plain.reservoir.values)
  }

  @Test("comes back from a folder bit for bit") func onDisk() throws {
    let folder = try TemporaryFolder()
    let golden = try HostModelsGolden.load()
    var configuration = ReservoirConfiguration()
    configuration.unitCount = 60
    configuration.washOutSteps = 20
    configuration.seed = 3
    let reservoir = try ReservoirPropagator(fitting: golden.series, configuration: configuration)
    try reservoir.save(to: folder.url)
    let loaded = try ReservoirPropagator(from: folder.url)
    #expect(loaded.configuration == configuration && loaded.scaler == reservoir.scaler)
    let start = HostArray([0.1, 0.2], shape: [1, 2])
    var (first, second) = (
      reservoir.initialMemory(batchCount: 1), loaded.initialMemory(batchCount: 1)
    )
    #expect(
      try reservoir.rollout(from: start, stepCount: 9, memory: &first)
        == loaded.rollout(from: start, stepCount: 9, memory: &second))
    #expect(throws: TensorError.self) { try SINDyPropagator(from: folder.url) }
    // An edited scaler of fewer latents.
    let file = folder.path("model.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let scale = try #require(
      text.range(of: "\"offset\"\\s*:\\s*\\[[^\\]]*\\]", options: .regularExpression))
    try Data(text.replacingCharacters(in: scale, with: "\"offset\": [0.5, 0.1, 0.2, 0.3]").utf8)
      .write(to: file)
    #expect(throws: ModelDataError.self) { try ReservoirPropagator(from: folder.url) }
  }

  @Test("refuses what cannot work, and says how to mend it") func refusals() throws {
    let error = #expect(throws: ModelDataError.self) {
      try ReservoirPropagator(fitting: [sine(101)], configuration: ReservoirConfiguration())
    }
    #expect(error?.description.contains("at least 102 frames") == true)
    #expect(throws: ModelDataError.self) {
      try ReservoirPropagator(fitting: [], configuration: ReservoirConfiguration())
    }
    var configuration = ReservoirConfiguration()
    configuration.spectralRadius = -1
    #expect(throws: ConfigurationError.self) { try configuration.validate() }
    configuration = ReservoirConfiguration()
    configuration.unitCount = 1
    configuration.degree = 1
    expectClose(
      try SparseReservoir(inputCount: 1, configuration: configuration).values, [0.99],
      .rounding(terms: 2))
    #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"spectralradius": 1}"#.utf8))
        .decode(ReservoirConfiguration.self)
    }
    let decoded = try SettingsTree(json: Data(#"{"ridgePenalty": 0}"#.utf8))
      .decode(ReservoirConfiguration.self)
    #expect(decoded.ridgePenalty == 0 && decoded.unitCount == 1000)
  }

  @Test("a matrix without loops has spectral radius 0") func nilpotent() throws {
    let reservoir = SparseReservoir(
      inputCount: 1, nonzeros: [(0, 1, 0.5), (1, 2, 0.7)], weights: [1, 1, 1])
    #expect(try reservoir.spectralRadius() == 0)
    // Two separate loops of nearly the same strength.
    let loops = SparseReservoir(
      inputCount: 1, nonzeros: [(0, 1, 0.5), (1, 0, 0.5), (2, 2, 0.5000001)], weights: [1, 1, 1])
    expectClose(
      [try loops.spectralRadius()], [0.5000001],
      Tolerance(relative: 1e-10, because: "asked for by the method"))
  }
}
