// From recordings to a law: windows, library, search, fit, and the doubts that forbid a claim.
import Foundation
public import KymoData
public import KymoNumerics

/// What a law is sought with.
public struct DiscoverySettings: Hashable, Sendable {
  /// Highest derivative of the library, 1 to 6.
  public var order = 4
  /// Highest degree of its monomials, 1 to 3.
  public var degree = 3
  /// Terms of the user's own, as text.
  public var terms: [String] = []
  /// Terms that are left out, as text.
  public var without: [String] = []
  /// Half widths of the test functions; chosen from the data when nil.
  public var window: TestWindow?
  /// Standard deviation of noise in every channel; measured when nil.
  public var noise: [Double]?
  /// How many recordings are worked on at the same time.
  public var threads = 2

  /// Creates the default settings.
  public init() {}
}

/// Finds the law of recordings.
public struct Discovery: Sendable {
  private let recordings: Recordings
  private let settings: DiscoverySettings
  private let library: [LawTerm]
  private let noise: [Double]
  private let scales: [Double]
  /// The recordings on which the terms are chosen, spread evenly over all.
  private let sample: [Int]

  /// How many recordings the terms are chosen on at most.
  private static let sampleSize = 48
  /// Noise below this part of a channel's deviation is not corrected for.
  private static let notableNoise = 1e-3
  /// Parts of noise's scatter that are put back in a search.
  private static let ridges = [2.0, 0.5, 8]
  /// How often noise is drawn.
  private static let draws = 2

  /// Prepares the search.
  ///
  /// - Throws: `ConfigurationError` for a term that is not understood.
  public init(
    _ recordings: Recordings, _ settings: DiscoverySettings
  ) throws(ConfigurationError) {
    self.recordings = recordings
    self.settings = settings
    let channels = recordings.channelNames.map { $0.filter { !$0.isWhitespace } }
    var library = LawTerm.library(
      channels: channels.count, spaceRank: recordings.spaceRank, order: settings.order,
      degree: settings.degree)
    func read(_ text: String) throws(ConfigurationError) -> LawTerm {
      try LawTerm(text, channels: channels, spaceRank: recordings.spaceRank)
    }
    for text in settings.terms {
      let term = try read(text)
      if !library.contains(term) { library.append(term) }
    }
    for text in settings.without {
      let term = try read(text)
      library.removeAll { $0 == term }
    }
    self.library = library
    let count = min(recordings.count, Discovery.sampleSize)
    sample = (0..<count).map { $0 * recordings.count / count }
    let deviations = recordings.standardScaler().scale.map { Double($0) }
    scales = deviations
    noise =
      settings.noise
      ?? zip(recordings.noiseDeviations(of: Array(sample.prefix(8))), deviations).map {
        guard let noise = $0, noise > Discovery.notableNoise * $1 else { return 0 }
        return noise
      }
  }

  private var isNoisy: Bool { noise.contains { $0 > 0 } }

  /// Finds the law, or says why there is none.
  ///
  /// - Parameter progress: Is told what is done.
  /// - Returns: The law, with a refusal when none is claimed.
  public func run(progress: @Sendable (String) -> Void = { _ in }) -> Law {
    let start = ContinuousClock.now
    var law = Law(
      system: recordings.systemName, refusal: nil, equations: [], parameters: [], recordings: [],
      scores: [], window: TestWindow(time: 0, space: 0), noise: noise, librarySize: library.count,
      degenerate: [], derived: [], searched: sample.count, seconds: 0)
    if let refusal = refusalOfFrames() {
      law.refusal = refusal
    } else {
      progress("choosing the test functions")
      let windows = settings.window.map { [$0] } ?? rankedWindows()
      // Where noise spoils the search with one window, another may do.
      for window in windows.prefix(isNoisy ? 3 : 2) {
        progress("half widths \(window.time) in time, \(window.space) in space")
        law = search(window, law)
        if law.refusal == nil { break }
      }
    }
    law.seconds = start.duration(to: .now) / .seconds(1)
    return law
  }

  // MARK: Windows

  private func form(_ window: TestWindow, _ terms: [LawTerm]? = nil) -> WeakForm {
    WeakForm(recordings, terms: terms ?? library, window: window, scales: scales)
  }

  /// The half widths that may be used along an axis.
  private static func halfWidths(upTo limit: Int) -> [Int] {
    [4, 6, 8, 12, 16, 24, 32, 48].filter { $0 <= limit }
  }

