// A recipe: everything that a training depends on, as YAML in a file and as a plain value here.
// Unknown keys are errors, missing keys take the defaults below, and the resolved recipe with every
// default visible is written beside the results.
package import KymoData
package import KymoExtraction
import KymoNN
import KymoNumerics
package import KymoRuns

/// Everything that one training and its evaluation depend on.
package struct ParameterRecipe: MethodRecipe, Settings {
  /// Whose defaults the model and its training start from.
  package enum Preset: String, SettingChoice {
    /// Our defaults.
    case none
    /// The papers' plain recipe.
    case paper
  }

  /// The method's name.
  package var method = ParameterMethod.name
  /// A name for reports and log lines.
  package var name = "unnamed"
  /// Seed of the weights, crops, shuffling and sampling.
  package var seed: UInt64 = 1
  /// Number of threads; absent means as many as the machine has.
  package var threads: Int?
  /// Where tensors live: `cpu`, `cuda` or `cuda:1`.
  package var device = "cpu"
  /// Whose defaults the model and its training start from.
  package var preset = Preset.none
  /// What is trained on and tested on.
  package var data = ParameterDataSettings()
  /// A run whose encoder is taken and kept as it is, so that only a new decoder is trained.
  package var encoderFrom: String?
  /// A run whose whole model is taken and trained further, for 0 or more steps.
  package var startFrom: String?
  /// The model.
  package var model = ParameterModelConfiguration()
  /// How it is trained.
  package var training = ParameterTrainingConfiguration()
  /// Minutes between checkpoints.
  package var checkpointMinutes = 3.0
  /// What is evaluated after training.
  package var evaluation = ParameterEvaluationSettings()

  /// Creates the default recipe.
  package init() {}

  /// The run that the model or its encoder is taken from.
  package var source: String? { encoderFrom ?? startFrom }

  package mutating func changePaths(
    _ change: (_ entry: String, _ path: inout String) -> Void
  ) {
    change("data.train", &data.train)
    change("data.test", &data.test)
    if var path = encoderFrom {
      change("encoderFrom", &path)
      encoderFrom = path
    }
    if var path = startFrom {
      change("startFrom", &path)
      startFrom = path
    }
  }

  /// Where the recordings are in the files.
  package var dataLayout: FieldLayout { data.layout }
  package var simulatesData: Bool { data.simulate != nil }

  /// The model's and the training's settings together.
  package var extraction: ExtractionConfiguration {
    var configuration = ExtractionConfiguration()
    (configuration.model, configuration.training) = (model, training)
    return configuration
  }

  /// Throws the first setting that cannot work.
  package func validate() throws {
    try validateCommonSettings()
    try require(
      encoderFrom == nil || startFrom == nil, "startFrom", found: startFrom ?? "",
      allowed: "not beside encoderFrom",
      remedy: "encoderFrom trains a new decoder, startFrom goes on with the whole model.")
    try require(
      training.phases.joint.steps >= 1 || source != nil, "training.phases.joint.steps",
      found: training.phases.joint.steps,
      allowed: "at least 1 without startFrom or encoderFrom", remedy: "16000 is the default.")
    if encoderFrom != nil { try training.validateRefinement() }
    try require(
      !training.widensDecoder || encoderFrom != nil, "training.widensDecoder", found: true,
      allowed: "false without encoderFrom", remedy: "startFrom goes on with a whole model.")
    try data.validate()
    try evaluation.validate()
    try extraction.validate()
  }
}

extension ParameterRecipe {
  /// Resolves a recipe from its text, laid over the preset that it names.
  package init(_ text: RecipeText) throws {
    var given = text
    if let word = given.word(at: "preset"), Preset(rawValue: word) == .paper {
      var base = try RecipeText(settings: PresetSettings(.paper), source: "preset")
      base.lay(given)
      given = base
    }
    self = try given.decode(ParameterRecipe.self)
    try validate()
  }
}

/// What a preset decides.
private struct PresetSettings: Encodable {
  let model: ParameterModelConfiguration
  let training: ParameterTrainingConfiguration

  init(_ configuration: ExtractionConfiguration) {
    (model, training) = (configuration.model, configuration.training)
  }
}

