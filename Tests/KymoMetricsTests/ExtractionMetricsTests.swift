import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Relevance of latents") struct RelevanceTests {
  @Test(
    "collapsed variance has the values of the published sizes",
    arguments: [
      ([226, 256], [34, 64], 0.0376), ([34, 256, 256], [15, 32, 32], 0.01425),
      ([470, 800], [98, 128], 0.0334),
    ])
  func collapsed(mapShape: [Int], trainingMapShape: [Int], expected: Double) {
    expectClose(
      [collapsedVariance(mapShape: mapShape, trainingMapShape: trainingMapShape)], [expected],
      Tolerance(relative: 0.005, because: "three digits are known"))
  }

  @Test("a lattice counts its own positions and a stride-th of the independent ones")
  func lattice() {
    let dense = collapsedVariance(mapShape: [226, 256], trainingMapShape: [34, 64])
    let trainedOnLattice = collapsedVariance(
      mapShape: [226, 256], trainingMapShape: [34, 64], trainingStride: 4)
    // 9 · 16 positions of 34 · 64, of which (31 / 4)² are independent.
    let exact = dense * (144 * 16) / 2176
    expectClose([trainedOnLattice], [exact], .rounding(terms: 8))
    let both = collapsedVariance(
      mapShape: [32, 64], stride: 4, trainingMapShape: [32, 64], trainingStride: 4)
    expectClose([both], [1], .rounding(terms: 8))
  }

  @Test("needs both a spread of μ and a small σ²")
  func rule() {
    let rule = RelevanceRule()
    func verdict(_ spread: Double, _ noise: Double) -> Bool {
      rule.isRelevant(varianceOfMean: spread, meanVariance: noise, collapsedVariance: 0.04)
    }
    #expect(verdict(0.86, 0.0019))
    #expect(!verdict(0.09, 0.0019))
    #expect(!verdict(0.86, 0.0101))
    #expect(!verdict(.nan, 0.0019))
    #expect(!verdict(0.86, .nan))
  }

  @Test("statistics agree with NumPy")
  func summaries() throws {
    let golden = try Golden.load()
    let summaries = latentSummaries(
      of: golden.recordings, collapsedVariance: 0.04)
    expectClose(summaries.map(\.varianceOfMean), golden.varianceOfMean, .rounding(terms: 40))
    expectClose(summaries.map(\.meanVariance), golden.meanVariance, .rounding(terms: 40))
    #expect(summaries.map(\.isRelevant) == [true, false, true])
  }
}

@Suite("Scores of parameters") struct ParameterScoreTests {
  let rounding = Tolerance(
    absolute: 1e-13, relative: 1e-12, because: "rounding of two factorisations of 40 rows")

