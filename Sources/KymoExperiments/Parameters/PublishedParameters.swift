// Published numbers of Lu, Kim and Soljacic, "Extracting Interpretable Physical Parameters from
// Spatiotemporal Systems Using Unsupervised Learning", Phys. Rev. X 10, 031056 (2020). R² from
// Table I; curves from Figures 5 and 8, read off the plots (±4 %, worse where a curve is steep; the
// two last points of a curve by eye).
import KymoData
import KymoResults
import KymoSolvers

/// The systems of the paper.
enum PublishedSystem: Hashable, Sendable {
  case kuramotoSivashinsky, nonlinearSchroedinger, convectionDiffusion

  /// The system that recordings are of; nil for others.
  init?(_ recordings: Recordings) {
    switch recordings.systemName {
    case KuramotoSivashinskyConfiguration.systemName: self = .kuramotoSivashinsky
    case NonlinearSchroedingerConfiguration.systemName: self = .nonlinearSchroedinger
    case ConvectionDiffusionConfiguration.systemName: self = .convectionDiffusion
    default: return nil
    }
  }
}

/// The parameters of the paper's systems.
enum PublishedParameter: Hashable, Sendable {
  case damping, coupling, diffusivity, velocityX, velocityY

  /// The parameter that files call by this name; nil for others.
  init?(name: String) {
    switch name {
    case "γ", "gamma": self = .damping
    case "κ", "kappa": self = .coupling
    case "D": self = .diffusivity
    case "v_x": self = .velocityX
    case "v_y": self = .velocityY
    default: return nil
    }
  }
}

/// One published value of an error curve.
struct PublishedError: Hashable, Sendable {
  /// Index of the predicted frame; 0 is the first.
  var index: Int
  /// Root-mean-square error.
  var value: Double
}

/// How a model was trained, as far as the paper distinguishes it.
package struct TrainingConditions {
  /// Standard deviation of the noise on the training recordings.
  package var noise = 0.0
  /// Whether a new decoder was trained on a frozen encoder.
  package var isRefined = false
  /// Number of training recordings; nil when unknown.
  package var recordings: Int?
}

/// What the paper reports of one system, to be printed beside our own numbers.
struct PublishedParameters: Hashable, Sendable {
  /// Where the numbers stand.
  static let source = "Lu, Kim and Soljačić (2020)"

  /// Number of relevant latents.
  var relevantCount: Int
  /// R² of each parameter (Table I).
  var rSquared: [PublishedParameter: Double]
  /// RMSE of the propagating decoder against the predicted frame (Figure 5).
  var decoderErrors: [PublishedError]
  /// RMSE of the decoder after its refinement; empty where the paper has none (Figure 5).
  var refinedDecoderErrors: [PublishedError]
  /// RMSE of second-order finite differences with ETDRK4 and the true parameter (Figure 5).
  var finiteDifferenceErrors: [PublishedError]
  /// RMSE of the same with disturbed parameters; empty where the paper has none (Figure 5).
  var disturbedDifferenceErrors: [PublishedError] = []

  /// What the paper reports of a system with and without noise on the training recordings.
  static func of(_ system: PublishedSystem, isNoisy: Bool) -> PublishedParameters {
    switch system {
    case .kuramotoSivashinsky: isNoisy ? noisyKuramotoSivashinsky : kuramotoSivashinsky
    case .nonlinearSchroedinger: isNoisy ? noisyNonlinearSchroedinger : nonlinearSchroedinger
    case .convectionDiffusion: isNoisy ? noisyConvectionDiffusion : convectionDiffusion
    }
  }

  /// The published curve of a decoder trained like this: refined, on few recordings, or as usual.
  func decoderErrors(_ trained: TrainingConditions) -> [PublishedError] {
    if trained.isRefined { return refinedDecoderErrors }
    if self == .kuramotoSivashinsky, let count = trained.recordings, count < 1000,
      let few = Self.kuramotoSivashinskyErrors(trainingRecordings: count)
    {
      return few
    }
    return decoderErrors
  }

  /// Kuramoto–Sivashinsky with damping γ, 5,000 clean recordings in training.
  static let kuramotoSivashinsky = PublishedParameters(
    relevantCount: 1, rSquared: [.damping: 0.993],
    decoderErrors: points([
      (0, 0.005), (5, 0.018), (10, 0.028), (20, 0.052), (30, 0.100), (50, 0.336), (75, 0.84),
      (100, 1.30), (150, 1.75), (254, 1.88),
    ]),
    refinedDecoderErrors: points([
      (0, 0.004), (5, 0.012), (10, 0.0195), (20, 0.037), (30, 0.069), (50, 0.235), (75, 0.64),
      (100, 1.09), (150, 1.67), (254, 1.86),
    ]),
    finiteDifferenceErrors: finiteDifferences)

  /// Kuramoto–Sivashinsky with noise of standard deviation 0.1 on the training recordings.
  static let noisyKuramotoSivashinsky = PublishedParameters(
    relevantCount: 1, rSquared: [.damping: 0.995],
    decoderErrors: points([
      (5, 0.030), (10, 0.054), (20, 0.105), (30, 0.191), (50, 0.525), (75, 1.07), (100, 1.49),
      (150, 1.80), (254, 1.86),
    ]),
    refinedDecoderErrors: [], finiteDifferenceErrors: finiteDifferences)

