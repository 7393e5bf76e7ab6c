// Maps every channel of a field, or every latent, onto a common range, with numbers fitted on training
// data alone: min–max onto [0, 1] or [−1, 1], or zero mean and unit variance.
//
// Letters: B states, C channels (or latents), X (Y) space, absent for latents.
public import KymoNumerics

/// An affine map for each channel, `(x − offset) / scale`.
public struct ChannelScaler: Hashable, Codable, Sendable {
  /// What the map makes of the training data.
  public enum Kind: String, SettingChoice {
    /// Each channel fills [0, 1].
    case minMaxZeroOne
    /// Each channel fills [−1, 1].
    case minMaxMinusOneOne
    /// Each channel has mean 0 and variance 1.
    case standard
    /// Nothing changes.
    case none
  }

  /// What the map makes of the training data.
  public var kind: Kind
  /// What is subtracted from each channel.
  public var offset: [Double]
  /// What each channel is divided by, after the subtraction; never 0.
  public var scale: [Double]

  /// Creates a map of given numbers.
  public init(kind: Kind, offset: [Double], scale: [Double]) {
    precondition(offset.count == scale.count, "ChannelScaler: \(offset.count), \(scale.count)")
    (self.kind, self.offset, self.scale) = (kind, offset, scale)
  }

  /// Fits the map to states.
  ///
  /// - Parameters:
  ///   - kind: What the map shall make of them.
  ///   - states: `[B, C, X…]`.
  ///   - slack: Part of the range by which min and max are moved outwards at either end.
  public init(_ kind: Kind, fitting states: HostArray<Double>, slack: Double = 0) {
    let channels = states.shape[1]
    let cells = states.shape.dropFirst(2).reduce(1, *)
    var (offset, scale) = ([Double](), [Double]())
    for channel in 0..<channels {
      var (low, high, sum, squares) = (Double.infinity, -Double.infinity, 0.0, 0.0)
      for state in 0..<states.shape[0] {
        let first = (state * channels + channel) * cells
        for value in states.elements[first..<first + cells] {
          low = min(low, value)
          high = max(high, value)
          sum += value
          squares += value * value
        }
      }
      let count = Double(states.shape[0] * cells)
      let margin = slack * (high - low)
      (low, high) = (low - margin, high + margin)
      switch kind {
      case .minMaxZeroOne:
        offset.append(low)
        scale.append(high - low)
      case .minMaxMinusOneOne:
        offset.append((low + high) / 2)
        scale.append((high - low) / 2)
      case .standard:
        offset.append(sum / count)
        scale.append(max(0, squares / count - sum / count * (sum / count)).squareRoot())
      case .none:
        offset.append(0)
        scale.append(1)
      }
      // A constant channel stays constant.
      if !(scale[channel] > 0) { scale[channel] = 1 }
    }
    self.init(kind: kind, offset: offset, scale: scale)
  }

  /// Scaled states, `[B, C, X…]`.
  public func scale(_ states: HostArray<Double>) -> HostArray<Double> {
    map(states) { ($0 - $1) / $2 }
  }

  /// The inverse of ``scale(_:)``.
  public func unscale(_ states: HostArray<Double>) -> HostArray<Double> {
    map(states) { $0 * $2 + $1 }
  }

  /// Scales `[C, cells]` in place.
  func scale(_ values: UnsafeMutablePointer<Float>, cells: Int) {
    for channel in offset.indices {
      let (shift, factor) = (Float(offset[channel]), Float(1 / scale[channel]))
      // In bounds: the caller gives `cells` numbers for each channel.
      for index in channel * cells..<(channel + 1) * cells {
        unsafe values[index] = (values[index] - shift) * factor
      }
    }
  }

  /// Brings `[…, C, cells]` back to the units before, in place.
  public func unscale(_ states: inout HostArray<Float>, cells: Int) {
    for index in states.elements.indices {
      let channel = index / cells % offset.count
      states.elements[index] =
        states.elements[index] * Float(scale[channel]) + Float(offset[channel])
    }
  }

  private func map(
    _ states: HostArray<Double>, _ body: (Double, Double, Double) -> Double
  ) -> HostArray<Double> {
    precondition(
      states.shape.count >= 2 && states.shape[1] == offset.count,
      "ChannelScaler: \(states.shape) for \(offset.count) channels")
    var result = states
    let cells = states.shape.dropFirst(2).reduce(1, *)
    for index in result.elements.indices {
      let channel = index / cells % offset.count
      result.elements[index] = body(result.elements[index], offset[channel], scale[channel])
    }
    return result
  }
}
