// How the parameter VAE is trained: loss, crops, schedules (Lu, Kim and Soljacic 2020, Appendix B,
// and the authors' settings).
public import KymoNN
public import KymoNumerics

/// The training of the parameter VAE.
public struct ParameterTrainingConfiguration: Settings {
  /// How the losses of its phases are lowered.
  public struct Phases: Settings {
    /// Encoder and decoder together.
    public var joint = descent(steps: 16_000, peak: 3e-3)
    /// Then the decoder alone, on latents of whole recordings that the finished encoder reads once;
    /// 0 steps in the paper.
    public var decoder = descent(steps: 0, peak: 1e-3)
    /// At the end the encoder alone, on the fitted latents.
    ///
    /// With 0 steps the encoder is that of the joint training, and new recordings must be fitted as
    /// well (`evaluation.fitCrops`): for sets of a few dozen recordings, which an encoder overfits.
    public var encoder = descent(steps: 0, peak: 3e-3)

    /// Creates the default phases.
    public init() {}

    private static func descent(steps: Int, peak: Double) -> Descent {
      Descent(
        steps: steps,
        .oneCycle(.init(peak: peak, warmupFraction: 0.1, finalFraction: 0.003)), gradientClip: 1)
    }

    /// Steps down a gradient.
    public var totalSteps: Int { joint.steps + decoder.steps + encoder.steps }
  }

  /// How the losses of its phases are lowered.
  public var phases = Phases()
  /// Whether a new decoder on a frozen encoder begins as the decoder before, which is then no wider
  /// and of the same kind.
  ///
  /// It pays where steps are expensive and the learning rate is low (2D, 10⁻⁴); at the learning
  /// rates of a whole training a new decoder ends lower
  /// (docs/decisions/0008-starting-from-a-model.md).
  public var widensDecoder = false
  /// Crops of each recording on which its latents are fitted to the decoder before the decoder is
  /// trained alone, and then put into coordinates in which its law is affine; 0, as in the paper,
  /// takes the encoder's.
  ///
  /// The encoder confounds other properties with a parameter, such as the roughness of a recording,
  /// and a latent may contain squares of parameters; fits correct both. A new decoder on a frozen
  /// encoder learns latents that are fitted to the decoder before.
  public var fitCrops = 0
  /// How often latents are fitted anew and linearised while the decoder is trained alone: before
  /// it, after half of its steps, after half of what is left, and so on.
  public var straightenings = 2
  /// Recordings in a batch, drawn anew for every step.
  public var batchSize = 50
  /// Crop that the encoder sees: frames, then cells of every space axis; at least 31 each.
  public var inputCrop = [64, 94]
  /// Crop that the decoder reproduces, first frame given: frames, then cells (12 are halo).
  public var targetCrop = [32, 76]
  /// Part of the target crops that start at the first frame of a recording; 0 in the paper.
  ///
  /// For systems that relax to an attractor: forecasts start there, and the first frames may depend
  /// most on the parameters, such as a diffusivity while the field is still rough.
  public var beginnings = 0.0
  /// How the errors of a batch's recordings become one loss; the arithmetic mean in the paper.
  ///
  /// Where recordings differ much in roughness or amplitude, the arithmetic mean is dominated by a
  /// few of them; `root` and `geometric` give weight to the others.
  public var average = ErrorAverage.arithmetic
  /// KL weight β: that of the KL divergence beside the squared error averaged over everything.
  public var beta = 0.01
  /// In which unit β is counted.
  public var betaUnit = BetaUnit.error
  /// β at the first step as a multiple of `beta`: above 1 one latent carries a parameter early and
  /// is measured accurately later; below 1 is a warm-up.
  public var betaStart = 4.0
  /// Part of the steps over which β goes, geometrically, from its start to its final value.
  public var betaRamp = 0.6
  /// KL weight of each latent as a multiple of that of the latent before it; 1 in the paper.
  ///
  /// Above 1, latents that carry the same parameter have unequal weights, so the parameter moves
  /// into the first of them and the others collapse.
  public var betaGrading = 1.6
  /// Weight, in units of `beta`, of the agreement between the latents' distribution over all
  /// recordings and the prior, in skewness and excess; 0 in the paper.
  ///
  /// It makes a latent a linear function of its parameter.
  public var priorMatching = 50.0
  /// Weight of the mixed skewness of several latents at the end of the training, as a part of that
  /// of single ones; it grows from 0.
  ///
  /// It removes squares and products of other parameters from a latent, for systems with several
  /// parameters. Early, moments of several latents are noise, which keeps small batches from
  /// learning.
  public var mixedMoments = 0.0
  /// Length of training rollouts in the course of the joint steps, and of a new decoder's on a
  /// frozen encoder.
  public var rolloutSchedule = RolloutSchedule.full
  /// Part of the steps in which μ is normalised over the batch; later over running statistics.
  public var batchNormalizedPart = 0.6
  /// Standard deviation of the noise that each step of a training rollout adds to the state.
  public var propagationNoise = 0.0
  /// Frames that the decoder assimilates before a rollout starts, where it is trained alone and
  /// where latents are fitted: for noisy recordings; 0, as in the paper, starts at a frame as it
  /// is.
  ///
  /// A decoder that starts from noisy frames learns to smooth, and damping seems larger than it is.
  /// After m frames, up to eight, the variance of the noise in the start is about 1/(m + 1) of a
  /// frame's. A crop that begins with a recording's first frame starts with that frame.
  public var assimilatedFrames = 0
  /// Rate r of the discount exp(−r·t) on later frames; 0 for none (the paper).
  public var discount = 0.0

