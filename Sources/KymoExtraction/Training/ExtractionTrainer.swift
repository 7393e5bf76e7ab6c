// One training of the parameter VAE: its phases are in ExtractionCourse.swift, the loss of each in
// a file of its own.
public import KymoData
public import KymoNN
import KymoNumerics
public import KymoTensor

/// Trains a model on recordings.
public final class ExtractionTrainer: ModelTrainer {
  /// Architecture and training.
  public let configuration: ExtractionConfiguration
  /// The model as it is now.
  public let model: ParameterVAE
  /// Runs the training.
  public let trainer: Trainer

  /// Prepares a training.
  ///
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the recordings;
  ///   ``ModelError`` when the model to start from does not fit.
  public init(
    configuration: ExtractionConfiguration, recordings: Recordings, seed: UInt64,
    device: Device = .cpu, path: ComputePath? = nil, start: TrainingStart? = nil
  ) throws {
    try configuration.validate()
    try device.checkAvailable()
    let context = try ExtractionContext(
      configuration, recordings: recordings, seed: seed, device: device, path: path, start: start)
    let isRefining = if case .frozenEncoder = start { true } else { false }
    (self.configuration, model) = (configuration, context.model)
    trainer = Trainer(
      ExtractionCourse(context, isRefining: isRefining).phases, seed: seed)
  }

  /// The trained model: averaged weights where they are kept, normalisation folded into the head.
  ///
  /// The trainer must not be used afterwards.
  public func finishedModel() -> ParameterVAE {
    trainer.takeResult()
    model.foldNormalization()
    return model
  }
}

extension FieldDescription {
  /// Describes recordings.
  public init(_ recordings: Recordings) {
    self.init(
      channels: recordings.channelCount, boundary: recordings.boundary,
      frameInterval: recordings.frameInterval, scaling: recordings.scaling)
  }
}
