// Runs the course of a training: steps, clipping, the first loss that is not finite, weight
// averages, validation, best weights, rounds (Vlachas et al., Nature Machine Intelligence 4, 359
// (2022), methods), and checkpoints from which a training continues with the same bits.
public import Foundation
import KymoNumerics
import KymoTensor

/// Trains along a course of phases, step by step.
///
/// A phase begins with its first step, so that a checkpoint at a border is still one of the phase
/// before.
public final class Trainer {
  private let phases: [Phase]
  private var progress: Progress
  private var optimizer: (any Optimizer)?
  private var average: WeightAverage?
  /// The best weights and buffers of the present phase; empty before the first validation.
  private var best: [NamedTensor] = []

  /// What a continuation needs besides tensors.
  private struct Progress: Codable {
    var seed: UInt64
    /// Finished steps of all phases, and their cost.
    var step = 0
    var cost = 0
    /// The phase that began last; nil before the first.
    var phase: Int?
    /// Finished steps of the phase, and the seconds that they took.
    var phaseStep = 0
    var seconds = 0.0
    /// The smallest validation loss of the phase.
    var bestLoss: Double?
    var rounds: RoundProgress?

    /// Whether sums of these numbers stay numbers.
    var isSound: Bool {
      [step, cost, phaseStep].allSatisfy { (0...1 << 60).contains($0) } && seconds.isFinite
    }
  }

  /// Prepares a training; phases without steps are left out.
  public init(_ phases: [Phase], seed: UInt64) {
    self.phases = phases.filter { $0.steps > 0 }
    progress = Progress(seed: seed)
  }

  /// Number of finished steps.
  public var stepIndex: Int { progress.step }
  /// Number of steps of the whole training; an upper bound until rounds have ended.
  public var totalSteps: Int { progress.step + remaining { _ in 1 } }
  /// What the finished steps cost.
  public var cost: Int { progress.cost }
  /// What the whole training costs, with the same bound as its steps.
  public var totalCost: Int { progress.cost + remaining(\.stepCost) }
  /// Whether there is nothing left to do.
  public var isFinished: Bool { isPhaseOver && (progress.phase ?? -1) + 1 >= phases.count }
  /// The smallest validation loss of the present phase; nil before the first.
  public var bestLoss: Double? { progress.bestLoss }
  /// Where the present phase stands that ends by rounds.
  public var rounds: RoundProgress? { progress.rounds }
  /// Steps of an epoch in the present phase, or the first.
  public var stepsPerEpoch: Int {
    guard case .descent(_, _, let count) = phases.first(at: progress.phase)?.work else { return 1 }
    return count
  }

  private var isPhaseOver: Bool {
    guard let phase = progress.phase else { return true }
    return phases[phase].rounds == nil
      ? progress.phaseStep >= phases[phase].steps : progress.rounds?.ended != nil
  }

  private func remaining(_ cost: (Phase) -> Int) -> Int {
    let present = progress.phase ?? -1
    let left =
      isPhaseOver ? 0 : (phases[present].steps - progress.phaseStep) * cost(phases[present])
    return phases.dropFirst(present + 1).reduce(left) { $0 + $1.steps * cost($1) }
  }

  /// Does one step, and the validation that is due after it.
  ///
  /// - Throws: ``NonFiniteLoss`` at the first loss or gradient that is not finite, before weights
  ///   change.
  public func step() throws -> StepRecord {
    precondition(!isFinished, "Trainer: the training is over")
    if isPhaseOver {
      let next = (progress.phase ?? -1) + 1
      if !phases[next].continues { takeResult() }
      begin(next)
    }
    let phase = phases[progress.phase ?? 0]
    let place = StepPlace(
      step: progress.step, phaseStep: progress.phaseStep, phaseSteps: phase.steps)
    var record: StepRecord
    switch phase.work {
    case .descent(let objective, let descent, let stepsPerEpoch):
      record = try descend(objective, descent, phase, place)
      objective.finish(record)
      record.validation = validateIfDue(objective, descent, stepsPerEpoch)
    case .fitting(let fitting):
      record = try fitting.fit(at: place)
      guard record.loss.isFinite else { throw nonFinite(phase) }
      finishStep(phase)
    }
    (record.step, record.phase) = (progress.step, phase.name)
    return record
  }

