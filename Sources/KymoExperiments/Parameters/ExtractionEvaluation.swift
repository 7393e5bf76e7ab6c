// How good a trained parameter VAE is: the statistics of Figure 2, the fits of Tables I and II, the
// rollout errors of Figure 5 and a few pictures, of Lu, Kim and Soljacic, PRX 10, 031056 (2020).
import Foundation
package import KymoData
package import KymoExtraction
package import KymoLaw
package import KymoMetrics
import KymoNumerics
import KymoResults
import KymoRuns
import KymoSolvers

/// Evaluates a trained parameter VAE on recordings.
package struct ExtractionEvaluation {
  /// The trained model.
  package var model: ParameterVAE
  /// What is evaluated and on how many recordings.
  package var settings: ParameterEvaluationSettings
  /// The law that was found beside the model; its rollouts are compared too.
  package var law: Law?
  /// How the model was trained, for the published numbers.
  package var conditions = TrainingConditions()
  /// Progress, messages and stopping.
  package var hooks = WorkHooks()

  /// Recordings that are rolled out at a time: 64 MB of fields, but one for each of a few threads.
  private static func blockSize(_ test: Recordings) -> Int {
    max(4, min(50, 16_000_000 / test.recordingLength))
  }

  /// Creates the evaluation of a model.
  package init(_ model: ParameterVAE, settings: ParameterEvaluationSettings) {
    (self.model, self.settings) = (model, settings)
  }

  /// Evaluates a model on test recordings of this name; a second fit of the known parameters is
  /// made on clean training recordings, where there are any.
  package func evaluate(
    _ test: Recordings, name: String, training: Recordings?, isTrainingData: Bool = false
  ) throws -> ParameterFindings {
    // What is known of no recording is no known parameter.
    let known = test.knownParameters
    let isScored = training?.parameterCount == test.parameterCount
    let (test, training) = (
      test.keeping(parameters: known), isScored ? training?.keeping(parameters: known) : nil
    )
    let kind = isTrainingData ? "training" : "test"
    let read = try extract(test, "reading \(kind) recordings")
    let paper = PublishedSystem(test).map {
      PublishedParameters.of($0, isNoisy: conditions.noise > 0)
    }
    let collapsed = model.collapsedVariance(for: test)
    let summaries = latentSummaries(of: read, collapsedVariance: collapsed)
    let relevant = summaries.relevant
    let latents = try fit(test, read, relevant: relevant, "fitting \(kind) recordings")

    var fitted: [ExtractedLatents]?
    if let training, settings.fitRecordings > 0 {
      let part = training.subset(0..<min(training.count, settings.fitRecordings))
      fitted = try fit(
        part, extract(part, "reading training recordings"), relevant: relevant,
        "fitting training recordings")
    }
    let names = test.parameterNames
    var scores = parameterScores(
      parameterNames: names, recordings: latents, relevantLatents: relevant,
      trainingRecordings: fitted)
    if settings.fitCrops > 0 {
      let encoder = parameterScores(
        parameterNames: names, recordings: read, relevantLatents: relevant)
      for index in scores.indices { scores[index].rSquaredOfEncoder = encoder[index].rSquared }
    }
    var findings = ParameterFindings(
      data: DataProvenance(
        system: test.systemName, file: name, recordingCount: test.count,
        isTrainingData: isTrainingData),
      parameterNames: names, latents: summaries, collapsedVariance: collapsed, scores: scores,
      recordings: latents)
    (findings.predictions, findings.fieldDeviation) = try predictions(test, latents, paper)
    findings.removalCosts = try removalCosts(test, summaries, latents)
    findings.frameInterval = test.frameInterval ?? 1
    findings.timeName = test.metadata.axisLabels[0]
    let units = Set(test.metadata.channelUnits)
    findings.fieldUnit = units.count == 1 ? units.first ?? "" : ""
    findings.trainedFrames = model.trainedFrames
    findings.pictures = try pictures(test, latents)
    findings.conservedMeans = zip(test.channelNames, test.conservedMeans(threads: hooks.threads))
      .compactMap { name, means in means.map { ConservedMean(channel: name, values: $0) } }
    findings.published = paper
    return findings
  }

  /// Latents of every recording.
  package func extract(
    _ recordings: Recordings, _ words: String
  ) throws -> [ExtractedLatents] {
    try model.extract(
      recordings, range: 0..<recordings.count, encoderStride: settings.encoderStride
    ) { done in
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(
        Double(done) / Double(recordings.count), "\(words): \(done) of \(recordings.count)")
    }
  }

  /// Latents of every recording as the decoder has them, from those that the encoder read.
  ///
  /// Those at `relevant` are fitted. The others carry nothing and become 0, the prior's mean, as
  /// they were when the decoder learned: on recordings of another kind, such as clean ones after a
  /// training on noisy ones, an encoder may read anything into them. Without crops to fit on, all
  /// stay. The scatter between crops knows nothing of what decoder and encoder have wrong for a
  /// whole recording, so the variance is the sum of three: between crops, the encoder's own, and
  /// the square of what the two differ by.
  package func fit(
    _ recordings: Recordings, _ read: [ExtractedLatents], relevant: [Int],
    _ words: String
  ) throws -> [ExtractedLatents] {
    guard settings.fitCrops > 0, !relevant.isEmpty else { return read }
    let count = read.count
    return try read.enumerated().map { done, read in
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(Double(done) / Double(count), "\(words): \(done) of \(count)")
      var latents = read
      for idle in latents.mean.indices where !relevant.contains(idle) { latents.mean[idle] = 0 }
      let estimate = model.fit(
        recordings, latents.recording,
        from: LatentEstimate(mean: latents.mean, standardDeviation: latents.standardDeviation),
        latents: relevant, crops: settings.fitCrops,
        assimilatedFrames: settings.assimilatedFrames)
      for latent in relevant {
        let parts = [
          estimate.standardDeviation[latent], read.standardDeviation[latent],
          estimate.mean[latent] - read.mean[latent],
        ]
        latents.mean[latent] = estimate.mean[latent]
        latents.standardDeviation[latent] = parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      return latents
    }
  }
}

// MARK: - Rollouts

extension ExtractionEvaluation {
  /// RMSE against frame of the decoder and of the finite-difference baselines.
  private func predictions(
    _ test: Recordings, _ latents: [ExtractedLatents], _ paper: PublishedParameters?
  ) throws -> ([ParameterFindings.Prediction], fieldDeviation: Double?) {
    let count = min(test.count, settings.rolloutRecordings)
    guard count > 0 else { return ([], nil) }
    let given = model.givenCells(Halo(test.boundary))
    var (decoder, persistence) = (RolloutErrors(), RolloutErrors())
    var variances: [Double] = []
    try blocks(test, count, "rolling out") { range in
      let truth = frames(of: test, range).trimmed(given, from: 3)
      decoder.add(
        prediction: try predict(test, range, latents).trimmed(given, from: 3), truth: truth)
      persistence.add(
        prediction: firstFrames(of: test, range).trimmed(given, from: 3), truth: truth)
      for channel in 0..<test.channelCount {
        variances.append(
          Statistics.populationVariance(
            range.indices.flatMap { place in
              truth.slice(place - range.lowerBound).slice(channel).elements.map(Double.init)
            }))
      }
    }
    let model = ParameterFindings.Prediction(
      "propagating decoder", decoder.curve, published: paper?.decoderErrors(conditions) ?? [])
    let law = try [lawPrediction(test, count)].compactMap(\.self)
    let rivals = try settings.baselines ? baselines(test, count, paper) : []
    return (
      [model] + law + rivals + [.init(ParameterFindings.persistence, persistence.curve)],
      Statistics.mean(variances).squareRoot()
    )
  }

  /// By what fraction the error over the trained length grows without each relevant latent.
  private func removalCosts(
    _ test: Recordings, _ summaries: [LatentSummary], _ latents: [ExtractedLatents]
  ) throws -> [Int: Double] {
    let count = min(test.count, settings.rolloutRecordings, 50)
    let frames = min(model.trainedFrames, test.frameCount - 1)
    guard count > 0, frames > 0 else { return [:] }
    let given = model.givenCells(Halo(test.boundary))
    return try RelevanceCertainty.removalCosts(summaries, latents) { latents in
      var errors = RolloutErrors()
      try blocks(test, count, "rolling out without a latent") { range in
        errors.add(
          prediction: try predict(test, range, latents, frames).trimmed(given, from: 3),
          truth: self.frames(of: test, range, frames).trimmed(given, from: 3))
      }
      return errors.divergedCount > 0 ? .infinity : Statistics.mean(errors.rows.flatMap(\.self))
    }
  }

  /// The law beside the model, solved with the parameters that it has in these recordings; nil
  /// without one, or where it is not solved.
  private func lawPrediction(
    _ test: Recordings, _ count: Int
  ) throws -> ParameterFindings.Prediction? {
    guard let law, law.refusal == nil, test.offset == nil else { return nil }
    let solver: LawSolver
    do {
      let found = try law.parameters(in: test.subset(0..<count), threads: hooks.threads)
      solver = try LawSolver(
        law, parameters: law.parameters.isEmpty ? [[]] : found.map(\.parameters), on: test.grid,
        frameInterval: test.frameInterval ?? 1, threads: hooks.threads)
    } catch {
      // Typed: a ConfigurationError, which says what this law or these recordings cannot have.
      hooks.note("The law beside the model is not rolled out: \(error)")
      return nil
    }
    var errors = RolloutErrors()
    try blocks(test, count, "solving the law") { range in
      let truth = frames(of: test, range)
      let starts = range.flatMap { test[$0].slice(0).elements }
      try solver.choose(recordings: Array(range))
      try solver.restart(
        from: HostArray(starts.map(Double.init), shape: [range.count] + solver.stateShape), time: 0)
      let made = HostArray<Float>(try solver.advance(frames: test.frameCount - 1)).exchanged(1)
      errors.add(prediction: made, truth: truth)
    }
    return .init(ParameterFindings.law, errors.curve)
  }

  /// Plain solvers with the true parameters.
  private func baselines(
    _ test: Recordings, _ count: Int, _ paper: PublishedParameters?
  ) throws -> [ParameterFindings.Prediction] {
    try Baseline.all(for: test, paper: paper).map { baseline in
      var errors = RolloutErrors()
      try blocks(test, count, baseline.name) { range in
        let truth = frames(of: test, range)
        let later = baseline.predict(test, range, threads: hooks.threads)
        errors.add(prediction: HostArray(later, shape: truth.shape), truth: truth)
      }
      return .init(baseline.name, errors.curve, published: baseline.published)
    }
  }

  /// Predicted frames of recordings, the first one given: `[recordings, C, frames, X…]`; all that
  /// the recordings have without a number.
  private func predict(
    _ test: Recordings, _ range: Range<Int>, _ latents: [ExtractedLatents], _ frames: Int? = nil
  ) throws -> HostArray<Float> {
    try model.rollout(
      test, range: range, latents: range.map { latents[$0].mean },
      frames: frames ?? test.frameCount - 1,
      halo: Halo(test.boundary)
    ).exchanged(1)
  }

  /// The frames after the first: `[recordings, C, frames, X…]`; all without a number.
  private func frames(
    of test: Recordings, _ range: Range<Int>, _ frames: Int? = nil
  ) -> HostArray<Float> {
    let frames = frames ?? test.frameCount - 1
    let cells = test.spaceShape.reduce(1, *)
    var values: [Float] = []
    values.reserveCapacity(range.count * test.recordingLength)
    for index in range {
      let recording = test[index].exchanged(0).elements
      for channel in 0..<test.channelCount {
        let start = channel * test.frameCount * cells
        values += recording[start + cells..<start + (frames + 1) * cells]
      }
    }
    return HostArray(
      values, shape: [range.count, test.channelCount, frames] + test.spaceShape)
  }

  /// The first frame in the place of every later one.
  private func firstFrames(of test: Recordings, _ range: Range<Int>) -> HostArray<Float> {
    let (cells, frames) = (test.spaceShape.reduce(1, *), test.frameCount)
    let values = range.flatMap { index in
      let recording = test[index].exchanged(0).elements
      return (0..<test.channelCount).flatMap { channel in
        let first = recording[channel * frames * cells..<(channel * frames + 1) * cells]
        return (1..<frames).flatMap { _ in first }
      }
    }
    return HostArray(
      values, shape: [range.count, test.channelCount, frames - 1] + test.spaceShape)
  }

  private func blocks(
    _ test: Recordings, _ count: Int, _ words: String, _ body: (Range<Int>) throws -> Void
  ) throws {
    let size = Self.blockSize(test)
    for start in stride(from: 0, to: count, by: size) {
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(Double(start) / Double(count), "\(words): \(start) of \(count)")
      try body(start..<min(start + size, count))
    }
  }
}

// MARK: - Pictures

extension ExtractionEvaluation {
  /// Pictures of a few recordings: those of fields in 1D over all of time, of fields in 2D one step
  /// after the first frame, at the end of the trained length, and at the last frame.
  private func pictures(
    _ test: Recordings, _ latents: [ExtractedLatents]
  ) throws -> [ParameterFindings.Picture] {
    let (count, last) = (min(test.count, settings.fieldRecordings), test.frameCount - 1)
    guard (1...2).contains(test.spaceRank), count > 0 else { return [] }
    let (isPlane, interval) = (test.spaceRank == 2, test.frameInterval ?? 1)
    let frames =
      isPlane
      ? Set([1, model.trainedFrames, last].filter { (1...last).contains($0) }).sorted()
      : Array(0...last)
    let cells = test.spaceShape.map { blocks($0, atMost: isPlane ? 128 : $0) }
    let positions = zip(cells, test.grid.spacings).map { blocks, spacing in
      blocks.map { (Double($0.lowerBound) + Double($0.upperBound - 1)) / 2 * spacing }
    }
    let (rows, columns) = (isPlane ? test.spaceShape[0] : 1, test.spaceShape[test.spaceRank - 1])
    func snapshot(_ values: [Float], _ frame: Int) -> [Float] {
      (isPlane ? cells[0] : [0..<1]).flatMap { rowBlock in
        cells[test.spaceRank - 1].map { columnBlock in
          var sum: Float = 0
          for row in rowBlock {
            for column in columnBlock { sum += values[(frame * rows + row) * columns + column] }
          }
          return sum / Float(rowBlock.count * columnBlock.count)
        }
      }
    }
    return try shownRecordings(count, latents).map { index in
      let truth = test[index].exchanged(0).elements
      let predicted = try predict(test, index..<index + 1, latents).elements
      let channels = test.metadata.channelLabels.enumerated().map { place, name in
        let recorded = frames.map { snapshot(truth, place * test.frameCount + $0) }
        return FieldComparison.Channel(
          name, truth: recorded.flatMap(\.self),
          // The first frame is given.
          prediction: zip(frames, recorded).flatMap { frame, recorded in
            frame == 0 ? recorded : snapshot(predicted, place * last + frame - 1)
          })
      }
      return ParameterFindings.Picture(
        recording: index, caption: caption(test, latents[index]),
        fields: FieldComparison(
          times: frames.map { Double($0) * interval }, positions: positions, channels: channels,
          trainedTime: Double(model.trainedFrames) * interval,
          axisNames: test.metadata.axisLabels))
    }
  }

  /// Cells of one axis in blocks of equal size, the last one smaller if need be.
  private func blocks(_ count: Int, atMost most: Int) -> [Range<Int>] {
    let size = (count + most - 1) / most
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// Recordings spread evenly over the range of the first known parameter.
  private func shownRecordings(
    _ count: Int, _ latents: [ExtractedLatents]
  ) -> [Int] {
    let order = latents.indices.sorted {
      (latents[$0].parameters.first ?? 0) < (latents[$1].parameters.first ?? 0)
    }
    return (0..<count).map { order[(2 * $0 + 1) * order.count / (2 * count)] }
  }

  /// Known parameters in words.
  private func caption(
    _ test: Recordings, _ latents: ExtractedLatents
  ) -> String {
    zip(test.parameterNames, latents.parameters)
      .map { "\($0) = " + String(format: "%.3f", $1) }.joined(separator: ", ")
  }
}

extension ExtractionEvaluation {
  /// Evaluates a finished run on what it is asked for.
  func evaluate(_ run: ParameterRun, on test: TestChoice) throws -> RunResults {
    let recipe = run.recipe
    let data = ParameterData(recipe, base: try run.directory.readEnvironment().base)
    let file = try run.testFile(test, hooks: hooks)
    var evaluation = self
    evaluation.law = try run.law
    // Where the number of recordings is asked for, all of them are rolled out.
    if case .simulated(let count) = test { evaluation.settings.rolloutRecordings = count }
    let training = try? DataUse.measured(data.loadTrained(), for: run.directory)
    evaluation.conditions = TrainingConditions(
      noise: recipe.data.noise, isRefined: recipe.encoderFrom != nil,
      recordings: training?.count)
    let used = try run.testRecordings(test, hooks: hooks)
    let (recordings, unusual) = try used.withoutGaps(file: file.relativePath)
    let findings = try evaluation.evaluate(
      recordings, name: test.name(of: file), training: training,
      isTrainingData: file.isSameFile(as: data.trainFile))
    var results = try findings.results()
    if let words = leftOutWords(used.gaps, of: used.recordings.count) {
      let sentence = words + " The others are numbered without them."
      results.headline.append(sentence)
      hooks.note(sentence)
    }
    let doubts = try run.trust(
      in: findings.recordings, of: recordings, relevant: findings.latents.map(\.isRelevant),
      unusual: unusual, hooks
    ).doubts
    if let first = doubts.firstIndex(where: { !$0.isEmpty }) {
      results.headline.append(
        "The model does not hold for \(doubts.count { !$0.isEmpty }) of \(doubts.count) recordings, "
          + "nor do their error bars: recording \(findings.recordings[first].recording): "
          + doubts[first] + ".")
    }
    return results
  }
}

extension RecordingsMetadata {
  /// Names of time and the space axes with their units, as the file has them.
  var axisLabels: [String] {
    zip(axisNames, axisNames.indices).map { name, axis in
      let word = axis > 0 ? name : name == "t" ? "time" : name
      return word + Self.unit(axisUnits, axis)
    }
  }

  /// Names of the channels with their units.
  var channelLabels: [String] {
    zip(channelNames, channelNames.indices).map { $0 + Self.unit(channelUnits, $1) }
  }

  private static func unit(_ units: [String], _ place: Int) -> String {
    units.indices.contains(place) && !units[place].isEmpty ? " (\(units[place]))" : ""
  }
}
