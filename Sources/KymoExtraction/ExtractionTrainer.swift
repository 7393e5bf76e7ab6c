// One training of the parameter VAE, step by step: crops, loss, gradient, Adam. Everything random is
// addressed by (seed, step), so a training that continues from a checkpoint repeats the same numbers.
//
// Loss (Lu, Kim and Soljacic 2020, eqs. 1 and 2, normalised as in the authors' code):
//   L = mean (ŷ − y)² over batch, channels, frames, cells
//     + β · ½ · mean over batch of Σ_z price_z (μ² + σ² − log σ² − 1),  all prices 1 in the paper
//     + the agreement of the latents' distribution over recordings with the prior (PriorMatching)
public import Foundation
public import KymoData
public import KymoNN
import KymoNumerics
public import KymoTensor

/// The first loss that is not a finite number: a result with a name, and a way on.
public struct NonFiniteLoss: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step at which it came up.
  public var step: Int
  /// What to do about it.
  public var remedy: String {
    """
    Train again with a smaller training.learningRate (half is a good try), or set \
    training.gradientClip=1 or training.rolloutSchedule=growing.
    """
  }
  /// One sentence with the remedy.
  public var description: String {
    "The loss at step \(step) is not a finite number. \(remedy)"
  }
}

/// What one step of training found.
public struct StepReport: Codable, Sendable, Hashable {
  /// Number of finished steps.
  public var step: Int
  /// Reconstruction error plus weighted divergence.
  public var loss: Double
  /// Mean squared error of the rollouts; where the encoder alone is trained, of its means.
  public var reconstruction: Double
  /// Divergence from the prior, summed over latents, in nats.
  public var divergence: Double
  /// Step size.
  public var learningRate: Double
  /// Price of a nat in the first latent, in units of the loss; nil where there is none.
  public var beta: Double?
  /// Euclidean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Variance of μ over the batch, for each latent.
  public var latentVariance: [Double]
  /// Mean of σ² over the batch, for each latent.
  public var latentSigma2: [Double]
}

/// Trains a model on recordings.
public final class ExtractionTrainer {
  /// Architecture and training.
  public let configuration: ExtractionConfiguration
  /// Number of finished steps.
  public private(set) var stepIndex = 0
  /// Number of steps of the whole training.
  public var totalSteps: Int { phases.total }
  /// The model as it is now.
  public let model: ParameterVAE

  private let recordings: Recordings
  private var sampler: BatchSampler
  private let rolloutLoss: RolloutLoss
  /// Where rollouts of the decoder alone start; nil at frames as they are.
  private let assimilation: Assimilation?
  private let seed: UInt64
  private let device: Device
  private var optimizer: any Optimizer
  private var average: WeightAverage?
  /// Latents of all recordings; there once the encoder is frozen.
  private var recordingLatents: RecordingLatents?
  private let priorMatching: PriorMatching?
  private let inputBatch: Tensor
  private let targetBatch: Tensor
  private let phases: TrainingPhases
  /// Whether a new decoder is trained on a frozen encoder.
  private let isRefining: Bool
  /// Latents fitted to the decoder; nil when the recipe wants none.
  private let fittedLatents: FittedLatents?
  /// What β is counted in; nil for the loss itself.
  private var runningError: RunningError?
  /// Price of every latent: powers of the grading.
  private let latentPrices: Tensor
  private var training: TrainingConfiguration { configuration.training }

