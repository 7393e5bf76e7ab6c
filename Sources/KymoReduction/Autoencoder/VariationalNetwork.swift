// Variational latents: two linear heads behind any encoder give mean and log-variance (Kingma and
// Welling 2014; β-VAE: Higgins et al. 2017). In use the latents are the means.
import KymoNN
import KymoNumerics
package import KymoTensor

/// A network whose encoder gives a normal distribution of latents.
package final class VariationalNetwork: LatentNetwork {
  private let base: any LatentNetwork
  private let meanHead: Linear
  private let varianceHead: Linear

  /// Puts heads with random weights behind a network's encoder.
  init(_ base: any LatentNetwork, using random: inout RandomStream) {
    self.base = base
    let count = base.latentCount
    func head(_ random: inout RandomStream) -> Linear {
      Linear(
        weight: InitialWeights.xavierUniform(
          [count, count], using: &random, dtype: base.dtype, device: base.device),
        bias: InitialWeights.constant(
          [count], InitialWeights.smallBias, dtype: base.dtype, device: base.device))
    }
    meanHead = head(&random)
    varianceHead = head(&random)
  }

  package var stateShape: [Int] { base.stateShape }
  package var latentCount: Int { base.latentCount }
  package var namedBuffers: [NamedTensor] { base.namedBuffers }
  package var isTraining: Bool {
    get { base.isTraining }
    set { base.isTraining = newValue }
  }

  /// Mean and log-variance of the latents of scaled fields, `[B, L]` each.
  package func distribution(_ states: Tensor) -> (mean: Tensor, logVariance: Tensor) {
    let features = base.encode(states)
    return (meanHead(features), varianceHead(features))
  }

  package func encode(_ states: Tensor) -> Tensor { meanHead(base.encode(states)) }
  package func decode(_ latents: Tensor) -> Tensor { base.decode(latents) }
  package func decode(host latents: [Float], count: Int) -> [Float] {
    base.decode(host: latents, count: count)
  }

  package func namedParameters() -> [NamedTensor] {
    base.namedParameters() + meanHead.namedParameters().prefixed("mean")
      + varianceHead.namedParameters().prefixed("logVariance")
  }

  /// −½ Σ (1 + log σ² − μ² − σ²) over latents, averaged over states: the KL divergence from the
  /// standard normal distribution, in nats.
  package static func klDivergence(mean: Tensor, logVariance: Tensor) -> Tensor {
    (mean.square() + logVariance.exp() - logVariance - 1).sum(axes: [1]).mean() * 0.5
  }
}
