// The training of a reduction to a density: the loss is the mean of −log p(v_n | E(S)) over states
// and particles, v the scaled variable of the mixture (the factor of the map of bounded states does
// not depend on weights). With shared kernels two phases: the kernels with constant weights, then
// encoder and weights with the kernels kept. Everything random is addressed by (seed, epoch or
// step).
//
// Noise on v (`targetNoise`) keeps kernels from becoming ever narrower: a latent that tells one
// coordinate to any number of digits raises the likelihood without bound, by one needle of a kernel
// on which the other coordinates have but one Gaussian. The mixture is then that of the states with
// the noise; what is drawn is without it again (`Density.withoutNoise`).
//
// Letters: B states, P particles of a step, C coordinates.
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// The training of a reduction to a density.
public struct DensityTraining: Settings {
  /// States in a batch.
  public var batchSize = 32
  /// Particles of a state that take part in a step, drawn anew; of smaller sets all.
  public var particlesPerStep = 256
  /// Standard deviation of the noise on what the mixture is fitted to, in the mixture's variable
  /// (angles in radians): about the least width of a kernel.
  public var targetNoise = 0.0
  /// How the loss is lowered.
  public var phase = Descent(
    .adaBelief, steps: 10_000, .oneCycle(.init(peak: 2e-3, warmupFraction: 0.1)), gradientClip: 1)
  /// Steps that find shared kernels, before the others.
  public var kernelSteps = 2000

  /// Creates the default training.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "training") throws(ConfigurationError) {
    for (name, value, usual) in [
      ("batchSize", batchSize, 32), ("particlesPerStep", particlesPerStep, 256),
      ("kernelSteps", kernelSteps, 2000),
    ] {
      try require(value, .atLeast(1), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
    try require(
      targetNoise, .atLeast(0), "\(path).targetNoise",
      remedy: "0 suits sets of many particles, 0.03 single ones.")
    try phase.validate(at: "\(path).phase")
  }
}

/// Trains a reduction to a density on states.
public final class DensityTrainer: ModelTrainer {
  /// How it is trained.
  public let training: DensityTraining
  /// The reduction as it is now; ``finishedReduction()`` gives the result.
  public let reduction: DensityReduction
  /// Runs the training.
  public let trainer: Trainer

  /// Prepares a training; scaler and kernels start from the training states.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - training: How it is trained.
  ///   - states: Training states; batches of them are read when they are needed.
  ///   - validation: States that choose the best weights and end rounds.
  ///   - seed: Seed of weights, batches and particles.
  ///   - device: Where to compute.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the states;
  ///   ``ModelDataError`` for states that cannot be used.
  public init(
    _ configuration: DensityConfiguration, training: DensityTraining, states: FrameSet,
    validation: FrameSet, seed: UInt64, device: Device = .cpu
  ) throws {
    try training.validate()
    try states.requireFinite("training states")
    try validation.requireFinite("validation states")
    let reduction = try DensityReduction(
      configuration, stateShape: states.stateShape,
      scaler: DensityReduction.scaler(configuration, fitting: states), seed: seed, device: device)
    (self.training, self.reduction) = (training, reduction)
    reduction.targetNoise = training.targetNoise
    reduction.startKernels(from: states, seed: seed)
    func objective(_ part: DensityObjective.Part) -> DensityObjective {
      DensityObjective(
        reduction, part, training: training, states: states, validation: validation, seed: seed)
    }
    func phase(_ name: String, _ part: DensityObjective.Part, _ descent: Descent) -> Phase {
      let objective = objective(part)
      return Phase(
        name, .descent(objective, descent, stepsPerEpoch: objective.stepsPerEpoch))
    }
    var phases = [phase("density", .all, training.phase)]
    if configuration.kernels == .shared {
      var descent = training.phase
      (descent.steps, descent.rounds) = (training.kernelSteps, nil)
      phases = [phase("kernels", .kernels, descent), phase("density", .weights, training.phase)]
    }
    trainer = Trainer(phases, seed: seed)
  }