  /// Prepares a training; how it is computed is what the device allows where no path is given.
  ///
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the recordings;
  ///   ``ModelError`` when the model to start from does not fit.
  public init(
    configuration: ExtractionConfiguration, recordings: Recordings, seed: UInt64,
    device: Device = .cpu, path: ComputePath? = nil, start: TrainingStart? = nil
  ) throws {
    try configuration.validate()
    try device.checkAvailable()
    try configuration.training.validateCrops(of: recordings)
    (self.configuration, self.recordings) = (configuration, recordings)
    (self.seed, self.device) = (seed, device)
    sampler = BatchSampler(recordings, training: configuration.training, seed: seed)
    model = try ParameterVAE(
      configuration: configuration.model, field: FieldDescription(recordings), seed: seed,
      device: device, path: path)
    rolloutLoss = RolloutLoss(model: model, training: configuration.training, device: device)
    assimilation = Assimilation(
      frames: configuration.training.assimilatedFrames, halo: model.kernelNetwork.layout.halo)
    if let assimilation {
      try configuration.training.validate(
        crop: assimilation.size(for: configuration.training.targetCrop),
        "training.targetCrop with training.assimilatedFrames", of: recordings)
    }
    model.trainedFrames = configuration.training.targetCrop[0] - 1
    model.trainedMap = configuration.training.inputCrop.map { $0 - DynamicsEncoder.shrinkage }
    let refined: ParameterVAE? =
      if case .frozenEncoder(let source) = start { source } else { nil }
    isRefining = refined != nil
    if isRefining { try configuration.training.validateRefinement() }
    phases = TrainingPhases(
      configuration.training, recordings: recordings.count, isRefining: isRefining)
    // A new decoder knows nothing yet: the one before it says what the latents are.
    fittedLatents =
      configuration.training.fitCrops > 0
      ? FittedLatents(
        recordings, model: refined ?? model, crops: configuration.training.fitCrops,
        assimilatedFrames: configuration.training.assimilatedFrames,
        merges: configuration.training.encoderSteps > 0) : nil
    if let start {
      try model.adopt(start, widensDecoder: configuration.training.widensDecoder)
    }
    // Without joint steps nothing is trained until another part begins.
    let hasJointPart = configuration.training.steps > 0
    optimizer = configuration.training.optimizer.optimizer(
      hasJointPart ? model.namedParameters : [])
    latentPrices = Tensor(
      (0..<configuration.model.latents).map { index in
        Float(pow(configuration.training.betaGrading, Double(index)))
      }, shape: [configuration.model.latents], device: device)
    priorMatching =
      configuration.training.priorMatching > 0 && configuration.training.steps > 0
      ? PriorMatching(latents: configuration.model.latents, device: device) : nil
    let batch = [configuration.training.batchSize, recordings.channelCount]
    inputBatch = Tensor.zeros(batch + configuration.training.inputCrop)
    targetBatch = Tensor.zeros(batch + configuration.training.targetCrop)
    if training.betaUnit == .error {
      runningError = .init(persistence: rolloutLoss.ofPersistence(recordings, sampler.probes()))
    }
    if configuration.model.dataStart && start == nil {
      model.start(from: recordings, sampler.probes())
    }
    average = hasJointPart ? freshAverage(of: .joint) : nil
  }

  /// Does one step.
  ///
  /// - Throws: ``NonFiniteLoss`` at the first loss that is not finite, before the weights change.
  public func step() throws -> StepReport {
    let place = phases[stepIndex]
    if place.step == 0, !place.part.isMiddle { begin(place.part.phase) }
    switch place.part.phase {
    case .joint: return try descend(.joint, jointObjective)
    case .fit: return try fit(place)
    case .decoder: return try descend(.decoder, decoderObjective)
    case .encoder: return try descend(.encoder, encoderObjective)
    }
  }

  /// What is trained in a part of the training.
  private func trained(in phase: TrainingPhase) -> [NamedTensor] {
    switch phase {
    case .joint: model.namedParameters
    case .fit: []
    case .decoder: model.decoderParameters
    case .encoder: model.encoder.namedParameters
    }
  }

  /// One step down the gradient of an objective.
  private func descend(
    _ phase: TrainingPhase, _ objective: (CropPlaces) -> Objective
  ) throws -> StepReport {
    let places = sampler.draw(
      step: stepIndex,
      targetSize: phase == .decoder
        ? assimilation?.size(for: training.targetCrop) : nil)
    optimizer.zeroGradients()
    let objective = objective(places)
    let value = objective.loss.item
    guard value.isFinite else { throw NonFiniteLoss(step: stepIndex + 1) }
    objective.loss.backward()
    let norm = KymoNN.gradientNorm(of: trained(in: phase).map(\.tensor))
    guard norm.isFinite else { throw NonFiniteLoss(step: stepIndex + 1) }
    let limit = training.gradientClip > 0 ? training.gradientClip : .infinity
    let rate = stepSize
    optimizer.step(rate: rate, gradientScale: clippingScale(norm: norm, limit: limit))
    average?.update()
    stepIndex += 1
    let reconstruction = objective.reconstruction.item
    if phase == .joint { runningError?.update(reconstruction) }
    return StepReport(
      step: stepIndex, loss: value, reconstruction: reconstruction,
      divergence: objective.divergences.sum().item, learningRate: rate, beta: objective.beta,
      gradientNorm: norm,
      latentVariance: objective.mean.detached().variance(axes: [0]).doubles,
      latentSigma2: objective.sigma2.detached().mean(axes: [0]).doubles)
  }

