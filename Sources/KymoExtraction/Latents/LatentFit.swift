// Latents of a recording, fitted to the decoder: those whose rollouts follow the recording best.
//
// The encoder's means are the estimate of one network for all recordings. Their error is due to
// properties that the network confounds with a parameter. The decoder measures that error: with
// r(z) the difference of crops of the recording and its rollouts, and J = ∂(rollout)/∂z,
// Gauss–Newton steps
//   z ← z + H⁻¹ g,   H = Σ_c J_cᵀ J_c,   g = Σ_c J_cᵀ r_c   (c: crops)
// lead to the least squared error. J comes from differences, one more rollout for each latent, and
// is kept for all steps. Residuals within a crop are correlated, so the error bar treats crops as
// independent clusters (White, Econometrica 48, 1980; Liang and Zeger, Biometrika 73, 1986):
//   Cov z = C/(C − 1) · H⁻¹ (Σ_c g_c g_cᵀ) H⁻¹.
package import KymoData
import KymoNumerics
import KymoTensor

/// Latents of a recording with their standard deviations.
package struct LatentEstimate: Hashable, Sendable {
  /// Means, one for each latent.
  package var mean: [Double]
  /// Standard deviations.
  package var standardDeviation: [Double]
  /// Mean squared error of the rollouts that they were fitted on; nil for an estimate of the
  /// encoder.
  package var error: Double?

  /// Notes an estimate.
  package init(mean: [Double], standardDeviation: [Double], error: Double? = nil) {
    (self.mean, self.standardDeviation, self.error) = (mean, standardDeviation, error)
  }
}

extension ParameterVAE {
  /// Fits some latents of a recording to the decoder.
  ///
  /// - Parameters:
  ///   - recordings: Recordings of the model's kind.
  ///   - index: Which of them.
  ///   - start: Where to begin, such as the encoder's estimate; kept where no step lowers the
  ///     error.
  ///   - latents: Positions of the latents to fit; the others stay.
  ///   - crops: Number of crops, half of them at the first frame; at least 2.
  ///   - assimilatedFrames: Frames of a noisy recording that come before a rollout's start
  ///     (``Assimilation``); none for a recording that is too small.
  /// - Returns: The estimate.
  package func fit(
    _ recordings: Recordings, _ index: Int, from start: LatentEstimate, latents: [Int], crops: Int,
    assimilatedFrames: Int = 0
  ) -> LatentEstimate {
    guard !latents.isEmpty, crops >= 2 else { return start }
    return withoutGradients {
      let recordings = inModelUnits(recordings)
      guard
        let assimilation = Assimilation(
          frames: assimilatedFrames, halo: kernelNetwork.layout.halo),
        assimilation.fits(recordings)
      else {
        let truth = recordings.batch(fitPlaces(recordings, index, count: crops))
        return LatentFit(model: self, truth: truth, latents: latents).solve(from: start)
      }
      // What is assimilated follows the latents, so it is done again with better ones.
      let places = fitPlaces(recordings, index, count: crops, assimilation)
      let wide = recordings.batch(places)
      return (0..<2).reduce(start) { estimate, _ in
        let z = Tensor(
          (0..<crops).flatMap { _ in estimate.mean.map(Float.init) },
          shape: [crops, estimate.mean.count], device: device)
        let truth = assimilation.starts(
          wide, atFirstFrame: places.map { $0.timeOffset == 0 }, latents: z, model: self)
        return LatentFit(model: self, truth: truth, latents: latents).solve(from: estimate)
      }
    }
  }

  /// Crops as the training's targets, but of fixed places for every recording, so that a recording
  /// has the same latents in every file and order.
  private func fitPlaces(
    _ recordings: Recordings, _ index: Int, count: Int, _ assimilation: Assimilation? = nil
  ) -> [CropPlace] {
    let cells = field.spaceAxes == 1 ? 64 : 32
    let halo = 2 * kernelNetwork.layout.halo
    var size =
      [max(trainedFrames, 1) + 1] + recordings.spaceShape.map { _ in cells + halo }
    if let assimilation { size = assimilation.size(for: size) }
    let largest =
      [recordings.frameCount]
      + zip(recordings.spaceShape, recordings.boundary).map { $1 == .periodic ? .max : $0 }
    size = zip(size, largest).map { min($0, $1) }
    let sampler = CropSampler(recordings)
    var random = RandomStream(seed: 0, purpose: .evaluation, index: UInt64(index))
    return (0..<count).map { number in
      var place = sampler.draw(recording: index, size: size, using: &random)
      if number % 2 == 0 { place.timeOffset = 0 }
      return place
    }
  }
}