  /// Puts the result of the present phase in its place: the best weights where it was validated,
  /// else averaged ones where they are kept.
  ///
  /// To be called when the training is over; it must not go on afterwards.
  public func takeResult() {
    guard let index = progress.phase else { return }
    if case .descent(let objective, let descent, _) = phases[index].work,
      progress.bestLoss != nil
    {
      if descent.selection == .best { (objective.trained + objective.buffers).copy(from: best) }
    } else {
      average?.takeAverages()
    }
  }

  /// The validation loss of the weights as they are now, averaged where averages are kept.
  public func validationLoss() -> Double? {
    guard case .descent(let objective, _, _) = phases.first(at: progress.phase)?.work else {
      return nil
    }
    guard let average else { return objective.validationLoss() }
    let present = objective.trained.copies
    average.takeAverages()
    defer { objective.trained.copy(from: present) }
    return objective.validationLoss()
  }

  // MARK: - Steps

  /// Begins a phase, with an optimiser and an average of its own unless it continues those before.
  private func begin(_ index: Int) {
    let phase = phases[index]
    (progress.phase, progress.phaseStep, progress.seconds) = (index, 0, 0)
    (progress.bestLoss, progress.rounds) = (nil, phase.rounds.map { RoundProgress($0) })
    best = []
    guard !phase.continues else { return }
    phase.task.begin()
    (optimizer, average) = (nil, nil)
    if case .descent(let objective, let descent, _) = phase.work { renew(objective, descent) }
  }

  /// A new optimiser and a new average.
  private func renew(_ objective: any Objective, _ descent: Descent) {
    optimizer = descent.optimizer.optimizer(
      objective.trained, weightDecay: descent.weightDecay)
    average =
      descent.weightAverage > 0
      ? WeightAverage(objective.trained, decay: descent.weightAverage) : nil
  }

  /// One step down the gradient.
  private func descend(
    _ objective: any Objective, _ descent: Descent, _ phase: Phase, _ place: StepPlace
  ) throws -> StepRecord {
    let start = ContinuousClock.now
    if progress.rounds?.isBeforeRound == true { beginRound(objective, descent) }
    guard let optimizer else { preconditionFailure("a descent without an optimiser") }
    let cycle = phase.cycle ?? (first: 0, steps: place.phaseSteps)
    let rate =
      progress.rounds?.rate
      ?? descent.learningRate.rate(step: cycle.first + place.phaseStep, of: cycle.steps)
    optimizer.zeroGradients()
    let loss = try objective.loss(at: place)
    var record = StepRecord(step: place.step + 1, loss: loss.total.item)
    guard record.loss.isFinite else { throw nonFinite(phase) }
    loss.total.backward()
    let norm = gradientNorm(of: objective.trained.map(\.tensor))
    guard norm.isFinite else { throw nonFinite(phase) }
    let limit = descent.gradientClip > 0 ? descent.gradientClip : .infinity
    optimizer.step(rate: rate, gradientScale: clippingScale(norm: norm, limit: limit))
    average?.update()
    (record.learningRate, record.gradientNorm) = (rate, norm)
    loss.report(in: &record)
    finishStep(phase)
    progress.seconds += (ContinuousClock.now - start) / .seconds(1)
    return record
  }

  private func finishStep(_ phase: Phase) {
    progress.step += 1
    progress.cost += phase.stepCost
    progress.phaseStep += 1
  }

  private func nonFinite(_ phase: Phase) -> NonFiniteLoss {
    NonFiniteLoss(step: progress.step + 1, phase: phase.name, remedy: phase.task.remedy)
  }

  // MARK: - Validation and rounds

  private func validateIfDue(
    _ objective: any Objective, _ descent: Descent, _ stepsPerEpoch: Int
  ) -> Double? {
    let step = progress.phaseStep
    if descent.rounds != nil {
      guard step % stepsPerEpoch == 0, let loss = validationLoss() else { return nil }
      let seconds = progress.seconds
      let verdict = progress.rounds?.finishEpoch(validationLoss: loss, seconds: seconds)
      if verdict?.isBest == true { keepBest(objective, loss) }
      return loss
    }
    let interval = descent.validationInterval ?? stepsPerEpoch
    guard step == descent.steps || interval > 0 && step % interval == 0,
      let loss = validationLoss()
    else { return nil }
    if loss.isFinite, loss < progress.bestLoss ?? .infinity { keepBest(objective, loss) }
    return loss
  }

