// How certain the number of hidden parameters is: whether each latent lies clearly on one side of
// the rule of relevance, and whether a relevant latent is a function of others, or of what
// recordings conserve.
import KymoNumerics

/// Whether the number of relevant latents is the number of hidden parameters, as far as one
/// training shows.
public struct RelevanceCertainty: Hashable, Sendable {
  /// Latents whose statistics lie near a bound of the rule: another training may judge them
  /// otherwise.
  public var doubtful: [Int]
  /// Relevant latents that are smooth functions of other relevant ones, so that they count no
  /// further parameter; with R² of that relation.
  public var repeated: [Repetition]
  /// Relevant latents that are functions of what every recording conserves, such as the mean of its
  /// field: they need not stand for a parameter of the equations.
  public var conserved: [Conserved]
  /// The smallest ratio of the variance of μ_z to the mean σ_z² among the relevant latents; nil
  /// when none is.
  public var weakestSignal: Double?

  /// A latent that follows from others.
  public struct Repetition: Hashable, Sendable {
    /// The latent.
    public var latent: Int
    /// R² of a polynomial in the other relevant latents.
    public var rSquared: Double
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

  /// Whether none of the above casts doubt on the number.
  public var isClear: Bool { doubtful.isEmpty && repeated.isEmpty && conserved.isEmpty }
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
  /// A polynomial of other latents, or of a conserved mean, that explains this much makes a latent
  /// a repetition.
  private static let repetitionRSquared = 0.9

  /// How certain the number of relevant latents is.
  ///
  /// - Parameters:
  ///   - latents: Statistics of every latent.
  ///   - recordings: The latents of every recording.
  ///   - collapsedVariance: σ_z² of a latent that carries nothing.
  ///   - conservedMeans: What every recording keeps, one value for each recording.
  ///   - rule: The rule by which latents were judged.
  public init(
    of latents: [LatentSummary], _ recordings: [ExtractedLatents], collapsedVariance: Double,
    conservedMeans: [ConservedMean] = [], rule: RelevanceRule = RelevanceRule()
  ) {
    doubtful = latents.indices.filter { index in
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
    weakestSignal = latents.relevant.map {
      latents[$0].varianceOfMean / max(latents[$0].meanVariance, .leastNormalMagnitude)
    }.min()
    repeated = Self.repetitions(latents, recordings)
    conserved = latents.relevant.compactMap { latent in
      Self.conserved(latent, recordings, conservedMeans)
    }
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

  /// Relevant latents that follow from the others, the noisiest tried first; what is found to
  /// follow is left out when the next is tried, so that of two equal latents one remains.
  private static func repetitions(
    _ latents: [LatentSummary], _ recordings: [ExtractedLatents]
  ) -> [Repetition] {
    var kept = latents.relevant.sorted { latents[$0].meanVariance < latents[$1].meanVariance }
    var found: [Repetition] = []
    for latent in kept.reversed() {
      let others = kept.filter { $0 != latent }
      // A polynomial with as many terms as there are recordings explains everything.
      let fit = PolynomialFit(
        others.map { other in recordings.map { $0.mean[other] } },
        target: recordings.map { $0.mean[latent] }, highestDegree: 3, valuesPerTerm: 5)
      guard let fit, fit.rSquared > repetitionRSquared else { continue }
      found.append(Repetition(latent: latent, rSquared: fit.rSquared))
      kept = others
    }
    return found.sorted { $0.latent < $1.latent }
  }
}
