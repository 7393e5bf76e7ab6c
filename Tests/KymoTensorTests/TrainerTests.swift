// The trainer on a loss that can be worked out by hand: phases, interruptions, best weights,
// averages, ends.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import Testing

/// (w − target)², with a target that is drawn for every step.
private final class Quadratic: Objective {
  let weight = Tensor([4], shape: [1]).requiringGradient()
  var noise = 0.0
  var validates = false
  var failingStep = Int.max
  var trained: [NamedTensor] { [("w", weight)] }

  func loss(at place: StepPlace) -> StepLoss {
    var random = RandomStream(seed: 1, purpose: .noise, index: UInt64(place.step))
    let target = place.step >= failingStep ? .nan : random.normal() * noise
    let square = (weight - target).square()
    var loss = StepLoss(square.sum())
    loss.tensors = [("square", square.sum()), ("squares", square)]
    loss.scalars = ["target": target]
    return loss
  }
  func validationLoss() -> Double? { validates ? weight.square().item : nil }

  func phase(_ name: String, steps: Int, _ change: (inout Descent) -> Void = { _ in }) -> Phase {
    var descent = Descent()
    (descent.steps, descent.learningRate) = (steps, .constant(.init(rate: 0.1)))
    change(&descent)
    return Phase(name, .descent(self, descent, stepsPerEpoch: 3))
  }
}

/// A fit beside the gradients, which changes nothing and keeps the weights in its checkpoints.
private final class Pause: Fitting {
  let quadratic: Quadratic
  let stepCount = 1
  var state: [NamedTensor] { quadratic.trained }
  init(_ quadratic: Quadratic) { self.quadratic = quadratic }
  func fit(at place: StepPlace) throws -> StepRecord { StepRecord(step: place.step + 1, loss: 0) }
}

@Suite("The trainer") struct ObjectiveTrainerTests {
  private func run(_ trainer: Trainer) throws -> [StepRecord] {
    var records: [StepRecord] = []
    while !trainer.isFinished { records.append(try trainer.step()) }
    return records
  }

  @Test("reports named numbers, the phase and the gradient") func records() throws {
    let quadratic = Quadratic()
    let trainer = Trainer([quadratic.phase("only", steps: 2)], seed: 1)
    let record = try trainer.step()
    #expect(record.loss == 16 && record.scalars == ["target": 0, "square": 16])
    #expect(record.vectors == ["squares": [16]] && record.gradientNorm == 8)
    #expect(record.step == 1 && record.phase == "only" && record.learningRate == 0.1)
    #expect(trainer.totalSteps == 2 && !trainer.isFinished)
  }

  @Test("goes on after an interruption as if there had been none") func continuing() throws {
    func weights(isInterrupted: Bool) throws -> ([Double], [String?]) {
      let quadratic = Quadratic()
      var fits = 0
      let fit = SingleFit {
        fits += 1
        return 0.5
      }
      var phases = [quadratic.phase("a", steps: isInterrupted ? 4 : 9) { $0.weightAverage = 0.5 }]
      if isInterrupted {
        phases += [Phase("fit", .fitting(fit)), quadratic.phase("a", steps: 5)]
        for index in 1...2 { phases[index].continues = true }
      }
      let trainer = Trainer(phases, seed: 1)
      let names = try run(trainer).map(\.phase)
      #expect(fits == (isInterrupted ? 1 : 0))
      let last = quadratic.weight.item
      trainer.takeResult()
      return ([last, quadratic.weight.item], names)
    }
    let (interrupted, names) = try weights(isInterrupted: true)
    #expect(interrupted == (try weights(isInterrupted: false)).0)
    #expect(names == ["a", "a", "a", "a", "fit", "a", "a", "a", "a", "a"])
    #expect(interrupted[0] != interrupted[1])
  }

  @Test("a phase begins with the result of the one before and an optimiser of its own")
  func phases() throws {
    func prepared(steps: Int) -> (Quadratic, Trainer) {
      let quadratic = Quadratic()
      (quadratic.noise, quadratic.validates) = (3, true)
      let phases = [
        quadratic.phase("a", steps: steps) { $0.validationInterval = 1 },
        quadratic.phase("b", steps: 1),
      ]
      return (quadratic, Trainer(phases, seed: 1))
    }
    // As many steps as lead to weights that are worse than the best ones, which noise soon does.
    let (wandering, long) = prepared(steps: 400)
    var steps = 0
    repeat {
      _ = try long.step()
      steps += 1
    } while steps < 400 && wandering.weight.square().item <= long.bestLoss ?? .infinity
    let (quadratic, trainer) = prepared(steps: steps)
    for _ in 0..<steps { _ = try trainer.step() }
    let best = try #require(trainer.bestLoss)
    #expect(best < quadratic.weight.square().item)
    _ = try trainer.step()
    // The first step of Adam is as long as the learning rate.
    #expect(abs(abs(quadratic.weight.item) - best.squareRoot()) < 0.1001)
    #expect(trainer.isFinished && trainer.stepIndex == steps + 1)
  }

  @Test("stops before weights change, and names step and phase") func nonFinite() throws {
    let quadratic = Quadratic()
    quadratic.failingStep = 5
    let trainer = Trainer(
      [quadratic.phase("a", steps: 3), quadratic.phase("b", steps: 9)], seed: 1)
    for _ in 0..<5 { _ = try trainer.step() }
    let weight = quadratic.weight.item
    let error = #expect(throws: NonFiniteLoss.self) { _ = try trainer.step() }
    #expect(error?.step == 6 && error?.phase == "b")
    #expect(error?.description.contains("learning rate") == true)
    #expect(quadratic.weight.item == weight && trainer.stepIndex == 5)
  }

  @Test("continues from a checkpoint at any step with the same bits", arguments: [false, true])
  func checkpoints(_ hasRounds: Bool) throws {
    func prepared() -> (Quadratic, Trainer) {
      let quadratic = Quadratic()
      (quadratic.noise, quadratic.validates) = (0.5, true)
      var rounds = RoundSchedule()
      (rounds.initialRate, rounds.patience, rounds.maxRounds) = (0.3, 1, 3)
      let phases = [
        quadratic.phase("a", steps: 4) { descent in
          descent.weightAverage = 0.7
          if hasRounds { descent.rounds = rounds }
        },
        Phase("fit", .fitting(Pause(quadratic))),
        quadratic.phase("b", steps: 5) { $0.optimizer = .soap },
      ]
      return (quadratic, Trainer(phases, seed: 1))
    }
    try withFolder { folder in
      let (quadratic, unbroken) = prepared()
      var records: [StepRecord] = []
      while !unbroken.isFinished {
        let place = folder.appending(path: "\(unbroken.stepIndex)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try unbroken.saveCheckpoint(to: place)
        records.append(try unbroken.step())
      }
      #expect(records.last?.phase == "b" && unbroken.totalSteps == records.count)
      for start in records.indices {
        let (other, resumed) = prepared()
        try resumed.restore(from: folder.appending(path: "\(start)"))
        #expect(resumed.stepIndex == start)
        #expect(try run(resumed) == Array(records[start...]), "from step \(start)")
        #expect(other.weight.item == quadratic.weight.item)
      }
      let (_, other) = prepared()
      let stranger = Trainer([], seed: 2)
      #expect(throws: ModelDataError.self) {
        try stranger.restore(from: folder.appending(path: "2"))
      }
      #expect(other.stepIndex == 0)
    }
  }
}
