// Forecasts against the truth: windows of test recordings, the scale of the fields, scores over initial
// conditions and pictures of one of them.
//
// Letters: B initial conditions, W frames of the warm-up, H of the horizon, C channels, X (Y) space.
import KymoData
import KymoForecasting
import KymoMetrics
import KymoNumerics
import KymoReduction
import KymoResults

/// Windows of recordings that forecasts start from.
struct InitialConditions {
  private let recordings: [HostArray<Double>]
  private let places: [(recording: Int, start: Int)]
  private let warmUp: Int
  private let horizon: Int

  /// Draws windows; the same for every training, so that seeds are judged on the same ones.
  init(_ recordings: [HostArray<Double>], warmUp: Int, horizon: Int, count: Int) {
    (self.recordings, self.warmUp, self.horizon) = (recordings, warmUp, horizon)
    let room = recordings.map { max(0, $0.shape[0] - warmUp - horizon + 1) }
    let total = room.reduce(0, +)
    var stream = RandomStream(seed: 1, purpose: .evaluation)
    let positions =
      total <= count
      ? Array(0..<total) : (0..<count).map { _ in stream.index(below: total) }.sorted()
    places = positions.map { position in
      var (recording, rest) = (0, position)
      while rest >= room[recording] {
        rest -= room[recording]
        recording += 1
      }
      return (recording, rest)
    }
  }

  /// The beginning of one recording.
  init(first recording: HostArray<Double>, warmUp: Int, horizon: Int) {
    (recordings, places, self.warmUp, self.horizon) = ([recording], [(0, 0)], warmUp, horizon)
  }

  /// The beginnings of recordings.
  init(beginningsOf recordings: [HostArray<Double>], warmUp: Int, horizon: Int) {
    (self.recordings, self.warmUp, self.horizon) = (recordings, warmUp, horizon)
    places = recordings.indices.map { ($0, 0) }
  }

  var count: Int { places.count }

  /// Initial conditions that are forecast at a time: 128 MB of fields.
  func blocks(stateSize: Int, horizon asked: Int? = nil) -> [Range<Int>] {
    let size = max(1, min(count, 16_000_000 / max(1, (asked ?? horizon) * stateSize)))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// Known and true frames, `[B, W, C, X…]` and `[B, H, C, X…]`.
  func windows(_ range: Range<Int>) -> (known: HostArray<Double>, truth: HostArray<Double>) {
    let state = Array(recordings[0].shape.dropFirst())
    let cells = state.reduce(1, *)
    var (known, truth) = ([Double](), [Double]())
    for place in places[range] {
      let recording = recordings[place.recording].elements
      let middle = (place.start + warmUp) * cells
      known += recording[place.start * cells..<middle]
      truth += recording[middle..<middle + horizon * cells]
    }
    return (
      HostArray(known, shape: [range.count, warmUp] + state),
      HostArray(truth, shape: [range.count, horizon] + state)
    )
  }
}

/// The ranges and variances of the true fields, in which errors are measured.
struct ForecastScale {
  /// max − min of every channel over all test recordings.
  let ranges: [Double]
  /// Mean over components of the variance in time.
  let variance: Double

  init(_ recordings: [HostArray<Double>]) {
    let states = ForecastData.states(recordings, atMost: 20_000)
    let whole = states.reshaped([1] + states.shape)
    ranges = channelRanges(of: whole).map { $0 > 0 ? $0 : 1 }
    let mean = Statistics.mean(componentVariances(of: whole))
    variance = mean > 0 ? mean : 1
  }

  /// Mean squared errors of a reconstruction, physical and with every channel on [0, 1].
  func reconstructionErrors(
    _ reduction: any Reduction, _ states: HostArray<Double>
  ) throws -> (physical: Double, scaled: Double) {
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let made = try reduction.decode(reduction.encode(states), using: &random)
    let cells = states.shape.dropFirst(2).reduce(1, *)
    var (physical, scaled) = (0.0, 0.0)
    for index in states.elements.indices {
      let miss = made.elements[index] - states.elements[index]
      let part = miss / ranges[index / cells % ranges.count]
      physical += miss * miss
      scaled += part * part
    }
    return (physical / Double(states.count), scaled / Double(states.count))
  }
}

/// Gathers the errors of forecasts over initial conditions.
struct ForecastJudge {
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

