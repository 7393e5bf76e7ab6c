// A recurrent network whose output layer gives a mixture of Gaussians of the next latents (MD-LSTM:
// Vlachas et al., J. Chem. Theory Comput. 18, 538 (2022), arXiv 2102.08810; after A. Graves,
// arXiv 1308.0850). Its loss is −log p(z_{t+1} | z_t, h_t).
//
// Letters: B trajectories, K given inputs, L latents.
public import KymoNN
public import KymoNumerics
package import KymoTensor

/// The settings of a propagator that draws the next latents.
///
/// **Good values.** One latent of a molecule: 20 units and three or four kernels.
public struct MixtureRecurrentConfiguration: Settings {
  /// Which cell.
  public var cell = RecurrentCell.lstm
  /// Units of a layer.
  public var unitCount = 20
  /// Recurrent layers.
  public var layerCount = 1
  /// Gaussians of the mixture.
  public var kernelCount = 4

  /// Creates the default settings.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "mixture") throws(ConfigurationError) {
    for (name, value, usual) in [
      ("unitCount", unitCount, 20), ("layerCount", layerCount, 1), ("kernelCount", kernelCount, 4),
    ] {
      try require(value, .atLeast(1), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
  }
}

/// Recurrent layers with an output layer that gives mixtures of the next latents.
package struct MixtureRecurrentNetwork: PropagatingNetwork {
  private let stack: RecurrentStack
  private let output: Linear
  private let kernelCount: Int

  /// A network with random weights.
  package init(
    _ configuration: MixtureRecurrentConfiguration, latentCount: Int, seed: UInt64,
    device: Device = .cpu
  ) {
    var random = RandomStream(seed: seed, purpose: .weights)
    kernelCount = configuration.kernelCount
    stack = RecurrentStack(
      configuration.cell, inputCount: latentCount, unitCount: configuration.unitCount,
      layerCount: configuration.layerCount, using: &random, device: device)
    let width = GaussianMixture.parameterCount(kernels: kernelCount, dimensions: latentCount)
    output = Linear(
      weight: InitialWeights.xavierUniform(
        [width, configuration.unitCount], using: &random, device: device),
      bias: InitialWeights.constant([width], InitialWeights.smallBias, device: device))
  }

  package var latentCount: Int { stack.inputCount }

  package func namedParameters() -> [NamedTensor] {
    stack.namedParameters().prefixed("rnn") + output.namedParameters().prefixed("output")
  }

  package func initialState(batchCount: Int) -> Tensor {
    stack.initialState(batchCount: batchCount)
  }

  /// The mixture after one input, `[B, L]`.
  package func mixture(_ input: Tensor, state: inout Tensor) -> GaussianMixture {
    var none: Zoneout?
    let hidden = stack.step(input, state: &state, zoneout: &none)
    return GaussianMixture(output(hidden), kernels: kernelCount, dimensions: latentCount)
  }

  /// The mixtures after each of `[B, K, L]`, B · K of them.
  private func mixtures(_ inputs: Tensor, state: inout Tensor) -> GaussianMixture {
    var none: Zoneout?
    var present = state.detached()
    let hidden = (0..<inputs.shape[1]).map { step in
      stack.step(inputs.selected(axis: 1, index: step), state: &present, zoneout: &none)
    }
    state = present.detached()
    let all = Tensor.stacked(hidden, axis: 1)
    return GaussianMixture(
      output(all.reshaped([-1, stack.unitCount])), kernels: kernelCount, dimensions: latentCount)
  }

  /// The means of the mixtures, `[B, K, L]`.
  package func predictions(
    _ inputs: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    precondition(own == nil && zoneout == nil, "MixtureRecurrentNetwork: inputs are given")
    return mixtures(inputs, state: &state).mean.reshaped(inputs.shape)
  }

  /// −log p of the latents that follow each input, `[B, K]`.
  package func errors(
    _ inputs: Tensor, targets: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    precondition(own == nil && zoneout == nil, "MixtureRecurrentNetwork: inputs are given")
    let points = targets.reshaped([-1, 1, latentCount])
    return -mixtures(inputs, state: &state).logDensity(at: points)
      .reshaped([inputs.shape[0], inputs.shape[1]])
  }
}
