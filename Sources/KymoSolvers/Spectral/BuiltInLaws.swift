// The laws of the built-in spectral systems, term by term. Their own solvers are kernels written for
// one law each; ``LawStepper`` solves all of these, and tests compare the two.
public import KymoNumerics

/// A system whose law is a few terms on periodic axes.
public protocol LawfulConfiguration: SimulationConfiguration {
  /// The law of a recording: coefficients by term of every channel's equation.
  ///
  /// - Parameter parameters: The hidden parameters, in the order of `parameterNames`.
  /// - Returns: One equation for each channel; terms call the channels u and v.
  func equations(_ parameters: [Double]) -> [[String: Double]]
}

extension LawfulConfiguration {
  /// The law of some recordings with these hidden parameters.
  ///
  /// - Parameter parameters: The hidden parameters of every recording.
  /// - Throws: `ConfigurationError` for a term that cannot be read.
  /// - Returns: The law, with one coefficient for each recording.
  public func law(_ parameters: [[Double]]) throws(ConfigurationError) -> SpectralLaw {
    try SpectralLaw(
      trajectories: parameters.map { equations($0) },
      channels: Array(["u", "v"].prefix(Self.channelNames.count)), spaceRank: grid.axes.count)
  }
}

extension KuramotoSivashinskyConfiguration: LawfulConfiguration {
  /// `uₜ = −uₓₓ − γ uₓₓₓₓ − ½ (u²)ₓ`.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    [["d2x(u)": -1, "d4x(u)": -parameters[0], "dx(u^2)": -0.5]]
  }
}

extension KuramotoSivashinskyAttractorConfiguration: LawfulConfiguration {
  /// `uₜ = −uₓₓ − uₓₓₓₓ − ½ (u²)ₓ`.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    [["d2x(u)": -1, "d4x(u)": -1, "dx(u^2)": -0.5]]
  }
}

extension BurgersConfiguration: LawfulConfiguration {
  /// `uₜ = ν uₓₓ − ½ (u²)ₓ`.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    [["d2x(u)": parameters[0], "dx(u^2)": -0.5]]
  }
}

extension NonlinearSchroedingerConfiguration: LawfulConfiguration {
  /// `iψₜ = −½ ψₓₓ + κ|ψ|²ψ` with ψ = u + iv.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    let coupling = parameters[0]
    return [
      ["d2x(v)": -0.5, "u^2*v": coupling, "v^3": coupling],
      ["d2x(u)": 0.5, "u^3": -coupling, "u*v^2": -coupling],
    ]
  }
}

extension FibreConfiguration: LawfulConfiguration {
  /// `A_z = −k₁ A_t − ½ i k₂ A_tt + iγ|A|²A` with A = u + iv; x is the time t, on a periodic axis.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    let (slowness, dispersion, strength) = (parameters[0], parameters[1], parameters[2])
    return [
      [
        "dx(u)": -slowness, "d2x(v)": 0.5 * dispersion, "u^2*v": -strength, "v^3": -strength,
      ],
      ["dx(v)": -slowness, "d2x(u)": -0.5 * dispersion, "u^3": strength, "u*v^2": strength],
    ]
  }
}

extension ConvectionDiffusionConfiguration: LawfulConfiguration {
  /// `uₜ = D ∇²u − v·∇u`.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    [["lap(u)": parameters[0], "dx(u)": -parameters[1], "dy(u)": -parameters[2]]]
  }
}

extension GrayScottConfiguration: LawfulConfiguration {
  /// `uₜ = D_u ∇²u − uv² + F(1 − u)`, `vₜ = D_v ∇²v + uv² − (F + k)v`.
  public func equations(_ parameters: [Double]) -> [[String: Double]] {
    let (feed, kill) = (parameters[0], parameters[1])
    return [
      ["lap(u)": diffusivityU, "u*v^2": -1, "1": feed, "u": -feed],
      ["lap(v)": diffusivityV, "u*v^2": 1, "v": -feed - kill],
    ]
  }
}
