// The course of a training: its phases, one after the other, and how the loss of each is lowered.
public import KymoNumerics

/// How the loss of a phase is lowered.
public struct Descent: Settings {
  /// Which weights are a phase's result, where it is validated.
  public enum Selection: String, SettingChoice {
    /// Those with the smallest validation loss.
    case best
    /// Those of the last step; for validation data that differ from what the model is for, such as
    /// transients.
    case last
  }

  /// What makes steps of gradients.
  public var optimizer = OptimizerChoice.adam
  /// Decoupled decay of weights; 0 for none.
  public var weightDecay = 0.0
  /// Number of steps of a phase without rounds.
  public var steps = 10_000
  /// Learning rates of a phase without rounds.
  public var learningRate = LearningRateSchedule.oneCycle(.init())
  /// Rounds of falling learning rates with patience on validation; absent means a given number of
  /// steps.
  public var rounds: RoundSchedule?
  /// Bound on the gradient's Euclidean norm; 0 for none.
  public var gradientClip = 0.0
  /// Decay of the running average of weights that is validated and kept; 0 for none.
  public var weightAverage = 0.0
  /// Steps between validations of a phase without rounds; 0 for the end alone, absent for the end
  /// of every epoch.
  public var validationInterval: Int?
  /// Which weights are the result.
  public var selection = Selection.best

  /// Creates the default settings.
  public init() {}

  /// Creates settings of a given number of steps.
  public init(
    _ optimizer: OptimizerChoice = .adam, steps: Int, _ learningRate: LearningRateSchedule,
    gradientClip: Double = 0
  ) {
    (self.optimizer, self.steps, self.learningRate) = (optimizer, steps, learningRate)
    self.gradientClip = gradientClip
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String, leastSteps: Int = 1) throws(ConfigurationError) {
    try require(
      steps, .atLeast(leastSteps), "\(path).steps", remedy: "Some ten thousand are usual.")
    for (name, value) in [("weightDecay", weightDecay), ("gradientClip", gradientClip)] {
      try require(value, .atLeast(0), "\(path).\(name)", remedy: "0 switches it off.")
    }
    try require(
      weightAverage, .within(0..<1), "\(path).weightAverage",
      remedy: "0.999 is usual; 0 switches it off.")
    try require(
      validationInterval ?? 0, .atLeast(0), "\(path).validationInterval",
      remedy: "0 validates at the end alone; leave it out for every epoch.")
    try learningRate.validate(at: "\(path).learningRate")
    try rounds?.validate(at: "\(path).rounds")
  }
}

/// One stretch of a training.
public struct Phase {
  /// What a phase does.
  public enum Work {
    /// Lowers a loss; an epoch, after which rounds are judged, has so many steps.
    case descent(any Objective, Descent, stepsPerEpoch: Int)
    /// Fits numbers without a gradient.
    case fitting(any Fitting)
  }

  /// Its name in records.
  public var name: String
  /// What it does.
  public var work: Work
  /// Whether optimiser and weight average of the phases before go on: a descent that was only
  /// interrupted, or the fit that interrupts it.
  public var continues = false
  /// Its place in a cycle of learning rates that several phases share; nil for a cycle of its own.
  public var cycle: (first: Int, steps: Int)?
  /// Cost of a step beside that of steps in other phases.
  public var stepCost = 1

  /// Describes a phase.
  public init(_ name: String, _ work: Work) { (self.name, self.work) = (name, work) }

  /// What is trained.
  var task: any TrainingTask {
    switch work {
    case .descent(let objective, _, _): objective
    case .fitting(let fitting): fitting
    }
  }

  /// Steps at most.
  var steps: Int {
    switch work {
    case .descent(_, let descent, let stepsPerEpoch):
      descent.rounds.map { $0.maxEpochs * stepsPerEpoch } ?? descent.steps
    case .fitting(let fitting): fitting.stepCount
    }
  }

  var rounds: RoundSchedule? {
    if case .descent(_, let descent, _) = work { descent.rounds } else { nil }
  }
}
