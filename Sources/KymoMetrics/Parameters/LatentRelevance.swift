// Which latents carry a parameter: Lu, Kim and Soljacic, Phys. Rev. X 10, 031056 (2020), Figure 2.
// The paper judges by eye; the rule here puts numbers to it (the gap is more than two decades).
import KymoNumerics

/// When a latent counts as carrying a parameter.
public struct RelevanceRule: Hashable, Codable, Sendable {
  /// The variance of μ_z over recordings must exceed this; 1 is the spread of the prior.
  public var minimumVarianceOfMean = 0.1
  /// The mean of σ_z² must stay below this fraction of the value of a collapsed latent.
  public var maximumVarianceFraction = 0.25

  /// Creates the rule with its default bounds.
  public init() {}

  /// Whether a latent with these statistics carries a parameter.
  public func isRelevant(
    varianceOfMean: Double, meanVariance: Double, collapsedVariance: Double
  ) -> Bool {
    varianceOfMean > minimumVarianceOfMean
      && meanVariance < maximumVarianceFraction * collapsedVariance
  }
}

/// σ_z² of a latent that carries nothing, when the encoder sees more than its training crops.
///
/// Training brings such a latent to σ_z² = 1 on a training crop. Its local variance is then
/// `n / Π_a min(31, n_a)`, the number of positions over the number of independent ones; pooling
/// over another map multiplies this by the inverse factor of that map. On a lattice of stride `s`
/// the pooled positions are fewer and `31 / s` of them along an axis count as independent.
///
/// - Parameters:
///   - mapShape: Dense size of the encoder's output map on the evaluated recording, time included.
///   - stride: Stride of the lattice on which it is evaluated; 1 for every position.
///   - trainingMapShape: Dense size of the output map on a training crop.
///   - trainingStride: Stride of the lattice in training.
/// - Returns: The mean σ_z² that a collapsed latent shows.
///
/// **Good values.** 0.0376 for maps of 226 × 256 after training on 34 × 64 (Kuramoto–Sivashinsky).
public func collapsedVariance(
  mapShape: [Int], stride: Int = 1, trainingMapShape: [Int], trainingStride: Int = 1
) -> Double {
  1
    / independentFraction(of: trainingMapShape, stride: trainingStride)
    * independentFraction(of: mapShape, stride: stride)
}

/// Independent estimates among the pooled ones; the receptive field spans 31 cells along each axis.
private func independentFraction(of shape: [Int], stride: Int) -> Double {
  precondition(
    stride >= 1 && !shape.isEmpty && shape.allSatisfy { $0 >= 1 },
    "collapsedVariance: map \(shape), stride \(stride)")
  return shape.reduce(1) { fraction, length in
    let pooled = (length + stride - 1) / stride
    return fraction * (Double(min(31, length)) / Double(stride)) / Double(pooled)
  }
}

/// One latent over recordings, as in Figure 2 of the paper.
public struct LatentSummary: Codable, Hashable, Sendable {
  /// Variance of μ_z over recordings.
  public var varianceOfMean: Double
  /// Mean of σ_z² over recordings.
  public var meanVariance: Double
  /// Whether the latent carries a parameter.
  public var isRelevant: Bool

  /// Creates the summary of one latent.
  public init(varianceOfMean: Double, meanVariance: Double, isRelevant: Bool) {
    (self.varianceOfMean, self.meanVariance, self.isRelevant) =
      (varianceOfMean, meanVariance, isRelevant)
  }
}

/// Statistics of every latent over recordings, with the verdict of `rule`.
///
/// - Parameters:
///   - recordings: At least one, all with the same number of latents.
///   - collapsedVariance: σ_z² of a latent that carries nothing, on recordings of this size.
///   - rule: When a latent counts as carrying a parameter.
/// - Returns: One entry for each latent.
public func latentSummaries(
  of recordings: [ExtractedLatents], collapsedVariance: Double,
  rule: RelevanceRule = RelevanceRule()
) -> [LatentSummary] {
  precondition(!recordings.isEmpty, "latentSummaries: no recordings")
  return recordings[0].mean.indices.map { latent in
    let spread = Statistics.populationVariance(recordings.map { $0.mean[latent] })
    let noise = Statistics.mean(
      recordings.map { $0.standardDeviation[latent] * $0.standardDeviation[latent] })
    return LatentSummary(
      varianceOfMean: spread, meanVariance: noise,
      isRelevant: rule.isRelevant(
        varianceOfMean: spread, meanVariance: noise, collapsedVariance: collapsedVariance))
  }
}

extension [LatentSummary] {
  /// Positions of the latents that carry a parameter.
  public var relevant: [Int] { indices.filter { self[$0].isRelevant } }
}
