// How well known parameters are linear functions of the relevant latents: Table I, Table II and
// the error bars of Figure 3 of Lu, Kim and Soljacic, Phys. Rev. X 10, 031056 (2020).
package import KymoNumerics

/// How well one known parameter is a linear function of the relevant latents (Table I).
public struct ParameterScore: Hashable, Sendable {
  /// The parameter's name.
  public var name: String
  /// R² of the linear fit on the evaluated recordings themselves (the paper's way).
  public var rSquared: Double
  /// R² of the linear fit on the encoder's own latents; nil when no others were taken.
  public var rSquaredOfEncoder: Double?
  /// R² of the fit made on training recordings; nil when they were not given.
  public var rSquaredOfTrainingFit: Double?
  /// Fraction of true values inside the 95 % interval.
  public var coverage95: Double
  /// Positions of the latents that the fit is made on: the relevant ones that carry the parameter.
  public var latents: [Int]
  /// Intercept of the fit, then one slope for each of `latents`.
  public var coefficients: [Double]
  /// R² on each latent alone, all latents.
  public var rSquaredOfSingleLatents: [Double]
  /// Widening or narrowing of the intervals; nil when no training recordings were given.
  public var calibration: Calibration?
  /// What a smooth map finds where a line misses a curvature; nil when no training recordings were
  /// given.
  public var smoothMap: SmoothMap?

  /// A polynomial map from the relevant latents to the parameter, fitted on training recordings.
  ///
  /// Recordings alone tell a parameter up to a smooth one-to-one map, so this is what the latents
  /// and their bars are worth where no parameter is known.
  public struct SmoothMap: Codable, Sendable, Hashable {
    /// Degree of the polynomial.
    public var degree: Int
    /// R² on the evaluated recordings.
    public var rSquared: Double
    /// Fraction of true values inside the 95 % interval, sent through the map's slope.
    public var coverage95: Double
  }

  /// A factor on the 95 % intervals, found on training recordings.
  public struct Calibration: Codable, Sendable, Hashable {
    /// By how much the half-widths are multiplied.
    public var factor: Double
    /// Fraction of true values inside the calibrated interval of the training recordings' fit.
    public var coverage95: Double
    /// Training recordings that it was found on.
    public var recordingCount: Int
    /// The share of new recordings that intervals found on n can promise to hold: n / (n + 1), 95 %
    /// at most.
    public var promisedCoverage: Double {
      min(0.95, Double(recordingCount) / Double(recordingCount + 1))
    }
  }
}

/// Scores every known parameter against the relevant latents.
///
/// Ordinary least squares with intercept of the parameter on the relevant latents that carry it.
/// Where no latent is relevant, the fit is the mean and R² is 0; so it is where a parameter does
/// not vary. Recordings in which a parameter is not known (NaN or infinite) are left out of its score.
///
/// - Parameters:
///   - parameterNames: One name for each column of the recordings' parameters.
///   - recordings: The evaluated recordings; the fit is made and scored on them.
///   - relevantLatents: Positions of the latents to fit on.
///   - trainingRecordings: When given, a second fit is made on these and scored on `recordings`.
/// - Returns: One entry for each parameter.
public func parameterScores(
  parameterNames: [String], recordings: [ExtractedLatents], relevantLatents: [Int],
  trainingRecordings: [ExtractedLatents]? = nil
) -> [ParameterScore] {
  precondition(!recordings.isEmpty, "parameterScores: no recordings")
  let (all, training) = (recordings, trainingRecordings)
  return parameterNames.indices.map { column in
    let recordings = all.known(column).nonEmpty ?? all
    let trainingRecordings = training?.known(column).nonEmpty
    let target = recordings.map { $0.parameters[column] }
    let latents = carriers(of: target, among: relevantLatents, recordings)
    let regressors = recordings.columns(of: latents)
    let fit = LinearFit(regressors: regressors, target: target)
    let trained = trainingRecordings.map { training in
      LinearFit(
        regressors: training.columns(of: latents),
        target: training.map { $0.parameters[column] })
    }
    let calibration = zip(trained, trainingRecordings).map { fit, training in
      let factor = calibrationFactor(of: fit, on: training, latents: latents, column)
      return ParameterScore.Calibration(
        factor: factor,
        coverage95: coverage(
          of: fit, recordings: recordings, latents: latents, column, factor: factor),
        recordingCount: training.count)
    }
    let single = recordings[0].mean.indices.map { latent in
      LinearFit(regressors: recordings.columns(of: [latent]), target: target).rSquared
    }
    return ParameterScore(
      name: parameterNames[column], rSquared: fit.rSquared.orZero,
      rSquaredOfTrainingFit: trained?.score(regressors: regressors, target: target).orZero,
      coverage95: coverage(of: fit, recordings: recordings, latents: latents, column),
      latents: latents, coefficients: [fit.intercept] + fit.slopes,
      rSquaredOfSingleLatents: single.map(\.orZero), calibration: calibration,
      smoothMap: trainingRecordings.flatMap { training in
        smoothMap(from: relevantLatents, to: column, training: training, recordings)
      })
  }
}

