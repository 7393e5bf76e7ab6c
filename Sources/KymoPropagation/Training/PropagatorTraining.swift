// How a propagator is trained: windows, loss, what enters, and how the loss is lowered. Vlachas et
// al., Nature Machine Intelligence 4, 359 (2022), and the settings of its scripts.
public import KymoNN
public import KymoNumerics

/// The training of a propagator on latent series.
///
/// **Good values.** Windows of 20 steps, six one after the other, for FitzHugh–Nagumo.
/// `freeRunningSteps` of half a window pays for forecasts of many steps.
public struct PropagatorTraining: Settings {
  /// Inputs of a window, L: so many steps are differentiated together.
  public var windowLength = 20
  /// Windows that follow each other in a sequence; the state is carried from one to the next.
  public var windowsPerSequence = 6
  /// Whether the state is carried, without gradient; otherwise every window starts from zeros.
  public var isStateful = true
  /// Sequences side by side, drawn anew from all series.
  public var batchSize = 32
  /// Part of the sequences that start within the first `windowLength` frames of a series; the
  /// others, and all with 0, start anywhere.
  ///
  /// For systems that relax to an attractor: the ways to it are a small part of long series, and
  /// forecasts start on them.
  public var beginnings = 0.0
  /// First steps of a window without loss.
  public var warmUpSteps = 0
  /// Last steps of a window that count in the loss; 0 for all.
  public var predictionLength = 0
  /// How the errors of steps and sequences become one loss.
  public var average = ErrorAverage.arithmetic
  /// Last inputs of a window that are the network's own predictions.
  public var freeRunningSteps = 0
  /// Part of a training without rounds over which the free-running inputs grow, evenly, from one to
  /// `freeRunningSteps`; 0 has all of them from the start.
  ///
  /// Runs of a whole period show errors of the phase that single steps do not, but cannot be
  /// learned from random weights.
  public var freeRunningRamp = 0.0
  /// How often other inputs are the network's own predictions in the course of the training.
  public var scheduledSampling = ScheduledSampling.none
  /// Whether the gradient passes through predictions that became inputs.
  public var passesGradient = true
  /// Standard deviation of the noise on scaled inputs; targets stay clean.
  public var inputNoise = 0.0
  /// How the loss is lowered, a window in each step; the paper has rounds of falling learning
  /// rates, which take much longer, and no bound on the gradient.
  public var phase = LongWindows.descent(steps: 10_000, peak: 5e-3)
  /// A last part of the training on longer windows; absent means none.
  ///
  /// An error of the speed grows with the length of a free run, but is hidden by the error at its
  /// start: it is learned last, in few steps, when starts are accurate.
  public var finish: LongWindows?

  /// Windows of a last part of the training, which has an optimiser of its own; batches and noise
  /// are as before.
  public struct LongWindows: Settings {
    /// Inputs of a window, as many of them given as in the windows before.
    public var windowLength = 960
    /// How the loss is lowered.
    public var phase = descent(steps: 6000, peak: 2e-4)
    /// Free runs in turn with given inputs, as forecasts alternate with a solver; absent means one
    /// free run to the end of a window.
    ///
    /// The errors of short free runs add up over many rounds.
    public var alternation: Alternation?

    /// Creates the default windows.
    public init() {}

    fileprivate static func descent(steps: Int, peak: Double) -> Descent {
      var descent = Descent(
        .adaBelief, steps: steps, .oneCycle(.init(peak: peak, warmupFraction: 0.1)),
        gradientClip: 1)
      descent.validationInterval = 1000
      return descent
    }
  }

  /// Shorter free runs in the place of a long one.
  ///
  /// Each sequence draws a length: one of `freeSteps`, or none of them and its free run is not
  /// broken. All are equally likely.
  public struct Alternation: Settings {
    /// Lengths of free runs.
    public var freeSteps = [10, 50]
    /// Given inputs between two free runs.
    public var givenSteps = 10

    /// Creates the default lengths.
    public init() {}
  }

  /// Free runs in turn with given inputs, in the last part.
  package private(set) var alternation: Alternation?

