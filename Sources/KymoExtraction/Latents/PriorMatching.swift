// The distribution of latents over all recordings, drawn to the prior N(0, 1) in its third and
// fourth moments.
//
// The KL divergence of the loss is taken recording by recording; the bound that it belongs to is
// tight when also the aggregate q(z) over recordings is the prior. For nearly normal z of zero mean
// and unit variance (Edgeworth expansion, He the Hermite polynomials of probability theory)
//
//   KL(q ‖ N(0, 1)) ≈ Σ over i, j, k of h_ijk²/12 + Σ over i of h_iiii²/48,
//   h_ijk = E[z_i z_j z_k − z_i δ_jk − z_j δ_ik − z_k δ_ij],   h_iiii = E[z_i⁴ − 6z_i² + 3];
//
// of the fourth moments only those of single latents are taken, and the third ones of several have
// a weight of their own. What these forbid is a latent that contains the square of another, z_j = a
// + b z_i².
//
// One batch knows these moments too badly to be squared, so h is a running average, and the batch
// gives its gradient: h₃/6 · h₃(batch) + h₄/24 · h₄(batch). With z = μ + σε the means over ε are
// exact: E[z_i z_j z_k] = μ_i μ_j μ_k + σ_i² (μ_k δ_ij + μ_j δ_ik) + σ_j² μ_i δ_jk, E[z⁴] = μ⁴ +
// 6μ²σ² + 3σ⁴.
//
// Letters: B recordings, P latents.
import KymoTensor

/// Running third and fourth Hermite moments of latents, and the loss that draws them to zero.
final class PriorMatching {
  private let third: Tensor
  private let fourth: Tensor
  private let identity: Tensor
  /// 1 where three indices are the same, 0 elsewhere.
  private let own: Tensor
  /// Batches that the running averages span, about.
  private static let span = 50.0
  /// The expansion holds for small moments; parameters that are far from normal, such as those of
  /// two kinds of recordings, pull with this much at most.
  private static let bound = 0.5

  init(latents: Int, device: Device) {
    third = Tensor.zeros([latents, latents, latents], device: device)
    fourth = Tensor.zeros([latents], device: device)
    identity = Tensor(
      (0..<latents * latents).map { $0 % (latents + 1) == 0 ? 1 : 0 as Float },
      shape: [latents, latents], device: device)
    own = identity.unsqueezed(2) * identity.unsqueezed(0)
  }

  /// What a continued training needs.
  var state: [NamedTensor] { [("matching.third", third), ("matching.fourth", fourth)] }

  /// A scalar whose gradient is that of the divergence above, summed over latents.
  ///
  /// - Parameters:
  ///   - mean: μ, `[B, P]`.
  ///   - variance: σ², `[B, P]`.
  ///   - mixed: Weight of the third moments of several latents; those of single ones have 1.
  /// - Returns: The loss.
  func loss(mean: Tensor, variance: Tensor, mixed: Double) -> Tensor {
    let square = mean.square()
    // Three μ, with E[z_i z_j] − δ_ij on the diagonals that two of them share.
    let (batch, latents) = (mean.shape[0], mean.shape[1])
    let excess = (variance - 1).unsqueezed(1) * identity
    func along(_ axis: Int) -> Tensor {
      var shape = [batch, 1, 1, 1]
      shape[axis] = latents
      return mean.reshaped(shape)
    }
    let products = along(1) * along(2) * along(3)
    let shared = [1, 2, 3].map { along($0) * excess.unsqueezed($0) }
    let third = (products + shared[0] + shared[1] + shared[2]).mean(axes: [0])
    let fourth =
      (square * (square + variance * 6 - 6) + variance * (variance * 3 - 6) + 3).mean(axes: [0])
    withoutGradients {
      for (running, batch) in [(self.third, third), (self.fourth, fourth)] {
        running.mulInPlace(1 - 1 / Self.span)
        running.addInPlace(batch.detached(), scale: 1 / Self.span)
      }
    }
    let weights = own * (1 - mixed) + mixed
    return (self.third.clamp(low: -Self.bound, high: Self.bound) * third * weights).sum()
      * (1.0 / 6)
      + (self.fourth.clamp(low: -Self.bound, high: Self.bound) * fourth).sum() * (1.0 / 24)
  }
}
