// What is said and shown of a parameter VAE, from findings made without a model.
import Foundation
import KymoNumerics
import KymoResults
import Testing

@testable import KymoExperiments
@testable import KymoMetrics

/// Findings of latents that are linear in their parameters with a little noise.
private func findings(
  parameters: [String] = ["γ"], relevant: [Int] = [2], count: Int = 1000
) -> ParameterFindings {
  var stream = RandomStream(seed: 11, purpose: .testing)
  let recordings = (0..<count).map { index in
    let known = parameters.map { _ in
      stream.truncatedNormal(mean: 1, standardDeviation: 0.125, in: 0.5...1.5)
    }
    let truth = known.isEmpty ? relevant.map { _ in 1 + 0.125 * stream.normal() } : known
    let latents = (0..<5).map { latent -> (Double, Double) in
      guard let place = relevant.firstIndex(of: latent) else {
        return (0.005 * stream.normal(), 0.0376.squareRoot() * (1 + 0.02 * stream.normal()))
      }
      let scaled = (truth[place % truth.count] - 1) / 0.125
      let bent = 0.95 * scaled - 0.018 * scaled * scaled * scaled
      let sigma = 0.035 * (1 + 0.4 * stream.uniform()) * exp(0.15 * scaled)
      return (-bent + sigma * 1.3 * stream.normal(), sigma)
    }
    return ExtractedLatents(
      recording: index, mean: latents.map(\.0), standardDeviation: latents.map(\.1),
      parameters: known)
  }
  let latents = latentSummaries(of: recordings, collapsedVariance: 0.0376)
  var findings = ParameterFindings(
    data: DataProvenance(
      system: "Kuramoto–Sivashinsky", file: "ks-test.npz", recordingCount: count,
      isTrainingData: false),
    parameterNames: parameters, latents: latents, collapsedVariance: 0.0376,
    scores: parameterScores(
      parameterNames: parameters, recordings: recordings, relevantLatents: latents.relevant,
      trainingRecordings: recordings),
    recordings: recordings)
  let paper = PublishedParameters.kuramotoSivashinsky
  func curve(_ start: Double) -> ErrorCurve {
    let mean = (0..<255).map { 1.88 / (1 + (1.88 / start - 1) * exp(-0.1 * Double($0))) }
    return ErrorCurve(
      mean: mean, lowerDecile: mean.map { 0.6 * $0 }, upperDecile: mean.map { 1.5 * $0 },
      recordingCount: 400, divergedCount: start > 0.01 ? 3 : 0)
  }
  findings.predictions = [
    .init("propagating decoder", curve(0.005), published: paper.decoderErrors),
    .init("finite differences", curve(0.012), published: paper.finiteDifferenceErrors),
  ]
  (findings.frameInterval, findings.trainedFrames) = (.pi / 8, 31)
  findings.published = paper
  findings.removalCosts = Dictionary(uniqueKeysWithValues: latents.relevant.map { ($0, 2.0) })
  findings.pictures = [
    .init(
      recording: 7, caption: "γ = 1.08",
      fields: FieldComparison(
        times: [0, 1], positions: [[0, 1, 2]],
        channels: [.init("u", truth: [1, 2, 3, 4, 5, 6], prediction: [1, 2, 3, 4, 5, 7])],
        trainedTime: 0.5))
  ]
  return findings
}

