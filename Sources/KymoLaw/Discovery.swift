// From recordings to a law: windows, library, search, fit, and the doubts that forbid a claim.
import Foundation
public import KymoData
public import KymoNumerics

/// What a law is sought with.
public struct DiscoverySettings: Hashable, Sendable {
  /// Highest derivative of the library, 1 to 6; 4, and then 6, when nil.
  public var order: Int?
  /// Highest degree of its monomials, 1 to 3.
  public var degree = 3
  /// Terms of the user's own, as text.
  public var terms: [String] = []
  /// Terms that are left out, as text.
  public var without: [String] = []
  /// Further channels, as `name = expression`.
  public var derived: [String] = []
  /// Half widths of the test functions; chosen from the data when nil.
  public var window: TestWindow?
  /// Standard deviation of noise in every channel of the file; measured when nil.
  public var noise: [Double]?
  /// How many recordings are worked on at the same time.
  public var threads = 2
  /// Whether another library has failed before.
  ///
  /// More is asked of a second: high derivatives of a
  /// smooth field make up for a term that is missing to within a percent.
  var isSecond = false

  /// Creates the default settings.
  public init() {}
}

/// Finds the law of recordings.
public struct Discovery: Sendable {
  /// The recordings with their derived channels.
  private let recordings: Recordings
  private let original: Recordings
  private let settings: DiscoverySettings
  private let library: [LawTerm]
  private let noise: [Double]
  private let scales: [Double]
  /// The recordings on which the terms are chosen, spread evenly over all.
  private let sample: [Int]
  /// Number of equations: channels of the file.
  private var targets: Int { original.channelCount }
  /// Squared residual of a complete law, over the square of the rate.
  private let tolerance: Double
  /// Names as they stand in terms, without white space.
  private let names: [String]

  /// How many recordings the terms are chosen on at most.
  private static let sampleSize = 48
  /// Noise below this part of a channel's deviation is not corrected for.
  private static let notableNoise = 1e-3
  /// Parts of noise's scatter that are put back in a search.
  private static let ridges = [2.0, 0.5, 8]
  /// How many terms a forward search takes.
  private static let forwardCount = 9
  /// How often noise is drawn.
  private static let draws = 2

