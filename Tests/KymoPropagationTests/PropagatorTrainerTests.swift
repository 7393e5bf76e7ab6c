// Training in small: the loss falls, forecasts follow a limit cycle, a continued training repeats
// the unbroken one bit for bit, hostile settings and series are refused.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoPropagation

/// Two sines, 24 steps around, from different phases.
private func sines(_ count: Int, frames: Int) -> [HostArray<Double>] {
  (0..<count).map { number in
    HostArray(
      (0..<frames).flatMap { frame in
        let phase = 2 * Double.pi * (Double(frame) + 7.3 * Double(number)) / 24
        return [sin(phase), 2 + 0.5 * cos(phase)]
      }, shape: [frames, 2])
  }
}

/// Van der Pol's limit cycle, x' = y, y' = (1 − x²) y − x, approached from inside and outside; Δt =
/// 0.2 by eight steps of Runge and Kutta's method.
private func limitCycles(_ starts: [(Double, Double)], frames: Int) -> [HostArray<Double>] {
  func slope(_ z: (Double, Double)) -> (Double, Double) { (z.1, (1 - z.0 * z.0) * z.1 - z.0) }
  func moved(_ z: (Double, Double), _ h: Double, _ k: (Double, Double)) -> (Double, Double) {
    (z.0 + h * k.0, z.1 + h * k.1)
  }
  let step = 0.025
  return starts.map { start in
    var (z, values) = (start, [Double]())
    for _ in 0..<frames {
      values += [z.0, z.1]
      for _ in 0..<8 {
        let a = slope(z)
        let b = slope(moved(z, step / 2, a))
        let c = slope(moved(z, step / 2, b))
        let d = slope(moved(z, step, c))
        z = (
          z.0 + step / 6 * (a.0 + 2 * b.0 + 2 * c.0 + d.0),
          z.1 + step / 6 * (a.1 + 2 * b.1 + 2 * c.1 + d.1)
        )
      }
    }
    return HostArray(values, shape: [frames, 2])
  }
}

private func smallTraining(_ steps: Int) -> PropagatorTraining {
  var training = PropagatorTraining()
  (training.windowLength, training.windowsPerSequence, training.batchSize) = (10, 3, 8)
  (training.phase.steps, training.phase.validationInterval) = (steps, 100)
  training.phase.learningRate = .oneCycle(.init(peak: 1e-2, warmupFraction: 0.1))
  return training
}

private func small(_ cell: RecurrentCell, units: Int = 16) -> PropagatorArchitecture {
  .recurrent(RecurrentConfiguration(cell: cell, unitCount: units))
}

@Suite("Training propagators", .serialized) struct PropagatorTrainerTests {
  @Test(
    "learns sines to a scaled error below 1e-4", arguments: [RecurrentCell.lstm, .gru],
    [1, 2] as [UInt64])
  func sine(_ cell: RecurrentCell, _ seed: UInt64) throws {
    let trainer = try PropagatorTrainer(
      small(cell), training: smallTraining(2000), series: sines(3, frames: 120),
      validation: sines(1, frames: 100), seed: seed)
    let first = try trainer.step().loss
    while !trainer.isFinished { _ = try trainer.step() }
    let best = try #require(trainer.bestLoss)
    // The loss of the first step is about the variance of scaled sines, 0.1; measured 5e-5 to 7e-5.
    #expect(first > 1e-2 && best < 1e-4, "from \(first) to \(best), seed \(seed)")
  }

  @Test("follows a limit cycle for two periods, better than standing still", arguments: [1, 2])
  func limitCycle(_ seed: UInt64) throws {
    var training = smallTraining(1500)
    training.freeRunningSteps = 5
    let trainer = try PropagatorTrainer(
      small(.lstm, units: 32), training: training,
      series: limitCycles([(0.5, 0), (3, 1), (-2, -1)], frames: 200),
      validation: limitCycles([(-0.7, 0.4)], frames: 150), seed: seed)
    while !trainer.isFinished { _ = try trainer.step() }
    let propagator = try #require(trainer.finishedPropagator() as? RecurrentPropagator)
    let truth = limitCycles([(1.2, -0.8)], frames: 100)[0]
    func frames(_ range: Range<Int>) -> [Double] {
      Array(truth.elements[range.lowerBound * 2..<range.upperBound * 2])
    }
    var memory = propagator.initialMemory(batchCount: 1)
    let warm = try propagator.oneStepPredictions(
      HostArray(frames(0..<31), shape: [1, 31, 2]), memory: &memory)
    let forecast = try propagator.rollout(
      from: warm.frame(30), stepCount: 66, memory: &memory)
    let expected = frames(32..<98)
    func error(_ found: [Double]) -> Double {
      zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(expected.count)
    }
    let still = error((0..<66).flatMap { _ in frames(31..<32) })
    let found = error(forecast.elements)
    #expect(found < still / 20, "\(found), standing still \(still), seed \(seed)")
  }

