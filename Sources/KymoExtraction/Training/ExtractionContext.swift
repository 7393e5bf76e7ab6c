// What the phases of a training of the parameter VAE share: the model, the recordings and what is
// read from them, and all that a continued training needs.
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor

/// Model, recordings and running statistics of one training.
final class ExtractionContext {
  let configuration: ExtractionConfiguration
  let recordings: Recordings
  let model: ParameterVAE
  let rolloutLoss: RolloutLoss
  /// Where rollouts of the decoder alone start; nil at frames as they are.
  let assimilation: Assimilation?
  /// Latents fitted to the decoder; nil when the recipe wants none.
  let fittedLatents: FittedLatents?
  let priorMatching: PriorMatching?
  /// The unit of β; nil for the loss itself.
  let runningError: RunningError?
  let seed: UInt64
  let device: Device
  private var sampler: BatchSampler
  private let inputBatch: Tensor
  private let targetBatch: Tensor
  /// Latents of all recordings; there once the encoder is frozen.
  private var recordingLatents: RecordingLatents?
  var training: ParameterTrainingConfiguration { configuration.training }

  /// Makes the model, or takes that to start from.
  init(
    _ configuration: ExtractionConfiguration, recordings: Recordings, seed: UInt64,
    device: Device, path: ComputePath?, start: TrainingStart?
  ) throws {
    let training = configuration.training
    try training.validateCrops(of: recordings)
    (self.configuration, self.recordings) = (configuration, recordings)
    (self.seed, self.device) = (seed, device)
    sampler = BatchSampler(recordings, training: training, seed: seed)
    model = try ParameterVAE(
      configuration: configuration.model, field: FieldDescription(recordings), seed: seed,
      device: device, path: path)
    rolloutLoss = RolloutLoss(model: model, training: training, device: device)
    assimilation = Assimilation(
      frames: training.assimilatedFrames, halo: model.kernelNetwork.layout.halo)
    if let assimilation {
      try training.validate(
        crop: assimilation.size(for: training.targetCrop),
        "training.targetCrop with training.assimilatedFrames", of: recordings)
    }
    model.trainedFrames = training.targetCrop[0] - 1
    model.trainedMap = training.inputCrop.map { $0 - DynamicsEncoder.shrinkage }
    let refined: ParameterVAE? =
      if case .frozenEncoder(let source) = start { source } else { nil }
    if refined != nil { try training.validateRefinement() }
    // A new decoder is untrained: latents are fitted to the one before it.
    fittedLatents =
      training.fitCrops > 0
      ? FittedLatents(
        recordings, model: refined ?? model, crops: training.fitCrops,
        assimilatedFrames: training.assimilatedFrames,
        merges: training.phases.encoder.steps > 0) : nil
    if let start { try model.adopt(start, widensDecoder: training.widensDecoder) }
    priorMatching =
      training.priorMatching > 0 && training.phases.joint.steps > 0
      ? PriorMatching(latents: configuration.model.latents, device: device) : nil
    let batch = [training.batchSize, recordings.channelCount]
    inputBatch = Tensor.zeros(batch + training.inputCrop)
    targetBatch = Tensor.zeros(batch + training.targetCrop)
    runningError =
      training.betaUnit == .error
      ? RunningError(persistence: rolloutLoss.ofPersistence(recordings, sampler.probes())) : nil
    if configuration.model.dataStart && start == nil {
      model.start(from: recordings, sampler.probes())
    }
  }

  /// Weights, running statistics and fitted latents, which later steps depend on.
  var state: [NamedTensor] {
    model.namedParameters
      + [("mean.shift", model.meanShift), ("mean.variance", model.meanVariance)]
      + (priorMatching?.state ?? []) + (runningError?.state ?? []) + (fittedLatents?.state ?? [])
  }

  /// The stream of a purpose at a step.
  func random(_ step: Int) -> (RandomPurpose) -> RandomStream {
    { [seed] in RandomStream(seed: seed, purpose: $0, index: UInt64(step)) }
  }

  /// The crops of a step.
  func places(_ step: Int, targetSize: [Int]? = nil) -> CropPlaces {
    sampler.draw(step: step, targetSize: targetSize)
  }

  /// The latents that the encoder reads from the crops of a step.
  func encode(_ places: CropPlaces, _ random: (RandomPurpose) -> RandomStream) -> LatentDistribution
  {
    recordings.fill(inputBatch, places.inputs)
    return model.encoder.encode(
      inputBatch.to(device), lattice: model.lattice, kept: keptPositions(random))
  }

  /// The crops that rollouts are compared with.
  func targets(_ places: CropPlaces) -> Tensor {
    recordings.fill(targetBatch, places.targets)
    return targetBatch
  }

  /// `z = μ + σ ε`.
  func sample(
    _ latents: LatentDistribution, _ random: (RandomPurpose) -> RandomStream
  ) -> Tensor {
    var draws = random(.sampling)
    let noise = Tensor.normal(latents.mean.shape, using: &draws, device: device)
    return latents.mean + (latents.logVariance * 0.5).exp() * noise
  }

  /// The latents of whole recordings, read by the encoder, which must stay as it is from now on.
  func readLatents() -> RecordingLatents {
    let known = recordingLatents ?? RecordingLatents(recordings, model: model)
    recordingLatents = known
    return known
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
}

extension LatentDistribution {
  /// σ².
  var variance: Tensor { logVariance.exp() }

  /// `½ (μ² + σ² − log σ² − 1)` of each latent, mean over the batch.
  func divergences(variance: Tensor) -> Tensor {
    (mean.square() + variance - logVariance - 1).mean(axes: [0]) * 0.5
  }
}

extension StepLoss {
  /// A loss with what records of the parameter VAE show.
  init(
    _ total: Tensor, reconstruction: Tensor, divergences: Tensor, mean: Tensor, variance: Tensor
  ) {
    self.init(total)
    tensors = [
      ("reconstruction", reconstruction), ("divergence", divergences.detached().sum()),
      ("latentVariance", mean.detached().variance(axes: [0])),
      ("latentSigma2", variance.detached().mean(axes: [0])),
    ]
  }
}

extension StepRecord {
  /// Mean squared error of the rollouts; where the encoder alone is trained, of its means.
  package var reconstruction: Double { scalars["reconstruction"] ?? .nan }
  /// KL divergence from the prior, summed over latents, in nats.
  package var klDivergence: Double { scalars["divergence"] ?? .nan }
  /// KL weight of the first latent, in units of the loss; nil where there is none.
  package var beta: Double? { scalars["beta"] }
  /// Variance of μ over the batch, for each latent.
  package var latentVariance: [Double] { vectors["latentVariance"] ?? [] }
  /// Mean of σ² over the batch, for each latent.
  package var latentSigma2: [Double] { vectors["latentSigma2"] ?? [] }
  /// Latents that carry something on the training crops, where a collapsed one has σ² = 1.
  package var relevantLatents: Int {
    zip(latentVariance, latentSigma2).count { $0 > 0.1 && $1 < 0.25 }
  }
}
