// Finite differences for the nonlinear Schroedinger equation with the true coupling: one ETDRK4
// step from frame to frame on the mesh of the data, D₂ in place of the second derivative.
public import KymoNumerics

/// Second-order central differences and one ETDRK4 step a frame for nonlinear Schrödinger.
public struct NonlinearSchroedingerBaseline: FiniteDifferenceBaseline {
  /// Length of the periodic domain.
  public var length: Double
  /// Points of a frame; even, with no prime factor above 5.
  public var pointCount: Int
  /// Time between frames, which is the time step.
  public var frameInterval: Double

  /// Creates the baseline of periodic recordings on a uniform mesh.
  public init(_ grid: Grid, frameInterval: Double) throws(ConfigurationError) {
    var configuration = NonlinearSchroedingerConfiguration()
    (configuration.length, configuration.pointCount) = (grid.extents[0], grid.shape[0])
    configuration.frameInterval = frameInterval
    try configuration.validate()
    (length, pointCount) = (configuration.length, configuration.pointCount)
    self.frameInterval = frameInterval
  }

  /// Real and imaginary part.
  public var frameShape: [Int] { [2, pointCount] }

  /// Predicts up to `laneCount` recordings; the parameter is the true κ.
  public func run(
    _ fields: [[Float]], parameters: [[Float]], frameCount: Int,
    into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let starts = zip(fields, parameters).map { field, parameters in
      CubicStart(
        spectrum: CubicFlow.spectrum(
          real: field[..<pointCount].map(Double.init),
          imaginary: field[pointCount...].map(Double.init)),
        coupling: Double(parameters[0]))
    }
    return unsafe makeFlow().run(
      starts, frameCount: frameCount, into: recordings, stopsEarly: false)
  }

  private func makeFlow() -> CubicFlow {
    let spacing = length / Double(pointCount)
    return CubicFlow(
      internalPointCount: pointCount, pointCount: pointCount,
      frequencies: (0..<pointCount).map {
        0.5 * differenceSymbols(mode: $0, count: pointCount, spacing: spacing).second
      }, frameInterval: frameInterval, stepsPerFrame: 1)
  }
}
