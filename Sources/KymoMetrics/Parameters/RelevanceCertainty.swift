// How certain the number of hidden parameters is: whether each latent lies clearly on one side of
// the rule of relevance or has collapsed, whether a relevant latent is a function of others or of
// what recordings conserve, and whether predictions need it.
import KymoNumerics

/// Whether the number of relevant latents is the number of hidden parameters, as far as one
/// training shows.
public struct RelevanceCertainty: Hashable, Sendable {
  /// Latents whose statistics lie near a bound of the rule: another training may judge them
  /// otherwise.
  public var doubtful: [Int]
  /// Latents that are neither relevant nor collapsed: they vary, or are more or less certain than a
  /// latent that carries nothing.
  public var grey: [Int]
  /// Relevant latents that follow in good part from other relevant ones, so that they may count no
  /// further parameter; with R² of that relation on held-out recordings.
  public var repeated: [Repetition]
  /// Relevant latents that are functions of what every recording conserves, such as the mean of its
  /// field: they need not stand for a parameter of the equations.
  public var conserved: [Conserved]
  /// Relevant latents without which held-out recordings are predicted nearly as well.
  public var dispensable: [Dispensable]
  /// Tests that could not be made, in words.
  public var untested: [String]
  /// The numbers of parameters that the doubts leave; one number where there is none.
  public var possibleCount: ClosedRange<Int>
  /// The smallest ratio of the variance of μ_z to the mean σ_z² among the relevant latents; nil
  /// when none is.
  public var weakestSignal: Double?

  /// A latent that follows from others.
  public struct Repetition: Hashable, Sendable {
    /// The latent.
    public var latent: Int
    /// R² on held-out recordings of a prediction from the other relevant latents.
    public var rSquared: Double
    /// Whether next to nothing of its own is left.
    public var isCertain: Bool { rSquared > repetitionRSquared }
  }

  /// A latent that predictions hardly need.
  public struct Dispensable: Hashable, Sendable {
    /// The latent.
    public var latent: Int
    /// By what fraction held-out error grows without it.
    public var cost: Double
  }

  /// A latent that follows from the mean of a channel.
  public struct Conserved: Hashable, Sendable {
    /// The latent.
    public var latent: Int
    /// The channel's name.
    public var channel: String
    /// R² of a polynomial in the mean.
    public var rSquared: Double
  }

  /// Whether every test was made and none casts doubt on the number.
  public var isClear: Bool {
    doubtful.isEmpty && grey.isEmpty && repeated.isEmpty && conserved.isEmpty
      && dispensable.isEmpty && untested.isEmpty
  }
}

/// The mean over space of one channel, which every recording conserves.
public struct ConservedMean: Hashable, Sendable {
  /// The channel's name.
  public var channel: String
  /// The mean of every evaluated recording.
  public var values: [Double]
  /// Notes the means of a channel.
  public init(channel: String, values: [Double]) {
    (self.channel, self.values) = (channel, values)
  }
}

extension RelevanceCertainty {
  /// Var μ_z within this factor of the rule's bound is near it.
  private static let nearSpread = 3.0
  /// Mean σ_z² within this factor of the rule's bound is near it.
  private static let nearNoise = 2.0
  /// σ_z² of a collapsed latent is that of the theory within this factor: five per cent in the
  /// trainings of `docs/results`.
  private static let collapsedNoise = 1.25
  /// A function of other latents, or of a conserved mean, that explains this much makes a latent
  /// a repetition.
  fileprivate static let repetitionRSquared = 0.9
  /// One that explains this much casts doubt.
  ///
  /// Latents of independent parameters reach 0 on held-out
  /// recordings, with a scatter of 2/√n: 0.2 for 100.
  private static let relatedRSquared = 0.3
  /// A latent whose loss raises held-out error by less is hardly needed.
  ///
  /// The same recordings are
  /// predicted with and without it, so that a true parameter's effect stands out of their scatter.
  private static let littleCost = 0.05
  /// Recordings that show a relation.
  private static let mostRecordings = 1000

