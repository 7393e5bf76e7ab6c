// Reductions to a density: mixtures against PyTorch's distributions, invariance, fits of known
// distributions, bounds, and what is kept on disk.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoReduction
import KymoTensor
import KymoTestSupport
import Testing

/// Values from PyTorch; `Golden/mixtures.py` made them.
private struct MixtureGolden: Decodable {
  struct Case: Decodable {
    var shape: [Int]
    var output, points, values, probe, gradient, mean: [Double]
  }
  var formatVersion: Int
  var cases: [Case]

  static func load() throws -> MixtureGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/mixtures.json")
    let golden = try JSONDecoder().decode(MixtureGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }
}

/// Values from SciPy; `Golden/product_mixtures.py` made them.
private struct ProductGolden: Decodable {
  struct Case: Decodable {
    var shape: [Int]
    var output, points, values, probe, gradient: [Double]
  }
  var formatVersion: Int
  var cases: [Case]

  static func load() throws -> ProductGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/product_mixtures.json")
    let golden = try JSONDecoder().decode(ProductGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }
}

private let single = Tolerance(
  absolute: 1e-5, relative: 1e-5, because: "single precision, sums of some tens of terms")

/// Particles around a mean with a covariance, `[B, 2, P]`: x = 1 + 0.5 ξ, y = −2 + 0.6 ξ + 0.8 η.
private func cloud(_ states: Int, particles: Int, seed: UInt64) -> HostArray<Float> {
  var random = RandomStream(seed: seed, purpose: .testing)
  var result = HostArray<Float>(repeating: 0, shape: [states, 2, particles])
  for state in 0..<states {
    for particle in 0..<particles {
      let (a, b) = (random.normal(), random.normal())
      result[state, 0, particle] = Float(1 + 0.5 * a)
      result[state, 1, particle] = Float(-2 + 0.6 * a + 0.8 * b)
    }
  }
  return result
}

private func training(steps: Int) -> DensityTraining {
  var training = DensityTraining()
  training.phase.steps = steps
  training.particlesPerStep = 64
  return training
}

@Suite("Mixtures of Gaussians") struct GaussianMixtureTests {
  @Test("log-densities, gradients and means are PyTorch's") func golden() throws {
    for golden in try MixtureGolden.load().cases {
      let (batch, kernels, dimensions, points) = (
        golden.shape[0], golden.shape[1], golden.shape[2], golden.shape[3]
      )
      let width = GaussianMixture.parameterCount(kernels: kernels, dimensions: dimensions)
      func tensor(_ values: [Double], _ shape: [Int]) -> Tensor {
        Tensor(values.map { Float($0) }, shape: shape)
      }
      let output = tensor(golden.output, [batch, width]).requiringGradient()
      let mixture = GaussianMixture(output, kernels: kernels, dimensions: dimensions)
      let x = tensor(golden.points, [batch, points, dimensions])
      let values = mixture.logDensity(at: x)
      expectClose(values.floats.map { Double($0) }, golden.values, single)
      expectClose(mixture.mean.floats.map { Double($0) }, golden.mean, single)
      (values * tensor(golden.probe, [batch, points])).sum().backward()
      let gradient = try #require(output.gradient).floats.map { Double($0) }
      let scale = golden.gradient.map(\.magnitude).max() ?? 1
      expectClose(
        gradient, golden.gradient,
        Tolerance(
          absolute: 1e-5 * scale, relative: 1e-5, because: "single precision, of the largest entry")
      )
      // The mixtures on the host are the same.
      for (item, density) in mixture.densities.enumerated() {
        let own = (0..<points).map { point in
          let first = (item * points + point) * dimensions
          return log(density.density(at: Array(golden.points[first..<first + dimensions])))
        }
        expectClose(own, Array(golden.values[item * points..<(item + 1) * points]), single)
      }
    }
  }

  @Test("draws have the mean and the covariance of the mixture") func draws() {
    let density = MixtureDensity(
      weights: [0.3, 0.7], means: [-1, 0, 2, 1], factors: [1, 0, 0.5, 0.2, 0.3, 0, -0.4, 0.6])
    var random = RandomStream(seed: 2, purpose: .testing)
    let count = 100_000
    let draws = density.samples(count, using: &random)
    let (x, y) = (Array(draws[..<count]), Array(draws[count...]))
    // E x = 1.1, E y = 0.7; within and between kernels.
    let (vx, vy) = (0.3 + 0.7 * 0.09 + 0.21 * 9, 0.3 * 0.29 + 0.7 * 0.52 + 0.21)
    let covariance = 0.3 * 0.5 + 0.7 * -0.12 + 0.21 * 3
    #expect((Statistics.mean(x) - 1.1).magnitude < 3 * (vx / Double(count)).squareRoot())
    #expect((Statistics.mean(y) - 0.7).magnitude < 3 * (vy / Double(count)).squareRoot())
    let found = zip(x, y).reduce(0) { $0 + ($1.0 - 1.1) * ($1.1 - 0.7) } / Double(count)
    #expect((found - covariance).magnitude < 4 * (2 * vx * vy / Double(count)).squareRoot())
  }