  @Test("agree with NumPy's least squares")
  func golden() throws {
    let golden = try Golden.load()
    let scores = parameterScores(
      parameterNames: ["a", "b"], recordings: golden.recordings, relevantLatents: [0, 2],
      trainingRecordings: golden.trainingRecordings)
    for (score, expected) in zip(scores, golden.fits) {
      expectClose(score.coefficients, expected.coefficients, rounding)
      expectClose(
        [score.rSquared, try #require(score.rSquaredOfTrainingFit), score.coverage95],
        [expected.rSquared, expected.rSquaredOfTrainingFit, expected.coverage95], rounding)
      expectClose(score.rSquaredOfSingleLatents, expected.single, rounding)
    }
    #expect(scores.map(\.name) == ["a", "b"])
  }

  @Test("notice a swapped latent (negative control)")
  func swappedLatent() throws {
    let golden = try Golden.load()
    let scores = parameterScores(
      parameterNames: ["a", "b"], recordings: golden.recordings, relevantLatents: [2, 0])
    expectFar(scores[0].coefficients, golden.fits[0].coefficients, rounding)
  }

  @Test("are zero without relevant latents")
  func nothingRelevant() throws {
    let golden = try Golden.load()
    let scores = parameterScores(
      parameterNames: ["γ", "b"], recordings: golden.recordings, relevantLatents: [])
    #expect(scores.map(\.rSquared) == [0, 0])
    #expect(scores.map(\.coverage95) == [0, 0])
    #expect(scores.map(\.coefficients.count) == [1, 1])
  }

  @Test("are zero for a parameter that does not vary, so that they can be written")
  func constantParameter() throws {
    var recordings = try Golden.load().recordings
    for index in recordings.indices { recordings[index].parameters = [1.1] }
    let scores = parameterScores(
      parameterNames: ["p"], recordings: recordings, relevantLatents: [0, 2],
      trainingRecordings: recordings)
    #expect(scores[0].rSquared == 0 && scores[0].rSquaredOfTrainingFit == 0)
    #expect(scores[0].rSquaredOfSingleLatents == [0, 0, 0])
  }

  @Test("leave out recordings in which a parameter is not known")
  func unknownParameters() throws {
    let golden = try Golden.load()
    var marked = golden.recordings
    for index in [1, 7] { marked[index].parameters[0] = index == 1 ? .nan : .infinity }
    let scores = parameterScores(
      parameterNames: ["a", "b"], recordings: marked, relevantLatents: [0, 2],
      trainingRecordings: marked)
    let known = golden.recordings.indices.filter { ![1, 7].contains($0) }
      .map { golden.recordings[$0] }
    let expected = parameterScores(
      parameterNames: ["a", "b"], recordings: known, relevantLatents: [0, 2],
      trainingRecordings: known)
    #expect(scores[0] == expected[0] && scores[0].rSquared > 0)
    expectClose(scores[1].coefficients, golden.fits[1].coefficients, rounding)
  }

  @Test("send 1.96 standard deviations through the slopes")
  func halfInterval() {
    let fit = LinearFit(intercept: 7, slopes: [-3, 4], rSquared: 1)
    expectClose([fit.halfInterval95(standardDeviations: [1, 1])], [1.96 * 5], rounding)
  }

  @Test("see through a bend with a smooth map, and that bars are too narrow", arguments: [1, 2])
  func smoothMap(narrowing: Double) throws {
    var stream = RandomStream(seed: 7, purpose: .testing)
    func recordings(_ count: Int) -> [ExtractedLatents] {
      (0..<count).map { index in
        // Two latents know one parameter each, bent and mixed.
        let truth = [stream.normal(), stream.normal()]
        let latents = [truth[0] - 0.2 * truth[1] * truth[1], truth[1]]
        return ExtractedLatents(
          recording: index, mean: latents.map { $0 + 0.1 * stream.normal() },
          standardDeviation: [0.1, 0.1].map { $0 / narrowing }, parameters: truth)
      }
    }
    let scores = parameterScores(
      parameterNames: ["p", "q"], recordings: recordings(1000), relevantLatents: [0, 1],
      trainingRecordings: recordings(1000))
    #expect(scores[0].coverage95 < 0.75 && scores[0].rSquared < 0.95)
    for score in scores {
      let map = try #require(score.smoothMap)
      #expect(map.degree == 5 && map.rSquared > 0.98)
      // What is inside follows from the normal law: 1.96 and 0.98 standard deviations.
      #expect(abs(map.coverage95 - (narrowing == 1 ? 0.95 : 0.673)) < 0.03)
    }
  }

  @Test(
    "cover 95 % of new recordings after calibration, though σ is wrong and errors are not normal")
  func calibration() throws {
    var stream = RandomStream(seed: 6, purpose: .testing)
    func recordings(_ count: Int) -> [ExtractedLatents] {
      (0..<count).map { index in
        let truth = stream.normal()
        let error = stream.uniform() < 0.2 ? stream.normal() : 0.1 * stream.normal()
        return ExtractedLatents(
          recording: index, mean: [2 * truth + error], standardDeviation: [0.1],
          parameters: [truth])
      }
    }
    let score = parameterScores(
      parameterNames: ["p"], recordings: recordings(4000), relevantLatents: [0],
      trainingRecordings: recordings(4000))[0]
    let calibration = try #require(score.calibration)
    #expect(score.coverage95 < 0.9 && calibration.factor > 3)
    expectClose(
      [calibration.coverage95], [0.95],
      Tolerance(absolute: 0.02, because: "four standard errors of 4,000 trials, twice"))
  }

  @Test(
    "cover new recordings after calibration on few ones",
    arguments: [(25, 25.0 / 26), (10, 10.0 / 11)])
  func fewRecordings(_ count: Int, _ expected: Double) throws {
    var stream = RandomStream(seed: 7, purpose: .testing)
    func recordings(_ count: Int) -> [ExtractedLatents] {
      (0..<count).map { index in
        let truth = stream.normal()
        return ExtractedLatents(
          recording: index, mean: [2 * truth + 0.3 * stream.normal()], standardDeviation: [0.3],
          parameters: [truth])
      }
    }
    let coverages = try (0..<1000).map { _ in
      let score = parameterScores(
        parameterNames: ["p"], recordings: recordings(40), relevantLatents: [0],
        trainingRecordings: recordings(count))[0]
      return try #require(score.calibration).coverage95
    }
    // Errors of the fit on its own recordings would give 0.944 and 0.828.
    expectClose(
      [Statistics.mean(coverages)], [expected],
      Tolerance(
        absolute: 0.013,
        because: "four standard errors of 1,000 draws, which scatter by 0.05 to 0.11"))
  }

  @Test("cover 95 % when the bars tell the truth")
  func coverage() {
    var stream = RandomStream(seed: 5, purpose: .testing)
    let recordings = (0..<4000).map { index in
      let truth = stream.normal()
      return ExtractedLatents(
        recording: index, mean: [-2 * truth + 0.1 * stream.normal()],
        standardDeviation: [0.1], parameters: [truth])
    }
    let scores = parameterScores(
      parameterNames: ["p"], recordings: recordings, relevantLatents: [0])
    expectClose(
      [scores[0].coverage95], [0.95],
      Tolerance(absolute: 0.014, because: "four standard errors of 4,000 trials"))
  }

  @Test(
    "are made on a latent that adds little but explains most of what is left, and not on one that adds chance"
  )
  func carriers() {
    var stream = RandomStream(seed: 8, purpose: .testing)
    let recordings = (0..<500).map { index in
      let (truth, other, chance) = (stream.normal(), stream.normal(), stream.normal())
      // The second latent sees a little of p, which the first one lacks.
      return ExtractedLatents(
        recording: index,
        mean: [truth - 0.06 * other, other + 0.005 * stream.normal(), chance],
        standardDeviation: [0.01, 0.01, 0.01],
        parameters: [truth, truth + 0.1 * stream.normal()])
    }
    let scores = parameterScores(
      parameterNames: ["p", "noisy"], recordings: recordings, relevantLatents: [0, 1, 2])
    #expect(scores[0].latents == [0, 1] && scores[0].rSquared > 0.9999)
    #expect(scores[1].latents == [0])
  }

  @Test("the interval of R² holds R², narrows with more recordings and repeats itself")
  func interval() throws {
    let golden = try Golden.load()
    func interval(_ recordings: [ExtractedLatents]) -> ClosedRange<Double>? {
      rSquaredInterval(ofParameter: 0, on: [0, 2], recordings)
    }
    let more = (0..<10).flatMap { _ in golden.recordings }
    let (wide, narrow) = (
      try #require(interval(golden.recordings)), try #require(interval(more))
    )
    #expect(wide.contains(golden.fits[0].rSquared))
    let ratio = (wide.upperBound - wide.lowerBound) / (narrow.upperBound - narrow.lowerBound)
    #expect(ratio > 2 && ratio < 5, "√10 expected, found \(ratio)")
    #expect(interval(golden.recordings) == wide)
    #expect(interval(Array(golden.recordings.prefix(9))) == nil)
  }

  @Test("shares have Wilson's interval")
  func wilson() {
    // Newcombe, Statistics in Medicine 17, 857 (1998), Table I: 81 of 263 and 0 of 20.
    let usual = shareInterval(81 / 263.0, of: 263)
    let none = shareInterval(0, of: 20)
    expectClose(
      [usual.lowerBound, usual.upperBound, none.lowerBound, none.upperBound],
      [0.2553, 0.3662, 0, 0.1611], Tolerance(absolute: 5e-5, because: "four published decimals"))
  }
}

@Suite("Errors of rollouts") struct RolloutErrorTests {
  @Test("agree with NumPy, whole and in parts")
  func golden() throws {
    let golden = try Golden.load()
    let truth = HostArray(golden.truth, shape: golden.shape)
    let prediction = HostArray(golden.prediction, shape: golden.shape)
    var whole = RolloutErrors()
    whole.add(prediction: prediction, truth: truth)
    let rounding = Tolerance.rounding(terms: 10)
    expectClose(whole.rows.flatMap { $0 }, golden.errorRows.flatMap { $0 }, rounding)
    let curve = whole.curve
    expectClose(curve.mean, golden.errorMean, rounding)
    expectClose(curve.lowerDecile, golden.errorLower, rounding)
    expectClose(curve.upperDecile, golden.errorUpper, rounding)
    #expect(curve.recordingCount == 7 && curve.divergedCount == 0)

    var parts = RolloutErrors()
    for index in 0..<golden.shape[0] {
      let one = [1] + golden.shape.dropFirst()
      parts.add(
        prediction: prediction.slice(index).reshaped(one), truth: truth.slice(index).reshaped(one))
    }
    #expect(parts == whole)
  }

  @Test("leave out and count what diverged", arguments: [Float.nan, .infinity, -10.1])
  func diverged(value: Float) {
    let truth = HostArray<Float>([1, -1, 0.5, 1, 1, 1, 1, 1], shape: [2, 1, 2, 2])
    var prediction = truth
    prediction[1, 0, 1, 0] = value
    var errors = RolloutErrors()
    errors.add(prediction: prediction, truth: truth)
    let curve = errors.curve
    #expect(curve.recordingCount == 1 && curve.divergedCount == 1)
    #expect(curve.mean == [0, 0])
  }

  @Test("of no recording at all are empty")
  func empty() {
    let curve = RolloutErrors().curve
    #expect(curve.mean.isEmpty && curve.recordingCount == 0)
  }
}