  /// How certain the number of relevant latents is.
  ///
  /// - Parameters:
  ///   - latents: Statistics of every latent.
  ///   - recordings: The latents of every recording.
  ///   - collapsedVariance: σ_z² of a latent that carries nothing.
  ///   - conservedMeans: What every recording keeps, one value for each recording.
  ///   - removalCosts: By what fraction held-out error grows without each relevant latent; empty
  ///     where nothing was predicted.
  ///   - rule: The rule by which latents were judged.
  public init(
    of latents: [LatentSummary], _ recordings: [ExtractedLatents], collapsedVariance: Double,
    conservedMeans: [ConservedMean] = [], removalCosts: [Int: Double] = [:],
    rule: RelevanceRule = RelevanceRule()
  ) {
    let doubtful = latents.indices.filter { index in
      let latent = latents[index]
      let noiseBound = rule.maximumVarianceFraction * collapsedVariance
      let spreadIsNear = Self.isNear(
        latent.varianceOfMean, rule.minimumVarianceOfMean, factor: Self.nearSpread)
      let noiseIsNear = Self.isNear(latent.meanVariance, noiseBound, factor: Self.nearNoise)
      // A latent that clearly fails one of the two conditions is clearly irrelevant.
      let spreadFails = latent.varianceOfMean < rule.minimumVarianceOfMean && !spreadIsNear
      let noiseFails = latent.meanVariance > noiseBound && !noiseIsNear
      return !spreadFails && !noiseFails && (spreadIsNear || noiseIsNear)
    }
    let relevant = latents.relevant
    grey = latents.indices.filter { index in
      let latent = latents[index]
      let hasCollapsed =
        latent.varianceOfMean < rule.minimumVarianceOfMean
        && Self.isNear(latent.meanVariance, collapsedVariance, factor: Self.collapsedNoise)
      return !latent.isRelevant && !hasCollapsed && !doubtful.contains(index)
    }
    weakestSignal = relevant.map {
      latents[$0].varianceOfMean / max(latents[$0].meanVariance, .leastNormalMagnitude)
    }.min()
    repeated = Self.repetitions(latents, Array(recordings.prefix(Self.mostRecordings)))
    conserved = relevant.compactMap { Self.conserved($0, recordings, conservedMeans) }
    dispensable = relevant.compactMap { latent in
      removalCosts[latent].flatMap {
        $0 < Self.littleCost ? Dispensable(latent: latent, cost: $0) : nil
      }
    }
    untested = []
    if relevant.count > 1, recordings.count < HeldOutPrediction.fewestRecordings {
      untested.append("whether latents follow from each other, on so few recordings")
    }
    if relevant.contains(where: { removalCosts[$0] == nil }) {
      untested.append("whether predictions need each latent, as nothing was rolled out")
    }
    let unsure = Set(
      doubtful + repeated.map(\.latent) + conserved.map(\.latent) + dispensable.map(\.latent))
    possibleCount =
      relevant.count(where: { !unsure.contains($0) })...relevant.count
      + (doubtful + grey).count { !latents[$0].isRelevant }
    self.doubtful = doubtful
  }

  private static func isNear(_ value: Double, _ bound: Double, factor: Double) -> Bool {
    value > bound / factor && value < bound * factor
  }

  /// The conserved mean that a latent follows best, if it follows one.
  private static func conserved(
    _ latent: Int, _ recordings: [ExtractedLatents], _ means: [ConservedMean]
  ) -> Conserved? {
    let values = recordings.map { $0.mean[latent] }
    let found = means.compactMap { mean -> Conserved? in
      guard mean.values.count == values.count else { return nil }
      let fit = PolynomialFit([mean.values], target: values, highestDegree: 3, valuesPerTerm: 5)
      guard let fit, fit.rSquared > repetitionRSquared else { return nil }
      return Conserved(latent: latent, channel: mean.channel, rSquared: fit.rSquared)
    }
    return found.max { $0.rSquared < $1.rSquared }
  }

  /// By what fraction the error of predictions grows without each relevant latent.
  ///
  /// Without a latent, each recording has the value that the other relevant ones predict for it, so
  /// that only what it says of its own is lost. The noisiest is tried first; what is hardly needed
  /// is left out when the next is tried, so that of two equal latents one remains.
  ///
  /// - Parameters:
  ///   - latents: Statistics of every latent.
  ///   - recordings: The latents of every recording.
  ///   - error: The error of predictions of recordings with these latents.
  /// - Returns: The fraction for each relevant latent.
  package static func removalCosts(
    _ latents: [LatentSummary], _ recordings: [ExtractedLatents],
    error: ([ExtractedLatents]) throws -> Double
  ) rethrows -> [Int: Double] {
    var costs: [Int: Double] = [:]
    guard !latents.relevant.isEmpty else { return costs }
    let recordings = Array(recordings.prefix(mostRecordings))
    let full = try error(recordings)
    try tryEachNoisiestFirst(latents) { latent, others in
      let prediction = HeldOutPrediction(
        of: recordings.map { $0.mean[latent] }, from: recordings.columns(of: others))
      let without = zip(recordings, prediction.values).map { recording, value in
        var recording = recording
        recording.mean[latent] = value
        return recording
      }
      let cost = try error(without) / full - 1
      costs[latent] = cost.isNaN ? .infinity : cost
      return cost < littleCost
    }
    return costs
  }

  /// Tries to do without every relevant latent, the noisiest first, with those that remain.
  private static func tryEachNoisiestFirst(
    _ latents: [LatentSummary], _ canDoWithout: (_ latent: Int, _ others: [Int]) throws -> Bool
  ) rethrows {
    var kept = latents.relevant.sorted { latents[$0].meanVariance < latents[$1].meanVariance }
    for latent in kept.reversed() {
      let others = kept.filter { $0 != latent }
      if try canDoWithout(latent, others) { kept = others }
    }
  }

  /// Relevant latents that follow from the others; of two equal latents one remains.
  private static func repetitions(
    _ latents: [LatentSummary], _ recordings: [ExtractedLatents]
  ) -> [Repetition] {
    var found: [Repetition] = []
    tryEachNoisiestFirst(latents) { latent, others in
      let prediction = HeldOutPrediction(
        of: recordings.map { $0.mean[latent] }, from: recordings.columns(of: others))
      guard prediction.rSquared > relatedRSquared else { return false }
      found.append(Repetition(latent: latent, rSquared: prediction.rSquared))
      return true
    }
    return found.sorted { $0.latent < $1.latent }
  }
}
