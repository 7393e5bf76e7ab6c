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
  let recordings: Recordings
  let original: Recordings
  let settings: DiscoverySettings
  let library: [LawTerm]
  let noise: [Double]
  let scales: [Double]
  /// The recordings on which the terms are chosen, spread evenly over all.
  let sample: [Int]
  /// Number of equations: channels of the file.
  var targets: Int { original.channelCount }
  /// Squared residual of a complete law, over the square of the rate.
  let tolerance: Double
  /// Names as they stand in terms, without white space.
  let names: [String]

  /// How many recordings the terms are chosen on at most.
  static let sampleSize = 48
  /// Noise below this part of a channel's deviation is not corrected for.
  static let notableNoise = 1e-3
  /// Parts of noise's scatter that are put back in a search.
  static let ridges = [2.0, 0.5, 8]
  /// How many terms a forward search takes.
  static let forwardCount = 9
  /// How many terms explain pieces of a recording at most.
  static let piecewiseTerms = 4
  /// How often noise is drawn.
  static let draws = 2

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

  var isNoisy: Bool { noise.contains { $0 > 0 } }

  /// Finds the law, or says why there is none.
  ///
  /// Where the library leaves too much, derivatives to order 6 are tried in one dimension, and in
  /// two the velocity of a flow whose vorticity is the only channel.
  ///
  /// - Parameter progress: Is told what is done.
  /// - Returns: The law, with a refusal when none is claimed.
  public func run(progress: (String) -> Void = { _ in }) -> Law {
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
  private func attempt(_ progress: (String) -> Void) -> Law {
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
}