  @Test("learns the map of a system without hidden state", arguments: [1, 2] as [UInt64])
  func mlp(_ seed: UInt64) throws {
    var configuration = MLPConfiguration()
    (configuration.unitCount, configuration.layerCount) = (24, 2)
    let trainer = try PropagatorTrainer(
      .mlp(configuration), training: smallTraining(2000), series: sines(3, frames: 120),
      validation: sines(1, frames: 100), seed: seed)
    while !trainer.isFinished { _ = try trainer.step() }
    let best = try #require(trainer.bestLoss)
    // The first loss is about 0.1; measured 1e-4 and 3e-4.
    #expect(best < 6e-4, "\(best), seed \(seed)")
    #expect(trainer.finishedPropagator() is MLPPropagator)
  }

  @Test(
    "continues from a checkpoint with bit-equal losses, in the midst of a sequence",
    arguments: [false, true])
  func continuation(_ hasRounds: Bool) throws {
    var training = smallTraining(14)
    training.scheduledSampling = .linear
    training.inputNoise = 0.01
    training.phase.weightAverage = 0.9
    training.phase.validationInterval = 3
    if hasRounds {
      var rounds = RoundSchedule()
      (rounds.patience, rounds.maxRounds, rounds.maxEpochs) = (1, 2, 4)
      training.phase.rounds = rounds
    }
    func trainer(seed: UInt64) throws -> PropagatorTrainer {
      try PropagatorTrainer(
        small(.gru), training: training, series: sines(3, frames: 120),
        validation: sines(1, frames: 100), seed: seed)
    }
    let folder = try TemporaryFolder()
    let unbroken = try trainer(seed: 5)
    var expected: [StepRecord] = []
    while !unbroken.isFinished {
      // Two windows into a sequence of three.
      if unbroken.stepIndex == 5 { try unbroken.saveCheckpoint(to: folder.url) }
      expected.append(try unbroken.step())
    }
    let resumed = try trainer(seed: 5)
    try resumed.restore(from: folder.url)
    #expect(resumed.stepIndex == 5)
    var found: [StepRecord] = []
    while !resumed.isFinished { found.append(try resumed.step()) }
    #expect(found == Array(expected[5...]))
    #expect(resumed.totalSteps == unbroken.totalSteps && resumed.bestLoss == unbroken.bestLoss)
    let other = try trainer(seed: 6)
    #expect(throws: ModelDataError.self) { try other.restore(from: folder.url) }
  }

  @Test(
    "ends on longer windows, from the best weights, and goes on there from a checkpoint",
    arguments: OptimizerChoice.allCases)
  func finish(_ optimizer: OptimizerChoice) throws {
    var training = smallTraining(7)
    (training.freeRunningSteps, training.phase.validationInterval) = (6, 3)
    training.phase.optimizer = optimizer
    training.finish = .init()
    training.finish?.phase.optimizer = optimizer
    training.finish?.phase.validationInterval = 3
    training.finish?.windowLength = 30
    training.finish?.phase.steps = 4
    let last = try #require(training.finishing)
    #expect(last.freeRunningSteps == 26 && last.sequenceLength == 90 && last.finish == nil)
    func trainer() throws -> PropagatorTrainer {
      try PropagatorTrainer(
        small(.lstm), training: training, series: sines(3, frames: 120),
        validation: sines(1, frames: 100), seed: 5)
    }
    let unbroken = try trainer()
    #expect(unbroken.totalSteps == 11 && unbroken.trainer.totalCost == 7 * 10 + 4 * 30)
    let folders = [2, 7, 9].map { ($0, try? TemporaryFolder()) }
    var expected: [StepRecord] = []
    while !unbroken.isFinished {
      for case (unbroken.stepIndex, let folder?) in folders {
        try unbroken.saveCheckpoint(to: folder.url)
      }
      expected.append(try unbroken.step())
    }
    #expect(expected.map(\.step) == Array(1...11) && unbroken.trainer.cost == 190)
    // The learning rate starts anew, lower.
    #expect(expected[8].learningRate < 3e-4 && expected[2].learningRate > 1e-3)
    for case (let done, let folder?) in folders {
      let resumed = try trainer()
      try resumed.restore(from: folder.url)
      #expect(resumed.stepIndex == done)
      var found: [StepRecord] = []
      while !resumed.isFinished { found.append(try resumed.step()) }
      #expect(found == Array(expected[done...]))
    }
  }

