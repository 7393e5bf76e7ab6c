// Maps every channel of a field, or every latent, onto a common range, with numbers fitted on
// training data alone: min–max onto [0, 1] or [−1, 1], or zero mean and unit variance.
//
// Letters: B states, C channels (or latents), X (Y) space, absent for latents.
package import Foundation
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
    var moments = [Moments](repeating: Moments(), count: states.shape[1])
    let cells = states.shape.dropFirst(2).reduce(1, *)
    for (index, value) in states.elements.enumerated() {
      moments[index / cells % moments.count].add(value)
    }
    self.init(kind, moments, slack: slack)
  }

  /// Fits the map to frames, in one pass over them.
  public init(_ kind: Kind, fitting frames: FrameSet, slack: Double = 0) {
    var moments = [Moments](repeating: Moments(), count: frames.recordings.channelCount)
    unsafe frames.forEachState { _, state in
      let cells = state.count / moments.count
      for channel in moments.indices {
        var own = moments[channel]
        for cell in channel * cells..<(channel + 1) * cells { unsafe own.add(Double(state[cell])) }
        moments[channel] = own
      }
    }
    self.init(kind, moments, slack: slack)
  }

  /// What is added up over the numbers of a channel.
  private struct Moments {
    var (low, high) = (Double.infinity, -Double.infinity)
    var (sum, squares, count) = (0.0, 0.0, 0.0)

    mutating func add(_ value: Double) {
      low = min(low, value)
      high = max(high, value)
      sum += value
      squares += value * value
      count += 1
    }
  }

  private init(_ kind: Kind, _ moments: [Moments], slack: Double) {
    var (offset, scale) = ([Double](), [Double]())
    for channel in moments {
      let margin = slack * (channel.high - channel.low)
      let (low, high) = (channel.low - margin, channel.high + margin)
      let mean = channel.sum / channel.count
      let (shift, width): (Double, Double) =
        switch kind {
        case .minMaxZeroOne: (low, high - low)
        case .minMaxMinusOneOne: ((low + high) / 2, (high - low) / 2)
        case .standard: (mean, max(0, channel.squares / channel.count - mean * mean).squareRoot())
        case .none: (0, 1)
        }
      offset.append(shift)
      // A constant channel stays constant.
      scale.append(width > 0 ? width : 1)
    }
    self.init(kind: kind, offset: offset, scale: scale)
  }

  /// Scaled states, `[B, C, X…]`.
  public func scale(_ states: HostArray<Double>) -> HostArray<Double> {
    map(states) { ($0 - $1) / $2 }
  }

  /// Throws unless it is a map of so many channels, as it may not be in an edited file.
  package func check(channels: Int, in folder: URL) throws(ModelDataError) {
    guard offset.count == channels, scale.count == channels, scale.allSatisfy({ $0 != 0 }) else {
      throw ModelDataError(
        folder.relativePath, found: "a scaler of \(offset.count) and \(scale.count) numbers",
        allowed: "\(channels) of each, none of them divided by 0",
        remedy: "The file is damaged: copy it again, or train again.")
    }
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
