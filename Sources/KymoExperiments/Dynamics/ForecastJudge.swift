// Forecasts against the truth: windows of test recordings, the scale of the fields, scores over
// initial conditions and pictures of one of them.
//
// Letters: B initial conditions, W frames of the warm-up, H of the horizon, C channels, X (Y)
// space.
import KymoData
import KymoForecasting
import KymoMetrics
import KymoNumerics
import KymoReduction
import KymoResults
import KymoSolvers

/// Windows of recordings that forecasts start from; they are read when they are asked for.
struct InitialConditions {
  private let frames: FrameSet
  private let places: [(series: Int, start: Int)]
  private let warmUp: Int
  let horizon: Int

  /// Draws windows; the same for every training, so that seeds are judged on the same ones.
  init(_ frames: FrameSet, warmUp: Int, horizon: Int, count: Int) {
    (self.frames, self.warmUp, self.horizon) = (frames, warmUp, horizon)
    let room = frames.series.map { max(0, $0.frames.count - warmUp - horizon + 1) }
    let total = room.reduce(0, +)
    var stream = RandomStream(seed: 1, purpose: .evaluation)
    let positions =
      total <= count
      ? Array(0..<total) : (0..<count).map { _ in stream.index(below: total) }.sorted()
    places = positions.map { position in
      var (series, rest) = (0, position)
      while rest >= room[series] {
        rest -= room[series]
        series += 1
      }
      return (series, rest)
    }
  }

  /// The beginnings of series, of all or of the first.
  init(beginningsOf frames: FrameSet, atMost count: Int = .max, warmUp: Int, horizon: Int) {
    (self.frames, self.warmUp, self.horizon) = (frames, warmUp, horizon)
    places = frames.series.indices.prefix(count).map { ($0, 0) }
  }

  var count: Int { places.count }

  /// Initial conditions that are forecast at a time: 64 MB of fields.
  func blocks(horizon asked: Int? = nil) -> [Range<Int>] {
    let size = max(
      1, min(count, 16_000_000 / max(1, (asked ?? horizon) * frames.stateSize)))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// What was observed in the true frames, `[B, H, K]`; nil for nothing.
  func observables(_ range: Range<Int>) -> HostArray<Double>? {
    guard let all = frames.recordings.observables else { return nil }
    let (length, width) = (all.shape[1], all.shape[2])
    let values = places[range].flatMap { place in
      let series = frames.series[place.series]
      let first =
        series.recording * length + series.frames.lowerBound + place.start + warmUp
      return all.elements[first * width..<(first + horizon) * width].map { Double($0) }
    }
    return HostArray(values, shape: [range.count, horizon, width])
  }

  /// The recordings that windows are of.
  func recordings(_ range: Range<Int>) -> [Int] {
    places[range].map { frames.series[$0.series].recording }
  }

  /// Known frames, `[B, W, C, X…]`.
  func known(_ range: Range<Int>) -> HostArray<Float> { read(range, from: 0, warmUp) }

  /// True frames of some steps, `[B, T, C, X…]`.
  func truth(_ range: Range<Int>, _ steps: Range<Int>) -> HostArray<Float> {
    read(range, from: warmUp + steps.lowerBound, steps.count)
  }

  /// Known and true frames, all of them.
  func windows(_ range: Range<Int>) -> (known: HostArray<Float>, truth: HostArray<Float>) {
    (known(range), truth(range, 0..<horizon))
  }

  private func read(_ range: Range<Int>, from first: Int, _ count: Int) -> HostArray<Float> {
    let values = places[range].flatMap {
      frames.frames(ofSeries: $0.series, $0.start + first..<$0.start + first + count).elements
    }
    return HostArray(values, shape: [range.count, count] + frames.stateShape)
  }
}

/// The ranges and variances of the true fields, in which errors are measured.
struct ForecastScale {
  /// max − min of every channel over all test recordings.
  let ranges: [Double]
  /// Mean over components of the variance in time.
  var variance = 1.0

  /// Measures fields in given ranges.
  init(ranges: [Double]) { self.ranges = ranges }

  /// Measures fields as they are spread over recordings: by 20,000 frames, in three passes over
  /// them.
  init(_ frames: FrameSet) {
    let frames = frames.thinned(atMost: 20_000)
    ranges = ChannelScaler(.minMaxZeroOne, fitting: frames).scale
    let found = Statistics.mean(frames.variances())
    variance = found > 0 ? found : 1
  }

