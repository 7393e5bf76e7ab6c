// Training by rounds on made-up validation losses, and the starting values of weights.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Training by rounds") struct RoundScheduleTests {
  private func schedule(
    patience: Int, rounds: Int = 20, epochs: Int = 10_000, timeLimit: Double? = nil
  ) -> RoundSchedule {
    var schedule = RoundSchedule()
    (schedule.patience, schedule.maxRounds, schedule.maxEpochs) = (patience, rounds, epochs)
    schedule.timeLimit = timeLimit
    return schedule
  }

  @Test("a round lasts more epochs than its patience, and ends when none of the last was better")
  func ends() {
    var progress = RoundProgress(schedule(patience: 3))
    #expect(progress.isBeforeRound)
    let first = progress.beginRound(validationLoss: 10)
    #expect(first && !progress.isBeforeRound)
    // Three epochs without improvement are not more than the patience.
    for loss in [11.0, 12, 13] {
      let verdict = progress.finishEpoch(validationLoss: loss)
      #expect(verdict == .init(isBest: false, next: .epoch))
    }
    let fourth = progress.finishEpoch(validationLoss: 9)
    #expect(fourth == .init(isBest: true, next: .epoch))
    // 9 stays among the last three for two more epochs; an equal loss is no improvement.
    for loss in [9.0, 9.5] {
      let verdict = progress.finishEpoch(validationLoss: loss)
      #expect(verdict == .init(isBest: false, next: .epoch))
    }
    let stale = progress.finishEpoch(validationLoss: 9.1)
    #expect(stale == .init(isBest: false, next: .round))
    #expect(progress.round == 1 && progress.rate == 0.5e-3 && progress.isBeforeRound)
    #expect(progress.bestLoss == 9 && progress.bestEpoch == 4 && progress.epoch == 7)
  }

  @Test("a new round starts from the best loss and does not count it as new") func nextRound() {
    var progress = RoundProgress(schedule(patience: 1, rounds: 2))
    _ = progress.beginRound(validationLoss: 5)
    #expect(progress.finishEpoch(validationLoss: 4).next == .epoch)
    #expect(progress.finishEpoch(validationLoss: 4.5).next == .round)
    let isNew = progress.beginRound(validationLoss: 4)
    #expect(!isNew)
    #expect(progress.finishEpoch(validationLoss: 4.2).next == .epoch)
    // Better than the epoch before, but not than the best before it.
    let last = progress.finishEpoch(validationLoss: 4.1)
    #expect(last == .init(isBest: false, next: .end(.rounds)))
    #expect(progress.ended == .rounds && progress.bestLoss == 4)
  }

  @Test("epochs and seconds are bounds on all rounds together") func bounds() {
    var progress = RoundProgress(schedule(patience: 1, epochs: 3))
    _ = progress.beginRound(validationLoss: 1)
    _ = progress.finishEpoch(validationLoss: 2)
    #expect(progress.finishEpoch(validationLoss: 2).next == .round)
    _ = progress.beginRound(validationLoss: 1)
    let last = progress.finishEpoch(validationLoss: 0.5)
    #expect(last == .init(isBest: true, next: .end(.epochs)))

    var timed = RoundProgress(schedule(patience: 10, timeLimit: 60))
    _ = timed.beginRound(validationLoss: 1)
    #expect(timed.finishEpoch(validationLoss: 0.9, seconds: 59).next == .epoch)
    #expect(timed.finishEpoch(validationLoss: 0.8, seconds: 60).next == .end(.time))
  }

  @Test("losses that are not finite are never the best, and a round of them ends")
  func notFinite() throws {
    var progress = RoundProgress(schedule(patience: 1))
    let first = progress.beginRound(validationLoss: .nan)
    #expect(!first && progress.bestLoss == nil)
    #expect(progress.finishEpoch(validationLoss: .infinity).next == .epoch)
    let saved = try JSONEncoder().encode(progress)
    let restored = try JSONDecoder().decode(RoundProgress.self, from: saved)
    #expect(restored == progress)
    #expect(progress.finishEpoch(validationLoss: .nan).next == .round)
    let finite = progress.beginRound(validationLoss: 3)
    #expect(finite)
  }

  @Test("a saved state continues like the unbroken one", arguments: 0..<60)
  func continuation(_ pause: Int) throws {
    // Losses that fall with noise: several rounds, the last of which ends the training.
    var random = RandomStream(seed: 3, purpose: .testing)
    let losses = (0..<400).map { _ in random.uniform() }
    func run(pausing pause: Int?) throws -> [RoundProgress] {
      var progress = RoundProgress(schedule(patience: 4, rounds: 6))
      var (path, at): ([RoundProgress], Int) = ([], 0)
      while progress.ended == nil {
        if at == pause {
          let saved = try JSONEncoder().encode(progress)
          progress = try JSONDecoder().decode(RoundProgress.self, from: saved)
        }
        if progress.isBeforeRound {
          _ = progress.beginRound(validationLoss: progress.bestLoss ?? losses[at])
        } else {
          _ = progress.finishEpoch(validationLoss: losses[at])
        }
        at += 1
        path.append(progress)
      }
      return path
    }
    let unbroken = try run(pausing: nil)
    #expect(unbroken.last?.ended == .rounds && unbroken.last?.round == 5)
    let paused = try run(pausing: pause)
    #expect(paused == unbroken)
  }

  @Test("settings are strict, and each that cannot work is named") func settings() throws {
    let decoded = try SettingsTree(
      json: Data(#"{"patience": 7, "timeLimit": 5}"#.utf8)
    ).decode(RoundSchedule.self)
    #expect(decoded.patience == 7 && decoded.timeLimit == 5 && decoded.maxRounds == 20)
    let misspelt = #expect(throws: ConfigurationError.self) {
      _ = try SettingsTree(json: Data(#"{"patiense": 7}"#.utf8)).decode(RoundSchedule.self)
    }
    #expect(misspelt?.remedy == "Did you mean 'patience'?")
    let wrong: [(String, (inout RoundSchedule) -> Void)] = [
      ("initialRate", { $0.initialRate = .nan }), ("reduction", { $0.reduction = 1 }),
      ("patience", { $0.patience = 0 }), ("maxRounds", { $0.maxRounds = 0 }),
      ("maxEpochs", { $0.maxEpochs = 0 }), ("timeLimit", { $0.timeLimit = 0 }),
    ]
    for (name, change) in wrong {
      var schedule = RoundSchedule()
      change(&schedule)
      let error = #expect(throws: ConfigurationError.self) { try schedule.validate() }
      #expect(error?.path == "rounds.\(name)")
    }
  }
}

@Suite("Starting values of weights") struct InitialWeightsTests {
  @Test(
    "Xavier-uniform weights fill their bound, taps counted", arguments: [[30, 50], [8, 4, 5]])
  func xavier(_ shape: [Int]) {
    var random = RandomStream(seed: 1, purpose: .testing)
    let weights = InitialWeights.xavierUniform(shape, using: &random, dtype: .float64)
    let taps = shape.dropFirst(2).reduce(1, *)
    let bound = (6.0 / Double((shape[0] + shape[1]) * taps)).squareRoot()
    let values = weights.doubles
    #expect(weights.requiresGradient && weights.shape == shape)
    #expect(values.allSatisfy { $0.magnitude <= bound })
    #expect(values.contains { $0 > 0.9 * bound } && values.contains { $0 < -0.9 * bound })
    let mean = values.reduce(0, +) / Double(values.count)
    // Four standard deviations of the mean of uniform numbers.
    #expect(mean.magnitude < 4 * bound / (3 * Double(values.count)).squareRoot())
  }

  @Test(
    "the shorter side of an orthogonal matrix is orthonormal",
    arguments: [[5, 5], [3, 8], [12, 4], [1, 1]])
  func orthogonal(_ shape: [Int]) {
    var random = RandomStream(seed: 2, purpose: .testing)
    let q = InitialWeights.orthogonal(
      rows: shape[0], columns: shape[1], using: &random, dtype: .float64
    ).detached()
    let product =
      shape[0] <= shape[1]
      ? q.matmul(q.transposed(0, 1)) : q.transposed(0, 1).matmul(q)
    let few = min(shape[0], shape[1])
    let identity = (0..<few * few).map { $0 % (few + 1) == 0 ? 1.0 : 0 }
    expectClose(
      product.doubles, identity, Tolerance(absolute: 1e-14, because: "rounding of 12 terms"))
  }

  @Test("biases start at a small constant") func bias() {
    let bias = InitialWeights.constant([3], InitialWeights.smallBias)
    #expect(bias.floats == [0.001, 0.001, 0.001] && bias.requiresGradient)
  }
}

@Suite("Changes of resolution") struct ResolutionTests {
  @Test("pooling averages neighbours, up-sampling interpolates between centres, ends are clamped")
  func values() throws {
    let x = Tensor(doubles: [1, 3, 2, 6], shape: [1, 1, 4]).requiringGradient()
    let pooled = x.averagePooled(window: 2)
    #expect(pooled.shape == [1, 1, 2] && pooled.doubles == [2, 4])
    let finer = x.upsampledLinear(factor: 2)
    #expect(finer.doubles == [1, 1.5, 2.5, 2.75, 2.25, 3, 5, 6])
    (finer * Tensor(doubles: [1, 2, 3, 4, 5, 6, 7, 8], shape: [1, 1, 8])).sum().backward()
    // The transposed interpolation of 1…8, by hand.
    expectClose(
      try #require(x.gradient).doubles,
      [1 + 1.5 + 0.75, 0.5 + 2.25 + 3 + 1.25, 1 + 3.75 + 4.5 + 1.75, 1.5 + 5.25 + 8],
      Tolerance(absolute: 1e-12, because: "rounding"))
  }
}
