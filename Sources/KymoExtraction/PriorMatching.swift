// The distribution of a latent over all recordings, drawn to the prior N(0, 1) in its third and fourth
// moments.
//
// The divergence of the loss is taken recording by recording; the bound that it belongs to is tight when
// also the aggregate q(z) over recordings is the prior. For a nearly normal z of zero mean and unit
// variance (Edgeworth expansion, He the Hermite polynomials of probability theory)
//
//   KL(q ‖ N(0, 1)) ≈ h₃²/12 + h₄²/48,   h₃ = E[z³ − 3z],   h₄ = E[z⁴ − 6z² + 3].
//
// One batch knows these moments too badly to be squared, so h is a running average, and the batch gives
// its gradient: h₃/6 · h₃(batch) + h₄/24 · h₄(batch). With z = μ + σε the means over ε are exact:
// E[z³] = μ³ + 3μσ², E[z⁴] = μ⁴ + 6μ²σ² + 3σ⁴.
import KymoTensor

/// Running third and fourth Hermite moments of every latent, and the loss that draws them to zero.
final class PriorMatching {
  private let third: Tensor
  private let fourth: Tensor
  /// Batches that the running averages span, about.
  private static let span = 50.0
  /// The expansion holds for small moments; parameters that are far from normal, such as those of two
  /// kinds of recordings, pull with this much at most.
  private static let bound = 0.5

  init(latents: Int, device: Device) {
    third = Tensor.zeros([latents], device: device)
    fourth = Tensor.zeros([latents], device: device)
  }

  /// What a continued training needs.
  var state: [NamedTensor] { [("matching.third", third), ("matching.fourth", fourth)] }

  /// A scalar whose gradient is that of the divergence above, summed over latents.
  ///
  /// `mean` and `variance` are `[B, P]`.
  func loss(mean: Tensor, variance: Tensor) -> Tensor {
    let square = mean.square()
    let third = (mean * (square + variance * 3 - 3)).mean(axes: [0])
    let fourth =
      (square * (square + variance * 6 - 6) + variance * (variance * 3 - 6) + 3).mean(axes: [0])
    withoutGradients {
      for (running, batch) in [(self.third, third), (self.fourth, fourth)] {
        running.mulInPlace(1 - 1 / Self.span)
        running.addInPlace(batch.detached(), scale: 1 / Self.span)
      }
    }
    return (self.third.clamp(low: -Self.bound, high: Self.bound) * third).sum() * (1.0 / 6)
      + (self.fourth.clamp(low: -Self.bound, high: Self.bound) * fourth).sum() * (1.0 / 24)
  }
}
