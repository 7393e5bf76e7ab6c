// A forecast that a person asks for: of recordings of their own, with a trained run of any method,
// with or without a solver; and what is written of it.
//
// Letters: R recordings or windows of them, T frames, C channels, X (Y) space, L latents.
package import Foundation
package import KymoData
import KymoExtraction
import KymoForecasting
import KymoMetrics
package import KymoNumerics
import KymoReduction
import KymoRuns
import KymoSolvers

/// What to forecast and how.
package struct ForecastOrder {
  /// Frames to forecast; nil means those of the file after the warm-up.
  package var horizonSteps: Int?
  /// Known frames to start from; nil means the recipe's.
  package var warmUpSteps: Int?
  /// Latent steps of a round; nil means latent steps only.
  package var macroSteps: Int?
  /// Solver steps of a round.
  package var microSteps: Int?
  /// Whether to switch by the ensemble's disagreement, with the first bounds of the recipe.
  package var isAdaptive = false
  /// The solver in words; nil means the recipe's.
  package var solver: String?
  /// Windows drawn from the file; nil means the beginning of each recording.
  package var initialConditions: Int?

  /// Orders a latent forecast from the beginning of each recording.
  package init() {}
}

/// A forecast ready to be written.
package struct ForecastProduct {
  /// What programs are told about it.
  package struct Summary: Codable, Hashable, Sendable {
    /// Forecast recordings or windows.
    package var recordings: Int
    /// Known frames that they started from.
    package var warmUpSteps: Int
    /// Forecast frames.
    package var horizonSteps: Int
    /// Part of the frames that were made in latent space.
    package var latentFraction: Double
    /// Recordings that diverged.
    package var diverged: Int
    /// Recordings that leave the range of the training data by far.
    package var outside = 0
    /// Seconds that it took, loading left out.
    package var seconds: Double
    /// MNAD of every channel where the truth is known: the mean over recordings.
    package var normalizedDifference: [Double]?
    /// Root-mean-square error where the truth is known.
    package var rootMeanSquareError: Double?
  }

  /// What programs are told about it.
  package var summary: Summary
  /// Frames `[R, T, C, X…]`, less the offset.
  package var frames: HostArray<Float>
  /// What the frames of every channel are measured from; nil for 0.
  package var offset: [Double]?
  /// Latents `[R, T, L]`; nil for rollouts of a decoder.
  package var latents: HostArray<Double>?
  /// 0 for frames of the propagator, 1 for those of the solver, `[R, T]`.
  package var origins: HostArray<Double>
  /// The first frame that is not finite, or whose latents are held since their model grew without
  /// bound; −1 for none.
  package var diverged: [Int] = []
  /// The first frame with held latents, or −1.
  fileprivate var held: [Int] = []
  /// The first frame with numbers far outside the range of the training data, or −1.
  package var outside: [Int] = []
  /// Where the first of them goes, in words.
  fileprivate var outsideWords = ""
  /// What the file says of axes and channels.
  package var metadata: RecordingsMetadata

  /// What was made and how good it is, in a few lines.
  package var words: String {
    let way =
      latents == nil
      ? "by the decoder"
      : String(format: "%.1f", 100 * summary.latentFraction) + " % of them in latent space"
    var lines = [
      """
      \(counted(summary.horizonSteps, "frame")) of \(counted(summary.recordings, "recording")) in \
      \(Words.number(summary.seconds)) s, \(way)
      """
    ]
    if summary.diverged > 0 {
      lines.append("diverged: \(summary.diverged) of \(summary.recordings)")
    }
    if let row = held.firstIndex(where: { $0 >= 0 }) {
      lines.append(
        """
        WARNING: \(held.count { $0 >= 0 }) of \(counted(held.count, "forecast")) diverged in the \
        latents, such as \(row) from frame \(held[row]) on. Later frames repeat the last latents, cut \
        back to the range of the training; they are no forecast.
        """)
    }
    if !outsideWords.isEmpty { lines.append(outsideWords) }
    if let differences = summary.normalizedDifference, let error = summary.rootMeanSquareError {
      lines.append(
        "MNAD \(differences.map(Words.number).joined(separator: ", ")) by channel, RMSE "
          + Words.number(error))
    }
    return lines.joined(separator: "\n")
  }

  /// Finds where frames are not finite, and where they leave what the training has seen.
  package mutating func mark(trained: TrainedData?) {
    let (count, steps, channels) = (frames.shape[0], frames.shape[1], frames.shape[2])
    let cells = frames.shape[3...].reduce(1, *)
    let ranges = (0..<channels).map { channel in
      trained.flatMap { $0.channels.count == channels ? $0.usualRange(channel) : nil }
    }
    diverged = Array(repeating: -1, count: count)
    outside = trained == nil ? [] : Array(repeating: -1, count: count)
    var (first, last) = ((recording: -1, channel: 0), 0.0)
    for row in 0..<count {
      for step in 0..<steps where diverged[row] < 0 {
        for channel in 0..<channels {
          let begin = ((row * steps + step) * channels + channel) * cells
          let values = frames.elements[begin..<begin + cells]
          let offset = self.offset?[channel] ?? 0
          if !values.allSatisfy(\.isFinite) {
            diverged[row] = step
          } else if let usual = ranges[channel],
            let far = values.lazy.map({ offset + Double($0) }).first(where: { !usual.contains($0) })
          {
            if outside[row] < 0 { outside[row] = step }
            if first.recording < 0 { first = (row, channel) }
            if first == (row, channel), abs(far) > abs(last) { last = far }
          }
        }
      }
    }
    for (row, step) in held.enumerated() where step >= 0 {
      diverged[row] = diverged[row] < 0 ? step : min(diverged[row], step)
    }
    summary.diverged = diverged.count { $0 >= 0 }
    summary.outside = outside.count { $0 >= 0 }
    if let trained, first.recording >= 0 {
      let channel = trained.channels[first.channel]
      outsideWords = """
        WARNING: \(summary.outside) of \(count) forecasts leave the range of the training data by \
        far, such as \(first.recording) from frame \(outside[first.recording]) on: \
        \(channel.name) reaches \(Words.number(last)), in training from \
        \(Words.number(channel.range[0])) to \(Words.number(channel.range[1])). They are wrong from \
        there on, or show what the training has not seen.
        """
    }
  }

  /// Puts back the rows of recordings that were left out, without numbers: they diverge at once.
  package mutating func putBack(_ gaps: [Int], of count: Int) {
    guard !gaps.isEmpty else { return }
    frames = frames.inserting(gaps, of: .nan)
    latents = latents?.inserting(gaps, of: .nan)
    origins = origins.inserting(gaps, of: .nan)
    for gap in gaps.sorted() {
      diverged.insert(0, at: gap)
      if !outside.isEmpty { outside.insert(-1, at: gap) }
    }
  }

  /// Writes a file, HDF5 or NPZ by its name, that other verbs read as recordings; in double
  /// precision where an offset is added back, whose digits single precision does not hold.
  package func write(to file: URL) throws {
    let x = metadata.stateKind.arrangedForFiles(frames)
    try AtomicFolder.make(file.deletingLastPathComponent())
    let writer = try ArrayFiles.writer(
      file, expectedBytes: (offset == nil ? 4 : 8) * x.count)
    if let offset {
      try writer.add("x", x.adding(offset, axis: metadata.stateKind == .field ? 1 : x.rank - 1))
    } else {
      try writer.add("x", x)
    }
    if let latents { try writer.add("latents", latents) }
    try writer.add("origin", origins)
    for (name, frames) in [("diverged", diverged), ("outside", outside)] where !frames.isEmpty {
      try writer.add(name, HostArray(frames.map(Double.init), shape: [frames.count]))
    }
    // What made the input did not make the forecast.
    var metadata = metadata
    (metadata.systemName, metadata.provenance) = ("", "")
    (metadata.parameterNames, metadata.parameterUnits) = ([], [])
    try writer.add(metadata)
    try writer.finish()
  }
}

