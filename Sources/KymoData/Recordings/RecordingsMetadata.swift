// What a data set says about its recordings beside the numbers.
public import KymoNumerics

/// Names, scales and origin of the recordings in a data set.
public struct RecordingsMetadata: Codable, Hashable, Sendable {
  /// The system that made the recordings, such as "kuramoto-sivashinsky"; empty when unknown.
  public var systemName = ""
  /// Names of the columns of `params`.
  public var parameterNames: [String] = []
  /// Units of the columns of `params`; empty when nondimensional.
  public var parameterUnits: [String] = []
  /// Names of the columns of `observables`.
  public var observableNames: [String] = []
  /// Names of the channels.
  public var channelNames: [String] = []
  /// Units of the channels; empty when nondimensional.
  public var channelUnits: [String] = []
  /// Names of the axis that is propagated along and of the space axes.
  public var axisNames: [String] = []
  /// Units of those axes; empty when nondimensional.
  public var axisUnits: [String] = []
  /// Time between frames, in the first axis unit.
  public var frameInterval: Double?
  /// The date of the first frame and NumPy's type of the dates, where the file has dates; times are
  /// seconds since then.
  public var firstDate: String?
  /// Length of every space axis, in its unit, as ``Grid`` counts it.
  public var extents: [Double]?
  /// What holds at the ends of every space axis.
  public var boundary: [Grid.Ends] = []
  /// What one state is.
  public var stateKind = StateKind.field
  /// How the data were made, as JSON; empty when unknown.
  public var provenance = ""

  /// Creates metadata that say nothing.
  public init() {}

  /// Takes lengths and ends of space from a grid.
  public mutating func describe(_ grid: Grid) { (extents, boundary) = (grid.extents, grid.ends) }
}

extension RecordingsMetadata {
  /// Names and kinds for everything that has none yet: u, v, …; t, x, y; θ₁ as "theta1".
  func completed(channelCount: Int, spaceRank: Int, parameterCount: Int) -> RecordingsMetadata {
    var result = self
    func fill(_ list: inout [String], _ names: [String]) {
      if list.count < names.count { list += names[list.count...] }
    }
    fill(
      &result.channelNames,
      (0..<channelCount).map { Self.usualChannelName($0, of: channelCount) })
    let space = stateKind == .particles ? ["particle"] : ["x", "y"]
    fill(&result.axisNames, (["t"] + space).prefix(1 + spaceRank).map { $0 })
    fill(&result.parameterNames, (0..<parameterCount).map { "theta\($0 + 1)" })
    while result.boundary.count < spaceRank { result.boundary.append(.unknown) }
    return result
  }

  /// The name of a channel that has none.
  static func usualChannelName(_ index: Int, of count: Int) -> String {
    count <= 3 ? ["u", "v", "w"][index] : "u\(index + 1)"
  }
}