  /// Mean squared errors of a reconstruction, physical and with every channel on [0, 1].
  func reconstructionErrors(
    _ reduction: any Reduction, _ frames: FrameSet
  ) throws -> (physical: Double, scaled: Double) {
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let cells = frames.stateSize / ranges.count
    let block = max(1, 4_000_000 / frames.stateSize)
    var (physical, scaled) = (0.0, 0.0)
    for first in stride(from: 0, to: frames.count, by: block) {
      let states = frames.states(first..<min(first + block, frames.count))
      let made = try reduction.decode(reduction.encode(states), using: &random)
      for index in states.elements.indices {
        let miss = Double(made.elements[index]) - Double(states.elements[index])
        let part = miss / ranges[index / cells % ranges.count]
        physical += miss * miss
        scaled += part * part
      }
    }
    let count = Double(frames.count * frames.stateSize)
    return (physical / count, scaled / count)
  }
}

/// Mean of |error| over mean of |truth|; NaN where nothing is finite.
func relativeError(_ prediction: [Double], _ truth: [Double]) -> Double {
  let known = zip(prediction, truth).filter { $0.isFinite && $1.isFinite }
  let size = known.reduce(0) { $0 + $1.1.magnitude }
  return size == 0 ? .nan : known.reduce(0) { $0 + ($1.0 - $1.1).magnitude } / size
}

/// Gathers the errors of forecasts over initial conditions.
struct ForecastJudge {
  /// The force on the body by integrals over its surface; nil where there is no body.
  var force: SurfaceForce?
  /// What says observables of latents; nil for nothing.
  var observing: (any Observing)?
  private let scale: ForecastScale
  private let frameInterval: Double
  private let lyapunovTime: Double?
  private let curveStride: Int
  private var differences: [[Double]] = []
  private var errors: [Double] = []
  private var correlations: [Double] = []
  private var validTimes: [Double] = []
  private var curve: [Double] = []
  private var curveCount = 0
  private var forces: [[Double]] = []
  private var observed: [[Double]] = []
  private var timing = ForecastTiming()
  private var frames = 0
  private var latentFrames = 0.0
  private var diverged = 0

  init(
    _ scale: ForecastScale, frameInterval: Double, lyapunovTime: Double?, curveStride: Int
  ) {
    (self.scale, self.frameInterval) = (scale, frameInterval)
    (self.lyapunovTime, self.curveStride) = (lyapunovTime, curveStride)
    differences = scale.ranges.map { _ in [] }
  }

  /// Adds forecasts, compared with true frames that are read some steps at a time, and with what
  /// was observed in these.
  mutating func add(
    _ forecast: Forecast, observables: HostArray<Double>? = nil,
    truth: (Range<Int>) -> HostArray<Float>
  ) throws {
    try addObservables(forecast, observables)
    let (batch, steps) = (forecast.trajectoryCount, forecast.stepCount)
    var difference = HostArray(repeating: 0.0, shape: [batch, differences.count])
    var misses = HostArray(repeating: 0.0, shape: [batch, steps])
    var pairs = [PairMoments](repeating: PairMoments(), count: batch)
    var courses = [ForceCourse](repeating: ForceCourse(), count: batch)
    // 64 MB of fields at a time.
    let most = max(1, 16_000_000 / max(1, forecast.frames.count / steps))
    for first in stride(from: 0, to: steps, by: most) {
      let part = first..<min(first + most, steps)
      let (made, known) = (forecast.frames.steps(part), truth(part))
      if let force { for item in 0..<batch { courses[item].add(made, known, item, force) } }
      // Sums over fields are taken in double precision.
      let (prediction, truth) = (HostArray<Double>(made), HostArray<Double>(known))
      let mean = meanNormalizedAbsoluteDifference(
        prediction: prediction, truth: truth, range: .given(scale.ranges))
      let weight = Double(part.count) / Double(steps)
      for index in mean.elements.indices {
        difference.elements[index] += mean.elements[index] * weight
      }
      let roots = rootMeanSquareError(prediction: prediction, truth: truth)
      let length = prediction.count / batch
      for item in 0..<batch {
        for step in part { misses[item, step] = roots[item, step - first] }
        let own = item * length..<(item + 1) * length
        pairs[item].add(prediction.elements[own], truth.elements[own])
      }
    }
    for channel in differences.indices {
      for item in 0..<batch { differences[channel].append(difference[item, channel]) }
    }
    if force != nil {
      if forces.isEmpty { forces = [[], []] }
      for course in courses {
        for index in 0..<2 {
          forces[index].append(relativeError(course.forecast[index], course.truth[index]))
        }
      }
    }
    let normalized = HostArray(
      misses.elements.map { $0 / scale.variance.squareRoot() }, shape: misses.shape)
    for item in 0..<batch {
      errors.append(Statistics.rootMeanSquare(misses.slice(item).elements))
    }
    correlations += pairs.map(\.correlation)
    validTimes += validPredictionTimes(
      errors: normalized, frameInterval: frameInterval, lyapunovTime: lyapunovTime
    ).map { $0.lyapunovTimes ?? $0.time }
    if curve.isEmpty {
      curve = stride(from: 0, to: steps, by: curveStride).map { _ in 0 }
    }
    for item in 0..<batch where forecast.outcomes[item] == .completed {
      for index in curve.indices { curve[index] += normalized[item, index * curveStride] }
      curveCount += 1
    }
    timing.add(forecast.timing)
    frames += batch * steps
    latentFrames += forecast.latentFraction * Double(batch * steps)
    diverged += forecast.divergedCount
  }

