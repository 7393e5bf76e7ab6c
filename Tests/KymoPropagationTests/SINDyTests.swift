// Sparse models: known systems found again, NumPy's and SciPy's numbers, the integration, and
// forecasts that run away.
import CKernels
import Foundation
import KymoData
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoPropagation

/// A trajectory of ż = f(z) by the classical Runge–Kutta method with `substeps` steps a frame.
private func trajectory(
  from start: [Double], step: Double, frames: Int, substeps: Int = 10,
  _ field: ([Double]) -> [Double]
) -> HostArray<Double> {
  var z = start
  var rows = z
  let h = step / Double(substeps)
  func moved(_ k: [Double], _ factor: Double) -> [Double] { zip(z, k).map { $0 + factor * $1 } }
  for _ in 1..<frames {
    for _ in 0..<substeps {
      let k1 = field(z)
      let k2 = field(moved(k1, h / 2))
      let k3 = field(moved(k2, h / 2))
      let k4 = field(moved(k3, h))
      z = z.indices.map { z[$0] + h / 6 * (k1[$0] + 2 * k2[$0] + 2 * k3[$0] + k4[$0]) }
    }
    rows += z
  }
  return HostArray(rows, shape: [frames, start.count])
}

private func lorenz(_ z: [Double]) -> [Double] {
  [10 * (z[1] - z[0]), z[0] * (28 - z[2]) - z[1], z[0] * z[1] - 8.0 / 3 * z[2]]
}

private func oscillator(_ z: [Double]) -> [Double] { [z[1], -z[0]] }

private func settings(
  degree: Int, threshold: Double, _ change: (inout SINDyConfiguration) -> Void = { _ in }
) -> SINDyConfiguration {
  var configuration = SINDyConfiguration()
  configuration.polynomialDegree = degree
  configuration.threshold = threshold
  configuration.scaling = .none
  change(&configuration)
  return configuration
}

@Suite("Sparse models") struct SINDyTests {
  @Test("find the Lorenz system again, and nothing else") func lorenzSystem() throws {
    let series = trajectory(from: [-8, 8, 27], step: 0.002, frames: 10_000, substeps: 2, lorenz)
    let model = try SINDyPropagator(
      fitting: [series], frameInterval: 0.002, configuration: settings(degree: 2, threshold: 0.5))
    let expected: [[String: Double]] = [
      ["z0": -10, "z1": 10], ["z0": 28, "z1": -1, "z0 z2": -1], ["z2": -8.0 / 3, "z0 z1": 1],
    ]
    #expect(model.coefficients.elements.count { $0 != 0 } == 7)
    for (latent, terms) in expected.enumerated() {
      for (name, value) in zip(model.termNames, model.coefficients.slice(latent).elements) {
        expectClose(
          [value], [terms[name] ?? 0],
          Tolerance(relative: 0.005, because: "central differences at Δt = 0.002, asked for"))
      }
    }
    #expect(model.equations[2].hasPrefix("dz2/dt = "))
    // Its forecast follows the true system for a while (about 4 of 0.9 Lyapunov times).
    var memory = model.initialMemory(batchCount: 1)
    let path = try model.rollout(
      from: HostArray([-8, 8, 27], shape: [1, 3]), stepCount: 1000, memory: &memory)
    expectClose(
      path.frame(499).elements, series.slice(500).elements,
      Tolerance(absolute: 0.1, because: "errors of 1e-4 in coefficients grow as exp(0.9 t)"))
    #expect(memory.divergedCount == 0)
  }

  @Test("find a harmonic oscillator exactly in discrete time") func discreteOscillator() throws {
    let step = 0.3
    let rows = (0..<40).flatMap { [cos(step * Double($0)), -sin(step * Double($0))] }
    let model = try SINDyPropagator(
      fitting: [HostArray(rows, shape: [40, 2])], frameInterval: step,
      configuration: settings(degree: 2, threshold: 0.01) { $0.timeModel = .discrete })
    #expect(model.termNames == ["1", "z0", "z1", "z0^2", "z0 z1", "z1^2"])
    let (c, s) = (cos(step), sin(step))
    expectClose(
      model.coefficients.elements, [0, c, s, 0, 0, 0, 0, -s, c, 0, 0, 0],
      Tolerance(absolute: 1e-13, because: "exact data, an unbiased fit, rounding"))
    var memory = model.initialMemory(batchCount: 1)
    let path = try model.rollout(
      from: HostArray([1, 0], shape: [1, 2]), stepCount: 1000, memory: &memory)
    expectClose(
      path.frame(999).elements, [cos(1000 * step), -sin(1000 * step)],
      Tolerance(absolute: 1e-9, because: "1e-13 a step, a thousand times"))
  }

