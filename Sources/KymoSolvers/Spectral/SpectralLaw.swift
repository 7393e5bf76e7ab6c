// Equations of motion on periodic axes as a value: what ``LawStepper`` solves.
public import KymoNumerics

/// Equations of motion of some channels over one or two periodic axes.
public struct SpectralLaw: Sendable {
  /// A term of an equation.
  public struct Term: Sendable {
    /// The derivative of a product.
    public var term: LawTerm
    /// Its coefficient: one for all trajectories, or one for each.
    public var coefficients: [Double]

    /// Creates a term.
    public init(_ term: LawTerm, _ coefficients: [Double]) {
      (self.term, self.coefficients) = (term, coefficients)
    }
  }

  /// The terms of every channel's rate.
  public var equations: [[Term]]

  /// Creates a law, with one equation for each channel.
  public init(_ equations: [[Term]]) { self.equations = equations }

  /// Reads equations such as `["lap(u)": 0.16, "u*v^2": -1]`, one for each channel.
  ///
  /// - Parameters:
  ///   - equations: Coefficients by term; those of a trajectory, or those that all have in common.
  ///   - channels: Names of the channels, as terms write them.
  ///   - spaceRank: Number of space axes, 1 or 2.
  /// - Throws: `ConfigurationError` for a term that is none.
  public init(
    _ equations: [[String: Double]], channels: [String], spaceRank: Int
  ) throws(ConfigurationError) {
    try self.init(trajectories: [equations], channels: channels, spaceRank: spaceRank)
  }

  /// Reads the equations of every trajectory, which have the same terms.
  ///
  /// - Parameters:
  ///   - trajectories: For each trajectory, coefficients by term of every channel's equation.
  ///   - channels: Names of the channels, as terms write them.
  ///   - spaceRank: Number of space axes, 1 or 2.
  /// - Throws: `ConfigurationError` for a term that is none.
  public init(
    trajectories: [[[String: Double]]], channels: [String], spaceRank: Int
  ) throws(ConfigurationError) {
    equations = []
    for channel in channels.indices {
      var terms: [Term] = []
      for text in (trajectories.first?[channel] ?? [:]).keys.sorted() {
        let coefficients = trajectories.map { $0[channel][text] ?? 0 }
        terms.append(
          Term(try LawTerm(text, channels: channels, spaceRank: spaceRank), coefficients))
      }
      equations.append(terms)
    }
  }

  /// The highest degree of a product; a sine counts as a cubic one.
  var degree: Int {
    equations.joined().map { $0.term.degree + ($0.term.wave == nil ? 0 : 2) }.max() ?? 1
  }
}
