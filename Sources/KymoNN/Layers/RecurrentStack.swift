// LSTM (Hochreiter and Schmidhuber 1997, with forget gates) and GRU (Cho et al. 2014, in PyTorch's
// variant, where r multiplies U h + c), layer upon layer. Gates are stacked as in PyTorch: i, f, g,
// o and r, u, n. Vlachas et al. (2022) start from Xavier-uniform input weights, orthogonal hidden
// weights and biases of 0.001.
//
// Letters: B trajectories, T steps, D inputs, H units.
public import KymoNumerics
public import KymoTensor

/// Which recurrent cell.
public enum RecurrentCell: String, SettingChoice {
  /// Long short-term memory: four gates, state h and m.
  case lstm
  /// Gated recurrent unit: three gates, state h.
  case gru

  /// Number of gates, each with a weight row for every unit.
  public var gateCount: Int { self == .lstm ? 4 : 3 }
  /// Number of vectors that a layer remembers: h, and for LSTM m.
  public var memoryCount: Int { self == .lstm ? 2 : 1 }
}

/// Draws the masks of zoneout: units keep their old value where a mask is 0.
///
/// With probability `kept` an entry is 1 / `kept`, else 0; h ← mask (h_new − h) + h.
public struct Zoneout {
  /// Probability that a unit takes its new value.
  public var kept: Double
  private var stream: RandomStream

  /// Draws from `stream`.
  public init(kept: Double, using stream: RandomStream) {
    (self.kept, self.stream) = (kept, stream)
  }

  mutating func apply(_ new: Tensor, _ old: Tensor) -> Tensor {
    let shape = new.shape
    let mask = (0..<shape.reduce(1, *)).map { _ in
      stream.uniform() < kept ? Float(1 / kept) : 0
    }
    return Tensor(mask, shape: shape, device: new.device) * (new - old) + old
  }
}

/// Layers of recurrent cells, each of which feeds the next.
public struct RecurrentStack: Module {
  /// The parameters of one layer.
  public struct Layer {
    /// W, `[gates · H, inputs]`.
    public var inputWeight: Tensor
    /// U, `[gates · H, H]`.
    public var hiddenWeight: Tensor
    /// b, `[gates · H]`.
    public var inputBias: Tensor
    /// c, `[gates · H]`.
    public var hiddenBias: Tensor
  }

  /// Which cell.
  public let cell: RecurrentCell
  /// D.
  public let inputCount: Int
  /// H.
  public let unitCount: Int
  /// The layers, from the inputs upwards.
  public let layers: [Layer]

  /// Creates layers with random weights.
  public init(
    _ cell: RecurrentCell, inputCount: Int, unitCount: Int, layerCount: Int = 1,
    using stream: inout RandomStream, dtype: ScalarType = .float32, device: Device = .cpu
  ) {
    (self.cell, self.inputCount, self.unitCount) = (cell, inputCount, unitCount)
    let rows = cell.gateCount * unitCount
    var layers: [Layer] = []
    for index in 0..<layerCount {
      let inputWeight = InitialWeights.xavierUniform(
        [rows, index == 0 ? inputCount : unitCount], using: &stream, dtype: dtype, device: device)
      let hiddenWeight = InitialWeights.orthogonal(
        rows: rows, columns: unitCount, using: &stream, dtype: dtype, device: device)
      func bias() -> Tensor {
        InitialWeights.constant([rows], InitialWeights.smallBias, dtype: dtype, device: device)
      }
      layers.append(
        Layer(
          inputWeight: inputWeight, hiddenWeight: hiddenWeight, inputBias: bias(),
          hiddenBias: bias()))
    }
    self.layers = layers
  }

  /// PyTorch's names: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l1`,
  /// ….
  public func namedParameters() -> [NamedTensor] {
    layers.enumerated().flatMap { index, layer in
      [
        (name: "weight_ih_l\(index)", tensor: layer.inputWeight),
        (name: "weight_hh_l\(index)", tensor: layer.hiddenWeight),
        (name: "bias_ih_l\(index)", tensor: layer.inputBias),
        (name: "bias_hh_l\(index)", tensor: layer.hiddenBias),
      ]
    }
  }

  /// Shape of one trajectory's state, `[layers, 1 or 2, H]`: h, and for LSTM m, of every layer.
  public var stateShape: [Int] { [layers.count, cell.memoryCount, unitCount] }

  /// Zeros, `[B, layers, 1 or 2, H]`.
  public func initialState(batchCount: Int) -> Tensor {
    .zeros(
      [batchCount] + stateShape, dtype: layers[0].inputWeight.dtype,
      device: layers[0].inputWeight.device)
  }

  /// One step of all layers by tensor operations.
  ///
  /// - Parameters:
  ///   - input: `[B, D]`.
  ///   - state: `[B, layers, 1 or 2, H]`; afterwards that of the next step.
  ///   - zoneout: Draws masks in training; nil for none.
  /// - Returns: h of the last layer, `[B, H]`.
  public func step(_ input: Tensor, state: inout Tensor, zoneout: inout Zoneout?) -> Tensor {
    var below = input
    var next: [Tensor] = []
    for (index, layer) in layers.enumerated() {
      let old = state.selected(axis: 1, index: index)
      let oldHidden = old.selected(axis: 1, index: 0)
      let fromInput = Tensor.linear(below, layer.inputWeight, layer.inputBias)
      let fromHidden = Tensor.linear(oldHidden, layer.hiddenWeight, layer.hiddenBias)
      var memory: Tensor?
      switch cell {
      case .lstm:
        let sums = fromInput + fromHidden
        let oldMemory = old.selected(axis: 1, index: 1)
        let new =
          gate(1, sums).sigmoid() * oldMemory + gate(0, sums).sigmoid() * gate(2, sums).tanh()
        below = gate(3, sums).sigmoid() * new.tanh()
        memory = zoneout?.apply(new, oldMemory) ?? new
      case .gru:
        let reset = (gate(0, fromInput) + gate(0, fromHidden)).sigmoid()
        let update = (gate(1, fromInput) + gate(1, fromHidden)).sigmoid()
        let new = (gate(2, fromInput) + reset * gate(2, fromHidden)).tanh()
        below = new + update * (oldHidden - new)
      }
      below = zoneout?.apply(below, oldHidden) ?? below
      next.append(Tensor.stacked([below] + (memory.map { [$0] } ?? []), axis: 1))
    }
    state = Tensor.stacked(next, axis: 1)
    return below
  }

  /// The rows of one gate.
  private func gate(_ index: Int, _ sums: Tensor) -> Tensor {
    sums.sliced(axis: 1, from: index * unitCount, to: (index + 1) * unitCount)
  }
}