  @Test("find the oscillator in continuous time up to the order of the differences")
  func continuousOscillator() throws {
    func frequency(_ step: Double) throws -> Double {
      let rows = (0..<400).flatMap { [cos(step * Double($0)), -sin(step * Double($0))] }
      let model = try SINDyPropagator(
        fitting: [HostArray(rows, shape: [400, 2])], frameInterval: step,
        configuration: settings(degree: 1, threshold: 0.1))
      #expect(model.coefficients.elements.count { $0 != 0 } == 2)
      return model.coefficients[0, 2]
    }
    // Central differences of a sine are sin(Δt)/Δt times its derivative: an error of Δt²/6.
    expectClose(
      [try frequency(0.05)], [sin(0.05) / 0.05],
      Tolerance(absolute: 2e-6, because: "two of 400 frames have one-sided differences"))
    let order = log2((1 - (try frequency(0.1))) / (1 - (try frequency(0.05))))
    #expect((order - 2).magnitude < 0.05, "order \(order)")
  }

  @Test("regress as NumPy does: thresholds, ridge, last fit") func regression() throws {
    let golden = try HostModelsGolden.load()
    let theta = Tensor(doubles: golden.theta, shape: [80, 9])
    let targets = Tensor(doubles: golden.targets, shape: [80, 3])
    let close = Tolerance(absolute: 1e-11, because: "condition number below 1000 in Double")
    func fit(_ threshold: Double, _ isUnbiased: Bool) throws -> [Double] {
      try ThresholdedLeastSquares(
        threshold: threshold, ridgePenalty: 0.05, maximumRounds: 20, isUnbiased: isUnbiased
      ).fit(terms: theta, targets: targets).flatMap(\.self)
    }
    expectClose(try fit(0.1, true), golden.sparse, close)
    expectClose(try fit(0.1, false), golden.sparseBiased, close)
    expectClose(try fit(0.45, true), golden.sparseStrict, close)
    #expect(golden.sparse.count { $0 != 0 } == 5 && golden.sparseStrict.count { $0 != 0 } < 5)
    // The bias of the penalty shows.
    expectFar(try fit(0.1, false), golden.sparse, close)
  }

  @Test("smooth, refine and differentiate as SciPy does") func seriesPreparation() throws {
    let golden = try HostModelsGolden.load()
    let noisy = HostArray(golden.noisy, shape: [25, 2])
    let close = Tolerance(absolute: 1e-12, relative: 1e-12, because: "the same formulas in Double")
    expectClose(try SeriesDerivatives.smoothed(noisy).elements, golden.smoothed, close)
    let refined = SeriesDerivatives.refined(noisy, factor: 5)
    #expect(refined.shape == [121, 2])
    expectClose(refined.elements, golden.refined, close)
    expectClose(
      SeriesDerivatives.derivatives(of: noisy, timeStep: 0.1).elements, golden.derivatives,
      Tolerance(absolute: 1e-11, because: "divided by 0.1"))
  }

  @Test("refinement makes sparse data usable") func refinement() throws {
    let series = trajectory(from: [1, 0], step: 0.5, frames: 200, oscillator)
    func frequency(_ factor: Int) throws -> Double {
      try SINDyPropagator(
        fitting: [series], frameInterval: 0.5,
        configuration: settings(degree: 1, threshold: 0.1) { $0.interpolationFactor = factor }
      ).coefficients[0, 2]
    }
    let (plain, dense) = ((try frequency(1) - 1).magnitude, (try frequency(5) - 1).magnitude)
    #expect(plain > 0.03 && dense < 0.005, "\(plain), \(dense)")
  }

  @Test("take sines and cosines as terms") func harmonics() throws {
    // A pendulum.
    let series = trajectory(from: [2, 0], step: 0.02, frames: 2000) { [$0[1], -sin($0[0])] }
    let model = try SINDyPropagator(
      fitting: [series], frameInterval: 0.02,
      configuration: settings(degree: 1, threshold: 0.1) { $0.harmonicCount = 2 })
    #expect(model.termNames.suffix(4) == ["sin(2 z0)", "cos(2 z0)", "sin(2 z1)", "cos(2 z1)"])
    #expect(model.coefficients.elements.count { $0 != 0 } == 2)
    expectClose(
      [model.coefficients[1, 3]], [-1], Tolerance(absolute: 1e-3, because: "differences, Δt²/6"))
    #expect(model.termNames[3] == "sin(z0)")
  }

