// One training of a propagator on latent series, window by window.
//
// Loss (Vlachas et al. 2022): mean (ẑ_{t+1} − z_{t+1})² of scaled latents over the counted steps of a
// window, which is cut from the one before it but for the carried state. The mean over steps and
// sequences may be another than the arithmetic one.
//
// Letters: B sequences, L latents, K inputs of a window.
public import Foundation
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// The first loss of a propagator's training that is not a finite number: a result with a name.
public struct NonFinitePropagatorLoss: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step at which it came up, counted from 1.
  public var step: Int
  /// What to do about it.
  public var remedy: String {
    "Train again with a smaller step size (half is a good try), or set training.gradientClip=1."
  }
  /// One sentence with the remedy.
  public var description: String {
    "The loss at step \(step) is not a finite number. \(remedy)"
  }
}

/// What one step of a propagator's training found.
public struct PropagatorStepReport: Codable, Sendable, Hashable {
  /// Number of finished steps.
  public var step: Int
  /// Number of finished epochs; in one, about as many inputs are seen as the series have.
  public var epoch: Int
  /// The round, counted from 0; 0 in a training of a given number of steps.
  public var round: Int
  /// Mean squared error of scaled latents over the window.
  public var loss: Double
  /// Step size.
  public var learningRate: Double
  /// Euclidean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Mean squared error on the validation series, when it was evaluated after this step.
  public var validationLoss: Double?
}

/// Trains a propagator on latent series.
public final class PropagatorTrainer {
  /// What is trained.
  public let architecture: PropagatorArchitecture
  /// How it is trained.
  public let training: PropagatorTraining
  /// From latents to the network's numbers; fitted to the training series.
  public let scaler: ChannelScaler
  private let objective: LatentObjective
  /// What trains now: the last part, once it has begun.
  private var trainer: WindowTrainer
  private let last: (() -> WindowTrainer)?
  private var isFinishing = false

  /// Prepares a training.
  ///
  /// - Parameters:
  ///   - architecture: What is trained.
  ///   - training: How it is trained.
  ///   - series: Training series of latents, each `[T, L]`, T at least one frame more than a sequence.
  ///   - validation: Series that choose the best weights and end rounds, each `[T, L]`.
  ///   - scaler: From latents to the network's numbers; fitted to the training series when nil.
  ///   - seed: Seed of weights, sequences and noise.
  ///   - device: Where to compute.
  ///   - path: How to compute; what the device allows when not given.
  /// - Throws: ``ConfigurationError`` for settings that cannot work; `ModelDataError` for series that
  ///   cannot be used.
  public init(
    _ architecture: PropagatorArchitecture, training: PropagatorTraining,
    series: [HostArray<Double>], validation: [HostArray<Double>], scaler: ChannelScaler? = nil,
    seed: UInt64, device: Device = .cpu, path: ComputePath? = nil
  ) throws {
    try architecture.validate()
    try training.validate()
    try device.checkAvailable()
    let latents = try SeriesWindows.check(series, training, "training series")
    if let finishing = training.finishing {
      _ = try SeriesWindows.check(series, finishing, "training series")
      _ = try SeriesWindows.check(validation, finishing, "validation series")
    }
    guard try SeriesWindows.check(validation, training, "validation series") == latents else {
      throw ModelDataError(
        "validation series", found: "of another number of latents",
        allowed: "of \(latents) latents",
        remedy: "Encode all series with one reduction.")
    }
    (self.architecture, self.training) = (architecture, training)
    let scaler = scaler ?? architecture.scaler(fitting: series)
    self.scaler = scaler
    let objective = LatentObjective(
      architecture, latentCount: latents, average: training.average, seed: seed, device: device,
      path: path)
    self.objective = objective
    func windowTrainer(_ training: PropagatorTraining) -> WindowTrainer {
      func windows(_ series: [HostArray<Double>]) -> SeriesWindows {
        SeriesWindows(
          series.map { (scaler.scaled($0.elements), $0.shape[0]) }, width: latents,
          frameCount: training.sequenceLength + 1)
      }
      return WindowTrainer(
        objective, training: training, series: windows(series), validation: windows(validation),
        seed: seed)
    }
    trainer = windowTrainer(training)
    last = training.finishing.map { finishing in { windowTrainer(finishing) } }
  }

