// The fit of the terms that were chosen to every recording, and to recordings of others.
import Foundation
public import KymoData
public import KymoNumerics

extension Discovery {
  // MARK: Fit

  /// Fits the chosen terms to all recordings.
  func fill(_ law: inout Law, _ supports: [[Int]]) {
    let used = Set(supports.flatMap(\.self)).sorted()
    let terms = used.map { library[$0] }
    let own = supports.map { $0.compactMap(used.firstIndex) }
    func fit(_ window: TestWindow, _ chosen: [Int]) -> LawFit {
      let form = form(window, terms)
      let equations = parallelMap(chosen.count, threads: settings.threads) {
        form.physical(
          form.equations(recordings, chosen[$0], noise: noise, draws: Discovery.draws))
      }
      return LawFit(equations, supports: own, target: terms.count, threads: settings.threads)
    }
    if settings.window == nil {
      law.window = measuringWindow(law.window, terms, fit(law.window, sample))
    }
    law.rows = form(law.window, terms).rowCount
    let fit = fit(law.window, Array(0..<recordings.count))
    let values = fit.parameters
    let means = fit.representatives.indices.map { k in Statistics.mean(values.map { $0[k] }) }
    law.parameters = fit.representatives.enumerated().map { k, place in
      let at = fit.places[place]
      return LawParameter(
        name: "θ" + subscriptText(k + 1),
        meaning: "\(terms[at.term].name(recordings.channelNames)) in "
          + "\(recordings.channelNames[at.channel])_t"
          + (fit.slopes[place][k] < 0 ? ", sign reversed" : ""),
        mean: means[k], spread: Statistics.sampleStandardDeviation(values.map { $0[k] }))
    }
    for (place, at) in fit.places.enumerated() {
      let (slopes, offset) = (fit.slopes[place], fit.offsets[place])
      law.equations[at.channel].terms.append(
        LawCoefficient(
          term: terms[at.term].formula(names),
          name: terms[at.term].name(recordings.channelNames),
          mean: zip(slopes, means).reduce(offset) { $0 + $1.0 * $1.1 },
          spread: fit.spreads[place],
          error: fit.varies[place] ? nil : fit.error(ofCommon: place),
          offset: offset, slopes: slopes))
    }
    law.recordings = (0..<recordings.count).map { index in
      LawRecording(
        recording: index, parameters: values[index],
        errors: fit.errors[index],
        residuals: fit.residuals[index].map { max(0, $0.left).squareRoot() },
        noise: fit.residuals[index].map { max(0, $0.noise).squareRoot() })
    }
    law.scores = scores(values)
    for (channel, name) in original.channelNames.enumerated() {
      let left = fit.residuals.map { $0[channel].left }
      let noise = Statistics.mean(fit.residuals.map { $0[channel].noise })
      let error = (Statistics.sampleVariance(left) / Double(left.count)).squareRoot()
      let mean = Statistics.mean(left)
      law.equations[channel].residual = max(0, mean).squareRoot()
      law.equations[channel].noise = max(0, noise).squareRoot()
      guard
        !SupportSearch.isComplete(
          mean, error: left.count > 1 ? error : 0, noise: noise, tolerance: tolerance)
      else { continue }
      law.refusal =
        law.refusal
        ?? .incompleteLibrary(
          channel: name, residual: max(0, mean).squareRoot(), noise: max(0, noise).squareRoot())
    }
    if let refusal = law.refusal { law.refuse(refusal) }
  }

  /// The parameters of these recordings under a law that was found in others.
  ///
  /// - Parameter law: A law that is claimed, with the channels and derived channels of this search.
  /// - Throws: `ConfigurationError` where the law is one of other channels.
  /// - Returns: Parameters, errors and what the law leaves, for each recording.
  public func parameters(of law: Law) throws(ConfigurationError) -> [LawRecording] {
    try require(
      law.refusal == nil && law.equations.map(\.channel) == original.channelNames, "law",
      found: law.refusal == nil
        ? "of the channels \(law.equations.map(\.channel).joined(separator: ", "))" : "none",
      allowed: "of the recordings' \(original.channelNames.joined(separator: ", "))",
      remedy: "Give recordings like those that the law was found in.")
    var terms: [LawTerm] = []
    var places: [CoefficientPlace] = []
    for (channel, equation) in law.equations.enumerated() {
      for coefficient in equation.terms {
        let term = try LawTerm(
          coefficient.term, channels: names, spaceRank: original.spaceRank)
        if !terms.contains(term) { terms.append(term) }
        places.append(
          CoefficientPlace(term: terms.firstIndex(of: term) ?? 0, channel: channel))
      }
    }
    let (frames, points) = (recordings.frameCount, recordings.spaceShape.min() ?? 0)
    try require(
      frames > 2 * law.window.time && points > 2 * law.window.space, "recordings",
      found: "of \(frames) frames and \(points) points",
      allowed: "longer than \(2 * law.window.time) frames and \(2 * law.window.space) points",
      remedy: "The law's test functions are so wide: give longer recordings.")
    let form = form(law.window, terms)
    let equations = parallelMap(recordings.count, threads: settings.threads) {
      form.physical(form.equations(recordings, $0, noise: noise, draws: Discovery.draws))
    }
    let fit = LawFit(
      equations, of: law, places: places, target: terms.count, threads: settings.threads)
    return (0..<recordings.count).map { index in
      LawRecording(
        recording: index, parameters: fit.parameters[index],
        errors: fit.errors[index],
        residuals: fit.residuals[index].map { max(0, $0.left).squareRoot() },
        noise: fit.residuals[index].map { max(0, $0.noise).squareRoot() })
    }
  }

  func scores(_ values: [[Double]]) -> [LawScore] {
    guard let known = recordings.params, let width = values.first?.count, width > 0,
      values.count > width + 1
    else { return [] }
    let columns = (0..<width).map { k in values.map { $0[k] } }
    return recordings.parameterNames.prefix(known.shape[1]).enumerated().map { place, name in
      let target = (0..<recordings.count).map { Double(known[$0, place]) }
      return LawScore(
        name: name, rSquared: LinearFit(regressors: columns, target: target).rSquared,
        correlation: columns.map { LinearFit(regressors: [$0], target: target).rSquared }
          .max()?.squareRoot() ?? 0)
    }
  }
}

extension Law {
  /// The parameters that recordings have under this law.
  ///
  /// - Throws: `ConfigurationError` where the law is one of other channels or grids.
  public func parameters(
    in recordings: Recordings, threads: Int
  ) throws(ConfigurationError) -> [LawRecording] {
    var settings = DiscoverySettings()
    (settings.derived, settings.threads) = (derived, threads)
    return try Discovery(recordings, settings).parameters(of: self)
  }
}

func subscriptText(_ number: Int) -> String {
  String(String(number).compactMap { $0.wholeNumberValue.map { Array("₀₁₂₃₄₅₆₇₈₉")[$0] } })
}
