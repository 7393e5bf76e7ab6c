// Fields beside what was predicted of them: space–time pictures of fields in 1D, snapshots of
// fields in 2D.

/// Fields beside what was predicted of them.
public struct FieldComparison: Codable, Hashable, Sendable {
  /// One channel.
  public struct Channel: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What was recorded, `[time, x]` or `[time, x, y]`.
    public var truth: [Float]
    /// What was predicted, in the same order; nil for recordings alone.
    public var prediction: [Float]?
    /// Creates a channel.
    public init(_ name: String, truth: [Float], prediction: [Float]? = nil) {
      (self.name, self.truth, self.prediction) = (name, truth, prediction)
    }
  }

  /// Times of the frames.
  public var times: [Double]
  /// Positions along every axis of space: one in 1D, two in 2D.
  public var positions: [[Double]]
  /// The channels.
  public var channels: [Channel]
  /// What stands on the axes of time and space, with units; nil where no file names them.
  public var axisNames: [String]?
  /// Bodies in fields in 2D; nil for none.
  public var circles: [FieldCircle]?
  /// Last time that rollouts in training reached; nil where that means nothing.
  public var trainedTime: Double?

  /// Creates a comparison.
  public init(
    times: [Double], positions: [[Double]], channels: [Channel], trainedTime: Double? = nil,
    axisNames: [String]? = nil
  ) {
    (self.times, self.positions) = (times, positions)
    (self.channels, self.trainedTime, self.axisNames) = (channels, trainedTime, axisNames)
  }

  /// What stands on an axis: time is 0.
  package func axisName(_ axis: Int) -> String {
    if let axisNames, axisNames.indices.contains(axis) { return axisNames[axis] }
    return positions.count == 1
      ? ["time", "position"][axis] : ["time", "first axis", "second axis"][axis]
  }

  /// Values of one frame.
  package var cellCount: Int { positions.reduce(1) { $0 * $1.count } }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    if positions.count != 1 { try check.require(positions.count, 2, "positions") }
    let count = times.count * cellCount
    for (index, channel) in channels.enumerated() {
      try check.require(channel.truth.count, count, "channels.\(index).truth")
      try check.require(channel.prediction?.count ?? count, count, "channels.\(index).prediction")
    }
  }
}
