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
      let error =
        left.count > 1
        ? (Statistics.sampleVariance(left) / Double(left.count)).squareRoot()
          * studentFactor(freedom: Double(left.count - 1)) : 0
      let mean = Statistics.mean(left)
      law.equations[channel].residual = max(0, mean).squareRoot()
      law.equations[channel].noise = max(0, noise).squareRoot()
      // That no term hides in the scatter, held-out rows have said.
      guard
        !SupportSearch.isNearZero(
          mean, error: error, noise: noise, tolerance: tolerance)
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
    let form = form(try window(of: law, terms), terms)
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

  /// The test functions of a law, or the widest that these recordings have room for.
  private func window(of law: Law, _ terms: [LawTerm]) throws(ConfigurationError) -> TestWindow {
    let (frames, points) = (recordings.frameCount, recordings.spaceShape.min() ?? 0)
    let order = terms.map(\.derivative.order).max() ?? 0
    // Narrower ones are too few points for the law's highest derivative.
    let needed = max(24, 8 * order)
    try require(
      frames >= 24 && points >= needed, "recordings",
      found: "of \(frames) frames and \(points) points",
      allowed: "of at least 24 frames, and \(needed) points along every axis",
      remedy: "Give longer recordings: the law is integrated over pieces of them.")
    func width(_ own: Int, from least: Int, _ length: Int) -> Int {
      2 * own < length ? own : Discovery.halfWidths(from: least, upTo: 3 * length / 8).last ?? least
    }
    return TestWindow(
      time: width(law.window.time, from: 8, frames),
      space: width(law.window.space, from: 3 * order, points))
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