/// The least-squares problem of one recording.
private struct LatentFit {
  let model: ParameterVAE
  /// `[crops, C, frames, X…]`.
  let truth: Tensor
  let latents: [Int]
  /// What the rollouts are to give, `[crops, entries]`.
  private let target: Tensor
  private var crops: Int { truth.shape[0] }

  init(model: ParameterVAE, truth: Tensor, latents: [Int]) {
    (self.model, self.truth, self.latents) = (model, truth, latents)
    let target = PlainRollout.inner(
      truth.sliced(axis: 2, from: 1), cut: model.kernelNetwork.layout.halo, firstAxis: 3)
    self.target = target.contiguous().reshaped([truth.shape[0], -1]).to(model.device)
  }

  /// Distance of latents in differences: far above rounding, far below their spread of 1.
  private static let spacing = 0.02
  /// A step is no longer than the spread of the latents.
  private static let longest = 1.0
  /// Steps shorter than this end the fit.
  private static let negligible = 1e-3
  /// Steps at most: with the first one's J each is a tenth of the one before, or less.
  private static let steps = 3

  func solve(from start: LatentEstimate) -> LatentEstimate {
    let states = rollouts(
      [start.mean]
        + latents.map { latent in
          var moved = start.mean
          moved[latent] += Self.spacing
          return moved
        })
    var residual = target - states[0]
    // [latents, crops, entries]
    let jacobian = Tensor.stacked(states.dropFirst().map { ($0 - states[0]) / Self.spacing })
    let flat = jacobian.reshaped([latents.count, -1])
    let normal = flat.matmul(flat.transposed(0, 1)).doubles
    let rows = latents.indices.map { Array(normal[$0 * latents.count..<($0 + 1) * latents.count]) }

    var best = start
    var error = residual.square().mean().item
    best.error = error
    for _ in 0..<Self.steps {
      let gradient = flat.matmul(residual.reshaped([-1, 1])).doubles
      guard let step = solveLinearSystem(rows, gradient), step.allSatisfy(\.isFinite) else { break }
      if step.allSatisfy({ $0.magnitude < Self.negligible }) { break }
      var next = best.mean
      for (latent, change) in zip(latents, step) {
        next[latent] += min(max(change, -Self.longest), Self.longest)
      }
      let tried = target - rollouts([next])[0]
      let triedError = tried.square().mean().item
      guard triedError < error else { break }
      (best.mean, best.error, residual, error) = (next, triedError, tried, triedError)
    }
    setDeviations(of: &best, rows: rows, scores: (jacobian * residual).sum(axes: [2]).doubles)
    return best
  }

  /// Rollouts under each of some latents, `[crops, entries]` each.
  private func rollouts(_ points: [[Double]]) -> [Tensor] {
    let z = Tensor(
      points.flatMap { point in (0..<crops).flatMap { _ in point.map(Float.init) } },
      shape: [points.count * crops, points[0].count], device: model.device)
    let repeated = Tensor.concatenated(points.map { _ in truth }, axis: 0).to(model.device)
    let states = model.rollout(
      latents: z, truth: repeated, steps: truth.shape[2] - 1, halo: .groundTruth
    ).reshaped([points.count, crops, -1])
    return points.indices.map { states.selected(axis: 0, index: $0) }
  }

  /// Sets the deviations of the fitted latents, given g_c of every latent and crop.
  private func setDeviations(of estimate: inout LatentEstimate, rows: [[Double]], scores: [Double])
  {
    let factor = Double(crops) / Double(crops - 1)
    for (place, latent) in latents.enumerated() {
      let unit = latents.indices.map { $0 == place ? 1.0 : 0 }
      guard let row = solveLinearSystem(rows, unit) else { continue }
      let square = (0..<crops).reduce(0) { sum, crop in
        let part = latents.indices.reduce(0) { $0 + row[$1] * scores[$1 * crops + crop] }
        return sum + part * part
      }
      let deviation = (factor * square).squareRoot()
      if deviation.isFinite { estimate.standardDeviation[latent] = deviation }
    }
  }
}
