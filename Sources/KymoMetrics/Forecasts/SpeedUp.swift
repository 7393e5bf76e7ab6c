// What a forecast costs and saves: Vlachas et al. (2022) count the latent step alone; a user also
// pays for encoding and decoding. With t_μ the solver's time for one Δt, t_m that of a latent step,
// t_enc and t_dec those of one encoding and one decoding:
//
//   latent steps alone      t_μ / t_m
//   with decoding           t_μ / (t_m + t_dec)
//   all                     H t_μ / (W (t_enc + t_m) + H (t_m + t_dec))    W warm-up, H forecast steps
//
// All times on one machine, with the solver's own time step beside them: a solver with a needlessly
// small time step makes any model look fast.

/// Wall-clock times of the parts of a forecast, in seconds for one trajectory.
public struct ForecastCost: Hashable, Codable, Sendable {
  /// The solver of the full dynamics, for one coarse step, t_μ.
  public var solver: Double
  /// One latent step, t_m.
  public var latentStep: Double
  /// Encoding one state, t_enc.
  public var encoding: Double
  /// Decoding one latent, t_dec.
  public var decoding: Double

  /// Creates the costs of one trajectory.
  public init(solver: Double, latentStep: Double, encoding: Double, decoding: Double) {
    (self.solver, self.latentStep, self.encoding, self.decoding) = (
      solver, latentStep, encoding, decoding
    )
  }

  /// Latent steps alone, as the paper counts.
  public var latentSpeedUp: Double { solver / latentStep }

  /// Latent steps with every frame decoded.
  public var decodedSpeedUp: Double { solver / (latentStep + decoding) }

  /// Everything: the warm-up is encoded, every forecast frame decoded.
  public func fullSpeedUp(warmUpSteps: Int, horizonSteps: Int) -> Double {
    let (warmUp, horizon) = (Double(warmUpSteps), Double(horizonSteps))
    return horizon * solver
      / (warmUp * (encoding + latentStep) + horizon * (latentStep + decoding))
  }
}