  @Test("breaks free runs of the last part by given inputs where they alternate")
  func alternation() throws {
    var training = PropagatorTraining()
    (training.windowLength, training.freeRunningSteps) = (5, 3)
    training.finish = .init()
    training.finish?.windowLength = 12
    var random = RandomStream(seed: 1, purpose: .sampling, index: 0)
    func drawn() -> Set<String> {
      Set(
        (0..<50).map { _ in
          training.finishing?.ownInputs(last: 10, using: &random).map { $0 ? "o" : "." }
            .joined() ?? ""
        })
    }
    #expect(drawn() == ["..oooooooooo"])
    training.finish?.alternation = .init()
    training.finish?.alternation?.freeSteps = [2, 3]
    training.finish?.alternation?.givenSteps = 2
    #expect(drawn() == ["..oooooooooo", "..oo..oo..oo", "..ooo..ooo.."])
    try training.validate()
    training.finish?.alternation?.givenSteps = 0
    #expect(throws: ConfigurationError.self) { try training.validate() }
  }

  @Test("refuses a last part that cannot work, and series that are too short for it")
  func finishSettings() throws {
    var training = smallTraining(7)
    for (length, steps, hasRounds) in [(10, 4, false), (50, 0, false), (50, 4, true)] {
      training.finish = .init()
      training.finish?.windowLength = length
      training.finish?.phase.steps = steps
      training.phase.rounds = hasRounds ? RoundSchedule() : nil
      #expect(throws: ConfigurationError.self) { try training.validate() }
    }
    training.finish?.windowLength = 34
    training.phase.rounds = nil
    #expect(throws: ModelDataError.self) {
      _ = try PropagatorTrainer(
        small(.lstm), training: training, series: sines(3, frames: 120),
        validation: sines(1, frames: 100), seed: 5)
    }
  }

  @Test("carries the state from window to window, which lowers the error of hidden phases")
  func stateful() throws {
    // Only the sine is seen: one value belongs to two phases, which the memory tells apart.
    let series = sines(3, frames: 120).map { one in
      HostArray(stride(from: 0, to: one.count, by: 2).map { one.elements[$0] }, shape: [120, 1])
    }
    func best(isStateful: Bool) throws -> Double {
      var training = smallTraining(600)
      (training.windowLength, training.windowsPerSequence) = (3, 10)
      training.isStateful = isStateful
      let trainer = try PropagatorTrainer(
        small(.lstm), training: training, series: series, validation: series, seed: 1)
      while !trainer.isFinished { _ = try trainer.step() }
      return try #require(trainer.bestLoss)
    }
    let (carried, cut) = (try best(isStateful: true), try best(isStateful: false))
    // Measured: a third.
    #expect(carried < cut / 2, "\(carried) with a carried state, \(cut) without")
  }

  @Test("counts only the last steps of a window where told to") func counted() throws {
    var training = smallTraining(1)
    training.warmUpSteps = 4
    #expect(training.firstCounted == 4)
    training.predictionLength = 3
    #expect(training.firstCounted == 7)
    (training.warmUpSteps, training.predictionLength) = (0, 0)
    #expect(training.firstCounted == 0)
  }

  @Test("draws own inputs with the probabilities of three schedules") func scheduledSampling() {
    #expect(ScheduledSampling.none.probability(epoch: 7, of: 10) == 0)
    #expect(ScheduledSampling.linear.probability(epoch: 3, of: 10) == 0.3)
    // Halfway, 1 − 0.001^½.
    let half = ScheduledSampling.exponential.probability(epoch: 5, of: 10)
    #expect(abs(half - (1 - 0.0316227766016838)) < 1e-12)
    #expect(abs(ScheduledSampling.exponential.probability(epoch: 10, of: 10) - 0.999) < 1e-12)
    // k = 50 / W(50) = exp(W(50)), so p = ½ halfway; W(50) = 2.860890177982211.
    #expect(abs(lambertW(50) - 2.860890177982211) < 1e-13)
    #expect(abs(lambertW(M_E) - 1) < 1e-14)
    let inverse = ScheduledSampling.inverseSigmoid
    #expect(abs(inverse.probability(epoch: 50, of: 100) - 0.5) < 1e-12)
    let k = 50 / 2.860890177982211
    #expect(abs(inverse.probability(epoch: 0, of: 100) - (1 - k / (k + 1))) < 1e-12)
  }

  @Test("lets free runs grow over a part of the training") func ramp() throws {
    var training = smallTraining(100)
    training.windowLength = 30
    training.freeRunningSteps = 20
    #expect(training.freeRunningSteps(atStep: 0) == 20)
    training.freeRunningRamp = 0.5
    let grown = [0, 5, 25, 49, 50, 99].map { training.freeRunningSteps(atStep: $0) }
    #expect(grown == [1, 3, 11, 20, 20, 20])
    training.freeRunningRamp = 1.5
    #expect(throws: ConfigurationError.self) { try training.validate() }
  }

  @Test("draws more sequences from beginnings when asked, else the same as ever")
  func beginnings() throws {
    // Frames are numbered: series 0 from 0, series 1 from 1000.
    let series = [(0..<400), (1000..<1050)].map { range in
      (values: range.map(Float.init), frames: range.count)
    }
    let windows = SeriesWindows(series, width: 1, frameCount: 40)
    func starts(_ beginnings: Double) -> [Float] {
      var random = RandomStream(seed: 1, purpose: .crops, index: 3)
      let drawn = windows.draw(4000, beginnings: beginnings, within: 20, using: &random)
      return drawn.selected(axis: 1, index: 0).floats
    }
    // All of them: both series alike, and no further than 20 frames or what a series has room for.
    let all = starts(1)
    #expect(all.allSatisfy { (0..<20).contains($0) || (1000..<1011).contains($0) })
    #expect(abs(all.count { $0 < 1000 } - 2000) < 150)
    #expect(Set(all).count == 31)
    // A quarter, beside those that start anywhere: 20 of 372 places.
    let early = starts(0.25).count { $0 < 20 }
    #expect(abs(Double(early) - 4000 * (0.25 * 0.5 + 0.75 * 20 / 372)) < 120)
    var random = RandomStream(seed: 1, purpose: .crops, index: 3)
    #expect(windows.draw(4000, using: &random).selected(axis: 1, index: 0).floats == starts(0))
    var training = PropagatorTraining()
    training.beginnings = 1.5
    #expect(throws: ConfigurationError.self) { try training.validate() }
  }

  @Test("refuses settings and series that cannot work") func refusals() throws {
    var training = smallTraining(10)
    #expect(throws: ModelDataError.self) {
      try PropagatorTrainer(
        small(.lstm), training: training, series: sines(1, frames: 30),
        validation: sines(1, frames: 100), seed: 1)
    }
    #expect(throws: ModelDataError.self) {
      try PropagatorTrainer(
        small(.lstm), training: training, series: [], validation: sines(1, frames: 100), seed: 1)
    }
    training.freeRunningSteps = 10
    #expect(throws: ConfigurationError.self) { try training.validate() }
    var broken = sines(1, frames: 100)
    broken[0].elements[7] = .nan
    #expect(throws: ModelDataError.self) {
      try PropagatorTrainer(
        small(.lstm), training: smallTraining(10), series: broken, validation: broken, seed: 1)
    }
    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
      try SettingsTree(json: Data(text.utf8)).decode(type)
    }
    #expect(throws: ConfigurationError.self) {
      try decode(PropagatorTraining.self, #"{"windowLenght": 3}"#)
    }
    #expect(throws: ConfigurationError.self) {
      try decode(PropagatorArchitecture.self, #"{"recurrent": {"unit": 3}}"#)
    }
    let architecture = try decode(
      PropagatorArchitecture.self, #"{"recurrent": {"cell": "gru"}}"#)
    #expect(architecture == .recurrent(RecurrentConfiguration(cell: .gru)))
    #expect(
      try SettingsTree(encoding: architecture).decode(PropagatorArchitecture.self) == architecture)
  }
}