  @Test("scale latents inside and forecast in physical units") func scaling() throws {
    let series = trajectory(from: [1, 0], step: 0.1, frames: 300, oscillator)
    let shifted = HostArray(
      series.elements.enumerated().map { $0 % 2 == 0 ? 100 + 7 * $1 : $1 / 50 }, shape: [300, 2])
    let model = try SINDyPropagator(
      fitting: [shifted], frameInterval: 0.1,
      configuration: settings(degree: 1, threshold: 1e-3) { $0.scaling = .minMaxZeroOne })
    var memory = model.initialMemory(batchCount: 1)
    let path = try model.rollout(
      from: HostArray([107, 0], shape: [1, 2]), stepCount: 62, memory: &memory)
    expectClose(
      path.frame(61).elements, shifted.slice(62).elements,
      Tolerance(
        absolute: 0.08, because: "a phase error of 6.2 Δt²/6 = 0.01 times an amplitude of 7"))
  }
}

@Suite("Forecasts of sparse models") struct SINDyForecastTests {
  /// ż = z² from a series that stays small: 1 / (1/z_0 − t).
  private func explosive(_ timeModel: SINDyConfiguration.TimeModel) throws -> SINDyPropagator {
    let series = HostArray(
      (0..<200).map { 1 / (2 - 0.005 * Double($0)) }, shape: [200, 1])
    return try SINDyPropagator(
      fitting: [series], frameInterval: 0.005,
      configuration: settings(degree: 2, threshold: 0.01) {
        $0.timeModel = timeModel
        $0.scaling = .minMaxZeroOne
      })
  }

  @Test("that run away keep the last finite value inside the range, and are counted")
  func divergence() throws {
    for timeModel in SINDyConfiguration.TimeModel.allCases {
      let model = try explosive(timeModel)
      var memory = model.initialMemory(batchCount: 3)
      // The first explodes near t = 1, that is step 200; the second starts lower; the third is
      // lost.
      let path = try model.rollout(
        from: HostArray([1, 0.5, .nan], shape: [3, 1]), stepCount: 300, memory: &memory)
      let first = path.slice(0).elements
      #expect(first.allSatisfy { $0.isFinite })
      expectClose(
        [first[99]], [2], Tolerance(relative: 0.01, because: "the true solution 1/(1 - t)"))
      // Training values end at 1/(2 − 0.995).
      expectClose(
        [first[299]], [1 / (2 - 0.995)], Tolerance(relative: 1e-9, because: "the range's upper end")
      )
      expectClose(
        [path.slice(1).elements[199]], [1],
        Tolerance(relative: 0.01, because: "the true solution 1/(2 - t)"))
      #expect(path.slice(2).elements.allSatisfy { $0.isNaN })
      #expect(memory.divergedCount == 1 && memory.isLost == [true, false, false])
      // It stays where it was stopped, and counts once; from other latents it starts anew.
      let again = try model.step(path.frame(299), memory: &memory)
      expectClose(
        [again.elements[0]], [first[299]],
        Tolerance(relative: 1e-15, because: "rounding of a scaler"))
      #expect(memory.divergedCount == 1 && memory.isLost[0])
      let fresh = try model.step(HostArray([0.6, 0.5, 0.5], shape: [3, 1]), memory: &memory)
      #expect(memory.divergedCount == 1 && memory.isLost == [false, false, false])
      #expect(fresh.elements[0] > 0.6 && fresh.elements[0] < 0.61)
    }
  }

  @Test("are integrated to the tolerance of the settings", arguments: [1e-4, 1e-6, 1e-8, 1e-10])
  func tolerance(_ tolerance: Double) throws {
    let series = HostArray(
      (0..<40).flatMap { [cos(0.01 * Double($0)), -sin(0.01 * Double($0))] }, shape: [40, 2])
    let model = try SINDyPropagator(
      fitting: [series], frameInterval: 0.01,
      configuration: settings(degree: 1, threshold: 0.5) { $0.relativeTolerance = tolerance })
    let rate = model.coefficients[0, 2]
    #expect(model.coefficients.elements.count { $0 != 0 } == 2)
    var memory = model.initialMemory(batchCount: 1)
    let path = try model.rollout(
      from: HostArray([1, 0], shape: [1, 2]), stepCount: 1000, memory: &memory)
    // The exact flow of the fitted linear model, whose coefficients agree to 1e-6 or so.
    let other = -model.coefficients[1, 1]
    let angle = 10 * (rate * other).squareRoot()
    expectClose(
      [path.frame(999).elements[0]], [cos(angle)],
      Tolerance(
        absolute: max(100 * tolerance, 1e-11), because: "local errors of about 60 steps add up"))
  }

