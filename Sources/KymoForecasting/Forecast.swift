// A forecast as a value: frames, latents, who made which frame, where a trajectory
// diverged, and the time that each part took.
//
// Letters: B trajectories, H forecast frames, C channels, X (Y) space, L latents.
public import KymoNumerics

/// How the forecast of one trajectory ended.
public enum ForecastOutcome: Hashable, Sendable {
  /// All frames are finite.
  case completed
  /// The frame of this step, counted from 0, and all later ones are not finite; those before it are
  /// kept.
  case diverged(step: Int)
  /// From this step on the propagator had grown without bound, and its last latents, cut back to
  /// the range of the training, were kept; later frames of a solver start from these.
  case held(step: Int)
}

/// Who made a frame of a forecast.
public enum ForecastOrigin: UInt8, Hashable, Codable, Sendable {
  /// The propagator in latent space.
  case latent = 0
  /// The solver of the full dynamics.
  case solver = 1
}

/// Wall time and work of one part of a forecast.
public struct ForecastWork: Hashable, Codable, Sendable {
  /// Wall time in seconds.
  public var seconds = 0.0
  /// Trajectories times coarse steps (or frames) that were done in it.
  public var count = 0

  /// Creates a record without work.
  public init() {}

  /// Seconds of one trajectory and one step; 0 without work.
  public var secondsPerStep: Double { count == 0 ? 0 : seconds / Double(count) }
}

/// The time that a forecast took; docs/effective-dynamics.md says how speed-ups are counted.
public struct ForecastTiming: Hashable, Codable, Sendable {
  /// Encoding and teacher forcing of the known frames.
  public var warmUp = ForecastWork()
  /// Steps of the propagators, those of re-warming and comparing included; every member counts.
  public var latent = ForecastWork()
  /// Encoding of frames of the solver.
  public var encode = ForecastWork()
  /// Decoding of latents.
  public var decode = ForecastWork()
  /// Coarse steps of the solver.
  public var solver = ForecastWork()
  /// The whole forecast in seconds.
  public var totalSeconds = 0.0

  /// Creates a record without work.
  public init() {}

  /// Runs `body` and adds its time to a part.
  mutating func measure<Result>(
    _ part: WritableKeyPath<ForecastTiming, ForecastWork>, count: Int,
    _ body: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    let result = try body()
    self[keyPath: part].seconds += start.duration(to: .now).inSeconds
    self[keyPath: part].count += count
    return result
  }

  /// Adds the times of another forecast.
  public mutating func add(_ other: ForecastTiming) {
    let parts: [WritableKeyPath<ForecastTiming, ForecastWork>] = [
      \.warmUp, \.latent, \.encode, \.decode, \.solver,
    ]
    for part in parts {
      self[keyPath: part].seconds += other[keyPath: part].seconds
      self[keyPath: part].count += other[keyPath: part].count
    }
    totalSeconds += other.totalSeconds
  }
}

/// A forecast of many trajectories.
public struct Forecast: Sendable {
  /// Forecast frames in physical units, `[B, H, C, X…]`; NaN from where a trajectory diverged.
  public var frames: HostArray<Float>
  /// The latents of the frames, `[B, H, L]`.
  ///
  /// Those of the propagator, or the encoding of a frame of the solver; NaN where the schedule did
  /// not need the encoding.
  public var latents: HostArray<Double>
  /// Who made each frame, `[B][H]`.
  public var origins: [[ForecastOrigin]]
  /// How each trajectory ended.
  public var outcomes: [ForecastOutcome]
  /// Where the time went.
  public var timing: ForecastTiming

  /// Persistence: the last known frame stays, which is what a forecast has to beat.
  public static func persistence(of known: HostArray<Float>, stepCount: Int) -> Forecast {
    let (batch, frames) = (known.shape[0], known.shape[1])
    let state = Array(known.shape.dropFirst(2))
    let size = state.reduce(1, *)
    let last = (0..<batch).flatMap { item in
      let first = (item * frames + frames - 1) * size
      let frame = known.elements[first..<first + size]
      return (0..<stepCount).flatMap { _ in frame }
    }
    return Forecast(
      frames: HostArray(last, shape: [batch, stepCount] + state),
      latents: HostArray([], shape: [batch, stepCount, 0]),
      origins: Array(repeating: Array(repeating: .latent, count: stepCount), count: batch),
      outcomes: Array(repeating: .completed, count: batch), timing: ForecastTiming())
  }

  /// Number of trajectories, B.
  public var trajectoryCount: Int { frames.shape[0] }
  /// Number of forecast frames, H.
  public var stepCount: Int { frames.shape[1] }
  /// Trajectories that diverged, in the fields or in the latents.
  public var divergedCount: Int { outcomes.count { $0 != .completed } }

  /// Part of all frames that the propagator made.
  public var latentFraction: Double {
    let made = origins.reduce(0) { $0 + $1.count { $0 == .latent } }
    return Double(made) / Double(max(1, trajectoryCount * stepCount))
  }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