/// Throws unless the memory holds forecasts of so many frames, which are kept until they are
/// written.
private func requireMemory(
  _ horizon: Int, recordings: Int, stateShape: [Int], latents: Int
) throws {
  let numbers = stateShape.reduce(1.0) { $0 * Double($1) }
  // Frames are there twice when they are put together; an origin belongs to every frame.
  try MemoryLimit.require(
    Double(recordings) * Double(horizon) * (8 * numbers + 8 * Double(latents + 1)), "--horizon",
    found: horizon, remedy: "Forecast fewer frames, or fewer recordings at a time.")
}

extension ForecastModels {
  /// Forecasts recordings as ordered; particle sets may have another size than those of the
  /// training.
  package func forecast(
    _ recordings: Recordings, order: ForecastOrder, hooks: WorkHooks
  ) throws -> ForecastProduct {
    let fields = FrameSet(recordings)
    let shape = fields.stateShape
    if shape != description.stateShape, let fitting = fitting(shape) {
      return try fitting.forecast(recordings, order: order, hooks: hooks)
    }
    try require(
      shape == description.stateShape, "file", found: "of states \(shape)",
      allowed: "of states \(description.stateShape) as the training data",
      remedy: "Give recordings of the same system on the same points.")
    let frames = recordings.frameCount
    let warmUp = order.warmUpSteps ?? recipe.forecast.warmUpSteps
    try require(
      warmUp <= frames, "--warm-up", found: warmUp, allowed: "at most the file's \(frames) frames",
      remedy: "Give longer recordings or a shorter warm-up.")
    let horizon = order.horizonSteps ?? frames - warmUp
    try require(
      horizon >= 1, "--horizon", found: "absent",
      allowed: "given, since the file ends with the warm-up",
      remedy: "Say how many frames you want.")
    try requireMemory(
      horizon, recordings: order.initialConditions ?? recordings.count, stateShape: shape,
      latents: reduction.latentCount)
    // Where the truth goes on far enough it judges the forecast.
    let isKnown = frames >= warmUp + horizon
    let starts: InitialConditions
    if let count = order.initialConditions {
      try require(
        isKnown, "--initial-conditions", found: count,
        allowed: "left out unless recordings hold warm-up and horizon",
        remedy: "Without it the beginning of each recording is forecast.")
      starts = InitialConditions(fields, warmUp: warmUp, horizon: horizon, count: count)
    } else {
      starts = InitialConditions(
        beginningsOf: fields, warmUp: warmUp, horizon: isKnown ? horizon : 0)
    }
    var forecaster = try forecaster(order, recordings, hooks)
    let interval = description.frameInterval
    var product = ForecastProduct(
      summary: .init(
        recordings: starts.count, warmUpSteps: warmUp, horizonSteps: horizon, latentFraction: 0,
        diverged: 0, seconds: 0),
      frames: HostArray([], shape: [0, horizon] + shape),
      origins: HostArray([], shape: [0, horizon]),
      metadata: recordings.metadata)
    product.offset = recordings.offset
    // The step is the model's, whatever the file says.
    product.metadata.frameInterval = interval
    var judge = ForecastJudge(
      ForecastScale(fields), frameInterval: interval, lyapunovTime: nil, curveStride: 1)
    var (all, latents, origins) = ([Float](), [Double](), [Double]())
    var latentFrames = 0.0
    for block in starts.blocks(horizon: horizon) {
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(
        Double(block.lowerBound) / Double(starts.count),
        "forecasting: \(block.lowerBound) of \(starts.count)")
      forecaster.recordings = starts.recordings(block)
      let made = try Self.make(
        forecaster, starts.known(block), horizon, order,
        recipe.forecast.adaptive.first ?? AdaptiveSchedule())
      if isKnown { try judge.add(made) { starts.truth(block, $0) } }
      all += made.frames.elements
      latents += made.latents.elements
      origins += made.origins.flatMap { $0.map { Double($0.rawValue) } }
      product.summary.seconds += made.timing.totalSeconds
      latentFrames += made.latentFraction * Double(block.count)
      product.held += made.outcomes.map { if case .held(let step) = $0 { step } else { -1 } }
    }
    product.frames = HostArray(all, shape: [starts.count, horizon] + shape)
    product.latents = HostArray(
      latents, shape: [starts.count, horizon, reduction.latentCount])
    product.origins = HostArray(origins, shape: [starts.count, horizon])
    product.summary.latentFraction = latentFrames / Double(starts.count)
    // Particles have no order, so that a difference of two sets means nothing.
    if isKnown, recordings.metadata.stateKind != .particles {
      let score = judge.score(name: "", cost: nil)
      product.summary.normalizedDifference = score.normalizedDifference.map(\.mean)
      product.summary.rootMeanSquareError = score.rootMeanSquareError.mean
    }
    return product
  }