  /// Number of finished steps.
  public var stepIndex: Int { stepsBefore + trainer.stepIndex }
  private var stepsBefore: Int { isFinishing ? training.steps : 0 }
  /// Inputs of one sequence that were seen so far.
  package var inputIndex: Int {
    isFinishing
      ? training.steps * training.windowLength + trainer.stepIndex * trainer.windowLength
      : trainer.stepIndex * trainer.windowLength
  }
  /// Steps of an epoch.
  public var stepsPerEpoch: Int { trainer.stepsPerEpoch }
  /// The smallest validation loss so far; nil before the first.
  public var bestLoss: Double? { trainer.bestLoss }
  /// Number of steps of the whole training; an upper bound until a training by rounds has ended.
  public var totalSteps: Int {
    isFinishing
      ? stepsBefore + trainer.totalSteps : trainer.totalSteps + (training.finish?.steps ?? 0)
  }
  /// Inputs of one sequence in the whole training, with the same bound.
  package var totalInputs: Int {
    training.rounds == nil ? training.totalInputs : trainer.totalSteps * trainer.windowLength
  }
  /// Whether there is nothing left to do.
  public var isFinished: Bool { trainer.isFinished && (last == nil || isFinishing) }

  /// Does one step, and the validation that is due after it.
  ///
  /// - Throws: ``NonFinitePropagatorLoss`` at the first loss that is not finite, before the weights change.
  public func step() throws -> PropagatorStepReport {
    if trainer.isFinished, !isFinishing { beginLast() }
    do {
      var report = try trainer.step()
      report.step += stepsBefore
      return report
    } catch let error as NonFinitePropagatorLoss {
      throw NonFinitePropagatorLoss(step: error.step + stepsBefore)
    }
  }

  /// The last part starts from the best weights.
  private func beginLast() {
    guard let last else { return }
    trainer.takeBest()
    (trainer, isFinishing) = (last(), true)
  }

  /// The mean squared error of scaled latents on the validation series: of one-step predictions on true
  /// inputs, or of free runs through each window where the training feeds predictions back.
  public func validationLoss() -> Double { trainer.validationLoss() }

  /// The propagator with the best weights found: ``RecurrentPropagator`` or ``MLPPropagator``.
  ///
  /// The trainer must not be used afterwards.
  public func finishedPropagator() -> any Propagator {
    trainer.takeBest()
    return architecture.propagator(objective.network, scaler: scaler)
  }

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws {
    let place = isFinishing ? folder.appending(path: Self.lastPart) : folder
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try trainer.saveCheckpoint(to: place)
  }

  /// Folder of a checkpoint's last part.
  private static let lastPart = "finish"

  /// Continues from a checkpoint of the same configuration, seed and series, with the same numbers.
  ///
  /// - Throws: `ModelDataError` for a checkpoint of another seed or course; `TensorError` for one of
  ///   another architecture.
  public func restore(from folder: URL) throws {
    let place = folder.appending(path: Self.lastPart)
    guard FileManager.default.fileExists(atPath: place.path), let last else {
      return try trainer.restore(from: folder)
    }
    (trainer, isFinishing) = (last(), true)
    try trainer.restore(from: place)
  }
}

/// The mean squared error of predicted latents.
private final class LatentObjective: WindowObjective {
  let network: any PropagatingNetwork
  let device: Device
  private let zoneoutKept: Double
  private let average: ErrorAverage

  init(
    _ architecture: PropagatorArchitecture, latentCount: Int,
    average: ErrorAverage, seed: UInt64, device: Device, path: ComputePath?
  ) {
    self.average = average
    network = architecture.network(
      latentCount: latentCount, seed: seed, device: device, path: path)
    zoneoutKept =
      if case .recurrent(let settings) = architecture { settings.zoneoutKept } else { 1 }
    self.device = device
  }

  var trained: [NamedTensor] { network.namedParameters() }
  var buffers: [NamedTensor] { [] }
  func initialState(batchCount: Int) -> Tensor { network.initialState(batchCount: batchCount) }

  func loss(_ frames: Tensor, state: inout Tensor, options: WindowOptions) -> Tensor {
    let length = frames.shape[1] - 1
    var inputs = frames.sliced(axis: 1, from: 0, to: length)
    if let noise = options.noise { inputs = inputs + noise(inputs.shape) }
    let predictions = network.predictions(
      inputs, state: &state, own: options.own, zoneout: options.zoneout(kept: zoneoutKept))
    let first = options.firstCounted
    let errors =
      (predictions.sliced(axis: 1, from: first) - frames.sliced(axis: 1, from: first + 1)).square()
    return average(errors.mean(axes: [2]))
  }
}

extension WindowOptions {
  /// Zoneout of this step; nil when it is off or weights are judged.
  package func zoneout(kept: Double) -> Zoneout? {
    kept < 1 && isTraining ? Zoneout(kept: kept, using: dropout) : nil
  }
}