  /// Nonlinear Schrödinger with coupling κ, 5,000 clean recordings in training.
  static let nonlinearSchroedinger = PublishedParameters(
    relevantCount: 1, rSquared: [.coupling: 0.997],
    decoderErrors: points([
      (5, 0.047), (10, 0.072), (20, 0.124), (30, 0.168), (50, 0.258), (62, 0.326), (100, 0.53),
      (150, 0.80), (200, 0.99), (254, 1.15),
    ]),
    refinedDecoderErrors: points([
      (5, 0.023), (10, 0.037), (20, 0.063), (30, 0.088), (50, 0.146), (62, 0.189), (100, 0.35),
      (150, 0.60), (200, 0.82), (254, 1.00),
    ]),
    finiteDifferenceErrors: schroedingerDifferences)

  /// Nonlinear Schrödinger with noise of standard deviation 0.1 on the training recordings.
  static let noisyNonlinearSchroedinger = PublishedParameters(
    relevantCount: 1, rSquared: [.coupling: 0.998],
    decoderErrors: points([
      (5, 0.038), (10, 0.060), (20, 0.108), (30, 0.151), (50, 0.239), (62, 0.315), (100, 0.56),
      (150, 0.85), (200, 1.04), (254, 1.16),
    ]),
    refinedDecoderErrors: [], finiteDifferenceErrors: schroedingerDifferences)

  /// Convection–diffusion with diffusion coefficient D and velocity v, 1,000 clean recordings.
  static let convectionDiffusion = PublishedParameters(
    relevantCount: 3, rSquared: [.diffusivity: 0.963, .velocityX: 0.997, .velocityY: 0.998],
    decoderErrors: points([
      (0, 0.0127), (1, 0.0147), (2, 0.0161), (5, 0.0184), (10, 0.0200), (14, 0.0209),
      (20, 0.0221), (30, 0.0236), (40, 0.0248), (62, 0.0270),
    ]),
    refinedDecoderErrors: points([
      (0, 0.0095), (1, 0.0106), (2, 0.0112), (5, 0.0125), (10, 0.0140), (14, 0.0149),
      (20, 0.0159), (30, 0.0171), (40, 0.0179), (62, 0.0193),
    ]),
    finiteDifferenceErrors: planeDifferences, disturbedDifferenceErrors: disturbedPlaneDifferences)

  /// Convection–diffusion with noise of standard deviation 0.1 on the training recordings.
  static let noisyConvectionDiffusion = PublishedParameters(
    relevantCount: 3, rSquared: [.diffusivity: 0.959, .velocityX: 0.994, .velocityY: 0.996],
    decoderErrors: points([
      (0, 0.0142), (1, 0.0156), (2, 0.0166), (5, 0.0191), (10, 0.0217), (14, 0.0229),
      (20, 0.0242), (30, 0.0257), (40, 0.0269), (62, 0.0291),
    ]),
    refinedDecoderErrors: [], finiteDifferenceErrors: planeDifferences,
    disturbedDifferenceErrors: disturbedPlaneDifferences)

  /// Curves of Figure 8: Kuramoto–Sivashinsky trained on 5000, 50, 25 or 10 recordings; nil for
  /// other numbers.
  static func kuramotoSivashinskyErrors(
    trainingRecordings: Int
  ) -> [PublishedError]? {
    let values: [Int: [Double]] = [
      5000: [0.005, 0.028, 0.052, 0.099, 0.332, 0.85, 1.3],
      50: [0.005, 0.035, 0.058, 0.107, 0.351, 0.82, 1.26],
      25: [0.005, 0.038, 0.078, 0.140, 0.409, 0.90, 1.35],
      10: [0.006, 0.044, 0.088, 0.166, 0.489, 1.03, 1.46],
    ]
    return values[trainingRecordings].map { points(Array(zip([0, 10, 20, 30, 50, 75, 100], $0))) }
  }

  private static let finiteDifferences = points([
    (5, 0.0485), (10, 0.122), (20, 0.213), (30, 0.413), (50, 0.96), (75, 1.5), (100, 1.87),
    (150, 2.02), (254, 2.06),
  ])

  private static let schroedingerDifferences = points([
    (5, 0.0055), (10, 0.0134), (20, 0.051), (30, 0.100), (50, 0.196), (62, 0.253), (100, 0.37),
    (150, 0.49), (200, 0.60), (254, 0.69),
  ])

  private static let planeDifferences = points([
    (0, 0.0075), (1, 0.0086), (2, 0.0088), (5, 0.0077), (10, 0.0061), (14, 0.0053),
  ])

  private static let disturbedPlaneDifferences = points([
    (0, 0.0093), (1, 0.0115), (2, 0.0129), (5, 0.0143), (10, 0.0150), (14, 0.0154), (20, 0.0157),
    (30, 0.0161), (40, 0.0162), (62, 0.0163),
  ])

  private static func points(_ pairs: [(Int, Double)]) -> [PublishedError] {
    pairs.map { PublishedError(index: $0.0, value: $0.1) }
  }
}