  /// Drag and lift of a forecast and of the truth in every frame.
  private struct ForceCourse {
    var (forecast, truth): ([[Double]], [[Double]]) = ([[], []], [[], []])

    /// Appends those of more frames of one initial condition.
    mutating func add(
      _ made: HostArray<Float>, _ known: HostArray<Float>, _ item: Int, _ force: SurfaceForce
    ) {
      let steps = made.shape[1]
      let size = made.count / (made.shape[0] * steps)
      for frame in item * steps..<(item + 1) * steps {
        let place = frame * size..<(frame + 1) * size
        let (a, b) = (force(made.elements[place]), force(known.elements[place]))
        forecast[0].append(a.drag)
        forecast[1].append(a.lift)
        truth[0].append(b.drag)
        truth[1].append(b.lift)
      }
    }
  }

  private mutating func addObservables(
    _ forecast: Forecast, _ truth: HostArray<Double>?
  ) throws {
    guard let observing, let truth, forecast.latents.shape[2] == observing.latentCount else {
      return
    }
    let (batch, steps, width) = (truth.shape[0], truth.shape[1], truth.shape[2])
    guard observing.observableNames.count == width else { return }
    let found = try observing.observe(
      forecast.latents.reshaped([batch * steps, forecast.latents.shape[2]]))
    if observed.isEmpty { observed = (0..<width).map { _ in [] } }
    for item in 0..<batch {
      for column in 0..<width {
        let places = (item * steps..<(item + 1) * steps).map { $0 * width + column }
        observed[column].append(
          relativeError(places.map { found.elements[$0] }, places.map { truth.elements[$0] }))
      }
    }
  }

  /// The score; speed-ups count the work that was done at the given costs of its parts.
  func score(name: String, cost: ForecastCost?) -> ForecastFindings.Way {
    var score = ForecastFindings.Way(
      name: name, normalizedDifference: differences.map { MetricSpread($0) },
      rootMeanSquareError: MetricSpread(errors), correlation: MetricSpread(correlations),
      validTime: MetricSpread(validTimes),
      errorCurve: curveCount == 0 ? [] : curve.map { $0 / Double(curveCount) },
      latentFraction: latentFrames / Double(max(1, frames)), divergedCount: diverged)
    (score.forces, score.observables) = (
      forces.map { MetricSpread($0) }, observed.map { MetricSpread($0) }
    )
    guard let cost else { return score }
    let alone = Double(frames) * cost.solver
    let dynamics =
      Double(timing.latent.count) * cost.latentStep + Double(timing.solver.count) * cost.solver
    let mapping =
      Double(timing.encode.count + timing.warmUp.count) * cost.encoding
      + Double(timing.decode.count) * cost.decoding
      + Double(timing.warmUp.count) * cost.latentStep
    score.speedUp = alone / (dynamics + mapping)
    score.paperSpeedUp = alone / dynamics
    return score
  }
}

/// Pictures of the first initial condition, and samples for densities.
struct ForecastGallery {
  private let data: ForecastData
  private let settings: DynamicsEvaluationSettings
  private(set) var paths: [ForecastFindings.LatentPath] = []
  private(set) var fields: [FieldComparison] = []
  private(set) var film: Film?
  /// The body of a flow, of whose channels vorticity alone is shown.
  private let body: FieldCircle?
  private var pairs: [Double] = []
  private var pictured = 0