  @Test("are the same one by one, as a batch and step by step") func batches() throws {
    let series = trajectory(from: [-8, 8, 27], step: 0.01, frames: 2000, lorenz)
    let model = try SINDyPropagator(
      fitting: [series], frameInterval: 0.01, configuration: settings(degree: 2, threshold: 0.1))
    let starts = HostArray(
      [100, 500, 900].flatMap { series.slice($0).elements }, shape: [3, 3])
    var memory = model.initialMemory(batchCount: 3)
    let path = try model.rollout(from: starts, stepCount: 20, memory: &memory)
    for item in 0..<3 {
      var own = model.initialMemory(batchCount: 1)
      let alone = try model.rollout(
        from: starts.slice(item).reshaped([1, 3]), stepCount: 20, memory: &own)
      #expect(alone.elements == path.slice(item).elements)
    }
    var stepped = model.initialMemory(batchCount: 3)
    var current = starts
    for step in 0..<20 {
      current = try model.step(current, memory: &stepped)
      #expect(current == path.frame(step))
    }
    // Teacher forcing starts from each known frame: the true last frame, not one before.
    var forced = model.initialMemory(batchCount: 1)
    let known = HostArray(Array(series.elements[300..<360]), shape: [1, 20, 3])
    let next = try model.oneStepPredictions(known, memory: &forced)
    expectClose(
      next.elements, Array(series.elements[303..<363]),
      Tolerance(absolute: 0.02, because: "one step of a model with errors of Δt²"))
  }

  @Test("come back from a folder bit for bit") func onDisk() throws {
    let folder = try TemporaryFolder()
    let model = try explosive(.continuous)
    try model.save(to: folder.url)
    let loaded = try SINDyPropagator(from: folder.url)
    #expect(loaded.configuration == model.configuration && loaded.equations == model.equations)
    let start = HostArray([0.7], shape: [1, 1])
    var (first, second) = (
      model.initialMemory(batchCount: 1), loaded.initialMemory(batchCount: 1)
    )
    #expect(
      try model.rollout(from: start, stepCount: 400, memory: &first)
        == loaded.rollout(from: start, stepCount: 400, memory: &second))
    #expect(second.divergedCount == 1)
  }

  @Test("refuse what cannot work, and say how to mend it") func refusals() throws {
    let short = HostArray(repeating: 0.5, shape: [6, 2])
    #expect(throws: ModelDataError.self) {
      try SINDyPropagator(
        fitting: [short], frameInterval: 1, configuration: SINDyConfiguration())
    }
    let many = HostArray(repeating: 0.5, shape: [10, 64])
    let error = #expect(throws: ConfigurationError.self) {
      try SINDyPropagator(
        fitting: [many], frameInterval: 1, configuration: SINDyConfiguration())
    }
    #expect(error?.path == "sindy.polynomialDegree")
    #expect(throws: ConfigurationError.self) {
      try settings(degree: 2, threshold: 0.1) {
        $0.timeModel = .discrete
        $0.interpolationFactor = 5
      }.validate()
    }
    #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"timeModel": "continous"}"#.utf8))
        .decode(SINDyConfiguration.self)
    }
  }

  @Test(
    "terms are the monomials, counted and named", arguments: [(2, 3, 10), (8, 3, 165), (10, 1, 11)])
  func library(_ variables: Int, _ degree: Int, _ count: Int) throws {
    let library = TermLibrary(variableCount: variables, degree: degree, harmonicCount: 0)
    #expect(library.count == count && Set(library.names).count == count)
    var random = RandomStream(seed: 1, purpose: .testing)
    let z = (0..<variables).map { _ in random.normal() }
    let values = library.values(of: z)
    for (name, value) in zip(library.names, values) {
      let expected = name.split(separator: " ").reduce(1.0) { product, factor in
        let parts = factor.dropFirst(factor == "1" ? 0 : 1).split(separator: "^")
        guard factor != "1", let variable = Int(parts[0]) else { return product }
        return product * pow(z[variable], parts.count > 1 ? Double(parts[1]) ?? 0 : 1)
      }
      expectClose([value], [expected], .rounding(terms: 3))
    }
  }

  @Test("sums leave out the terms that they do not need") func pruning() {
    let library = TermLibrary(variableCount: 2, degree: 3, harmonicCount: 1)
    var rows = [[Double]](repeating: [Double](repeating: 0, count: library.count), count: 2)
    rows[0][8] = 2  // z0 z1²
    rows[1][library.count - 1] = 3  // cos z1
    let sums = SparseTerms(library, coefficients: rows)
    var f = [0.0, 0]
    unsafe sums.withPlan { plan in
      #expect(unsafe plan.pointee.products == 3 && plan.pointee.harmonics == 1)
      var scratch = [Double](repeating: 0, count: unsafe kk_terms_scratch_count(plan))
      unsafe kk_terms_evaluate(plan, [0.5, 3], &f, &scratch)
    }
    expectClose(f, [9, 3 * cos(3)], .rounding(terms: 3))
  }
}