@Suite("Results of a parameter VAE") struct ParameterSectionsTests {
  @Test("say which latent is the parameter, with number, count and paper")
  func oneLatent() {
    var results = findings()
    results.scores[0].rSquared = 0.9931
    results.scores[0].coverage95 = 0.951
    results.scores[0].calibration = .init(factor: 1.25, coverage95: 0.948, recordingCount: 400)
    results.predictions[0].curve.mean[30] = 0.1012
    results.predictions[1].curve.mean[30] = 0.4131
    #expect(
      results.headline == [
        """
        One latent of five carries a parameter: latent 3 is γ, with R² = 0.993 on 1,000 recordings \
        (published: 0.993).
        """,
        """
        The 95 % intervals hold the true γ for 95.1 % of the recordings. Calibrated on 400 training \
        recordings of the same system they hold 94.8 % for γ (bars × 1.25).
        """,
        """
        Started from one frame with the extracted parameters, the prediction's root-mean-square \
        error is 0.101 at the end of the trained length of 31 frames (published: 0.1), against \
        0.413 (finite differences).
        """,
      ])
    results.scores[0].calibration?.recordingCount = 10
    #expect(
      results.headline[1].contains(
        "94.8 % for γ (bars × 1.25; so few can promise 90.9 % at most)."))
    results.scores[0].rSquared = 0.7
    #expect(results.headline[0].contains("latent 3 follows γ, with R² = 0.700"))
    results.scores[0].coverage95 = 0.8
    results.scores[0].smoothMap = .init(degree: 5, rSquared: 0.99, coverage95: 0.942)
    #expect(
      results.headline[1].contains(
        """
        80.0 % of the recordings: too narrow for a straight line: they state the noise of a latent, not the \
        curvature of its relation; up to a smooth map, which needs known parameters, they hold 94.2 % for γ.
        """))
  }

  @Test("do not claim a parameter where there is none, or none is known")
  func otherCases() {
    #expect(
      findings(relevant: []).headline[0].hasPrefix("No latent of five carries a parameter"))
    #expect(
      findings(parameters: [], relevant: [1, 4]).headline[0].hasPrefix(
        "Two latents of five carry parameters: latent 2 and latent 5, over 1,000 recordings."))
    let both = findings(parameters: ["a", "b"], relevant: [1, 4]).headline[0]
    #expect(both.contains("for a, in latent 2; 0.99") && both.contains("for b, in latent 5."))
    var none = findings()
    (none.latents, none.scores, none.recordings) = ([], [], [])
    #expect(none.headline[0] == "The results hold no latents.")
  }

  @Test(
    "have ids of their own, and lengths that agree",
    arguments: [
      (["γ"], [2]), (["D", "v"], [0, 4]), ([], [1, 2, 3]), ([], []), (["γ"], []),
    ] as [([String], [Int])])
  func shapes(parameters: [String], relevant: [Int]) throws {
    let results = try findings(parameters: parameters, relevant: relevant, count: 40).results()
    let read = try RunResults(json: results.json())
    let ids = read.sections.map(\.id)
    #expect(Set(ids).count == ids.count)
    var expected: Set = ["result", "data", "relevance", "field-1", "errors", "error-table"]
    if parameters.isEmpty { expected.insert("latents") }
    if parameters.isEmpty, relevant.count > 1 { expected.insert("pairs") }
    if !relevant.isEmpty {
      expected.formUnion(parameters.indices.map { "parameter-\($0 + 1)" })
    }
    #expect(expected.isSubset(of: ids))
    #expect(ids.contains("no-fit") == (relevant.isEmpty && !parameters.isEmpty))
    let values = try read.values(ParameterValues.self)
    #expect(values.latents.relevant == relevant && values.fits.map(\.parameter) == parameters)
    #expect(read.method == "parameters")
  }

  @Test("have the paper's numbers beside ours in every table")
  func published() throws {
    let results = try findings().results()
    let fits = try #require(results.scores["parameter-scores"])
    #expect(fits.rows[0].scores[0]?.published?.value == 0.993)
    let errors = try #require(results.scores["error-table"])
    let tenth = try #require(errors.columns.firstIndex(of: "10"))
    #expect(errors.rows[0].scores[tenth]?.published?.value == 0.028)
    #expect(errors.rows[1].scores[tenth]?.published?.value == 0.122)
    #expect(errors.rows[1].scores[tenth]?.divergedCount == 3)
    let ends = try #require(results.scores["trained-errors"])
    #expect(ends.rows.map { $0.scores[0]?.published?.value } == [0.100, 0.413])
    let text = results.terminalText
    #expect(text.hasPrefix("1,000 recordings of Kuramoto–Sivashinsky (ks-test.npz)\n"))
    let lines = text.split(separator: "\n")
    let relevant = try #require(lines.first { $0.hasPrefix("relevant latents ") })
    #expect(relevant.contains("1 of 5  1 (Lu") && relevant.hasSuffix("0.0376"))
    #expect(text.contains("Diverged and left out: 3 of finite differences."))
    #expect(text.contains("0.993"))
  }

  @Test("warn of latents that lie near the rule or carry the same parameter")
  func doubts() throws {
    var doubtful = findings()
    doubtful.latents[1].varianceOfMean = 0.2
    doubtful.latents[1].meanVariance = 0.008
    #expect(doubtful.certaintySections.last?.id == "doubt-1")
    let text = try doubtful.results().terminalText
    #expect(text.contains("In doubt: latent 2 lies near a bound of the rule"))
    #expect(text.contains("The number of parameters is in doubt between one and two."))
    #expect(!findings().certaintySections.contains { $0.id.hasPrefix("doubt") })
    #expect(
      doubtful.headline[0].hasSuffix("The number of parameters is in doubt between one and two."))
  }

  @Test("of a person's own data name no paper, and give errors in the field's own size")
  func ownData() throws {
    var own = findings()
    own.published = nil
    for index in own.predictions.indices { own.predictions[index].published = [] }
    let still = ErrorCurve(
      mean: own.predictions[0].curve.mean.map { _ in 0.8 },
      lowerDecile: own.predictions[0].curve.mean, upperDecile: own.predictions[0].curve.mean,
      recordingCount: 400, divergedCount: 0)
    own.predictions.append(.init(ParameterFindings.persistence, still))
    own.predictions[0].curve.mean[30] = 0.1
    (own.fieldDeviation, own.timeName) = (0.5, "time (s)")
    let results = try own.results()
    let text = String(decoding: try results.json(), as: UTF8.self)
      .replacing("\"published\":", with: "")
    for word in ["open marks", "ublished", "±4 %", "Lu, Kim and"] {
      #expect(!text.contains(word), "\(word)")
    }
    #expect(text.contains("time (s)"))
    let rows = try #require(results.scores["result"]).rows.map { ($0.name, $0.scores[0]?.value) }
    let name = "RMSE at predicted frame 31, the end of the trained length"
    #expect(
      rows.contains { $0 == ("\(name), over the field's standard deviation", 0.2) }
        && rows.contains { $0 == ("\(name), over that of persistence", 0.125) })
    #expect(try String(decoding: findings().results().json(), as: UTF8.self).contains("open marks"))
  }

  @Test("say where error bars were not calibrated") func notCalibrated() {
    var bare = findings()
    bare.scores[0].calibration = nil
    #expect(bare.headline[1].contains("They are not calibrated: no training recordings"))
    #expect(findings(parameters: [], relevant: [1]).headline[0].contains("are not calibrated"))
  }

  @Test("call the number of parameters clear only when every test is passed")
  func clear() throws {
    func words(_ findings: ParameterFindings) throws -> String {
      findings.certaintySections.compactMap { section in
        if case .text(let text) = section.content { text.text } else { nil }
      }.joined(separator: "\n")
    }
    #expect(try words(findings()).contains("is clear in this training"))
    // Both relevant latents follow the one parameter.
    let twice = try words(findings(relevant: [1, 2]))
    #expect(twice.contains("in doubt between one and two") && twice.contains("Counted twice"))
    var needless = findings(parameters: ["a", "b"], relevant: [1, 2])
    #expect(try words(needless).contains("is clear"))
    needless.removalCosts[2] = 0.012
    #expect(
      try words(needless).contains("in doubt between one and two")
        && words(needless).contains("Hardly needed: without what only latent 3 says"))
    #expect(try words(needless).contains("1.2 % larger"))
    needless.removalCosts = [:]
    #expect(try words(needless).contains("is two is not tested in full"))
    var grey = findings()
    grey.latents[0].meanVariance = 0.026
    #expect(
      try words(grey).contains("Neither relevant nor collapsed: latent 1 has a mean σ² of 0.026"))
  }
}