  /// Goes back to the best weights, with a new optimiser and a new average.
  private func beginRound(_ objective: any Objective, _ descent: Descent) {
    if progress.bestLoss != nil { (objective.trained + objective.buffers).copy(from: best) }
    renew(objective, descent)
    guard let loss = validationLoss() else {
      preconditionFailure("rounds need an objective with validation data")
    }
    if progress.rounds?.beginRound(validationLoss: loss) == true { keepBest(objective, loss) }
  }

  private func keepBest(_ objective: any Objective, _ loss: Double) {
    progress.bestLoss = loss
    let weights = (average?.averages ?? objective.trained) + objective.buffers
    if best.isEmpty { best = weights.copies } else { best.copy(from: weights) }
  }

  // MARK: - Checkpoints

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws {
    let state = phases.first(at: progress.phase)?.task.state ?? []
    let tensors =
      state.prefixed("model") + best.prefixed("best")
      + (optimizer?.state.prefixed("optimizer") ?? [])
      + (average?.state.prefixed("average") ?? [])
    try SafeTensors.write(tensors, to: folder.appending(path: "state.safetensors"))
    try JSONEncoder().encode(progress).write(to: folder.appending(path: "state.json"))
  }

  /// Continues from a checkpoint of the same course, seed and data, with the same numbers.
  ///
  /// - Throws: `ModelDataError` for a checkpoint of another seed or course; `TensorError` for one
  ///   of another architecture.
  public func restore(from folder: URL) throws {
    let stored = try JSONDecoder().decode(
      Progress.self, from: Data(contentsOf: folder.appending(path: "state.json")))
    let index = stored.phase ?? -1
    guard stored.seed == progress.seed, (-1..<phases.count).contains(index), stored.isSound,
      stored.rounds?.schedule == (index < 0 ? nil : phases[index].rounds)
    else {
      throw ModelDataError(
        "continuing from \(folder.path)", found: "of seed \(stored.seed), or of another course",
        allowed: "a checkpoint of seed \(progress.seed) and the same course",
        remedy: "Continue with the recipe that the run was started with.")
    }
    let place = folder.appending(path: "state.safetensors")
    let tensors = try SafeTensors.read(place).tensors
    func part(_ prefix: String) -> [NamedTensor] {
      tensors.filter { $0.name.hasPrefix(prefix + ".") }
        .map { (String($0.name.dropFirst(prefix.count + 1)), $0.tensor) }
    }
    if index >= 0 { for phase in 0...index { begin(phase) } }
    try phases.first(at: stored.phase)?.task.state.load(part("model"), from: place.path)
    try optimizer?.load(state: part("optimizer"), from: place.path)
    try average?.load(state: part("average"), from: place.path)
    if stored.bestLoss != nil, case .descent(let objective, _, _) = phases[index].work {
      best = (objective.trained + objective.buffers).copies
      try best.load(part("best"), from: place.path)
    }
    progress = stored
  }
}

extension [Phase] {
  /// The phase at an index, or the first.
  fileprivate func first(at index: Int?) -> Phase? {
    index.map { self[$0] } ?? first
  }
}

extension [NamedTensor] {
  /// Copies of these tensors, outside the graph.
  var copies: [NamedTensor] { map { ($0.name, $0.tensor.detached().clone()) } }

  /// Overwrites these tensors with others of the same order and shapes.
  func copy(from others: [NamedTensor]) {
    withoutGradients {
      for (own, other) in zip(self, others) { own.tensor.copyInPlace(from: other.tensor) }
    }
  }
}

/// A model in training: an objective or several, and the course that lowers them.
public protocol ModelTrainer {
  /// What runs the course.
  var trainer: Trainer { get }
}

extension ModelTrainer {
  /// Number of finished steps.
  public var stepIndex: Int { trainer.stepIndex }
  /// Number of steps of the whole training; an upper bound until rounds have ended.
  public var totalSteps: Int { trainer.totalSteps }
  /// Steps of an epoch in the present phase.
  public var stepsPerEpoch: Int { trainer.stepsPerEpoch }
  /// Whether there is nothing left to do.
  public var isFinished: Bool { trainer.isFinished }
  /// The smallest validation loss of the present phase; nil before the first.
  public var bestLoss: Double? { trainer.bestLoss }

  /// Does one step, and the validation that is due after it.
  ///
  /// - Throws: ``NonFiniteLoss`` at the first loss that is not finite, before the weights change.
  public func step() throws -> StepRecord { try trainer.step() }

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }

  /// Continues from a checkpoint of the same configuration, seed and data, with the same numbers.
  public func restore(from folder: URL) throws { try trainer.restore(from: folder) }
}