@Suite("Propagators on every device", .serialized) struct PropagatorDeviceTests {
  private static let kinds = ["lstm", "gru", "mlp"]

  private func architecture(_ name: String) -> PropagatorArchitecture {
    switch name {
    case "mlp": .mlp(MLPConfiguration())
    case "gru": .recurrent(RecurrentConfiguration(cell: .gru, unitCount: 17, layerCount: 2))
    default: small(.lstm)
    }
  }

  /// The losses of a short training, and its propagator.
  private func trained(
    _ name: String, device: Device = .cpu, path: ComputePath? = nil, seed: UInt64 = 1
  ) throws -> (losses: [Double], propagator: any Propagator) {
    var training = smallTraining(8)
    training.freeRunningSteps = 4
    let trainer = try PropagatorTrainer(
      architecture(name), training: training, series: sines(3, frames: 120),
      validation: sines(1, frames: 100), seed: seed, device: device, path: path)
    let losses = try (0..<8).map { _ in try trainer.step().loss }
    return (losses, trainer.finishedPropagator())
  }

  /// Teacher forcing, a step and a rollout, one after the other.
  private func forecasts(_ model: some Propagator) throws -> [Double] {
    let known = HostArray(sines(3, frames: 20).flatMap(\.elements), shape: [3, 20, 2])
    var memory = model.initialMemory(batchCount: 3)
    let warm = try model.oneStepPredictions(known, memory: &memory)
    let next = try model.step(warm.frame(19), memory: &memory)
    let rollout = try model.rollout(from: next, stepCount: 10, memory: &memory)
    let none = try model.rollout(from: next, stepCount: 0, memory: &memory)
    #expect(none.shape == [3, 0, 2])
    return warm.elements + next.elements + rollout.elements
  }