  @Test("without noise the covariance is that before it was added") func withoutNoise() {
    let factors = [1, 0, 0.5, 0.2, 0.3, 0, -0.4, 0.6]
    func covariance(_ factor: ArraySlice<Double>) -> [Double] {
      let l = Array(factor)
      return [l[0] * l[0], l[0] * l[2], l[2] * l[2] + l[3] * l[3]]
    }
    let covariances = [covariance(factors[..<4]), covariance(factors[4...])]
    // Cholesky's factor of the covariance with 0.7² on its diagonal.
    let given = covariances.flatMap { entries -> [Double] in
      let first = (entries[0] + 0.49).squareRoot()
      let below = entries[1] / first
      return [first, 0, below, (entries[2] + 0.49 - below * below).squareRoot()]
    }
    let density = MixtureDensity(
      weights: [0.3, 0.7], means: [-1, 0, 2, 1], factors: given
    ).withoutNoise(0.7)
    expectClose(
      density.factors, factors, Tolerance(absolute: 1e-10, because: "rounding of ill-conditioned"))
    // What is narrower than the noise along one axis keeps the least width there.
    let narrow = MixtureDensity(weights: [1], means: [0, 0], factors: [2, 0, 0, 0.5])
      .withoutNoise(0.6)
    expectClose(
      narrow.factors, [(4 - 0.36).squareRoot(), 0, 0, 1e-3],
      Tolerance(absolute: 1e-12, because: "rounding"))
  }

  @Test("centres of clusters lie in the clusters") func clusters() {
    var random = RandomStream(seed: 4, purpose: .testing)
    let places = [(-5.0, 0.0), (5.0, 1.0), (0.0, 8.0)]
    let points = (0..<300).flatMap { index in
      [places[index % 3].0 + 0.3 * random.normal(), places[index % 3].1 + 0.3 * random.normal()]
    }
    let found = ClusterCentres(of: points, dimensions: 2, count: 3, using: &random)
    for (x, y) in places {
      let nearest = (0..<3).map { hypot(found.centres[2 * $0] - x, found.centres[2 * $0 + 1] - y) }
      #expect((nearest.min() ?? 1) < 0.15)
    }
    #expect(Set(stride(from: 0, to: 300, by: 3).map { found.members[$0] }).count == 1)
    // More centres than points is no failure.
    _ = ClusterCentres(of: [1, 1], dimensions: 2, count: 3, using: &random)
  }
}

@Suite("Mixtures of products") struct ProductMixtureTests {
  @Test("log-densities and gradients are SciPy's, in double precision to 1e-5") func golden() throws
  {
    for golden in try ProductGolden.load().cases {
      let (batch, kernels, numbers, angles, points) = (
        golden.shape[0], golden.shape[1], golden.shape[2], golden.shape[3], golden.shape[4]
      )
      let width = ProductMixture.parameterCount(
        kernels: kernels, numbers: numbers, angles: angles)
      let output = Tensor(doubles: golden.output, shape: [batch, width]).requiringGradient()
      let mixture = ProductMixture(output, kernels: kernels, numbers: numbers, angles: angles)
      let rows = stride(from: 0, to: golden.points.count, by: numbers + angles).map {
        Array(golden.points[$0..<$0 + numbers + angles])
      }
      let x = rows.flatMap { row in
        row[..<numbers] + row[numbers...].flatMap { [cos($0), sin($0)] }
      }
      let values = mixture.logDensity(
        at: Tensor(doubles: x, shape: [batch, points, numbers + 2 * angles]))
      let close = Tolerance(absolute: 1e-5, relative: 1e-5, because: "the bar of the layers")
      expectClose(values.doubles, golden.values, close)
      (values * Tensor(doubles: golden.probe, shape: [batch, points])).sum().backward()
      let gradient = try #require(output.gradient).doubles
      let scale = golden.gradient.map(\.magnitude).max() ?? 1
      expectClose(
        gradient, golden.gradient,
        Tolerance(absolute: 1e-5 * scale, relative: 1e-5, because: "of the largest entry"))
      // The mixtures on the host are the same.
      for (item, density) in mixture.hostDensities.enumerated() {
        let own = (0..<points).map { density.density(at: rows[item * points + $0]) }
        let expected = golden.values[item * points..<(item + 1) * points].map { exp($0) }
        expectClose(
          own, expected, Tolerance(relative: 1e-7, because: "exponents to −800 in double precision")
        )
      }
    }
  }
}