  /// Creates the default training.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "training") throws(ConfigurationError) {
    let decoderSteps = phases.decoder.steps
    for (name, phase) in [
      ("joint", phases.joint), ("decoder", phases.decoder), ("encoder", phases.encoder),
    ] {
      try phase.validate(at: "\(path).phases.\(name)", leastSteps: 0)
      try require(
        phase.rounds == nil && phase.validationInterval == nil, "\(path).phases.\(name).rounds",
        found: "given, or validationInterval", allowed: "left out",
        remedy: "The parameter VAE has no validation data; say how many steps it is trained.")
    }
    try require(
      fitCrops == 0 || (2...256).contains(fitCrops) && decoderSteps > 0, "\(path).fitCrops",
      found: fitCrops, allowed: "0, or 2 to 256 together with training.phases.decoder.steps",
      remedy: "8 is a good value; a decoder must learn the fitted latents.")
    try require(
      (1...8).contains(straightenings)
        && (fitCrops == 0 || decoderSteps >= 1 << (straightenings - 1)),
      "\(path).straightenings", found: straightenings,
      allowed: "1 to 8, and so few that \(decoderSteps) decoder steps can be halved as often",
      remedy: "2 is a good value, 3 for noisy recordings.")
    try require(
      phases.encoder.steps == 0 || fitCrops > 0, "\(path).phases.encoder.steps",
      found: phases.encoder.steps, allowed: "0, or more together with training.fitCrops",
      remedy: "A tenth of the joint steps or more; training.fitCrops=8 makes what is learned.")
    try require(batchSize, .atLeast(2), "\(path).batchSize", remedy: "The paper uses 50.")
    for (name, crop, least) in [("inputCrop", inputCrop, 31), ("targetCrop", targetCrop, 18)] {
      try require(
        crop.count == 2 || crop.count == 3, "\(path).\(name)", found: "\(crop)",
        allowed: "frames and cells of one or two space axes", remedy: "Write it as [64, 94].")
      try require(
        crop.dropFirst().allSatisfy { $0 >= least }, "\(path).\(name)", found: "\(crop)",
        allowed: "at least \(least) cells along every space axis",
        remedy: name == "inputCrop"
          ? "The encoder sees 31 cells at once." : "12 cells are halo, at least 6 are scored.")
    }
    try require(
      inputCrop[0] >= 31, "\(path).inputCrop", found: "\(inputCrop)", allowed: "at least 31 frames",
      remedy: "The encoder sees 31 frames at once.")
    try require(
      targetCrop[0] >= 2, "\(path).targetCrop", found: "\(targetCrop)",
      allowed: "at least 2 frames",
      remedy: "The first frame is given, the others are predicted.")
    try require(
      inputCrop.count == targetCrop.count, "\(path).targetCrop", found: "\(targetCrop)",
      allowed: "a crop with as many axes as inputCrop \(inputCrop)", remedy: "Add or drop an axis.")
    try require(
      beginnings, .within(0...1), "\(path).beginnings",
      remedy: "0.3 has a third of the rollouts start at the first frame.")
    try require(
      beta, .atLeast(0), "\(path).beta",
      remedy: "0.01 of the error is a good start; the paper has 0.02, absolute.")
    try require(betaStart, .above(0), "\(path).betaStart", remedy: "1 keeps β constant.")
    try require(
      betaGrading, .within(1...4), "\(path).betaGrading",
      remedy: "1 gives all latents the same KL weight, as in the paper.")
    try require(
      priorMatching, .atLeast(0), "\(path).priorMatching",
      remedy: "50 is a good weight; 0 switches it off.")
    try require(
      mixedMoments, .within(0...1), "\(path).mixedMoments",
      remedy: "1 suits several parameters; 0 switches it off.")
    for (name, part) in [("betaRamp", betaRamp), ("batchNormalizedPart", batchNormalizedPart)] {
      try require(part, .within(0...1), "\(path).\(name)", remedy: "It is a part of the steps.")
    }
    try require(
      propagationNoise, .atLeast(0), "\(path).propagationNoise",
      remedy: "0 for clean data; 0.01 for measured fields of size 1.")
    try require(
      assimilatedFrames == 0 || assimilatedFrames > 0 && decoderSteps > 0,
      "\(path).assimilatedFrames", found: assimilatedFrames,
      allowed: "0, or more together with training.phases.decoder.steps",
      remedy: "0 for clean recordings, 8 for noisy ones.")
  }
}

