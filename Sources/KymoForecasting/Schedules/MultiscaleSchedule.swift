// When the latent propagator runs and when the solver does. Vlachas et al., Nature Machine
// Intelligence 4, 359 (2022): a round is T_m of latent ("macro") steps, then T_μ of the solver.
public import KymoNumerics

/// The alternation of latent steps and solver steps, counted in coarse steps.
public struct MultiscaleSchedule: Hashable, Codable, Sendable {
  /// Latent steps of a round, T_m / Δt; 0 is the solver alone.
  public var macroSteps: Int
  /// Coarse steps of the solver in a round, T_μ / Δt; 0 is Latent-LED.
  public var microSteps: Int

  /// Creates a schedule.
  public init(macroSteps: Int, microSteps: Int) {
    (self.macroSteps, self.microSteps) = (macroSteps, microSteps)
  }

  /// Latent steps only.
  public static let latent = MultiscaleSchedule(macroSteps: 1, microSteps: 0)
  /// The solver only.
  public static let solver = MultiscaleSchedule(macroSteps: 0, microSteps: 1)

  /// ρ = T_m / T_μ.
  public var ratio: Double { Double(macroSteps) / Double(microSteps) }

  /// Throws the first number that cannot work.
  public func validate(at path: String = "schedule") throws(ConfigurationError) {
    for (key, steps) in [("macroSteps", macroSteps), ("microSteps", microSteps)] {
      try require(
        steps, .atLeast(0), "\(path).\(key)", remedy: "It counts coarse steps of a round.")
    }
    try require(
      macroSteps + microSteps > 0, "\(path).macroSteps", found: 0,
      allowed: "above 0 when microSteps is 0",
      remedy: "A round needs latent steps, solver steps or both.")
  }
}