  /// Windows, the best first: least held-out residual of the whole library, noise and all, over the
  /// root of the number of rows.
  ///
  /// Wide windows leave less noise and fewer rows. The search goes to neighbours while they are
  /// better.
  private func rankedWindows() -> [TestWindow] {
    let times = Discovery.halfWidths(upTo: max(4, recordings.frameCount / 4))
    let spaces = Discovery.halfWidths(upTo: max(4, (recordings.spaceShape.min() ?? 0) / 4))
    // Few numbers say which windows are good.
    let few = Array(sample.prefix(max(1, min(4, (1 << 20) / recordings.recordingLength))))
    var scores: [TestWindow: Double] = [:]
    func score(_ i: Int, _ j: Int) -> Double {
      guard times.indices.contains(i), spaces.indices.contains(j) else { return .infinity }
      let window = TestWindow(time: times[i], space: spaces[j])
      if let known = scores[window] { return known }
      let form = form(window)
      let silent = noise.map { _ in 0.0 }
      let equations = parallelMap(few.count, threads: settings.threads) {
        form.equations(recordings, few[$0], noise: silent, draws: 0)
      }
      let kept = form.independentTerms(equations).kept
      let value = (0..<recordings.channelCount).reduce(0.0) { sum, channel in
        let search = SupportSearch(equations, target: library.count + channel, form: form, ridge: 0)
        let residual = max(search.residual(of: kept), 1e-12)
        return sum + log(residual) - 0.5 * log(Double(form.rowCount))
      }
      scores[window] = value
      return value
    }
    var (i, j) = (
      times.lastIndex { $0 <= 12 } ?? 0, spaces.lastIndex { $0 <= 12 } ?? 0
    )
    while true {
      let neighbours = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1), (i + 1, j + 1)]
      guard let best = neighbours.min(by: { score($0.0, $0.1) < score($1.0, $1.1) }),
        score(best.0, best.1) < score(i, j)
      else { break }
      (i, j) = best
    }
    return scores.keys.sorted {
      (scores[$0] ?? 0, $0.time, $0.space) < (scores[$1] ?? 0, $1.time, $1.space)
    }
  }

  // MARK: Search

  private func search(_ window: TestWindow, _ start: Law) -> Law {
    var law = start
    law.window = window
    law.refusal = nil
    let form = form(window)
    let equations = parallelMap(sample.count, threads: settings.threads) {
      form.equations(recordings, sample[$0], noise: noise, draws: Discovery.draws)
    }
    let (kept, dropped) = form.independentTerms(equations)
    let names = library.map { $0.name(recordings.channelNames) }
    law.degenerate = dropped.map { names[$0] }
    law.equations = []
    var supports: [[Int]] = []
    for (channel, name) in recordings.channelNames.enumerated() {
      let target = library.count + channel
      let added = equations.map { recording in
        let place = target * recording.size + target
        return recording.noise[place] / max(recording.total[place], .leastNormalMagnitude)
      }
      let noisePart = max(0, Statistics.mean(added))
      // The smallest law that a search finds, with more and less of noise's scatter put back.
      var path: [SupportStep] = []
      var choice: SupportStep?
      for ridge in isNoisy ? Discovery.ridges : [0] {
        let other = SupportSearch(equations, target: target, form: form, ridge: ridge)
          .path(from: kept, threads: settings.threads)
        let found = SupportSearch.choice(other, noise: noisePart)
        if path.isEmpty || (found?.terms.count ?? .max) < (choice?.terms.count ?? .max) {
          (path, choice) = (other, found)
        }
      }
      let best = choice ?? path.min { abs($0.mean) < abs($1.mean) }
      law.equations.append(
        LawEquation(
          channel: name, terms: [], residual: max(0, best?.mean ?? 1).squareRoot(),
          noise: noisePart.squareRoot(),
          tried: path.map {
            TriedSupport(
              terms: $0.terms.count, residual: $0.mean, error: $0.error, dropped: names[$0.next])
          }))
      guard let choice else {
        law.refusal =
          law.refusal
          ?? incomplete(
            form, equations, channel, kept, residual: law.equations[channel].residual,
            noise: law.equations[channel].noise)
        continue
      }
      supports.append(choice.terms)
    }
    if law.refusal == nil { fill(&law, supports) }
    return law
  }

  /// Why a library that leaves too much does.
  private func incomplete(
    _ form: WeakForm, _ equations: [NormalEquations], _ channel: Int, _ kept: [Int],
    residual: Double, noise: Double
  ) -> LawRefusal {
    .incompleteLibrary(
      channel: recordings.channelNames[channel], residual: residual, noise: noise)
  }

  /// Frames whose changes do not follow each other: mean (Δ²u)² over mean (Δu)² is near 0 where
  /// frames are close, and 3 where they have nothing to do with each other.
  private func refusalOfFrames() -> LawRefusal? {
    let points = recordings.spaceShape.min() ?? 0
    guard recordings.frameCount >= 24, points >= 24 else {
      return .tooSmall(frames: recordings.frameCount, points: points)
    }
    let cells = recordings.spaceShape.reduce(1, *)
    let frames = recordings.frameCount
    for (channel, name) in recordings.channelNames.enumerated() {
      var (first, second, square) = (0.0, 0.0, 0.0)
      for index in sample.prefix(8) {
        unsafe recordings.withRecording(index) { numbers in
          // In bounds: channels · frames · cells numbers.
          let start = channel * frames * cells
          for frame in 1..<frames - 1 {
            for cell in stride(from: 0, to: cells, by: max(1, cells / 1024)) {
              let place = start + frame * cells + cell
              let (a, b, c) = unsafe (
                Double(numbers[place - cells]), Double(numbers[place]),
                Double(numbers[place + cells])
              )
              first += (b - a) * (b - a)
              second += (a - 2 * b + c) * (a - 2 * b + c)
              square += b * b
            }
          }
        }
      }
      let count = Double(sample.prefix(8).count * (frames - 2) * min(cells, 1024))
      let variance = noise[channel] * noise[channel] * count
      let change = first - 2 * variance
      if change <= 1e-10 * square { return .noRate(channel: name) }
      // What noise hides is not judged here.
      if change > 0.2 * first, second - 6 * variance > change {
        return .framesTooFarApart(channel: name)
      }
    }
    return nil
  }

  // MARK: Fit

  /// Fits the chosen terms to all recordings.
  private func fill(_ law: inout Law, _ supports: [[Int]]) {
    let used = Set(supports.flatMap(\.self)).sorted()
    let terms = used.map { library[$0] }
    let form = form(law.window, terms)
    let equations = parallelMap(recordings.count, threads: settings.threads) {
      form.physical(form.equations(recordings, $0, noise: noise, draws: Discovery.draws))
    }
    let own = supports.map { $0.compactMap(used.firstIndex) }
    let fit = LawFit(
      equations, supports: own, target: terms.count, threads: settings.threads)
    let channels = recordings.channelNames.map { $0.filter { !$0.isWhitespace } }
    let values = fit.parameters
    let means = fit.representatives.indices.map { k in Statistics.mean(values.map { $0[k] }) }
    // The 95 % interval of a jackknife of few blocks is wider than 1.96 of its errors.
    let widening = studentFactor(freedom: form.blockCount - 1)
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
          term: terms[at.term].formula(channels),
          name: terms[at.term].name(recordings.channelNames),
          mean: zip(slopes, means).reduce(offset) { $0 + $1.0 * $1.1 },
          spread: fit.spreads[place],
          error: fit.varies[place] ? nil : fit.offsetErrors[place],
          offset: offset, slopes: slopes))
    }
    law.recordings = (0..<recordings.count).map { index in
      LawRecording(
        recording: index, parameters: values[index],
        errors: fit.errors[index].map { $0 * widening },
        residuals: fit.residuals[index].map { max(0, $0.left).squareRoot() },
        noise: fit.residuals[index].map { max(0, $0.noise).squareRoot() })
    }
    law.scores = scores(values)
    for (channel, name) in recordings.channelNames.enumerated() {
      let left = fit.residuals.map { $0[channel].left }
      let noise = Statistics.mean(fit.residuals.map { $0[channel].noise })
      let error = (Statistics.sampleVariance(left) / Double(left.count)).squareRoot()
      let mean = Statistics.mean(left)
      law.equations[channel].residual = max(0, mean).squareRoot()
      law.equations[channel].noise = max(0, noise).squareRoot()
      guard !SupportSearch.isComplete(mean, error: left.count > 1 ? error : 0, noise: noise) else {
        continue
      }
      law.refusal =
        law.refusal
        ?? .incompleteLibrary(
          channel: name, residual: max(0, mean).squareRoot(), noise: max(0, noise).squareRoot())
    }
    guard law.refusal != nil else { return }
    // Nothing of a law that is not claimed.
    (law.parameters, law.recordings, law.scores) = ([], [], [])
    for channel in law.equations.indices { law.equations[channel].terms = [] }
  }

  private func scores(_ values: [[Double]]) -> [LawScore] {
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

/// The 97.5 % quantile of Student's distribution over the normal one's, by Cornish and Fisher's
/// expansion (Abramowitz and Stegun, 26.7.5).
private func studentFactor(freedom: Int) -> Double {
  let (x, n) = (1.959964, Double(max(freedom, 1)))
  return 1 + ((x * x + 1) / 4 + (5 * x * x * x * x + 16 * x * x + 3) / (96 * n)) / n
}

private func subscriptText(_ number: Int) -> String {
  String(String(number).compactMap { $0.wholeNumberValue.map { Array("₀₁₂₃₄₅₆₇₈₉")[$0] } })
}