  /// Creates the default training.
  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case windowLength, windowsPerSequence, isStateful, batchSize, beginnings, warmUpSteps
    case predictionLength, average, freeRunningSteps, freeRunningRamp
    case scheduledSampling, passesGradient, inputNoise, phase, finish
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "training") throws(ConfigurationError) {
    for (name, value, usual) in [
      ("windowLength", windowLength, 20), ("windowsPerSequence", windowsPerSequence, 6),
      ("batchSize", batchSize, 32),
    ] {
      try require(value, .atLeast(1), "\(path).\(name)", remedy: "\(usual) is the usual choice.")
    }
    try require(
      beginnings, .within(0...1), "\(path).beginnings",
      remedy: "0.25 has a quarter of the sequences start at the beginning of a series.")
    try require(
      (0..<windowLength).contains(warmUpSteps), "\(path).warmUpSteps", found: warmUpSteps,
      allowed: "from 0 to below windowLength, \(windowLength)",
      remedy: "At least one step must count in the loss.")
    try require(
      (0...windowLength).contains(predictionLength), "\(path).predictionLength",
      found: predictionLength, allowed: "from 0 to windowLength, \(windowLength)",
      remedy: "0 counts the whole window.")
    try require(
      (0..<windowLength).contains(freeRunningSteps), "\(path).freeRunningSteps",
      found: freeRunningSteps, allowed: "from 0 to below windowLength, \(windowLength)",
      remedy: "The first input of a window is always given.")
    try require(
      freeRunningRamp, .within(0...1), "\(path).freeRunningRamp",
      remedy: "0.5 suits runs of a hundred steps and more.")
    try require(inputNoise, .atLeast(0), "\(path).inputNoise", remedy: "0 switches it off.")
    try phase.validate(at: "\(path).phase")
    guard let finish else { return }
    try require(
      phase.rounds == nil, "\(path).finish", found: "given with rounds", allowed: "one of the two",
      remedy: "Say how many steps the training has, or leave the last part out.")
    try require(
      finish.windowLength > windowLength, "\(path).finish.windowLength",
      found: finish.windowLength, allowed: "above windowLength, \(windowLength)",
      remedy: "Four times as long is a good start.")
    try finish.phase.validate(at: "\(path).finish.phase")
    if let alternation = finish.alternation {
      try require(
        freeRunningSteps > 0 && !alternation.freeSteps.isEmpty
          && alternation.freeSteps.allSatisfy { $0 >= 1 } && alternation.givenSteps >= 1,
        "\(path).finish.alternation",
        found: "free runs of \(alternation.freeSteps) and \(alternation.givenSteps) given inputs",
        allowed: "at least 1 each, with freeRunningSteps above 0",
        remedy: "The forecast's macroSteps and microSteps are a good start.")
    }
  }

  /// Last inputs of a window that are predictions, at a step of a training without rounds.
  package func freeRunningSteps(atStep step: Int) -> Int {
    guard freeRunningRamp > 0, phase.rounds == nil, freeRunningSteps > 0 else {
      return freeRunningSteps
    }
    let part = Double(step) / (freeRunningRamp * Double(phase.steps))
    return min(freeRunningSteps, 1 + Int(part * Double(freeRunningSteps)))
  }

  /// The training of the last part; nil where there is none.
  package var finishing: PropagatorTraining? {
    guard let finish else { return nil }
    var last = self
    last.finish = nil
    (last.windowLength, last.phase) = (finish.windowLength, finish.phase)
    if freeRunningSteps > 0 {
      last.freeRunningSteps = freeRunningSteps + finish.windowLength - windowLength
    }
    (last.freeRunningRamp, last.predictionLength) = (0, 0)
    last.alternation = finish.alternation
    return last
  }

  /// Which inputs of a window are predictions in a free run of its last `count` inputs.
  ///
  /// - Parameters:
  ///   - count: Last inputs that are predictions, but for those that ``alternation`` gives.
  ///   - random: Draws the length of free runs.
  /// - Returns: One entry for each input.
  package func ownInputs(last count: Int, using random: inout RandomStream) -> [Bool] {
    let first = windowLength - count
    var (free, given) = (count, 0)
    if let alternation {
      let choice = random.index(below: alternation.freeSteps.count + 1)
      if choice < alternation.freeSteps.count {
        (free, given) = (alternation.freeSteps[choice], alternation.givenSteps)
      }
    }
    return (0..<windowLength).map { $0 >= first && ($0 - first) % (free + given) < free }
  }

  /// Inputs of one sequence in a training without rounds, all steps together.
  package var totalInputs: Int {
    phase.steps * windowLength + (finish.map { $0.phase.steps * $0.windowLength } ?? 0)
  }

  /// First step of a window that counts in the loss.
  package var firstCounted: Int {
    max(warmUpSteps, predictionLength > 0 ? windowLength - predictionLength : 0)
  }
  /// Windows of a sequence: one alone when nothing is carried.
  package var sequenceWindows: Int { isStateful ? windowsPerSequence : 1 }
  /// Inputs of a sequence; one frame more is its last target.
  package var sequenceLength: Int { sequenceWindows * windowLength }
  /// Frames that every series has at least, of training and validation.
  package var fewestFrames: Int { max(sequenceLength, finishing?.sequenceLength ?? 0) + 1 }
}

extension PropagatorTraining: FormerSettings {
  /// Settings of the phase were beside the others once.
  package static var formerKeys: [String: String] {
    [
      "optimizer", "weightDecay", "gradientClip", "weightAverage", "steps", "learningRate",
      "validationInterval", "rounds",
    ].reduce(into: [:]) { $0[$1] = "Write it as phase.\($1)." }
  }
}

extension PropagatorTraining.LongWindows: FormerSettings {
  /// Settings of the phase were beside the others once, and those that were not given were those of
  /// the phase before.
  package static var formerKeys: [String: String] {
    ["steps", "learningRate"].reduce(into: [:]) { $0[$1] = "Write it as phase.\($1)." }
  }
}
