// The trainable part of a neural reduction: two maps between scaled fields and latents. Training
// alone, training together with a propagator, and inference all use this.
//
// Letters: B states, C channels, X space, L latents.
package import KymoNN
public import KymoNumerics
public import KymoTensor

/// An encoder and a decoder of tensors, on scaled fields.
///
/// The network is the owner of its weights; those who train it change them in place.
package protocol LatentNetwork: AnyObject, Module {
  /// Shape of one state, `[C, X…]`.
  var stateShape: [Int] { get }
  /// Number of latents, L.
  var latentCount: Int { get }
  /// Type of weights, fields and latents.
  var dtype: ScalarType { get }
  /// Where the weights are.
  var device: Device { get }
  /// What is saved with the weights but not trained, such as running statistics.
  var namedBuffers: [NamedTensor] { get }
  /// Whether layers that differ between training and use are in training; false at first.
  var isTraining: Bool { get set }

  /// The latents of scaled fields, `[B, C, X…]` to `[B, L]`, as part of the graph.
  func encode(_ states: Tensor) -> Tensor
  /// The scaled fields of latents, `[B, L]` to `[B, C, X…]`, as part of the graph.
  func decode(_ latents: Tensor) -> Tensor

  /// The latents of `count` scaled fields in host memory, outside the graph.
  func encode(host states: [Float], count: Int) -> [Float]
  /// The scaled fields of `count` latents in host memory, outside the graph.
  func decode(host latents: [Float], count: Int) -> [Float]
}

extension LatentNetwork {
  package var namedBuffers: [NamedTensor] { [] }
  package var dtype: ScalarType { parameters[0].dtype }
  package var device: Device { parameters[0].device }

  package func encode(host states: [Float], count: Int) -> [Float] {
    outsideGraph { self.encode($0) }(states, [count] + stateShape)
  }

  package func decode(host latents: [Float], count: Int) -> [Float] {
    outsideGraph { self.decode($0) }(latents, [count, latentCount])
  }

  /// Weights and buffers: all that a saved network needs.
  package var state: [NamedTensor] { namedParameters() + namedBuffers }

  /// A map of tensors as one of host memory, outside the graph.
  func outsideGraph(
    _ map: @escaping (Tensor) -> Tensor
  ) -> (_ values: [Float], _ shape: [Int]) -> [Float] {
    { [dtype, device] values, shape in
      withoutGradients { map(Tensor(values, shape: shape).cast(to: dtype).to(device)).floats }
    }
  }
}

/// Precision of a network's numbers.
public enum NetworkPrecision: String, SettingChoice {
  /// 32-bit numbers; the fused kernels need them.
  case single
  /// 64-bit numbers, several times slower.
  case double

  /// The type of tensors of this precision.
  public var scalarType: ScalarType { self == .single ? .float32 : .float64 }
}