  /// Derivatives of one channel on a periodic axis; nil where densities are not wanted or not
  /// defined.
  private let derivatives: PeriodicDerivatives?

  init(_ data: ForecastData, settings: DynamicsEvaluationSettings, body: FieldCircle? = nil) {
    (self.data, self.settings, self.body) = (data, settings, body)
    let isRing =
      data.stateShape.count == 2 && data.stateShape[0] == 1
      && data.metadata.boundary.allSatisfy { $0 == .periodic }
    derivatives =
      settings.densities && isRing
      ? data.metadata.extents.map {
        PeriodicDerivatives(pointCount: data.stateShape[1], length: $0[0])
      } : nil
  }

  /// Frames of one trajectory.
  private struct Frames {
    let count: Int
    /// One frame `[C, X…]`.
    let frame: (Int) -> ArraySlice<Float>
  }

  /// Adds forecasts; true frames of some steps are read when they are needed.
  mutating func add(
    _ forecast: Forecast, truth: (Range<Int>) -> HostArray<Float>, reduction: any Reduction
  ) throws {
    let steps = forecast.stepCount
    try withoutActuallyEscaping(truth) { truth in
      for item in 0..<forecast.trajectoryCount where pictured < settings.pictures {
        let size = data.stateShape.reduce(1, *)
        let made = Frames(count: steps) {
          let first = (item * steps + $0) * size
          return forecast.frames.elements[first..<first + size]
        }
        let known = Frames(count: steps) {
          truth($0..<$0 + 1).elements[item * size..<(item + 1) * size]
        }
        if pictured == 0, reduction.latentCount >= 2 {
          try addPath(forecast.latents.slice(item), known, reduction)
        }
        addFields(made, known)
        if pictured == 0 { addFilm(made, known) }
        pictured += 1
      }
    }
    guard let derivatives else { return }
    // Every eighth frame: neighbours hold nearly the same samples.
    let cells = data.stateShape.reduce(1, *)
    var kept: [Double] = []
    for item in 0..<forecast.trajectoryCount where forecast.outcomes[item] == .completed {
      for step in stride(from: 0, to: steps, by: 8) {
        let first = (item * steps + step) * cells
        kept += forecast.frames.elements[first..<first + cells].lazy.map { Double($0) }
      }
    }
    pairs += derivatives.pairs(of: HostArray(kept, shape: [kept.count / cells, cells])).elements
  }

  /// The density of forecasts beside that of the test recordings, with the distance between those
  /// and an independent run as its floor.
  func densities(against others: [FrameSet]) -> [ForecastFindings.Density] {
    guard let derivatives, !pairs.isEmpty else { return [] }
    let cells = data.stateShape.reduce(1, *)
    let count = pairs.count / 2 / cells
    func samples(_ sets: [FrameSet]) -> HostArray<Double> {
      let total = sets.reduce(0) { $0 + $1.count }
      let few = min(count, total)
      let states = (0..<few).flatMap { position in
        var (set, frame) = (0, position * total / few)
        while frame >= sets[set].count { (set, frame) = (set + 1, frame - sets[set].count) }
        return sets[set].states([frame]).elements.map { Double($0) }
      }
      return derivatives.pairs(of: HostArray(states, shape: [few, cells]))
    }
    let grid = HistogramGrid(low: [-4, -8], high: [4, 8], bins: [100, 100])
    let forecast = HostArray(pairs, shape: [pairs.count / 2, 2])
    let truth = samples([data.test])
    func rows(_ samples: HostArray<Double>) -> [[Double]] {
      let fractions = grid.fractions(of: samples)
      // The second axis upwards, the first to the right.
      return (0..<100).map { y in (0..<100).map { x in fractions[x * 100 + y] } }
    }
    return [
      ForecastFindings.Density(
        name: "u_x and u_xx",
        comparison: DensityComparison(
          axes: ["u_x", "u_xx"], low: grid.low, high: grid.high,
          [.init("truth", rows(truth)), .init("forecast", rows(forecast))]),
        distance: histogramDistance(forecast, truth, grid: grid),
        floor: histogramDistance(samples(others), truth, grid: grid))
    ]
  }