@Suite("Published numbers of the parameter VAE") struct PublishedParametersTests {
  @Test("curves rise, and the refined decoder is the better one")
  func curves() {
    let paper = PublishedParameters.of(.kuramotoSivashinsky, isNoisy: false)
    for points in [
      paper.decoderErrors, paper.refinedDecoderErrors, paper.finiteDifferenceErrors,
      PublishedParameters.of(.kuramotoSivashinsky, isNoisy: true).decoderErrors,
    ] + [5000, 50, 25, 10].compactMap(PublishedParameters.kuramotoSivashinskyErrors) {
      #expect(zip(points, points.dropFirst()).allSatisfy { $0.index < $1.index })
      #expect(zip(points, points.dropFirst()).allSatisfy { $0.value < $1.value })
    }
    #expect(
      zip(paper.decoderErrors, paper.refinedDecoderErrors).allSatisfy {
        $0.index == $1.index && $0.value > $1.value
      })
    #expect(PublishedParameters.kuramotoSivashinskyErrors(trainingRecordings: 7) == nil)
  }

  @Test("are found by the parameter, however a file calls it")
  func parameters() {
    let paper = PublishedParameters.of(.kuramotoSivashinsky, isNoisy: false)
    for name in ["γ", "gamma"] {
      #expect(PublishedParameter(name: name).flatMap { paper.rSquared[$0] } == 0.993)
    }
    #expect(PublishedParameter(name: "b") == nil)
    let plane = PublishedParameters.of(.convectionDiffusion, isNoisy: true)
    #expect(plane.rSquared == [.diffusivity: 0.959, .velocityX: 0.994, .velocityY: 0.996])
  }

  @Test("of a decoder depend on how it was trained")
  func conditions() {
    let paper = PublishedParameters.kuramotoSivashinsky
    #expect(paper.decoderErrors(TrainingConditions()) == paper.decoderErrors)
    #expect(
      paper.decoderErrors(TrainingConditions(isRefined: true)) == paper.refinedDecoderErrors)
    #expect(
      paper.decoderErrors(TrainingConditions(recordings: 10))
        == PublishedParameters.kuramotoSivashinskyErrors(trainingRecordings: 10))
    #expect(paper.decoderErrors(TrainingConditions(recordings: 5000)) == paper.decoderErrors)
  }
}