  /// Fits the latents of the next recordings to the decoder, and straightens all after the last ones.
  private func fit(_ place: TrainingPhases.Place) throws -> StepReport {
    guard let fittedLatents else { preconditionFailure("a fit without fitted latents") }
    let start = place.step * training.batchSize
    let range = start..<min(start + training.batchSize, recordings.count)
    let known = place.part.readsEncoder ? readLatents() : nil
    if place.step == 0, let known { fittedLatents.choose(from: known) }
    // Single rollouts may diverge; their recordings keep the latents that they had.
    let errors = fittedLatents.fit(range, from: known).filter(\.isFinite)
    guard !errors.isEmpty else { throw NonFiniteLoss(step: stepIndex + 1) }
    if place.part.straightens, place.step == place.part.steps - 1 {
      try fittedLatents.straighten(seed: seed)
    }
    stepIndex += 1
    let error = errors.reduce(0, +) / Double(errors.count)
    let latents = fittedLatents.batch(Array(range))
    return StepReport(
      step: stepIndex, loss: error, reconstruction: error,
      divergence: divergences(latents, latents.logVariance.exp()).sum().item, learningRate: 0,
      gradientNorm: 0, latentVariance: latents.mean.variance(axes: [0], correction: 0).doubles,
      latentSigma2: latents.logVariance.exp().mean(axes: [0]).doubles)
  }

  /// What a step lowers, with its parts.
  private struct Objective {
    var loss: Tensor
    var reconstruction: Tensor
    var divergences: Tensor
    var mean: Tensor
    var sigma2: Tensor
    var beta: Double?
  }

  /// The loss of encoder and decoder together on crops.
  private func jointObjective(_ places: CropPlaces) -> Objective {
    let random = stepRandom
    let progress = Double(stepIndex) / Double(training.steps)
    let frames = training.rolloutSchedule.frames(
      step: stepIndex, of: training.steps, full: training.targetCrop[0] - 1)
    recordings.fill(inputBatch, places.inputs)
    recordings.fill(targetBatch, places.targets)
    var latents = model.encoder.encode(
      inputBatch.to(device), lattice: model.lattice, kept: keptPositions(random))
    if model.normalizes { latents.mean = normalize(latents.mean, progress: progress) }
    let reconstruction = rolloutLoss(
      sample(latents, random), crops: targetBatch, frames: frames, random: random)
    let sigma2 = latents.logVariance.exp()
    let divergences = divergences(latents, sigma2)
    let price = (divergences * latentPrices).sum()
    let beta = beta(progress: progress, frames: frames)
    var loss = reconstruction + beta * price
    if let priorMatching {
      loss =
        loss
        + training.priorMatching * finalBeta
        * priorMatching.loss(
          mean: latents.mean, variance: sigma2, mixed: training.mixedMoments * progress)
    }
    return Objective(
      loss: loss, reconstruction: reconstruction, divergences: divergences, mean: latents.mean,
      sigma2: sigma2, beta: beta)
  }

  /// The loss of the decoder alone, on latents of whole recordings.
  private func decoderObjective(_ places: CropPlaces) -> Objective {
    let random = stepRandom
    // A decoder that has had joint steps knows short rollouts.
    let schedule = isRefining ? training.rolloutSchedule : .full
    let place = phases[stepIndex]
    let frames = schedule.frames(
      step: place.step, of: place.part.steps, full: training.targetCrop[0] - 1)
    let latents =
      fittedLatents?.batch(places.recordings) ?? readLatents().batch(places.recordings)
    var crops = targetBatch
    if let assimilation {
      crops = assimilation.starts(
        recordings.batch(places.targets),
        atFirstFrame: places.targets.map { $0.timeOffset == 0 }, latents: latents.mean,
        model: model)
    } else {
      recordings.fill(targetBatch, places.targets)
    }
    let reconstruction = rolloutLoss(
      sample(latents, random), crops: crops, frames: frames, random: random)
    let sigma2 = latents.logVariance.exp()
    return Objective(
      loss: reconstruction, reconstruction: reconstruction,
      divergences: divergences(latents, sigma2), mean: latents.mean, sigma2: sigma2)
  }