  /// Prepares the search.
  ///
  /// - Throws: `ConfigurationError` for a term or a channel that is not understood.
  public init(
    _ original: Recordings, _ settings: DiscoverySettings
  ) throws(ConfigurationError) {
    self.original = original
    self.settings = settings
    tolerance = SupportSearch.tolerance * (settings.isSecond ? 0.1 : 1)
    var names = original.channelNames.map { $0.filter { !$0.isWhitespace } }
    var derived: [DerivedChannel] = []
    for text in settings.derived {
      let channel = try DerivedChannel(text, channels: names, spaceRank: original.spaceRank)
      derived.append(channel)
      names.append(channel.name)
    }
    try require(
      derived.isEmpty || original.boundary.allSatisfy { $0 == .periodic }, "derive",
      found: "for axes that are not all periodic", allowed: "for periodic axes",
      remedy: "Leave it out, or save boundary as periodic if they are.")
    self.names = names
    recordings = derived.isEmpty ? original : original.deriving(derived, threads: settings.threads)
    var library = Discovery.library(original, settings, derived: derived.count)
    func read(_ text: String) throws(ConfigurationError) -> LawTerm {
      try LawTerm(text, channels: names, spaceRank: original.spaceRank)
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
    let count = min(original.count, Discovery.sampleSize)
    let sample = (0..<count).map { $0 * original.count / count }
    self.sample = sample
    let deviations = recordings.standardScaler().scale.map { Double($0) }
    scales = deviations
    let measured = original.noiseDeviations(of: Array(sample.prefix(8)))
    noise =
      (settings.noise
        ?? zip(measured, deviations).map {
          guard let noise = $0, noise > Discovery.notableNoise * $1 else { return 0 }
          return noise
        }) + derived.map { _ in 0 }
  }

  /// Terms of the file's channels, and for each derived one itself and its products with all, under
  /// first derivatives too.
  private static func library(
    _ recordings: Recordings, _ settings: DiscoverySettings, derived: Int
  ) -> [LawTerm] {
    let (own, all) = (recordings.channelCount, recordings.channelCount + derived)
    var terms = LawTerm.library(
      channels: own, spaceRank: recordings.spaceRank, order: settings.order ?? 4,
      degree: settings.degree
    ).map { LawTerm(powers: $0.powers + (own..<all).map { _ in 0 }, derivative: $0.derivative) }
    let slopes =
      [SpaceDerivative(), SpaceDerivative(x: 1)]
      + (recordings.spaceRank == 2 ? [SpaceDerivative(y: 1)] : [])
    for channel in own..<all {
      let alone = (0..<all).map { $0 == channel ? 1 : 0 }
      terms.append(LawTerm(powers: alone))
      for other in 0...channel {
        var powers = alone
        powers[other] += 1
        terms += slopes.map { LawTerm(powers: powers, derivative: $0) }
      }
    }
    return terms
  }

  private var isNoisy: Bool { noise.contains { $0 > 0 } }

  /// Finds the law, or says why there is none.
  ///
  /// Where the library leaves too much, derivatives to order 6 are tried in one dimension, and in two
  /// the velocity of a flow whose vorticity is the only channel.
  ///
  /// - Parameter progress: Is told what is done.
  /// - Returns: The law, with a refusal when none is claimed.
  public func run(progress: @Sendable (String) -> Void = { _ in }) -> Law {
    let start = ContinuousClock.now
    var law = attempt(progress)
    if case .incompleteLibrary(let channel, let residual, _) = law.refusal,
      let (words, other) = widened(), let next = try? Discovery(original, other)
    {
      progress("trying \(words)")
      var second = next.attempt(progress)
      let left = String(format: "%.2g %%", 100 * residual)
      second.attempts = ["\(library.count) terms left \(left) of \(channel)_t"]
      if second.refusal == nil {
        law = second
      } else {
        law.attempts.append("with \(words) no law either")
      }
    }
    law.seconds = start.duration(to: .now) / .seconds(1)
    return law
  }

  /// A wider library to try, in words and as settings.
  private func widened() -> (String, DiscoverySettings)? {
    // Who leaves terms out has a library in mind.
    guard settings.without.isEmpty else { return nil }
    var wider = settings
    wider.isSecond = true
    if original.spaceRank == 1, settings.order == nil {
      wider.order = 6
      return ("derivatives to order 6", wider)
    }
    guard original.spaceRank == 2, targets == 1, settings.derived.isEmpty, !isNoisy,
      original.boundary.allSatisfy({ $0 == .periodic })
    else { return nil }
    // The stream function of a flow and its velocity.
    let (psi, u, v) = names == ["u"] ? ("psi", "psi_y", "psi_x") : ("psi", "u", "v")
    wider.derived = [
      "\(psi) = inverse_laplacian(\(names[0]))", "\(u) = dy(psi)", "\(v) = -dx(psi)",
    ]
    if names == ["u"] { wider.derived[2] = "\(v) = dx(psi)" }
    return ("the inverse Laplacian", wider)
  }

  /// Looks for a law in this library.
  private func attempt(_ progress: @Sendable (String) -> Void) -> Law {
    var law = Law(
      system: recordings.systemName, refusal: nil, equations: [], parameters: [], recordings: [],
      scores: [], window: TestWindow(time: 0, space: 0), noise: noise, librarySize: library.count,
      degenerate: [], derived: settings.derived, searched: sample.count, seconds: 0)
    if let refusal = refusalOfFrames() {
      law.refusal = refusal
      return law
    }
    progress("choosing the test functions")
    let windows = settings.window.map { [$0] } ?? rankedWindows()
    // Where noise spoils the search with one window, another may do.
    for window in windows.prefix(isNoisy ? 3 : 2) {
      progress("half widths \(window.time) in time, \(window.space) in space")
      law = search(window, law)
      if law.refusal == nil { break }
    }
    return law
  }

  // MARK: Windows

  private func form(_ window: TestWindow, _ terms: [LawTerm]? = nil) -> WeakForm {
    WeakForm(
      recordings, terms: terms ?? library, window: window, scales: scales, targets: targets)
  }

  /// The half widths that may be used along an axis.
  private static func halfWidths(from least: Int, upTo limit: Int) -> [Int] {
    let all = [4, 6, 8, 12, 16, 24, 32, 48]
    let allowed = all.filter { (least...max(least, limit)).contains($0) && $0 <= limit }
    return allowed.isEmpty ? [all.last { $0 <= limit } ?? 4] : allowed
  }

  /// The least half width in space: on fewer points the sums of high derivatives of a bump have a
  /// part of lower ones.
  private var narrowest: Int { 2 * (library.map(\.derivative.order).max() ?? 0) }

  /// Windows, the best first: least held-out residual of the whole library, noise and all, over the
  /// root of the number of rows.
  ///
  /// Wide windows leave less noise and fewer rows. The search goes to neighbours while they are
  /// better.
  private func rankedWindows() -> [TestWindow] {
    let times = Discovery.halfWidths(from: 4, upTo: recordings.frameCount / 4)
    let spaces = Discovery.halfWidths(
      from: narrowest, upTo: (recordings.spaceShape.min() ?? 0) / 4)
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
      let value = (0..<targets).reduce(0.0) { sum, channel in
        let search = SupportSearch(equations, target: library.count + channel, form: form, ridge: 0)
        let residual = max(search.step(kept, threads: settings.threads).mean, 1e-12)
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
    let labels = library.map { $0.name(recordings.channelNames) }
    law.degenerate = dropped.map { labels[$0] }
    law.equations = []
    var supports: [[Int]] = []
    for (channel, name) in original.channelNames.enumerated() {
      let target = library.count + channel
      // The smallest law that a search finds, with more and less of noise's scatter put back.
      var path: [SupportStep] = []
      var choice: SupportStep?
      for ridge in isNoisy ? Discovery.ridges : [0] {
        let search = SupportSearch(equations, target: target, form: form, ridge: ridge)
        var starts = [kept]
        if isNoisy {
          starts.append(
            search.forward(among: kept, count: Discovery.forwardCount, threads: settings.threads))
        }
        for start in starts {
          let other = search.path(from: start, threads: settings.threads)
          let found = SupportSearch.choice(other, tolerance: tolerance)
          if path.isEmpty || (found?.terms.count ?? .max) < (choice?.terms.count ?? .max) {
            (path, choice) = (other, found)
          }
        }
      }
      let best = choice ?? path.min { abs($0.mean) < abs($1.mean) }
      law.equations.append(
        LawEquation(
          channel: name, terms: [], residual: max(0, best?.mean ?? 1).squareRoot(),
          noise: (best?.noise ?? 0).squareRoot(),
          tried: path.map {
            TriedSupport(
              terms: $0.terms.count, residual: $0.mean, error: $0.error, dropped: labels[$0.next])
          }))
      guard let choice else {
        law.refusal =
          law.refusal
          ?? incomplete(
            form, equations, channel, kept, residual: law.equations[channel].residual,
            noise: law.equations[channel].noise)
        continue
      }
      if let pair = tradingTerms(form, equations, choice.terms) {
        law.refusal =
          law.refusal ?? .indistinguishable(channel: name, terms: pair.map { labels[$0] })
      }
      supports.append(choice.terms)
    }
    if law.refusal == nil { law.refusal = refusalOfNarrowWindow(window, supports) }
    if law.refusal == nil { fill(&law, supports) }
    return law
  }

  /// The law must hold under narrower test functions as well: wide ones do not see the short waves
  /// on which high derivatives act.
  private func refusalOfNarrowWindow(_ window: TestWindow, _ supports: [[Int]]) -> LawRefusal? {
    let narrow = TestWindow(
      time: window.time, space: min(window.space, max(narrowest, min(16, 2 * window.space / 3))))
    guard narrow != window else { return nil }
    let used = Set(supports.flatMap(\.self)).sorted()
    let form = form(narrow, used.map { library[$0] })
    let few = Array(sample.prefix(16))
    let equations = parallelMap(few.count, threads: settings.threads) {
      form.equations(recordings, few[$0], noise: noise, draws: Discovery.draws)
    }
    for (channel, support) in supports.enumerated() {
      let search = SupportSearch(
        equations, target: used.count + channel, form: form, ridge: 0)
      let step = search.step(
        support.compactMap(used.firstIndex), threads: settings.threads)
      // Narrow bumps have errors of quadrature that wide ones have not.
      if !step.isComplete(10 * SupportSearch.tolerance) {
        return .incompleteLibrary(
          channel: recordings.channelNames[channel], residual: max(0, step.mean).squareRoot(),
          noise: step.noise.squareRoot())
      }
    }
    return nil
  }

  /// Why a library that leaves too much does.
  private func incomplete(
    _ form: WeakForm, _ equations: [NormalEquations], _ channel: Int, _ kept: [Int],
    residual: Double, noise: Double
  ) -> LawRefusal {
    let name = recordings.channelNames[channel]
    let (size, target) = (form.columnCount, library.count + channel)
    // What the library leaves of a sum of blocks, its coefficients fitted there.
    func left(_ gram: [Double]) -> Double {
      let scales = kept.map { max(gram[$0 * size + $0], 1e-300).squareRoot() }
      let matrix = kept.indices.flatMap { i in
        kept.indices.map { gram[kept[i] * size + kept[$0]] / scales[i] / scales[$0] }
      }
      let right = kept.indices.map { gram[kept[$0] * size + target] / scales[$0] }
      let solved = SymmetricSystem(matrix, right).solution
      return gram[target * size + target] - zip(solved, right).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let blocks = form.blocks
    if !isNoisy, form.rowCount / max(blocks.time, blocks.space) > 8 * kept.count {
      for inTime in [true, false] where (inTime ? blocks.time : blocks.space) > 1 {
        let (whole, pieces) = equations.reduce((0.0, 0.0)) { sums, recording in
          let parts = (0..<(inTime ? blocks.time : blocks.space)).map { piece in
            left(
              NormalEquations.sum(
                recording.blocks.indices.filter {
                  (inTime ? $0 / blocks.space : $0 % blocks.space) == piece
                }.map { recording.blocks[$0] }))
          }
          let norm = max(recording.total[target * size + target], 1e-300)
          return (
            sums.0 + left(recording.total) / norm, sums.1 + parts.reduce(0, +) / norm
          )
        }
        if pieces < 0.12 * whole {
          return .variesWithinRecording(channel: name, residual: residual)
        }
      }
    }
    return .incompleteLibrary(channel: name, residual: residual, noise: noise)
  }

  /// Terms of a support that trade against each other: the smallest eigenvalue of their correlation
  /// matrix is nothing beside what is left of noise.
  private func tradingTerms(
    _ form: WeakForm, _ equations: [NormalEquations], _ support: [Int]
  ) -> [Int]? {
    let (n, size) = (support.count, form.columnCount)
    guard n > 1 else { return nil }
    var found: [(ratio: Double, pair: [Int])] = []
    for recording in equations {
      let total = zip(recording.total, recording.noise).map { $0 + $1 }
      let scales = support.map { max(total[$0 * size + $0], 1e-300).squareRoot() }
      let matrix = (0..<n * n).map {
        recording.total[support[$0 / n] * size + support[$0 % n]] / scales[$0 / n] / scales[$0 % n]
      }
      let (values, vectors) = symmetricEigen(matrix, size: n)
      let share = support.map { recording.noise[$0 * size + $0] / total[$0 * size + $0] }.max() ?? 0
      let limit = max(1e-9, 2 * share / Double(form.rowCount).squareRoot())
      let order = (0..<n).sorted { abs(vectors[n - 1][$0]) > abs(vectors[n - 1][$1]) }
      found.append((values[n - 1] / limit, order.prefix(2).map { support[$0] }))
    }
    found.sort { $0.ratio < $1.ratio }
    let middle = found[found.count / 2]
    return middle.ratio < 1 ? middle.pair : nil
  }

  /// Frames that say nothing of the rate.
  ///
  /// Mean (Δ²u)² over mean (Δu)² along time is near 0 where frames are close, and 3 where they have
  /// nothing to do with each other. What is noise along space too, by (Δ⁴u)² / 70, is taken off both.
  private func refusalOfFrames() -> LawRefusal? {
    let (frames, points) = (recordings.frameCount, recordings.spaceShape.min() ?? 0)
    guard frames >= 24, points >= 24 else { return .tooSmall(frames: frames, points: points) }
    let cells = recordings.spaceShape.reduce(1, *)
    let length = recordings.spaceShape.last ?? 1
    for (channel, name) in original.channelNames.enumerated() {
      var (first, second, rough, square, count) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for index in sample.prefix(8) {
        unsafe recordings.withRecording(index) { numbers in
          // In bounds: channels · frames · cells numbers, and cells that have neighbours.
          let start = channel * frames * cells
          for frame in 1..<frames - 1 {
            for cell in stride(from: 2, to: cells, by: max(1, cells / 1024))
            where (2..<length - 2).contains(cell % length) {
              let place = start + frame * cells + cell
              func value(_ offset: Int) -> Double { unsafe Double(numbers[place + offset]) }
              let (a, b, c) = (value(-cells), value(0), value(cells))
              first += (b - a) * (b - a)
              second += (a - 2 * b + c) * (a - 2 * b + c)
              let bend = value(-2) - 4 * value(-1) + 6 * b - 4 * value(1) + value(2)
              rough += bend * bend / 70
              square += b * b
              count += 1
            }
          }
        }
      }
      if first <= 1e-10 * square { return .noRate(channel: name) }
      let noise = min(noise[channel] * noise[channel] * count, rough)
      let change = first - 2 * noise
      // What noise hides is not judged here.
      if change > 0.2 * first, second - 6 * noise > change {
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
          term: terms[at.term].formula(names),
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
    let widening = studentFactor(freedom: form.blockCount - 1)
    return (0..<recordings.count).map { index in
      LawRecording(
        recording: index, parameters: fit.parameters[index],
        errors: fit.errors[index].map { $0 * widening },
        residuals: fit.residuals[index].map { max(0, $0.left).squareRoot() },
        noise: fit.residuals[index].map { max(0, $0.noise).squareRoot() })
    }
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

func subscriptText(_ number: Int) -> String {
  String(String(number).compactMap { $0.wholeNumberValue.map { Array("₀₁₂₃₄₅₆₇₈₉")[$0] } })
}