@Suite("Reductions to a density") struct DensityReductionTests {
  private func reduction(
    _ change: (inout DensityConfiguration) -> Void = { _ in }
  ) throws -> DensityReduction {
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (3, 2)
    change(&configuration)
    return try DensityReduction(
      configuration, stateShape: [2, 40],
      scaler: ChannelScaler(kind: .minMaxZeroOne, offset: [-2, -6], scale: [6, 8]), seed: 3)
  }

  @Test("latents do not depend on the order or the number of particles") func invariance() throws {
    let (reduction, states) = (try reduction(), cloud(2, particles: 40, seed: 1))
    let latents = try reduction.encode(states)
    var random = RandomStream(seed: 6, purpose: .testing)
    let order = Array(0..<40).shuffled(using: &random)
    var shuffled = states
    var twice = HostArray<Float>(repeating: 0, shape: [2, 2, 80])
    for state in 0..<2 {
      for axis in 0..<2 {
        for particle in 0..<40 {
          shuffled[state, axis, particle] = states[state, axis, order[particle]]
          twice[state, axis, particle] = states[state, axis, particle]
          twice[state, axis, particle + 40] = states[state, axis, particle]
        }
      }
    }
    let rounding = Tolerance(
      absolute: 1e-6, because: "features are single, their sums double; the second part single")
    expectClose(try reduction.encode(shuffled).elements, latents.elements, rounding)
    expectClose(
      try reduction.withParticles(80).encode(twice).elements, latents.elements, rounding)
    #expect(try reduction.encode(cloud(2, particles: 40, seed: 2)) != latents)
    // The same by tensors, as in training.
    let inputs = (0..<2).flatMap { state in
      (0..<40).flatMap { particle in
        (0..<2).map { axis -> Float in
          let (offset, scale): (Float, Float) = axis == 0 ? (-2, 6) : (-6, 8)
          return 2 * (states[state, axis, particle] - offset) / scale - 1
        }
      }
    }
    let tensors = withoutGradients {
      reduction.network.encode(Tensor(inputs, shape: [2, 40, 2])).floats.map { Double($0) }
    }
    expectClose(tensors, latents.elements, rounding)
  }