extension ParameterTrainingConfiguration {
  /// Throws what cannot be where a new decoder is trained on a frozen encoder.
  public func validateRefinement(at path: String = "training") throws(ConfigurationError) {
    try require(
      phases.joint.steps == 0 && phases.decoder.steps > 0, "\(path).phases.joint.steps",
      found: phases.joint.steps,
      allowed: "0, beside training.phases.decoder.steps, on a frozen encoder",
      remedy: "training.phases.decoder.steps says how long the new decoder is trained.")
    try require(
      phases.encoder.steps == 0, "\(path).phases.encoder.steps", found: phases.encoder.steps,
      allowed: "0 on a frozen encoder", remedy: "Leave it out.")
  }
}

/// In which unit the KL weight β is counted.
public enum BetaUnit: String, SettingChoice {
  /// In the present error of the training's rollouts (``RunningError``): a latent is used if it
  /// reduces the error by a given part of what is left, for fields of any size and speed and
  /// parameters of strong or weak effect.
  case error
  /// As it is, for fields of the paper's units.
  case absolute
}

extension ParameterTrainingConfiguration: FormerSettings {
  /// Settings of phases were beside the others once.
  package static var formerKeys: [String: String] {
    let moved = [
      "steps": "joint.steps", "decoderSteps": "decoder.steps", "encoderSteps": "encoder.steps",
      "optimizer": "joint.optimizer, and the same for the encoder",
      "decoderOptimizer": "decoder.optimizer",
      "learningRate": "joint.learningRate.oneCycle.peak, and the same for the encoder",
      "decoderLearningRate": "decoder.learningRate.oneCycle.peak",
      "schedule": "joint.learningRate with its kind, constant or oneCycle",
      "warmup": "joint.learningRate.oneCycle.warmupFraction",
      "finalLearningRate": "joint.learningRate.oneCycle.finalFraction",
      "gradientClip": "joint.gradientClip, and the same for decoder and encoder",
      "weightAverage": "joint.weightAverage, and the same for decoder and encoder",
    ]
    return moved.mapValues { "Write it as phases.\($0)." }
  }
}

/// The length of training rollouts over a training.
public enum RolloutSchedule: String, SettingChoice {
  /// The whole target crop throughout, as in the paper.
  case full
  /// A quarter, then a half of the frames for a tenth of the steps each, then all; β follows T².
  case growing

  /// Number of predicted frames at a step.
  func frames(step: Int, of steps: Int, full: Int) -> Int {
    guard self == .growing else { return full }
    let progress = Double(step) / Double(steps)
    if progress < 0.1 { return max(1, full / 4) }
    if progress < 0.2 { return max(1, full / 2) }
    return full
  }
}
