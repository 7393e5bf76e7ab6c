// What the trainer of propagators needs of a network: predictions of a window as part of the graph.
// A network with memory carries a state from window to window; one without has an empty one.
//
// Letters: B trajectories, K given inputs, L latents.
package import KymoData
package import KymoNN
package import KymoTensor

/// A network that predicts scaled latents from those before.
package protocol PropagatingNetwork: Module {
  /// The state before anything was seen.
  func initialState(batchCount: Int) -> Tensor
  /// The prediction after each of `[B, K, L]`, as part of the graph.
  func predictions(
    _ inputs: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor
  /// How badly the latents that follow are predicted after each of `[B, K, L]`, `[B, K]`, as part of
  /// the graph.
  func errors(
    _ inputs: Tensor, targets: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor
}

extension PropagatingNetwork {
  /// The mean squared error of the predictions.
  package func errors(
    _ inputs: Tensor, targets: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    (predictions(inputs, state: &state, own: own, zoneout: zoneout) - targets).square()
      .mean(axes: [2])
  }
}

extension RecurrentNetwork: PropagatingNetwork {
  /// The prediction after each of `[B, K, L]`, as part of the graph.
  package func predictions(
    _ inputs: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    predictions(inputs, state: &state, stepCount: nil, own: own, zoneout: zoneout)
  }
}

extension DenseStack: PropagatingNetwork {
  /// Nothing, `[B, 0]`.
  package func initialState(batchCount: Int) -> Tensor { .zeros([batchCount, 0]) }

  /// The prediction after each of `[B, K, L]`, as part of the graph; all at once where every input
  /// is given.
  package func predictions(
    _ inputs: Tensor, state: inout Tensor, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    let (batch, known) = (inputs.shape[0], inputs.shape[1])
    guard let own else {
      return self(inputs.reshaped([batch * known, inputCount])).reshaped(inputs.shape)
    }
    var results: [Tensor] = []
    for step in 0..<known {
      var input = inputs.selected(axis: 1, index: step)
      if let last = results.last {
        let marks = (0..<batch).map { own.flags[$0 * known + step] }
        input = Tensor.where(
          Tensor(booleans: marks, shape: [batch, 1], device: inputs.device),
          own.passesGradient ? last : last.detached(), input)
      }
      results.append(self(input))
    }
    return Tensor.stacked(results, axis: 1)
  }
}

extension PropagatorArchitecture {
  /// A network with random weights.
  package func network(
    latentCount: Int, seed: UInt64, device: Device, path: ComputePath? = nil
  ) -> any PropagatingNetwork {
    switch self {
    case .recurrent(let settings):
      RecurrentNetwork(settings, latentCount: latentCount, seed: seed, device: device, path: path)
    case .mlp(let settings):
      DenseStack(settings, latentCount: latentCount, seed: seed, device: device, path: path)
    case .mixture(let settings):
      MixtureRecurrentNetwork(settings, latentCount: latentCount, seed: seed, device: device)
    }
  }

  /// The network as a propagator; it must be of this architecture.
  package func propagator(
    _ network: any PropagatingNetwork, scaler: ChannelScaler
  ) -> any Propagator {
    switch (self, network) {
    case (.recurrent(let settings), let network as RecurrentNetwork):
      return RecurrentPropagator(configuration: settings, scaler: scaler, network: network)
    case (.mlp(let settings), let network as DenseStack):
      return MLPPropagator(configuration: settings, scaler: scaler, network: network)
    case (.mixture(let settings), let network as MixtureRecurrentNetwork):
      return MixtureRecurrentPropagator(
        configuration: settings, scaler: scaler, network: network)
    default: preconditionFailure("PropagatorArchitecture: a network of another architecture")
    }
  }
}
