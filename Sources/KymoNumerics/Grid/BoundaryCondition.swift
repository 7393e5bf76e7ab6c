// Boundary conditions: what physics says at an end of an axis. Two other things have names of their
// own: a halo is the cells around a block that are copied into it, ground truth is the recording.

/// What holds at one end of an axis of space.
public enum BoundaryCondition: String, Codable, Hashable, Sendable, CaseIterable {
  /// The last point is a neighbour of the first.
  case periodic
  /// A wall half a cell outside the outermost point, with prescribed values (Dirichlet).
  case wall = "dirichlet"
  /// Something enters, with prescribed values.
  case inflow
  /// What arrives leaves.
  case outflow
  /// Nothing is prescribed.
  case open
  /// Nobody said; treated as open.
  case unknown
}

extension Grid {
  /// What holds at the two ends of an axis.
  ///
  /// In files and in JSON one word, such as `periodic`, or two where the ends differ, such as
  /// `inflow outflow`.
  public struct Ends: Hashable, Sendable, RawRepresentable, Codable {
    /// At the first point.
    public var lower: BoundaryCondition
    /// At the last point.
    public var upper: BoundaryCondition

    /// Conditions that may differ.
    public init(_ lower: BoundaryCondition, _ upper: BoundaryCondition) {
      (self.lower, self.upper) = (lower, upper)
    }

    /// Reads one or two words; nil when one of them is no condition, or one end alone is periodic.
    public init?(rawValue: String) {
      let words = rawValue.split(separator: " ").map { BoundaryCondition(rawValue: String($0)) }
      guard (1...2).contains(words.count), let lower = words[0], let upper = words[words.count - 1],
        (lower == .periodic) == (upper == .periodic)
      else { return nil }
      self.init(lower, upper)
    }

    /// One word, or two where the ends differ.
    public var rawValue: String {
      lower == upper ? lower.rawValue : "\(lower.rawValue) \(upper.rawValue)"
    }

    /// The last point is a neighbour of the first.
    public static let periodic = Ends(.periodic, .periodic)
    /// Walls at both ends.
    public static let wall = Ends(.wall, .wall)
    /// Nothing is prescribed at either end.
    public static let open = Ends(.open, .open)
    /// Nobody said.
    public static let unknown = Ends(.unknown, .unknown)
  }
}
