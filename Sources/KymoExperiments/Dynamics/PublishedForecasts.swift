// Numbers to stand beside ours: of Vlachas et al., Nature Machine Intelligence 4, 359 (2022), of
// the weights that its authors released (evaluated by an independent program), and of comments in
// their scripts. Each with its origin, since the paper's figures name few numbers.
import KymoNN
import KymoPropagation
import KymoReduction
import KymoResults
import KymoSolvers

/// Reductions that published errors are known of.
enum PublishedReduction: Hashable, Sendable {
  case autoencoder, convolutionalAutoencoder, principalComponents

  /// The reduction that a recipe asks for; nil for others.
  init?(_ settings: ReductionSettings) {
    switch settings {
    case .principalComponents: self = .principalComponents
    case .diffusionMaps, .density: return nil
    case .autoencoder(let settings):
      guard !settings.network.isVariational else { return nil }
      switch settings.network {
      case .feedForward: self = .autoencoder
      case .convolutional: self = .convolutionalAutoencoder
      }
    }
  }
}

/// Propagators that published errors are known of.
enum PublishedPropagator: Hashable, Sendable {
  case lstm, jointLSTM, mlp, sindy

  /// The propagator that a recipe asks for, trained alone or with the reduction; nil for others.
  init?(_ settings: PropagatorSettings, isJoint: Bool = false) {
    switch settings {
    case .sindy: self = .sindy
    case .reservoir, .dmd: return nil
    case .network(let settings):
      switch settings.network {
      case .recurrent(let recurrent):
        guard recurrent.cell == .lstm else { return nil }
        self = isJoint ? .jointLSTM : .lstm
      case .mlp: self = .mlp
      case .mixture: return nil
      }
    }
  }
}

/// What is known of one system of the paper.
struct PublishedForecasts: Sendable {
  /// Reconstruction of scaled states by reduction and number of latents.
  var scaledErrors: [PublishedReduction: [Int: PublishedScore]]
  /// MNAD of the last channel of latent forecasts.
  var propagatorDifferences: [PublishedPropagator: PublishedScore] = [:]
  /// MNAD of the last channel of schedules by their ratio of latent to solver steps, ∞ for latent
  /// steps only.
  var scheduleDifferences: [Double: PublishedScore] = [:]
  /// Latent speed-up.
  var latentSpeedUp: PublishedScore
  /// Seconds of one coarse step of a solver as the paper ran it.
  var solverSeconds: Double?
  /// What that solver is.
  var solver = ""
  /// The equation-free comparison over 450 frames: MNAD of every channel.
  var equationFree: [(name: String, differences: [Double])] = []

  /// FitzHugh–Nagumo by lattice Boltzmann.
  static let fitzHughNagumo = PublishedForecasts(
    scaledErrors: [
      .autoencoder: released([2: 1.96e-6]),
      .principalComponents: numbers(
        "PCA of the paper's data",
        [
          1: 2.24e-2, 2: 8.33e-3, 3: 2.55e-3, 4: 8.97e-4, 6: 1.50e-4, 8: 4.24e-5, 12: 1.16e-6,
          16: 6.5e-8,
        ]),
    ],
    propagatorDifferences: released([.jointLSTM: 0.0196])
      .merging(scripts([.lstm: 0.0278, .mlp: 0.0319, .sindy: 0.106])) { $1 },
    scheduleDifferences: released([
      1: 0.0028, 5: 0.0138, 10: 0.0171, 20: 0.0242, 100: 0.0203, .infinity: 0.0196,
    ]),
    latentSpeedUp: PublishedScore(60, source: "paper"),
    // Of the authors' program on the processor of our other measurements: 77 µs a step.
    solverSeconds: 200 * 77e-6, solver: "the authors' lattice Boltzmann in NumPy",
    equationFree: [
      ("Gaussian process, all", [0.0159, 0.0162]), ("network, all", [0.0153, 0.0156]),
      ("Gaussian process, F1", [0.0158, 0.0162]), ("network, F1", [0.0154, 0.0157]),
      ("Gaussian process, F2", [0.0239, 0.0220]), ("network, F2", [0.0200, 0.0211]),
      ("Gaussian process, F3", [0.0320, 0.0331]), ("network, F3", [0.0208, 0.0216]),
      ("Latent-LED, released weights", [0.0057, 0.0052]),
    ])

  /// Kuramoto–Sivashinsky on a length of 22.
  static let kuramotoSivashinsky = PublishedForecasts(
    scaledErrors: [
      // 1.77e-4 in physical units, range 6.174.
      .convolutionalAutoencoder: scripts([8: 4.64e-6]),
      .principalComponents: numbers(
        "PCA of long runs",
        [
          1: 2.79e-2, 2: 2.06e-2, 4: 8.88e-3, 6: 3.25e-3, 8: 1.14e-3, 10: 2.88e-4, 12: 4.79e-5,
          16: 1.37e-6,
        ]),
    ], latentSpeedUp: PublishedScore(100, source: "paper, “more than”"))

  /// Flow past a cylinder; errors were not published as numbers.
  static let cylinder = PublishedForecasts(
    scaledErrors: [:],
    latentSpeedUp: PublishedScore(100, source: "paper, “two orders of magnitude”"))

  /// What is known of a system by its name in recordings; nil for others.
  static func of(systemName: String) -> PublishedForecasts? {
    switch systemName {
    case FitzHughNagumoConfiguration.systemName: fitzHughNagumo
    case KuramotoSivashinskyAttractorConfiguration.systemName: kuramotoSivashinsky
    case CylinderConfiguration.systemName: cylinder
    default: nil
    }
  }

  private static func numbers<Key>(
    _ source: String, _ values: [Key: Double]
  ) -> [Key: PublishedScore] {
    values.mapValues { PublishedScore($0, source: source) }
  }

  private static func released<Key>(_ values: [Key: Double]) -> [Key: PublishedScore] {
    numbers("released weights", values)
  }

  private static func scripts<Key>(_ values: [Key: Double]) -> [Key: PublishedScore] {
    numbers("scripts of the paper", values)
  }
}
