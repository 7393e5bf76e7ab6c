// How well known parameters are linear functions of the relevant latents: Table I, Table II and
// the error bars of Figure 3 of Lu, Kim and Soljacic, Phys. Rev. X 10, 031056 (2020).
import KymoNumerics

extension ExtractionResults {
  /// Scores every known parameter against the relevant latents.
  ///
  /// Ordinary least squares with intercept of the parameter on the relevant latents together.
  /// Where no latent is relevant, the fit is the mean and R² is 0.
  ///
  /// - Parameters:
  ///   - parameterNames: One name for each column of the recordings' parameters.
  ///   - recordings: The evaluated recordings; the fit is made and scored on them.
  ///   - relevantLatents: Positions of the latents to fit on.
  ///   - trainingRecordings: When given, a second fit is made on these and scored on `recordings`.
  ///   - paper: Published numbers of the same system.
  /// - Returns: One entry for each parameter.
  public static func parameterScores(
    parameterNames: [String], recordings: [RecordingLatents], relevantLatents: [Int],
    trainingRecordings: [RecordingLatents]? = nil, paper: PaperNumbers? = nil
  ) -> [ParameterScore] {
    precondition(!recordings.isEmpty, "parameterScores: no recordings")
    let predictors = recordings.rows(of: relevantLatents)
    return parameterNames.indices.map { column in
      let targets = recordings.map { $0.parameters[column] }
      let fit = LeastSquaresFit(predictors: predictors, targets: targets)
      let trained = trainingRecordings.map { training in
        LeastSquaresFit(
          predictors: training.rows(of: relevantLatents),
          targets: training.map { $0.parameters[column] }
        ).rSquared(predictors: predictors, targets: targets)
      }
      let single = recordings[0].mean.indices.map { latent in
        let rows = recordings.rows(of: [latent])
        return LeastSquaresFit(predictors: rows, targets: targets)
          .rSquared(predictors: rows, targets: targets)
      }
      return ParameterScore(
        name: parameterNames[column],
        rSquared: fit.rSquared(predictors: predictors, targets: targets),
        rSquaredOfTrainingFit: trained,
        coverage95: coverage(of: fit, recordings: recordings, latents: relevantLatents, column),
        coefficients: fit.coefficients, paperRSquared: paper?.rSquared[parameterNames[column]],
        rSquaredOfSingleLatents: single)
    }
  }

  /// 2.5 % and 97.5 % quantiles of R² over resampled recordings; nil for fewer than ten recordings.
  ///
  /// Recordings are drawn with replacement, the fit is made anew for each of 200 draws. The draws
  /// come from a fixed seed, so the same results give the same interval.
  package func rSquaredInterval(ofParameter column: Int) -> ClosedRange<Double>? {
    guard recordings.count >= 10 else { return nil }
    let predictors = recordings.rows(of: relevantLatents)
    let targets = recordings.map { $0.parameters[column] }
    let draws = (0..<200).map { draw in
      var stream = RandomStream(seed: 1, purpose: .evaluation, index: UInt64(draw))
      let chosen = recordings.indices.map { _ in stream.index(below: recordings.count) }
      let (rows, values) = (chosen.map { predictors[$0] }, chosen.map { targets[$0] })
      return LeastSquaresFit(predictors: rows, targets: values)
        .rSquared(predictors: rows, targets: values)
    }.sorted()
    return quantile(0.025, ofSorted: draws)...quantile(0.975, ofSorted: draws)
  }

  /// Fraction of true values inside the 95 % interval of the fitted value.
  private static func coverage(
    of fit: LeastSquaresFit, recordings: [RecordingLatents], latents: [Int], _ column: Int
  ) -> Double {
    let inside = recordings.count { recording in
      let predicted = fit(latents.map { recording.mean[$0] })
      let half = fit.halfInterval95(
        standardDeviations: latents.map { recording.standardDeviation[$0] })
      return (predicted - recording.parameters[column]).magnitude <= half
    }
    return Double(inside) / Double(recordings.count)
  }
}

extension [ExtractionResults.RecordingLatents] {
  /// μ_z of the given latents, one row for each recording.
  fileprivate func rows(of latents: [Int]) -> [[Double]] {
    map { recording in latents.map { recording.mean[$0] } }
  }
}