  /// The loss of the encoder alone on crops: what it lacks of the fitted latents.
  private func encoderObjective(_ places: CropPlaces) -> Objective {
    guard let fittedLatents else { preconditionFailure("an encoder alone without fitted latents") }
    recordings.fill(inputBatch, places.inputs)
    let latents = model.encoder.encode(
      inputBatch.to(device), lattice: model.lattice, kept: keptPositions(stepRandom))
    let (loss, difference) = fittedLatents.loss(of: latents, recordings: places.recordings)
    let sigma2 = latents.logVariance.exp()
    return Objective(
      loss: loss, reconstruction: difference, divergences: divergences(latents, sigma2),
      mean: latents.mean, sigma2: sigma2)
  }

  /// The latents of whole recordings, read by the encoder, which must stay as it is from now on.
  private func readLatents() -> RecordingLatents {
    let known = recordingLatents ?? RecordingLatents(recordings, model: model)
    recordingLatents = known
    return known
  }

  /// `½ (μ² + σ² − log σ² − 1)` of each latent, mean over the batch.
  private func divergences(_ latents: LatentDistribution, _ sigma2: Tensor) -> Tensor {
    (latents.mean.square() + sigma2 - latents.logVariance - 1).mean(axes: [0]) * 0.5
  }

  /// `z = μ + σ ε`.
  private func sample(
    _ latents: LatentDistribution, _ random: (RandomPurpose) -> RandomStream
  ) -> Tensor {
    var draws = random(.sampling)
    let noise = Tensor.normal(latents.mean.shape, using: &draws, device: device)
    return latents.mean + (latents.logVariance * 0.5).exp() * noise
  }

  /// The step size of this step; every part of the training has a cycle of its own.
  private var stepSize: Double {
    let place = phases[stepIndex]
    let part = place.part
    let sizes = part.phase == .decoder ? training.decoderStepSizes : training.stepSizes
    return sizes.rate(step: part.before + place.step, of: part.all)
  }

  /// Begins a part of the training: what the one before averaged counts, and optimiser and average start
  /// anew for what is trained now.
  private func begin(_ phase: TrainingPhase) {
    guard phase != .joint else { return }
    takeAverages()
    prepare(phase)
  }

  /// Makes what a part of the training works with.
  private func prepare(_ phase: TrainingPhase) {
    switch phase {
    case .joint: return
    case .fit:
      average = nil
      return
    case .decoder: optimizer = training.decoderOptimizer.optimizer(trained(in: phase))
    case .encoder:
      model.foldNormalization()
      optimizer = training.optimizer.optimizer(trained(in: phase))
    }
    average = freshAverage(of: phase)
  }

  /// An average of what is trained, if the recipe asks for one.
  private func freshAverage(of phase: TrainingPhase) -> WeightAverage? {
    training.weightAverage > 0
      ? WeightAverage(trained(in: phase), decay: training.weightAverage) : nil
  }

  /// Puts averaged weights, where they are kept, in the place of the last ones.
  private func takeAverages() {
    guard let averages = average?.averages else { return }
    let all = Dictionary(uniqueKeysWithValues: model.namedParameters.map { ($0.name, $0.tensor) })
    withoutGradients {
      for (name, mean) in averages { all[name]?.copyInPlace(from: mean) }
    }
  }

  /// The trained model: averaged weights where they are kept, normalisation folded into the head.
  ///
  /// The trainer must not be used afterwards.
  public func finishedModel() -> ParameterVAE {
    takeAverages()
    model.foldNormalization()
    return model
  }

  // MARK: - Pieces of a step

  /// The stream of each purpose at this step.
  private var stepRandom: (RandomPurpose) -> RandomStream {
    { [seed, stepIndex] in RandomStream(seed: seed, purpose: $0, index: UInt64(stepIndex)) }
  }

  /// For averaging dropout: which positions enter; never none of a latent's.
  private func keptPositions(
    _ random: (RandomPurpose) -> RandomStream
  ) -> (Tensor, probability: Double)? {
    let probability = configuration.model.averagingDropout
    guard probability > 0 else { return nil }
    let spacing = configuration.model.encoderStride
    let positions = training.inputCrop.reduce(1) {
      $0 * (($1 - DynamicsEncoder.shrinkage + spacing - 1) / spacing)
    }
    let (batch, latents) = (training.batchSize, configuration.model.latents)
    var stream = random(.dropout)
    var kept = (0..<batch * positions * latents).map { _ in stream.uniform() >= probability }
    for item in 0..<batch {
      for latent in 0..<latents {
        let first = item * positions * latents + latent
        let all = stride(from: first, to: first + positions * latents, by: latents)
        if !all.contains(where: { kept[$0] }) {
          kept[first + stream.index(below: positions) * latents] = true
        }
      }
    }
    return (
      Tensor(booleans: kept, shape: [batch, positions, latents], device: device), probability
    )
  }