extension [ExtractedLatents] {
  /// Those in which a parameter is known.
  package func known(_ column: Int) -> [ExtractedLatents] {
    filter { $0.parameters.indices.contains(column) && $0.parameters[column].isFinite }
  }

  fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}

/// The fewest relevant latents that explain a parameter nearly as well as all of them.
///
/// Latents are taken one after the other, each time the one that raises R² most, until R² is within
/// 0.005 of that of all relevant ones, and what is left unexplained at most half as much again. A
/// parameter with a latent of its own is fitted on that one; two components of a velocity, which
/// may lie rotated in a plane of two latents, on both (as in Table I of the paper).
private func carriers(
  of target: [Double], among relevant: [Int], _ recordings: [ExtractedLatents]
) -> [Int] {
  func rSquared(_ latents: [Int]) -> Double {
    LinearFit(regressors: recordings.columns(of: latents), target: target).rSquared.orZero
  }
  guard relevant.count > 1 else { return relevant }
  let best = rSquared(relevant)
  var chosen: [Int] = []
  let tolerance = min(0.005, max(0.5 * (1 - best), 1e-4))
  while chosen.count < relevant.count, chosen.isEmpty || rSquared(chosen) < best - tolerance {
    let others = relevant.filter { !chosen.contains($0) }
    guard let next = others.max(by: { rSquared(chosen + [$0]) < rSquared(chosen + [$1]) }) else {
      break
    }
    chosen.append(next)
  }
  return relevant.filter { chosen.contains($0) }
}

/// The factor on 95 % intervals with which they hold 95 % of the known values of `training`.
///
/// σ_z is the encoder's noise alone; a curved relation of latent and parameter is not in it. The
/// factor is the quantile of order ⌈0.95 (n + 1)⌉ / n of |error| / half interval, each error that
/// of a fit without its recording (conformal prediction by the jackknife), so that the share of new
/// recordings inside is nearly 95 % whatever the errors' law, or n / (n + 1) where fewer than 19
/// are known.
private func calibrationFactor(
  of fit: LinearFit, on training: [ExtractedLatents], latents: [Int], _ column: Int
) -> Double {
  let leverages = LinearFit.leverages(
    regressors: training.columns(of: latents), count: training.count)
  let ratios = zip(training, leverages).map { recording, leverage in
    let residual = fit(latents.map { recording.mean[$0] }) - recording.parameters[column]
    // A recording that the fit follows whatever it is says nothing.
    let error = leverage < 1 - 1e-9 ? residual / (1 - leverage) : residual
    let half = fit.halfInterval95(
      standardDeviations: latents.map { recording.standardDeviation[$0] })
    return half > 0 ? error.magnitude / half : 0
  }.sorted()
  let rank = Int((0.95 * Double(ratios.count + 1)).rounded(.up))
  return ratios[min(rank, ratios.count) - 1]
}