  @Test("a fit of one kernel recovers mean and covariance", arguments: [1, 2] as [UInt64])
  func fit(_ seed: UInt64) throws {
    let states = try FrameSet(states: cloud(64, particles: 200, seed: seed))
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 1)
    (configuration.isBounded, configuration.hiddenWidth) = (false, 8)
    let trainer = try DensityTrainer(
      configuration, training: training(steps: 400), states: states, validation: states,
      seed: seed)
    let first = try trainer.step().loss
    var last = first
    while !trainer.isFinished { last = try trainer.step().loss }
    #expect(last < first)
    let reduction = trainer.finishedReduction()
    var random = RandomStream(seed: 9, purpose: .testing)
    let latents = try reduction.encode(cloud(1, particles: 200, seed: 77))
    let draws = try reduction.withParticles(20_000).decode(latents, using: &random)
    let (x, y) = (
      draws.slice(0).slice(0).elements.map { Double($0) },
      draws.slice(0).slice(1).elements.map { Double($0) }
    )
    let (mx, my) = (Statistics.mean(x), Statistics.mean(y))
    let covariance = zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) } / 20_000
    expectClose(
      [mx, my, Statistics.populationVariance(x), Statistics.populationVariance(y), covariance],
      [1, -2, 0.25, 1, 0.3],
      Tolerance(absolute: 0.06, because: "measured 0.03 after so few steps, doubled"))
  }

  @Test(
    "noise on what is fitted keeps kernels from becoming narrower, and is not drawn",
    arguments: [0, 0.3])
  func narrow(_ noise: Double) throws {
    // One latent can tell a number to any precision.
    var random = RandomStream(seed: 4, purpose: .testing)
    let states = HostArray((0..<2000).map { _ in Float(random.normal()) }, shape: [2000, 1, 1])
    let frames = try FrameSet(states: states)
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 1)
    configuration.isBounded = false
    var settings = training(steps: 600)
    settings.targetNoise = noise
    let trainer = try DensityTrainer(
      configuration, training: settings, states: frames, validation: frames, seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    let latents = try reduction.encode(states)
    let fitted = withoutGradients {
      let latents = Tensor(latents.elements.map { Float($0) }, shape: latents.shape)
      return reduction.network.mixture(latents).hostDensities
    }
    func width(_ drawn: [Double]) -> Double {
      Statistics.sampleStandardDeviation(zip(drawn, states.elements).map { $0 - Double($1) })
    }
    // The standard scaler of these states is the identity to a few per cent.
    let noisy = width(fitted.map { $0.samples(1, using: &random)[0] })
    #expect(noise > 0 ? (0.27...0.36).contains(noisy) : noisy < 0.15, "\(noisy)")
    let drawn = width(try reduction.decode(latents, using: &random).elements.map { Double($0) })
    #expect(drawn < 0.18, "\(drawn)")
  }

  @Test(
    "a constant density is one Gaussian of the probit, and not of the logit",
    arguments: [DensityConfiguration.BoundedVariable.logit, .probit])
  func constant(_ variable: DensityConfiguration.BoundedVariable) throws {
    var random = RandomStream(seed: 5, purpose: .testing)
    let states = HostArray((0..<6400).map { _ in Float(random.uniform()) }, shape: [64, 1, 100])
    let frames = try FrameSet(states: states)
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 1)
    (configuration.boundedVariable, configuration.hiddenWidth) = (variable, 8)
    let trainer = try DensityTrainer(
      configuration, training: training(steps: 300), states: frames, validation: frames, seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction().withParticles(20_000)
    let draws = try reduction.decode(HostArray([0], shape: [1, 1]), using: &random).elements
      .sorted()
    // Between the distribution functions; 0.023 for the Gaussian that is nearest to a logistic one.
    let largest =
      draws.enumerated().map {
        (Double($1) - (Double($0) + 0.5) / Double(draws.count)).magnitude
      }.max() ?? 1
    #expect(variable == .probit ? largest < 0.017 : largest > 0.017, "\(largest)")
  }

  @Test("a fit with noise recovers the covariance without it") func noisyFit() throws {
    let states = try FrameSet(states: cloud(64, particles: 200, seed: 3))
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 1)
    (configuration.isBounded, configuration.hiddenWidth) = (false, 8)
    var settings = training(steps: 400)
    settings.targetNoise = 0.5
    let trainer = try DensityTrainer(
      configuration, training: settings, states: states, validation: states, seed: 3)
    while !trainer.isFinished { _ = try trainer.step() }
    let folder = try TemporaryFolder()
    try trainer.finishedReduction().save(to: folder.url)
    let reduction = try DensityReduction(from: folder.url)
    var random = RandomStream(seed: 9, purpose: .testing)
    let latents = try reduction.encode(cloud(1, particles: 200, seed: 77))
    let draws = try reduction.withParticles(20_000).decode(latents, using: &random)
    let (x, y) = (draws.slice(0).slice(0).elements, draws.slice(0).slice(1).elements)
    expectClose(
      [x, y].map { Statistics.populationVariance($0.map { Double($0) }) }, [0.25, 1],
      Tolerance(absolute: 0.06, because: "as without noise; with it they are a quarter larger"))
  }

  @Test(
    "states stay in their range, and the density integrates to one",
    arguments: [DensityConfiguration.BoundedVariable.logit, .probit])
  func bounded(_ variable: DensityConfiguration.BoundedVariable) throws {
    let reduction = try reduction { $0.boundedVariable = variable }
    var random = RandomStream(seed: 8, purpose: .testing)
    let latents = HostArray([0.3, -1, 2], shape: [1, 3])
    let draws = try reduction.withParticles(5000).decode(latents, using: &random)
    #expect(draws.slice(0).slice(0).elements.allSatisfy { $0 >= -2 && $0 <= 4 })
    #expect(draws.slice(0).slice(1).elements.allSatisfy { $0 >= -6 && $0 <= 2 })
    // Closer to each other towards the walls, where the density may be high.
    let nodes = (0..<120).map { index -> (place: Double, weight: Double) in
      let angle = .pi * (Double(index) + 0.5) / 120
      return (0.5 - 0.5 * cos(angle), 0.5 * sin(angle) * .pi / 120)
    }
    var sum = 0.0
    for x in nodes {
      for y in nodes {
        let point = [-2 + 6 * x.place, -6 + 8 * y.place]
        sum += try reduction.density(latents.elements, at: point) * 48 * x.weight * y.weight
      }
    }
    #expect((sum - 1).magnitude < 0.01, "the midpoint rule gives \(sum)")
    #expect(try reduction.density(latents.elements, at: [5, 0]) == 0)
  }

  @Test("shared kernels are found first and then kept") func shared() throws {
    // Two kinds of states: particles around −3 and around 3.
    var states = HostArray<Float>(repeating: 0, shape: [40, 1, 50])
    var random = RandomStream(seed: 5, purpose: .testing)
    for state in 0..<40 {
      for particle in 0..<50 {
        states[state, 0, particle] = Float((state % 2 == 0 ? -3 : 3) + 0.5 * random.normal())
      }
    }
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 2)
    (configuration.isBounded, configuration.kernels) = (false, .shared)
    var settings = training(steps: 300)
    settings.kernelSteps = 50
    let frames = try FrameSet(states: states)
    let trainer = try DensityTrainer(
      configuration, training: settings, states: frames, validation: frames, seed: 1)
    var kernels: [Float] = []
    while !trainer.isFinished {
      _ = try trainer.step()
      if trainer.stepIndex == 60 { kernels = trainer.reduction.network.kernels?.floats ?? [] }
    }
    let reduction = trainer.finishedReduction()
    #expect(!kernels.isEmpty && reduction.network.kernels?.floats == kernels)
    let drawn = try reduction.decode(
      reduction.encode(states), using: &random)
    for state in 0..<40 {
      let mean = Statistics.mean(drawn.slice(state).elements.map { Double($0) })
      #expect((mean - (state % 2 == 0 ? -3 : 3)).magnitude < 0.6, "\(state): \(mean)")
    }
  }

  @Test("angles beside numbers: two conformations are told apart", arguments: [1, 2] as [UInt64])
  func angles(_ seed: UInt64) throws {
    // A number and two angles of two conformations; the second one lies across ±π.
    var random = RandomStream(seed: seed, purpose: .testing)
    var states = HostArray<Float>(repeating: 0, shape: [400, 3, 1])
    for state in 0..<400 {
      let isSecond = state % 2 == 1
      let angle = (isSecond ? Double.pi : -1) + 0.2 * random.normal()
      states[state, 0, 0] = Float(atan2(sin(angle), cos(angle)))
      states[state, 1, 0] = Float((isSecond ? 2 : 1) + 0.1 * random.normal())
      states[state, 2, 0] = Float((isSecond ? 0.5 : -0.5) + 0.1 * random.normal())
    }
    var configuration = DensityConfiguration()
    (configuration.latentCount, configuration.kernelCount) = (1, 2)
    (configuration.angles, configuration.scalingSlack) = ([0, 2], 0.05)
    let frames = try FrameSet(states: states)
    let trainer = try DensityTrainer(
      configuration, training: training(steps: 300), states: frames, validation: frames,
      seed: seed)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    let drawn = try reduction.decode(reduction.encode(states), using: &random)
    var matching = 0
    for state in 0..<400 {
      let (angle, number, second) = (
        Double(drawn[state, 0, 0]), drawn[state, 1, 0], drawn[state, 2, 0]
      )
      let (mean, isSecond) = state % 2 == 1 ? (Double.pi, true) : (-1, false)
      if cos(angle - mean) > cos(0.8), (number > 1.5) == isSecond, (second > 0) == isSecond {
        matching += 1
      }
    }
    #expect(matching > 380, "\(matching) of 400")
    #expect(throws: ConfigurationError.self) {
      configuration.angles = [3]
      _ = try DensityReduction(
        configuration, stateShape: [3, 1], scaler: reduction.scaler, seed: 0)
    }
  }

  @Test("are the same after a visit to the disk; streams decide what is drawn") func disk() throws {
    let folder = try TemporaryFolder()
    let (reduction, states) = (try reduction(), cloud(2, particles: 40, seed: 1))
    try reduction.save(to: folder.url)
    let loaded = try DensityReduction(from: folder.url)
    let latents = try reduction.encode(states)
    #expect(try loaded.encode(states) == latents)
    func draw(_ reduction: DensityReduction, seed: UInt64) throws -> HostArray<Float> {
      var random = RandomStream(seed: seed, purpose: .testing)
      return try reduction.decode(latents, using: &random)
    }
    #expect(try draw(loaded, seed: 1) == draw(reduction, seed: 1))
    #expect(try draw(loaded, seed: 2) != draw(reduction, seed: 1))
    #expect(throws: ModelDataError.self) { try reduction.encode(cloud(1, particles: 3, seed: 1)) }
    #expect(throws: ConfigurationError.self) {
      try DensityReduction(
        DensityConfiguration(), stateShape: [1, 4, 4],
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 0)
    }
  }
}