  mutating func add(_ forecast: Forecast, truth: HostArray<Double>) {
    let (batch, steps) = (truth.shape[0], truth.shape[1])
    let difference = meanNormalizedAbsoluteDifference(
      prediction: forecast.frames, truth: truth, range: .given(scale.ranges))
    for channel in differences.indices {
      for item in 0..<batch { differences[channel].append(difference[item, channel]) }
    }
    let misses = rootMeanSquareError(prediction: forecast.frames, truth: truth)
    let normalized = HostArray(
      misses.elements.map { $0 / scale.variance.squareRoot() }, shape: misses.shape)
    for item in 0..<batch {
      errors.append(Statistics.rootMeanSquare(misses.slice(item).elements))
    }
    correlations += correlation(prediction: forecast.frames, truth: truth)
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

  /// The score; speed-ups count the work that was done at the given costs of its parts.
  func score(name: String, cost: ForecastCost?) -> ForecastFindings.Way {
    var score = ForecastFindings.Way(
      name: name, normalizedDifference: differences.map { MetricSpread($0) },
      rootMeanSquareError: MetricSpread(errors), correlation: MetricSpread(correlations),
      validTime: MetricSpread(validTimes),
      errorCurve: curveCount == 0 ? [] : curve.map { $0 / Double(curveCount) },
      latentFraction: latentFrames / Double(max(1, frames)), divergedCount: diverged)
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
  private let settings: ForecastEvaluationSettings
  private(set) var paths: [ForecastFindings.LatentPath] = []
  private(set) var fields: [FieldComparison] = []
  private var pairs: [Double] = []
  private var pictured = 0

  /// Derivatives of a ring of one channel; nil where densities are not wanted or not defined.
  private let derivatives: PeriodicDerivatives?

  init(_ data: ForecastData, settings: ForecastEvaluationSettings) {
    (self.data, self.settings) = (data, settings)
    let isRing =
      data.stateShape.count == 2 && data.stateShape[0] == 1
      && data.metadata.boundary.allSatisfy { $0 == .periodic }
    derivatives =
      settings.densities && isRing
      ? data.metadata.extents.map {
        PeriodicDerivatives(pointCount: data.stateShape[1], length: $0[0])
      } : nil
  }

  mutating func add(
    _ forecast: Forecast, truth: HostArray<Double>, reduction: any Reduction
  ) throws {
    for item in 0..<truth.shape[0] where pictured < settings.pictures {
      if pictured == 0, reduction.latentCount >= 2 {
        try addPath(forecast.latents.slice(item), truth.slice(item), reduction)
      }
      addFields(forecast.frames.slice(item), truth.slice(item))
      pictured += 1
    }
    guard let derivatives else { return }
    // Every eighth frame: neighbours hold nearly the same samples.
    let cells = data.stateShape.reduce(1, *)
    var kept: [Double] = []
    for item in 0..<truth.shape[0] where forecast.outcomes[item] == .completed {
      for step in stride(from: 0, to: truth.shape[1], by: 8) {
        let first = (item * truth.shape[1] + step) * cells
        kept += forecast.frames.elements[first..<first + cells]
      }
    }
    pairs += derivatives.pairs(of: HostArray(kept, shape: [kept.count / cells, cells])).elements
  }

  /// The density of forecasts beside that of the test recordings, with the distance between those and
  /// an independent run as its floor.
  func densities(against others: [HostArray<Double>]) -> [ForecastFindings.Density] {
    guard let derivatives, !pairs.isEmpty else { return [] }
    let cells = data.stateShape.reduce(1, *)
    let count = pairs.count / 2 / cells
    func samples(_ recordings: [HostArray<Double>]) -> HostArray<Double> {
      let states = ForecastData.states(recordings, atMost: count)
      return derivatives.pairs(of: states.reshaped([states.shape[0], cells]))
    }
    let grid = HistogramGrid(low: [-4, -8], high: [4, 8], bins: [100, 100])
    let forecast = HostArray(pairs, shape: [pairs.count / 2, 2])
    let truth = samples(data.test)
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
    _ latents: HostArray<Double>, _ truth: HostArray<Double>, _ reduction: any Reduction
  ) throws {
    let encoded = try reduction.encode(truth)
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

  private mutating func addFields(_ forecast: HostArray<Double>, _ truth: HostArray<Double>) {
    guard data.stateShape.count == 2 else { return }
    let (channels, cells) = (data.stateShape[0], data.stateShape[1])
    let shown = min(truth.shape[0], settings.pictureSteps ?? truth.shape[0])
    // At most 400 rows: the report shows no more.
    let frames = Array(stride(from: 0, to: shown, by: max(1, shown / 400)))
    let spacing = (data.metadata.extents?.first ?? Double(cells)) / Double(cells)
    func values(_ array: HostArray<Double>, _ channel: Int) -> [Float] {
      frames.flatMap { frame in
        let first = (frame * channels + channel) * cells
        return array.elements[first..<first + cells].map(Float.init)
      }
    }
    fields.append(
      FieldComparison(
        times: frames.map { Double($0 + 1) * data.frameInterval },
        positions: [(0..<cells).map { Double($0) * spacing }],
        channels: (0..<channels).map { channel in
          .init(
            data.channelNames[channel], truth: values(truth, channel),
            prediction: values(forecast, channel))
        }))
  }
}
