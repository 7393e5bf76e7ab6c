// Training by rounds: each round starts from the best weights so far with a lower learning rate and
// a new optimiser, and ends when validation has not improved for a while. Vlachas et al., Nature
// Machine Intelligence 4, 359 (2022), methods; the rules in full are those of the authors'
// implementation.
//
// Independent of models: whoever trains owns the weights and does what the events say.
public import KymoNumerics

/// When the learning rate falls and when a training by rounds ends.
public struct RoundSchedule: Settings {
  /// Learning rate of the first round.
  public var initialRate = 1e-3
  /// Factor on the learning rate from round to round; in (0, 1).
  public var reduction = 0.5
  /// Epochs without improvement after which a round ends; at least 1.
  public var patience = 10
  /// Most rounds; at least 1.
  public var maxRounds = 20
  /// Most epochs of all rounds together; at least 1.
  public var maxEpochs = 10_000
  /// Seconds of training after which no further epoch begins; absent means no limit.
  public var timeLimit: Double?

  /// Creates the settings of the paper's FitzHugh–Nagumo autoencoder.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "rounds") throws(ConfigurationError) {
    try require(initialRate, .above(0), "\(path).initialRate", remedy: "The paper uses 0.001.")
    try require(
      reduction, .between(0, 1), "\(path).reduction",
      remedy: "0.5 halves the learning rate from round to round.")
    for (name, value, usual) in [
      ("patience", patience, 10), ("maxRounds", maxRounds, 20), ("maxEpochs", maxEpochs, 10_000),
    ] {
      try require(
        value, .atLeast(1), "\(path).\(name)",
        remedy: "The paper uses \(usual) for the FitzHugh–Nagumo autoencoder.")
    }
    if let timeLimit {
      try require(timeLimit, .above(0), "\(path).timeLimit", remedy: "Leave it out for no limit.")
    }
  }

  /// Learning rate of round `round`, counted from 0.
  public func rate(round: Int) -> Double {
    (0..<round).reduce(initialRate) { rate, _ in rate * reduction }
  }
}

/// Where a training by rounds stands; a value that is saved with a checkpoint.
///
/// Before the first epoch of every round call ``beginRound(validationLoss:)``, after every epoch
/// ``finishEpoch(validationLoss:seconds:)``, and do what they return. A loss that is not a number
/// is never an improvement.
public struct RoundProgress: Hashable, Codable, Sendable {
  /// What has to happen after a validation.
  public struct Verdict: Hashable, Sendable {
    /// Whether these weights are the best so far and have to be kept.
    public var isBest: Bool
    /// What comes next.
    public var next: Next

    /// Creates a verdict.
    public init(isBest: Bool, next: Next) { (self.isBest, self.next) = (isBest, next) }
  }

  /// What comes next.
  public enum Next: Hashable, Sendable {
    /// Another epoch of the same round.
    case epoch
    /// A new round: go back to the best weights, make a new optimiser, validate, begin the round.
    case round
    /// The training is over; the best weights are its result.
    case end(Reason)
  }

  /// Why a training by rounds ended.
  public enum Reason: String, Codable, Hashable, Sendable {
    /// All rounds are done.
    case rounds
    /// All epochs are done.
    case epochs
    /// The time is used up.
    case time
  }

  /// The settings.
  public let schedule: RoundSchedule
  /// The present round, counted from 0.
  public private(set) var round = 0
  /// Finished epochs of all rounds.
  public private(set) var epoch = 0
  /// The smallest validation loss so far; nil before the first that is a number.
  public private(set) var bestLoss: Double?
  /// Finished epochs when it was found.
  public private(set) var bestEpoch = 0
  /// Why the training ended; nil while it goes on.
  public private(set) var ended: Reason?
  /// Validation losses of the round, from the one before its first epoch.
  private var losses: [Double?] = []

  /// Stands before the first round.
  public init(_ schedule: RoundSchedule) { self.schedule = schedule }

  /// The learning rate of the present round.
  public var rate: Double { schedule.rate(round: round) }
  /// Whether ``beginRound(validationLoss:)`` is due.
  public var isBeforeRound: Bool { losses.isEmpty }

  /// Notes the loss of the weights that a round starts from.
  ///
  /// - Parameter validationLoss: The loss before the round's first epoch.
  /// - Returns: Whether these weights are the best so far, as in the first round.
  public mutating func beginRound(validationLoss: Double) -> Bool {
    precondition(
      isBeforeRound && ended == nil, "RoundProgress: a round is under way or all are done")
    return note(validationLoss)
  }

  /// Notes the loss after an epoch.
  ///
  /// - Parameters:
  ///   - validationLoss: The loss of the present weights.
  ///   - seconds: How long the training has lasted.
  /// - Returns: Whether these weights are the best so far, and what comes next.
  public mutating func finishEpoch(validationLoss: Double, seconds: Double = 0) -> Verdict {
    precondition(!isBeforeRound && ended == nil, "RoundProgress: no round has begun")
    epoch += 1
    let isBest = note(validationLoss)
    if epoch >= schedule.maxEpochs {
      ended = .epochs
    } else if let limit = schedule.timeLimit, seconds >= limit {
      ended = .time
    } else if isStale {
      if round + 1 < schedule.maxRounds {
        round += 1
        losses = []
        return Verdict(isBest: isBest, next: .round)
      }
      ended = .rounds
    }
    return Verdict(isBest: isBest, next: ended.map(Next.end) ?? .epoch)
  }

  /// Keeps the loss; whether it is the best ever.
  private mutating func note(_ loss: Double) -> Bool {
    // JSON has no infinities and no NaN: nil stands for what is not a number.
    losses.append(loss.isFinite ? loss : nil)
    guard loss.isFinite, loss < bestLoss ?? .infinity else { return false }
    (bestLoss, bestEpoch) = (loss, epoch)
    return true
  }

  /// Whether more than `patience` epochs have run in this round and none of the last `patience`
  /// losses is better than the best before them.
  private var isStale: Bool {
    guard losses.count - 1 > schedule.patience else { return false }
    let smallest = { (part: ArraySlice<Double?>) in part.lazy.compactMap(\.self).min() ?? .infinity
    }
    return
      !(smallest(losses.suffix(schedule.patience))
      < smallest(losses.dropLast(schedule.patience)))
  }
}