  private mutating func addPath(
    _ latents: HostArray<Double>, _ truth: Frames, _ reduction: any Reduction
  ) throws {
    let most = max(1, 16_000_000 / data.stateShape.reduce(1, *))
    let numbers = try Swift.stride(from: 0, to: truth.count, by: most).flatMap { first in
      let part = first..<min(first + most, truth.count)
      return try reduction.encode(
        HostArray(part.flatMap(truth.frame), shape: [part.count] + data.stateShape)
      ).elements
    }
    let encoded = HostArray(numbers, shape: latents.shape)
    let (steps, width) = (latents.shape[0], latents.shape[1])
    // At most 2,000 points, without a gap at the beginning.
    let stride = Swift.stride(from: 0, to: steps, by: max(1, steps / 2000))
    func points(_ array: HostArray<Double>) -> [[Double]] {
      stride.map { [array.elements[$0 * width], array.elements[$0 * width + 1]] }
        .filter { $0.allSatisfy(\.isFinite) }
    }
    paths.append(
      ForecastFindings.LatentPath(
        latents: [0, 1], truth: points(encoded), forecast: points(latents)))
  }

  /// At most 45 frames of the vorticity of a flow, a cell for every 8 × 8 of 1024 columns.
  private mutating func addFilm(_ forecast: Frames, _ truth: Frames) {
    guard let body, let channel = data.channelNames.firstIndex(of: "omega") else { return }
    let (rows, columns) = (data.stateShape[1], data.stateShape[2])
    let grain = max(1, columns / 128)
    let shape = [rows / grain, columns / grain]
    let frames = 0..<min(truth.count, 45)
    func values(_ trajectory: Frames) -> [Float] {
      frames.flatMap { frame in
        let numbers = trajectory.frame(frame)
        let first = numbers.startIndex + channel * rows * columns
        return (0..<shape[0] * shape[1]).map { cell in
          let corner = first + (cell / shape[1] * columns + cell % shape[1]) * grain
          var sum: Float = 0
          for row in 0..<grain {
            for column in 0..<grain { sum += numbers[corner + row * columns + column] }
          }
          return sum / Float(grain * grain)
        }
      }
    }
    let cell = data.recordings.grid.axes[1].spacing * Double(grain)
    // From the middle of the first cell to its corner.
    let shift = 0.5 / Double(grain)
    var film = Film(
      times: frames.map { Double($0 + 1) * data.frameInterval }, shape: shape, field: "Vorticity",
      circles: [
        FieldCircle(centre: body.centre.map { $0 / cell + shift }, radius: body.radius / cell)
      ])
    let (known, made) = (values(truth), values(forecast))
    // The layer at the body is ten times as strong as the vortices behind it.
    let limit = 0.25 * Double(known.reduce(0) { max($0, $1.magnitude) })
    film.add("truth", known, limit: limit)
    film.add("latent forecast", made, limit: limit)
    film.add("forecast − truth", zip(made, known).map { $0 - $1 }, limit: 0.1 * limit)
    self.film = film
  }

  /// Every frame of fields in 1D, six snapshots of fields in 2D, three of a flow.
  private mutating func addFields(_ forecast: Frames, _ truth: Frames) {
    let (channels, space) = (data.stateShape[0], Array(data.stateShape.dropFirst()))
    let cells = space.reduce(1, *)
    let shown = min(truth.count, settings.pictureSteps ?? truth.count)
    // At most 400 rows: the report shows no more. The last snapshot is the last frame.
    let snapshots = min(shown, body == nil ? 6 : 3)
    let frames =
      space.count == 1
      ? Array(stride(from: 0, to: shown, by: max(1, shown / 400)))
      : (1...snapshots).map { $0 * shown / snapshots - 1 }
    func values(_ trajectory: Frames, _ channel: Int) -> [Float] {
      frames.flatMap { trajectory.frame($0).dropFirst(channel * cells).prefix(cells) }
    }
    let labels = data.metadata.channelLabels
    let names = labels.count == channels ? labels : data.channelNames
    let pictured = data.channelNames.firstIndex(of: "omega").flatMap { body == nil ? nil : $0 }
    var comparison =
      FieldComparison(
        times: frames.map { Double($0 + 1) * data.frameInterval },
        positions: data.recordings.grid.axes.map { axis in
          (0..<axis.points).map { Double($0) * axis.spacing }
        },
        channels: (pictured.map { [$0] } ?? Array(0..<channels)).map { channel in
          .init(
            names[channel], truth: values(truth, channel),
            prediction: values(forecast, channel))
        }, axisNames: data.metadata.axisLabels)
    comparison.circles = body.map { [$0] }
    fields.append(comparison)
  }
}
