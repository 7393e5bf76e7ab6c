// Finite differences for Kuramoto-Sivashinsky with the true damping: one ETDRK4 step from frame to
// frame on the mesh of the data, the symbols of central differences in place of those of
// derivatives.
public import KymoNumerics

/// Second-order central differences and one ETDRK4 step a frame for Kuramoto–Sivashinsky.
public struct KuramotoSivashinskyBaseline: FiniteDifferenceBaseline {
  /// Length of the periodic domain.
  public var length: Double
  /// Points of a frame; even, with no prime factor above 5.
  public var pointCount: Int
  /// Time between frames, which is the time step.
  public var frameInterval: Double
  /// The way in which `u uₓ` is differenced; the published curve is that of the advective form.
  public var form: QuadraticForm

  /// Creates the baseline of periodic recordings on a uniform mesh.
  public init(
    _ grid: Grid, frameInterval: Double, form: QuadraticForm = .advective
  ) throws(ConfigurationError) {
    var configuration = KuramotoSivashinskyConfiguration()
    (configuration.length, configuration.pointCount) = (grid.extents[0], grid.shape[0])
    configuration.frameInterval = frameInterval
    try configuration.validate()
    (length, pointCount) = (configuration.length, configuration.pointCount)
    (self.frameInterval, self.form) = (frameInterval, form)
  }

  /// One channel.
  public var frameShape: [Int] { [1, pointCount] }

  /// Predicts up to `laneCount` recordings; the parameter is the true γ.
  public func run(
    _ fields: [[Float]], parameters: [[Float]], frameCount: Int,
    into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let starts = zip(fields, parameters).map { field, parameters in
      FlowStart(
        spectrum: SpectralFlow.spectrum(of: field.map(Double.init)),
        linear: linearSymbol(damping: Double(parameters[0])))
    }
    return unsafe makeFlow().run(
      starts, frameCount: frameCount, into: recordings, stopsEarly: false)
  }

  private func symbols(_ mode: Int) -> (first: Double, second: Double) {
    differenceSymbols(mode: mode, count: pointCount, spacing: length / Double(pointCount))
  }

  private func makeFlow() -> SpectralFlow {
    SpectralFlow(
      internalPointCount: pointCount, pointCount: pointCount,
      derivative: (0...pointCount / 2).map { symbols($0).first }, form: form,
      frameInterval: frameInterval, stepsPerFrame: 1)
  }

  /// −D₂ − γ D₂².
  private func linearSymbol(damping: Double) -> [Double] {
    (0...pointCount / 2).map { mode in
      let second = symbols(mode).second
      return -second - damping * second * second
    }
  }
}
