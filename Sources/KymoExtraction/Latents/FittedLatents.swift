// The latents of training recordings as the decoder has them: the encoder's at first, then fitted,
// and put into coordinates in which the decoder's law is affine. The decoder is trained on them,
// and then the encoder.
import Foundation
import KymoData
import KymoMetrics
import KymoTensor

/// Estimates of every training recording's latents, and which latents carry something.
final class FittedLatents {
  /// Means and log-variances, `[N, P]` each.
  private let mean: Tensor
  private let logVariance: Tensor
  /// 1 for a latent that carries something, 0 for the others, `[P]`.
  private let carrying: Tensor
  private let recordings: Recordings
  private let model: ParameterVAE
  private let crops: Int
  /// As ``ParameterTrainingConfiguration/assimilatedFrames``.
  private let assimilatedFrames: Int
  /// Whether latents that share a parameter become one, and those that carry little nothing, which
  /// the encoder must learn.
  private let merges: Bool
  init(
    _ recordings: Recordings, model: ParameterVAE, crops: Int, assimilatedFrames: Int,
    merges: Bool
  ) {
    (self.recordings, self.model) = (recordings, model)
    (self.crops, self.assimilatedFrames, self.merges) = (crops, assimilatedFrames, merges)
    let latents = model.configuration.latents
    mean = Tensor.zeros([recordings.count, latents])
    logVariance = Tensor.zeros([recordings.count, latents])
    carrying = Tensor.zeros([latents])
  }

  /// What a continued training needs.
  var state: [NamedTensor] {
    [("fit.mean", mean), ("fit.logVariance", logVariance), ("fit.carrying", carrying)]
  }

  /// Positions of the latents that are fitted.
  var fitted: [Int] { carrying.floats.indices.filter { carrying.floats[$0] > 0 } }

  /// Recordings that tell which latents carry something: eight blocks of the reader, from all of a
  /// file that may be in the order of a parameter.
  static func sample(of count: Int) -> [Int] {
    let size = RecordingLatents.blockSize
    let blocks = (count + size - 1) / size
    let chosen = min(8, blocks)
    return (0..<chosen).flatMap { place in
      let first = place * blocks / chosen * size
      return Array(first..<min(first + size, count))
    }
  }

  /// Finds which latents carry something.
  func choose(from known: RecordingLatents) {
    let read = known.batch(Self.sample(of: recordings.count))
    let estimates = Self.estimates(read)
    let summaries = latentSummaries(
      of: estimates.map {
        .init(
          recording: 0, mean: $0.mean, standardDeviation: $0.standardDeviation, parameters: [])
      }, collapsedVariance: model.collapsedVariance(for: recordings))
    carrying.copy(from: summaries.map { $0.isRelevant ? 1 : 0 })
  }

  /// Fits recordings, from the encoder's estimates when they are given, else from what they had.
  ///
  /// - Returns: The mean squared errors that are left.
  func fit(_ range: Range<Int>, from known: RecordingLatents?) -> [Double] {
    let fitted = fitted
    var starts = Self.estimates(known?.batch(Array(range)) ?? batch(Array(range)))
    if merges { for row in starts.indices { collapse(&starts[row], except: fitted) } }
    let fits = zip(range, starts).map { index, start in
      model.fit(
        recordings, index, from: start, latents: fitted, crops: crops,
        assimilatedFrames: assimilatedFrames)
    }
    set(mean, range, fits.map(\.mean))
    set(
      logVariance, range,
      fits.map { fit in fit.standardDeviation.map { 2 * log(max($0, Self.leastDeviation)) } })
    return fits.map { $0.error ?? 0 }
  }

  /// Sets latents that carry nothing, or too little, to 0, so that the decoder does not use them:
  /// the encoder will not learn it.
  private func collapse(_ estimate: inout LatentEstimate, except fitted: [Int]) {
    let deviation = model.collapsedVariance(for: recordings).squareRoot()
    for latent in estimate.mean.indices where !fitted.contains(latent) && !fitted.isEmpty {
      (estimate.mean[latent], estimate.standardDeviation[latent]) = (0, deviation)
    }
  }

  /// So that no variance is zero.
  private static let leastDeviation = 1e-6

  /// Puts the fitted latents into coordinates in which the decoder's law is affine, no more of them
  /// than the law has parameters.
  func linearise(seed: UInt64) throws {
    guard let coordinates = ResponseCoordinates(model, recordings: recordings) else { return }
    let width = mean.shape[1]
    let values = mean.doubles
    let rows = (0..<recordings.count).map { Array(values[$0 * width..<($0 + 1) * width]) }
    let before = fitted
    let linearised = try coordinates.linearised(
      rows, fitted: before, merging: merges, seed: seed)
    // A latent that shared another's parameter carries nothing from now on: its mean is 0.
    set(mean, 0..<recordings.count, linearised.latents)
    let collapsed = log(model.collapsedVariance(for: recordings))
    for latent in before where !linearised.fitted.contains(latent) {
      logVariance.sliced(axis: 1, from: latent, to: latent + 1).fillInPlace(collapsed)
    }
    carrying.copy(from: (0..<width).map { linearised.fitted.contains($0) ? 1 : 0 })
  }

  /// The estimates of some recordings, in their order, `[B, P]` each.
  func batch(_ indices: [Int]) -> LatentDistribution {
    let rows = Tensor(doubles: indices.map(Double.init), shape: [indices.count]).cast(to: .int64)
    return LatentDistribution(
      mean: mean.indexSelected(0, rows).to(model.device),
      logVariance: logVariance.indexSelected(0, rows).to(model.device))
  }

  /// What the encoder is to lower: for latents that carry something the negative logarithm of its
  /// normal density of the fitted ones, whose own variance v widens it, and for the others the KL
  /// divergence from the prior,
  ///   ½ Σ_fitted [log σ² + ((μ − z)² + v)/σ²] + ½ Σ_others [μ² + σ² − log σ² − 1],
  /// mean over the batch; and, for reports, the mean squared difference Σ_fitted (μ − z)².
  func loss(
    of latents: LatentDistribution, recordings indices: [Int]
  ) -> (loss: Tensor, difference: Tensor) {
    let known = batch(indices)
    let precision = (-latents.logVariance).exp()
    let square = (latents.mean - known.mean).square()
    let density = latents.logVariance + (square + known.logVariance.exp()) * precision
    let divergence =
      latents.mean.square() + latents.logVariance.exp() - latents.logVariance - 1
    let carrying = carrying.to(model.device)
    let loss = (density * carrying + divergence * (1 - carrying)).sum(axes: [1]).mean() * 0.5
    // Where no latent was found to carry anything the loss is 0.
    return (
      fitted.isEmpty ? loss * 0 : loss, (square * carrying).detached().sum(axes: [1]).mean()
    )
  }

  private func set(_ tensor: Tensor, _ range: Range<Int>, _ rows: [[Double]]) {
    tensor.sliced(axis: 0, from: range.lowerBound, to: range.upperBound)
      .copyInPlace(
        from: Tensor(doubles: rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
          .cast(to: .float32))
  }

  private static func estimates(_ latents: LatentDistribution) -> [LatentEstimate] {
    let (means, variances) = (latents.mean.doubles, latents.logVariance.doubles)
    let (rows, width) = (latents.mean.shape[0], latents.mean.shape[1])
    return (0..<rows).map { row in
      let entries = row * width..<(row + 1) * width
      return LatentEstimate(
        mean: Array(means[entries]),
        standardDeviation: variances[entries].map { exp($0 / 2) })
    }
  }
}