  private func forecaster(
    _ order: ForecastOrder, _ recordings: Recordings, _ hooks: WorkHooks
  ) throws -> Forecaster {
    let needsSolver = order.isAdaptive || (order.microSteps ?? 0) > 0
    let settings = try order.solver.map { try SolverSettings(words: $0) } ?? recipe.solver
    guard needsSolver else { return forecaster() }
    try require(
      order.initialConditions == nil || recordings.metadata.stateKind != .particles,
      "--initial-conditions", found: "given for particles with a solver",
      allowed: "left out, since the drift of particles may depend on time, which only the "
        + "beginning of a recording tells",
      remedy: "Without it the beginning of each recording is forecast.")
    guard let settings else {
      throw ConfigurationError(
        "--solver", found: "absent", allowed: "given with --micro or --adaptive",
        remedy: "Name fhn, ks22, cylinder, particles, mueller-brown, a law or your own program, or "
          + "put a solver into the recipe.")
    }
    try require(
      !order.isAdaptive || propagators.count > 1, "--adaptive", found: "given",
      allowed: "left out for a run with one propagator",
      remedy: "Train an ensemble with ensembleSize=5; a single propagator cannot disagree.")
    var forecaster = forecaster(
      solver: try settings.makeSolver(
        for: recordings, stateShape: description.stateShape,
        frameInterval: description.frameInterval, threads: hooks.threads))
    forecaster.checkStop = { try hooks.stopIfAsked("Nothing was written.") }
    return forecaster
  }

