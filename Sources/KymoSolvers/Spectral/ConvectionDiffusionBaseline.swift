// Finite differences for convection and diffusion: the exact exponential of the difference
// operator, with the true parameters or with parameters that have a measurement error.
import CKernels
public import KymoNumerics

/// Second-order central differences, exact in time, for `uₜ = D ∇²u − v·∇u`.
///
/// With `diffusivityError` and `velocityError`, each recording's parameters are first disturbed by
/// normal numbers with these standard deviations: the paper's second curve.
public struct ConvectionDiffusionBaseline: FiniteDifferenceBaseline {
  /// Points along both axes.
  public let shape: [Int]
  /// Time between frames.
  public let frameInterval: Double
  /// Standard deviation of the error of D.
  public var diffusivityError = 0.0
  /// Standard deviation of the error of each component of v.
  ///
  /// The paper says 0.01; its published curve is that of 0.005.
  public var velocityError = 0.0
  /// Seed of the errors.
  public var seed: UInt64 = 0
  private let plane: LinearPlane

  /// Creates the baseline of periodic recordings on a uniform mesh.
  public init(_ grid: Grid, frameInterval: Double) throws(ConfigurationError) {
    try require(frameInterval, .above(0), "frameInterval", remedy: "It is the time between frames.")
    for points in grid.shape { try requireMesh(points, "mesh") }
    guard let plane = LinearPlane(grid, derivatives: .centralDifferences) else {
      throw ConfigurationError(
        "mesh", found: "\(grid.shape)", allowed: "at most 524288 points an axis",
        remedy: "Use a smaller mesh.")
    }
    (self.shape, self.frameInterval, self.plane) = (grid.shape, frameInterval, plane)
  }

  /// One channel, 2D.
  public var frameShape: [Int] { [1] + shape }
  /// One recording at a time.
  public var laneCount: Int { 1 }

  /// Predicts recordings; the parameters are the true D, v_x and v_y.
  public func run(
    _ fields: [[Float]], parameters: [[Float]], frameCount: Int,
    into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    let size = shape.reduce(1, *) * frameCount
    for (index, field) in fields.enumerated() {
      unsafe plane.copyFrames(
        of: PlaneSpectrum.forward(field, shape: shape), law: law(parameters[index]),
        times: (0, frameInterval), origin: [0, 0], size: [frameCount] + shape,
        into: recordings + index * size)
    }
    return 0
  }

  /// The parameters with their errors, which depend on the seed and the parameters alone.
  private func law(_ parameters: [Float]) -> LinearPlane.Law {
    // A recording is known by its parameters: no two have the same.
    let index = parameters.reduce(UInt64(0)) {
      ($0 ^ UInt64($1.bitPattern)) &* 0x9E37_79B9_7F4A_7C15
    }
    var stream = RandomStream(seed: seed, purpose: .evaluation, index: index)
    let values = parameters.enumerated().map { column, value in
      Double(value) + (column == 0 ? diffusivityError : velocityError) * stream.normal()
    }
    return LinearPlane.Law(diffusivity: max(0, values[0]), velocity: Array(values[1...]))
  }
}

/// Modes of real 2D fields.
enum PlaneSpectrum {
  /// The half plane of modes, shape `[X, Y/2 + 1, 2]`, of a field of shape `[X, Y]`.
  static func forward(_ field: [Float], shape: [Int]) -> [Float] {
    let (rows, columns) = (shape[0], shape[1])
    let modes = columns / 2 + 1
    let across = FourierTransform(realPoints: columns)
    let down = FourierTransform(complexPoints: rows)
    let lines = (0..<rows).map { row in
      across.forward(field[row * columns..<(row + 1) * columns].map(Double.init))
    }
    var spectrum = [Float](repeating: 0, count: rows * modes * 2)
    let scale = 1 / Double(rows * columns)
    for mode in 0..<modes {
      let column = down.complexForward(lines.flatMap { [$0[2 * mode], $0[2 * mode + 1]] })
      for row in 0..<rows {
        for part in 0..<2 {
          spectrum[2 * (row * modes + mode) + part] = Float(scale * column[2 * row + part])
        }
      }
    }
    return spectrum
  }
}
