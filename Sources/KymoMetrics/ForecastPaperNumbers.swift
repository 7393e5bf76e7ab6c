// Numbers to stand beside ours: of Vlachas et al., Nature Machine Intelligence 4, 359 (2022), of the
// weights that its authors released (evaluated by an independent program), and of comments in their
// scripts. Each with its origin, since the paper's figures name few numbers.

/// What is known of one system of the paper.
public struct ForecastPaperNumbers: Sendable {
  /// A published number and where it stands.
  public typealias Reference = ForecastResults.Reference

  /// Reconstruction of scaled states by the number of latents, by the reduction's name.
  public var scaledErrors: [String: [Int: Reference]]
  /// MNAD of the last channel of latent forecasts, by the propagator's name.
  public var propagatorDifferences: [String: Reference]
  /// MNAD of the last channel, by ρ of the schedule; infinity is Latent-LED.
  public var scheduleDifferences: [Double: Reference]
  /// Latent speed-up.
  public var latentSpeedUp: Reference
  /// Seconds of one coarse step of a solver as the paper ran it.
  public var solverSeconds: Double?
  /// What that solver is.
  public var solver: String
  /// The equation-free comparison over 450 frames.
  public var equationFree: [ForecastResults.Comparison]
  /// The Lyapunov time, in the data's unit.
  public var lyapunovTime: Double?

  private static let released = "released weights"
  private static let comments = "scripts of the paper"

  /// FitzHugh–Nagumo by lattice Boltzmann.
  public static let fitzHughNagumo = ForecastPaperNumbers(
    scaledErrors: [
      "autoencoder": [2: Reference(1.96e-6, released)],
      "PCA": [
        1: Reference(2.24e-2, "PCA of the paper's data"),
        2: Reference(8.33e-3, "PCA of the paper's data"),
        3: Reference(2.55e-3, "PCA of the paper's data"),
        4: Reference(8.97e-4, "PCA of the paper's data"),
        6: Reference(1.50e-4, "PCA of the paper's data"),
        8: Reference(4.24e-5, "PCA of the paper's data"),
        12: Reference(1.16e-6, "PCA of the paper's data"),
        16: Reference(6.5e-8, "PCA of the paper's data"),
      ],
    ],
    propagatorDifferences: [
      "LSTM, joint": Reference(0.0196, released), "LSTM": Reference(0.0278, comments),
      "MLP": Reference(0.0319, comments), "SINDy": Reference(0.106, comments),
    ],
    scheduleDifferences: [
      1: Reference(0.0028, released), 5: Reference(0.0138, released),
      10: Reference(0.0171, released), 20: Reference(0.0242, released),
      100: Reference(0.0203, released), .infinity: Reference(0.0196, released),
    ],
    latentSpeedUp: Reference(60, "paper"),
    // Of the authors' program on the processor of our other measurements: 77 µs a step.
    solverSeconds: 200 * 77e-6, solver: "the authors' lattice Boltzmann in NumPy",
    equationFree: [
      .init(
        name: "Gaussian process, all", normalizedDifference: [0.0159, 0.0162], isPublished: true),
      .init(name: "network, all", normalizedDifference: [0.0153, 0.0156], isPublished: true),
      .init(
        name: "Gaussian process, F1", normalizedDifference: [0.0158, 0.0162], isPublished: true),
      .init(name: "network, F1", normalizedDifference: [0.0154, 0.0157], isPublished: true),
      .init(
        name: "Gaussian process, F2", normalizedDifference: [0.0239, 0.0220], isPublished: true),
      .init(name: "network, F2", normalizedDifference: [0.0200, 0.0211], isPublished: true),
      .init(
        name: "Gaussian process, F3", normalizedDifference: [0.0320, 0.0331], isPublished: true),
      .init(name: "network, F3", normalizedDifference: [0.0208, 0.0216], isPublished: true),
      .init(
        name: "Latent-LED, released weights", normalizedDifference: [0.0057, 0.0052],
        isPublished: true),
    ], lyapunovTime: nil)

  /// Kuramoto–Sivashinsky on a length of 22.
  public static let kuramotoSivashinsky = ForecastPaperNumbers(
    scaledErrors: [
      // 1.77e-4 in physical units, range 6.174.
      "convolutional autoencoder": [8: Reference(4.64e-6, comments)],
      "PCA": [
        1: Reference(2.79e-2, "PCA of long runs"), 2: Reference(2.06e-2, "PCA of long runs"),
        4: Reference(8.88e-3, "PCA of long runs"), 6: Reference(3.25e-3, "PCA of long runs"),
        8: Reference(1.14e-3, "PCA of long runs"), 10: Reference(2.88e-4, "PCA of long runs"),
        12: Reference(4.79e-5, "PCA of long runs"), 16: Reference(1.37e-6, "PCA of long runs"),
      ],
    ],
    propagatorDifferences: [:], scheduleDifferences: [:],
    latentSpeedUp: Reference(100, "paper, “more than”"), solverSeconds: nil, solver: "",
    equationFree: [], lyapunovTime: 20.83)

  /// What is known of a system by its name in recordings; nil for others.
  public static func of(systemName: String) -> ForecastPaperNumbers? {
    switch systemName {
    case "FitzHugh–Nagumo": fitzHughNagumo
    case "Kuramoto–Sivashinsky attractor": kuramotoSivashinsky
    default: nil
    }
  }
}