/// Scores a polynomial map from the relevant latents to a parameter; nil where there are too few
/// recordings to fit one.
private func smoothMap(
  from latents: [Int], to column: Int, training: [ExtractedLatents],
  _ recordings: [ExtractedLatents]
) -> ParameterScore.SmoothMap? {
  guard
    let map = PolynomialFit(
      training.columns(of: latents), target: training.map { $0.parameters[column] },
      highestDegree: 5, valuesPerTerm: 10)
  else { return nil }
  let target = recordings.map { $0.parameters[column] }
  let points = recordings.map { recording in latents.map { recording.mean[$0] } }
  let mapped = points.map(map.callAsFunction)
  let halves = zip(points, recordings).map { point, recording in
    halfInterval95(
      slopes: map.gradient(at: point),
      standardDeviations: latents.map { recording.standardDeviation[$0] })
  }
  let inside = target.indices.count { (mapped[$0] - target[$0]).magnitude <= halves[$0] }
  let identity = LinearFit(intercept: 0, slopes: [1], rSquared: .nan)
  return ParameterScore.SmoothMap(
    degree: map.degree, rSquared: identity.score(regressors: [mapped], target: target).orZero,
    coverage95: Double(inside) / Double(target.count))
}

/// The unit vector, over the latents that carry a parameter and in units of their spread, along
/// which the fitted parameter grows: the rotation that brings R² onto one axis.
package func direction(of score: ParameterScore, in latents: [LatentSummary]) -> [Double] {
  let steps = zip(score.coefficients.dropFirst(), score.latents).map { slope, latent in
    slope * latents[latent].varianceOfMean.squareRoot()
  }
  let length = steps.reduce(0) { $0 + $1 * $1 }.squareRoot()
  return length > 0 ? steps.map { $0 / length } : steps
}

/// 2.5 % and 97.5 % quantiles of R² over resampled recordings; nil for fewer than ten recordings.
///
/// Recordings are drawn with replacement, the fit is made anew for each of 200 draws. The draws
/// come from a fixed seed, so the same results give the same interval.
package func rSquaredInterval(
  ofParameter column: Int, on latents: [Int], _ recordings: [ExtractedLatents]
) -> ClosedRange<Double>? {
  let recordings = recordings.known(column)
  guard recordings.count >= 10 else { return nil }
  let regressors = recordings.columns(of: latents)
  let target = recordings.map { $0.parameters[column] }
  let draws = (0..<200).map { draw in
    var stream = RandomStream(seed: 1, purpose: .evaluation, index: UInt64(draw))
    let chosen = recordings.indices.map { _ in stream.index(below: recordings.count) }
    return LinearFit(
      regressors: regressors.map { latent in chosen.map { latent[$0] } },
      target: chosen.map { target[$0] }
    ).rSquared.orZero
  }
  let ends = Statistics.quantiles(draws, [0.025, 0.975])
  return ends[0]...ends[1]
}

/// Wilson's 95 % interval of a share of `count` trials.
package func shareInterval(_ share: Double, of count: Int) -> ClosedRange<Double> {
  guard count > 0, (0...1).contains(share) else { return 0...1 }
  let (n, z) = (Double(count), 1.96)
  let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
  return max(0, centre - half)...min(1, centre + half)
}

/// Fraction of true values inside the 95 % interval of the fitted value.
private func coverage(
  of fit: LinearFit, recordings: [ExtractedLatents], latents: [Int], _ column: Int,
  factor: Double = 1
) -> Double {
  let inside = recordings.count { recording in
    let predicted = fit(latents.map { recording.mean[$0] })
    let half = fit.halfInterval95(
      standardDeviations: latents.map { recording.standardDeviation[$0] })
    return (predicted - recording.parameters[column]).magnitude <= factor * half
  }
  return Double(inside) / Double(recordings.count)
}

/// Half the 95 % interval of a function of latents when only these are uncertain: 1.96 standard
/// deviations of the latents, sent through its slopes as independent errors.
private func halfInterval95(slopes: [Double], standardDeviations: [Double]) -> Double {
  let square = zip(slopes, standardDeviations).reduce(0) {
    $0 + ($1.0 * $1.1) * ($1.0 * $1.1)
  }
  return 1.96 * square.squareRoot()
}

extension LinearFit {
  /// Half the 95 % interval of the fitted value when only the regressors are uncertain.
  package func halfInterval95(standardDeviations: [Double]) -> Double {
    KymoMetrics.halfInterval95(slopes: slopes, standardDeviations: standardDeviations)
  }
}

/// Both values together, where there are both.
private func zip<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
  if let first, let second { (first, second) } else { nil }
}

extension Double {
  /// R² of a parameter that does not vary is no number; results say 0, as nothing is explained.
  fileprivate var orZero: Double { isNaN ? 0 : self }
}
