// When the latent propagator runs and when the solver does. Vlachas et al., Nature Machine
// Intelligence 4, 359 (2022): a round is T_m of latent ("macro") steps, then T_μ of the solver.

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

  /// ρ = T_m / T_μ.
  public var ratio: Double { Double(macroSteps) / Double(microSteps) }
}
