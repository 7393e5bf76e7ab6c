// Model and training together, with the presets.
import KymoNN
public import KymoNumerics

/// Everything that a training of the parameter VAE depends on, besides data and seed.
public struct ExtractionConfiguration: Settings {
  /// The architecture.
  public var model = ParameterModelConfiguration()
  /// The training.
  public var training = ParameterTrainingConfiguration()

  /// Creates the default configuration: the paper's network, trained in minutes.
  public init() {}

  /// The recipe of Lu, Kim and Soljacic (2020) for Kuramoto–Sivashinsky: dense encoder, Adam at a
  /// constant 10⁻³, 200,000 steps, nothing else.
  public static var paper: ExtractionConfiguration {
    var configuration = ExtractionConfiguration()
    configuration.model.encoderStride = 1
    configuration.model.normalizedMeans = false
    configuration.model.dataStart = false
    configuration.model.linearWidth = 0
    configuration.training.phases.joint = Descent(
      steps: 200_000, .constant(.init(rate: 1e-3)))
    configuration.training.beta = 0.02
    configuration.training.betaUnit = .absolute
    configuration.training.betaStart = 1
    configuration.training.betaGrading = 1
    configuration.training.priorMatching = 0
    configuration.training.batchNormalizedPart = 0
    return configuration
  }

  /// Throws the first setting that cannot work.
  public func validate() throws(ConfigurationError) {
    try model.validate()
    try training.validate()
  }
}