  /// The reduction with the best weights found, or the last where the training says so.
  ///
  /// The trainer must not be used afterwards.
  public func finishedReduction() -> DensityReduction {
    trainer.takeResult()
    return reduction
  }
}

extension DensityReduction {
  /// Spreads the kernels over the training data.
  fileprivate func startKernels(from states: FrameSet, seed: UInt64) {
    var random = RandomStream(seed: seed, purpose: .sampling)
    let frames = states.thinned(atMost: 500)
    let some = frames.states(0..<frames.count)
    let each = max(1, 4000 / frames.count)
    let particles = stateShape[1]
    let chosen = (0..<min(each, particles)).map { _ in random.index(below: particles) }
    let points = targets(some, 0..<frames.count, particles: chosen)
    network.start(from: points.map { Double($0) }, using: &random)
  }
}

/// The negative log-likelihood of states.
private final class DensityObjective: Objective {
  /// What is trained.
  enum Part {
    case all
    /// Shared kernels, with constant weights of their own.
    case kernels
    /// Everything but shared kernels.
    case weights
  }

  let stepsPerEpoch: Int
  private let reduction: DensityReduction
  private let part: Part
  private let training: DensityTraining
  private let states: FrameSet
  private let validation: FrameSet
  private let seed: UInt64
  private let batchSize: Int
  private var order: (epoch: Int, places: [Int]) = (-1, [])
  /// Logits of the kernels while these are found, `[1, K]`.
  private let logits: Tensor?

  init(
    _ reduction: DensityReduction, _ part: Part, training: DensityTraining, states: FrameSet,
    validation: FrameSet, seed: UInt64
  ) {
    (self.reduction, self.part, self.training) = (reduction, part, training)
    (self.states, self.seed) = (states, seed)
    self.validation = validation.thinned(atMost: 500)
    batchSize = min(training.batchSize, states.count)
    stepsPerEpoch = states.count / batchSize
    logits =
      part == .kernels
      ? InitialWeights.constant(
        [1, reduction.configuration.kernelCount], 0, device: reduction.network.device) : nil
  }

  var trained: [NamedTensor] {
    switch part {
    case .all: reduction.network.namedParameters()
    case .weights: reduction.network.dependentParameters
    case .kernels:
      (reduction.network.kernels.map { [(name: "kernels", tensor: $0)] } ?? [])
        + (logits.map { [(name: "logits", tensor: $0)] } ?? [])
    }
  }

  func loss(at place: StepPlace) -> StepLoss {
    let step = place.phaseStep
    let (epoch, turn) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    if order.epoch != epoch {
      var random = RandomStream(seed: seed, purpose: .batches, index: UInt64(epoch))
      order = (epoch, Array(0..<states.count).shuffled(using: &random))
    }
    let batch = states.states(order.places[turn * batchSize..<(turn + 1) * batchSize])
    var random = RandomStream(seed: seed, purpose: .noise, index: UInt64(step))
    let deviation = training.targetNoise
    return StepLoss(
      negativeLogLikelihood(batch, particles: particles(step: UInt64(step))) {
        deviation > 0 ? deviation * random.normal() : 0
      })
  }

  func validationLoss() -> Double? {
    withoutGradients {
      let chosen = particles(step: .max)
      let block = 64
      var sum = 0.0
      for first in stride(from: 0, to: validation.count, by: block) {
        let range = first..<min(first + block, validation.count)
        sum +=
          negativeLogLikelihood(validation.states(range), particles: chosen).item
          * Double(range.count)
      }
      return sum / Double(validation.count)
    }
  }

  /// The particles of a step.
  private func particles(step: UInt64) -> [Int] {
    let count = reduction.stateShape[1]
    guard count > training.particlesPerStep else { return Array(0..<count) }
    var random = RandomStream(seed: seed, purpose: .sampling, index: step)
    return (0..<training.particlesPerStep).map { _ in random.index(below: count) }
  }

  private func negativeLogLikelihood(
    _ states: HostArray<Float>, particles: [Int], noise: () -> Double = { 0 }
  ) -> Tensor {
    let (batch, network) = (states.shape[0], reduction.network)
    func tensor(_ values: [Float]) -> Tensor {
      let width = values.count / (batch * particles.count)
      return Tensor(values, shape: [batch, particles.count, width], device: network.device)
    }
    let targets = tensor(
      reduction.targets(states, 0..<batch, particles: particles, noise: noise))
    let mixture: any StateMixture
    if let logits {
      mixture = network.mixture(output: logits.expanded([batch, logits.shape[1]]))
    } else {
      let inputs = tensor(reduction.inputs(states, 0..<batch, particles: particles))
      mixture = network.mixture(network.encode(inputs))
    }
    return -mixture.logDensity(at: targets).mean()
  }
}