  /// Means normalised over the batch in the first part of the training, over running statistics
  /// later, so that noise of small batches does not limit the end.
  private func normalize(_ raw: Tensor, progress: Double) -> Tensor {
    let mean = raw.mean(axes: [0])
    let variance = raw.variance(axes: [0])
    withoutGradients {
      let momentum = max(0.02, 1 / Double(stepIndex + 2))
      model.meanShift.mulInPlace(1 - momentum)
      model.meanShift.addInPlace(mean.detached(), scale: momentum)
      model.meanVariance.mulInPlace(1 - momentum)
      model.meanVariance.addInPlace(variance.detached(), scale: momentum)
    }
    if progress < training.batchNormalizedPart {
      return model.normalized(raw, shift: mean, variance: variance)
    }
    let shift = model.meanShift.clone()
    let running = Self.followed(model.meanVariance, by: raw.detached(), shift: shift)
    return model.normalized(raw, shift: shift, variance: running)
  }

  /// Running variances, raised where a batch is further from the running means than twice the deviations.
  ///
  /// Where no latent carries anything, the encoder drifts faster than statistics run, and what is divided by them would explode.
  static func followed(_ running: Tensor, by batch: Tensor, shift: Tensor) -> Tensor {
    Tensor.maximum(running, (batch - shift).square().mean(axes: [0]) * 0.25)
  }

  /// β in the end, in the units of the loss.
  private var finalBeta: Double { training.beta * (runningError?.value ?? 1) }

  private func beta(progress: Double, frames: Int) -> Double {
    let remaining =
      training.betaRamp > 0 ? max(0, 1 - progress / training.betaRamp) : 0
    // The error of a wrong parameter grows like T² at first: a shorter rollout needs a smaller β.
    let part = Double(frames) / Double(training.targetCrop[0] - 1)
    return finalBeta * pow(training.betaStart, remaining) * part * part
  }

  // MARK: - Checkpoints

  /// Weights and running statistics, which later steps depend on.
  private var modelState: [NamedTensor] {
    model.namedParameters
      + [("mean.shift", model.meanShift), ("mean.variance", model.meanVariance)]
      + (priorMatching?.state ?? []) + (runningError?.state ?? []) + (fittedLatents?.state ?? [])
  }

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws {
    let state =
      modelState + optimizer.state.prefixed("optimizer")
      + (average?.state.prefixed("average") ?? [])
    try SafeTensors.write(state, to: folder.appending(path: "state.safetensors"))
    try JSONEncoder().encode(CheckpointRecord(step: stepIndex, seed: seed))
      .write(to: folder.appending(path: "state.json"))
  }

  /// Continues from a checkpoint of the same configuration, seed and data, with the same numbers.
  public func restore(from folder: URL) throws {
    let record = try JSONDecoder().decode(
      CheckpointRecord.self, from: Data(contentsOf: folder.appending(path: "state.json")))
    guard record.seed == seed else {
      throw ModelError(
        "\(folder.path): made with seed \(record.seed), but the recipe says \(seed). Use its seed.")
    }
    let stored = try SafeTensors.read(folder.appending(path: "state.safetensors")).tensors
    func part(_ prefix: String) -> [NamedTensor] {
      stored.filter { $0.name.hasPrefix(prefix + ".") }
        .map { (String($0.name.dropFirst(prefix.count + 1)), $0.tensor) }
    }
    stepIndex = record.step
    // At the border itself the state is still that of the part before; a fit keeps that of the part before it.
    for part in phases.parts(before: stepIndex) where !part.isMiddle { prepare(part.phase) }
    try modelState.load(stored, from: folder.path)
    try optimizer.load(state: part("optimizer"), from: folder.path)
    try average?.load(state: part("average"), from: folder.path)
  }
}

private struct CheckpointRecord: Codable, Sendable {
  var step: Int
  var seed: UInt64
}

extension FieldDescription {
  /// Describes recordings.
  public init(_ recordings: Recordings) {
    self.init(
      channels: recordings.channelCount, boundary: recordings.boundary,
      frameInterval: recordings.frameInterval, scaling: recordings.scaling)
  }
}