  private static func make(
    _ forecaster: Forecaster, _ known: HostArray<Float>, _ horizon: Int, _ order: ForecastOrder,
    _ bounds: AdaptiveSchedule
  ) throws -> Forecast {
    if order.isAdaptive {
      return try forecaster.adaptive(from: known, stepCount: horizon, schedule: bounds)
    }
    guard let macro = order.macroSteps, let micro = order.microSteps else {
      return try forecaster.latent(from: known, stepCount: horizon)
    }
    return try forecaster.multiscale(
      from: known, stepCount: horizon,
      schedule: MultiscaleSchedule(macroSteps: macro, microSteps: micro))
  }
}

extension HostArray {
  /// Rows of one value put in, so that they have the given numbers in the result.
  fileprivate func inserting(_ rows: [Int], of value: Element) -> HostArray {
    let size = shape.dropFirst().reduce(1, *)
    let (all, new) = (shape[0] + rows.count, Set(rows))
    var (result, next) = ([Element](), 0)
    result.reserveCapacity(all * size)
    for row in 0..<all {
      if new.contains(row) {
        result += repeatElement(value, count: size)
      } else {
        result += elements[next * size..<(next + 1) * size]
        next += 1
      }
    }
    return HostArray(result, shape: [all] + shape.dropFirst())
  }
}

extension HostArray<Float> {
  /// The numbers and an offset for every place along an axis, in Double.
  fileprivate func adding(_ offset: [Double], axis: Int) -> HostArray<Double> {
    let inner = shape[(axis + 1)...].reduce(1, *)
    return HostArray<Double>(
      elements.enumerated().map { Double($1) + offset[$0 / inner % offset.count] }, shape: shape)
  }
}

// MARK: - Propagating decoder

extension ExtractionEvaluation {
  /// Rollouts from the first frame of each recording, as many frames as it has without a horizon.
  package func rollOut(_ recordings: Recordings, horizon: Int?) throws -> ForecastProduct {
    let horizon = horizon ?? recordings.frameCount - 1
    try requireMemory(
      horizon, recordings: recordings.count,
      stateShape: [recordings.channelCount] + recordings.spaceShape, latents: 0)
    let latents = try extract(recordings, "reading recordings")
    let halo = Halo(recordings.boundary)
    try require(
      halo != .groundTruth || horizon < recordings.frameCount, "--horizon", found: horizon,
      allowed: "at most \(recordings.frameCount - 1) for recordings with open ends",
      remedy: "The halo beyond the ends of space is taken from the recordings.")
    let start = ContinuousClock.now
    let count = recordings.count
    let made = try model.rollout(
      recordings, range: 0..<count, latents: latents.map(\.mean), frames: horizon, halo: halo)
    let seconds = start.duration(to: .now).seconds
    var summary = ForecastProduct.Summary(
      recordings: count, warmUpSteps: 1, horizonSteps: horizon, latentFraction: 1,
      diverged: 0, seconds: seconds)
    if horizon < recordings.frameCount {
      let fields = FrameSet(recordings)
      let given = model.givenCells(halo)
      let truth = HostArray<Double>(
        InitialConditions(beginningsOf: fields, warmUp: 1, horizon: horizon)
          .windows(0..<count).truth.trimmed(given, from: 3))
      let predicted = HostArray<Double>(made.trimmed(given, from: 3))
      let scale = ForecastScale(fields)
      let difference = meanNormalizedAbsoluteDifference(
        prediction: predicted, truth: truth, range: .given(scale.ranges))
      summary.normalizedDifference = MetricSpread.overInitialConditions(difference).map(\.mean)
      let misses = rootMeanSquareError(prediction: predicted, truth: truth)
      summary.rootMeanSquareError =
        MetricSpread((0..<count).map { Statistics.rootMeanSquare(misses.slice($0).elements) }).mean
    }
    return ForecastProduct(
      summary: summary, frames: made, offset: recordings.offset, latents: nil,
      origins: HostArray(repeating: 0.0, shape: [count, horizon]), metadata: recordings.metadata)
  }
}