  /// The same weights on a device, from a folder.
  private func moved(_ model: any Propagator, to device: Device) throws -> any Propagator {
    let folder = try TemporaryFolder()
    if let model = model as? RecurrentPropagator {
      try model.save(to: folder.url)
      return try RecurrentPropagator(from: folder.url, device: device)
    }
    try #require(model as? MLPPropagator).save(to: folder.url)
    return try MLPPropagator(from: folder.url, device: device)
  }

  /// The same weights by tensor operations.
  private func plain(_ name: String, _ model: any Propagator) throws -> any Propagator {
    let twin = architecture(name).network(
      latentCount: 2, seed: 3, device: .cpu, path: .operations)
    let (weights, scaler) =
      if let model = model as? RecurrentPropagator {
        (model.network.namedParameters(), model.scaler)
      } else {
        try (
          #require(model as? MLPPropagator).network.namedParameters(),
          #require(model as? MLPPropagator).scaler
        )
      }
    try twin.namedParameters().load(weights, from: name)
    return architecture(name).propagator(twin, scaler: scaler)
  }

  @Test("are the same by kernels and by tensor operations", arguments: kinds)
  func operations(_ name: String) throws {
    let (expected, propagator) = try trained(name)
    // Steps are gradients over their size, so that rounding in small ones grows.
    expectClose(
      try trained(name, path: .operations).losses, expected,
      Tolerance(relative: 2e-3, because: "float32 over eight steps"))
    expectFar(
      try trained(name, seed: 2).losses, expected,
      Tolerance(relative: 2e-5, because: "far above rounding"))
    expectClose(
      try forecasts(plain(name, propagator)), try forecasts(propagator),
      Tolerance(absolute: 5e-5, because: "float32 over 31 steps"))
  }

  @Test(
    "are the same on a CUDA device", .enabled(if: Device.cudaCount > 0, "needs a CUDA device"),
    arguments: kinds)
  func cuda(_ name: String) throws {
    let (expected, propagator) = try trained(name)
    let tolerance = Tolerance(absolute: 1e-3, relative: 0.01, because: "float32 in another order")
    expectClose(try trained(name, device: .cuda(0)).losses, expected, tolerance)
    expectClose(
      try forecasts(moved(propagator, to: .cuda(0))), try forecasts(propagator), tolerance)
  }

  @Test("are not loaded onto a device that is not there") func elsewhere() throws {
    for name in ["lstm", "mlp"] {
      let propagator = try trained(name).propagator
      let error = #expect(throws: TensorError.self) { try moved(propagator, to: .cuda(97)) }
      #expect(error?.message.contains("'cuda:97' is not here") == true)
    }
  }
}