/// What is done to every channel before a model sees it.
package enum Normalization: String, SettingChoice {
  /// Mean 0 and variance 1 over the training recordings.
  case standard
  /// Nothing: fields as they are in the file, as in the paper.
  case none
}

/// Which recordings a recipe uses.
package struct ParameterDataSettings: Settings {
  /// File of the training recordings; a folder or a pattern such as `runs/*.h5` for many.
  package var train = ""
  /// File of the test recordings; empty means to evaluate on the training recordings.
  package var test = ""
  /// The array that holds the recordings in the files; absent means `x`.
  package var key: String?
  /// What its axes are: N recordings, C channels, T time, X and Y space, as in `N,T,C,X`; absent
  /// means `N,C,T,X` or `N,C,T,X,Y`.
  package var axes: String?
  /// Frames of the pieces that recordings of all files are cut into; absent leaves them whole.
  package var cut: Int?
  /// Whether links to other files and virtual data sets in HDF5 files are followed.
  package var followLinks = false
  /// Standard deviation of normal noise, added once to every training sample.
  package var noise = 0.0
  /// What is done to every channel before a model sees it; results are in the file's units.
  package var normalize = Normalization.standard
  /// How to make the files when they are absent.
  package var simulate: SimulationSettings?

  /// Creates settings without files.
  package init() {}

  /// Where the recordings are in the files.
  package var layout: FieldLayout {
    FieldLayout(key: key, axes: axes, cut: cut, followsLinks: followLinks)
  }

  func validate() throws {
    try require(
      !train.isEmpty, "data.train", found: "empty", allowed: "the file of training recordings",
      remedy: "Add it to the recipe, or say data.train=FILE.")
    try require(
      noise, .atLeast(0), "data.noise",
      remedy: "It is the standard deviation of the noise; the paper uses 0.1.")
    try layout.validate(isSimulated: simulate != nil)
    try simulate?.validate()
  }
}

/// What is evaluated after training, and on how many recordings.
package struct ParameterEvaluationSettings: Settings {
  /// Test recordings that are rolled out to their last frame; 0 leaves rollouts out.
  package var rolloutRecordings = 1000
  /// Recordings shown as pictures in the report.
  package var fieldRecordings = 3
  /// Training recordings on which the second fit of the parameters is made; 0 leaves it out.
  package var fitRecordings = 1000
  /// Spacing of the positions at which the encoder is evaluated: 1 (all, as in the paper), 2 or 4.
  package var encoderStride = 1
  /// Crops of each recording on which its relevant latents are fitted to the decoder; 0 leaves the
  /// encoder's, as in the paper.
  package var fitCrops = 0
  /// Frames that the decoder assimilates before the rollouts that latents are fitted to, for noisy
  /// recordings; 0 for clean ones.
  package var assimilatedFrames = 0
  /// Whether finite differences with the true parameter are rolled out beside the model.
  package var baselines = true

  /// Creates the default settings.
  package init() {}

  package func validate() throws {
    for (key, value) in [
      ("rolloutRecordings", rolloutRecordings), ("fieldRecordings", fieldRecordings),
      ("fitRecordings", fitRecordings),
    ] {
      try require(
        value, .atLeast(0), "evaluation.\(key)",
        remedy: "0 leaves this part of the evaluation out.")
    }
    try require(
      [1, 2, 4].contains(encoderStride), "evaluation.encoderStride", found: encoderStride,
      allowed: "1, 2 or 4", remedy: "1 is the paper's protocol, 2 is four times faster.")
    try require(
      fitCrops == 0 || (2...256).contains(fitCrops), "evaluation.fitCrops", found: fitCrops,
      allowed: "0, or 2 to 256", remedy: "8 is a good value, 0 takes the encoder's latents.")
    try require(
      assimilatedFrames, .atLeast(0), "evaluation.assimilatedFrames",
      remedy: "0 for clean recordings, 8 for noisy ones.")
    try require(
      fieldRecordings, .atMost(20), "evaluation.fieldRecordings",
      remedy: "Each one adds a picture of a megabyte to the report.")
  }
}
