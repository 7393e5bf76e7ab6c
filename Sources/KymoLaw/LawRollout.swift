// The law as a solver: recordings are started from a frame of their own, with their own parameters,
// and the solution is compared with what was recorded.
import Foundation
public import KymoData
public import KymoNumerics
public import KymoSolvers

/// How far solutions of a law stay with recordings.
public struct LawRollout: Codable, Hashable, Sendable {
  /// How many recordings were started from their first frame.
  public var recordings: Int
  /// Mean over them of the root-mean-square error over the spread of the recording, of the frames
  /// 1, 2, …; NaN from where a solution diverged.
  public var errors: [Double]
  /// The time from the start to the first frame with an error above ½; nil when none has.
  public var timeUntilHalf: Double?
}

extension Law {
  /// The law as equations that `LawStepper` solves, with given parameters.
  ///
  /// - Parameters:
  ///   - parameters: The hidden parameters of every trajectory.
  ///   - spaceRank: Number of space axes.
  /// - Throws: `ConfigurationError` where there is no law, or one of derived channels.
  /// - Returns: The equations, with one coefficient for each trajectory.
  public func equationsOfMotion(
    with parameters: [[Double]], spaceRank: Int
  ) throws(ConfigurationError) -> SpectralLaw {
    try require(
      refusal == nil && !equations.isEmpty, "law", found: "none that is claimed",
      allowed: "a law", remedy: "Its text says why.")
    try require(
      derived.isEmpty, "law", found: "derived channels: \(derived.joined(separator: ", "))",
      allowed: "channels of the file alone", remedy: "Such a law is not solved here.")
    // As terms write them.
    let channels = equations.map { $0.channel.filter { !$0.isWhitespace } }
    var all: [[SpectralLaw.Term]] = []
    for equation in equations {
      var terms: [SpectralLaw.Term] = []
      for entry in equation.terms {
        let coefficients = parameters.map { values in
          zip(entry.slopes, values).reduce(entry.offset) { $0 + $1.0 * $1.1 }
        }
        terms.append(
          .init(
            try LawTerm(entry.term, channels: channels, spaceRank: spaceRank), coefficients))
      }
      all.append(terms)
    }
    return SpectralLaw(all)
  }

  /// Claims nothing.
  mutating func refuse(_ reason: LawRefusal) {
    refusal = reason
    (parameters, recordings, scores) = ([], [], [])
    for channel in equations.indices { equations[channel].terms = [] }
  }

  /// Solves a law that is claimed from the recordings' first frames, and takes the claim back where
  /// it leaves them at once.
  public mutating func verify(on recordings: Recordings, threads: Int = 1) throws {
    guard refusal == nil else { return }
    rollout = try rollout(of: recordings, threads: threads)
    // Noise of the first frame is an error of every later one.
    let spreads = recordings.standardScaler().scale.map { Double($0) }
    let share = zip(noise, spreads).map { $0 / max($1, .leastNormalMagnitude) }.max() ?? 0
    if let first = rollout?.errors.first, !(first <= Self.largestFirstError + 2 * share) {
      refuse(.doesNotFollow(error: first))
    }
  }

  /// The largest error after one frame, over the spread, of a law that is claimed.
  private static let largestFirstError = 0.2

  /// Starts recordings from their first frame and compares.
  ///
  /// - Parameters:
  ///   - recordings: Those that the law was found in.
  ///   - count: How many, at most.
  ///   - frames: How many frames, at most.
  ///   - threads: Threads.
  /// - Throws: What the solver throws once it runs.
  /// - Returns: Nil where the law or the grid cannot be solved.
  public func rollout(
    of recordings: Recordings, count: Int = 8, frames: Int = 32, threads: Int = 1
  ) throws -> LawRollout? {
    let frames = min(frames, recordings.frameCount - 1)
    let count = min(count, self.recordings.count)
    guard frames >= 1, count >= 1 else { return nil }
    let places = (0..<count).map { $0 * self.recordings.count / count }
    let solver: LawStepper
    do {
      solver = try LawStepper(
        equationsOfMotion(
          with: places.map { self.recordings[$0].parameters }, spaceRank: recordings.spaceRank),
        on: recordings.grid,
        frameInterval: recordings.frameInterval ?? 1, threads: threads)
    } catch {
      // Typed: a ConfigurationError, which says what this law or grid cannot have.
      return nil
    }
    let (channels, cells) = (recordings.channelCount, recordings.grid.pointCount)
    let length = recordings.frameCount * cells
    // Channels first: recordings are handed out with time first.
    let fields = places.map {
      recordings[self.recordings[$0].recording].exchanged(0).elements
    }
    func state(_ field: [Float], _ frame: Int) -> [Double] {
      (0..<channels).flatMap { channel -> [Double] in
        let first = channel * length + frame * cells
        return field[first..<first + cells].map(Double.init)
      }
    }
    try solver.restart(
      from: HostArray(fields.flatMap { state($0, 0) }, shape: [count] + solver.stateShape),
      time: 0)
    let made = try solver.advance(frames: frames)
    var errors = [Double](repeating: 0, count: frames)
    for (row, field) in fields.enumerated() {
      // Channel by channel: each has a size of its own.
      let spreads = (0..<channels).map { channel in
        Statistics.populationVariance(
          field[channel * length..<(channel + 1) * length].map(Double.init)
        ).squareRoot()
      }
      for frame in 0..<frames {
        let truth = state(field, frame + 1)
        var sum = 0.0
        for index in truth.indices {
          let place = (row * frames + frame) * truth.count + index
          let miss = (made.elements[place] - truth[index]) / spreads[index / cells]
          sum += miss * miss
        }
        errors[frame] += (sum / Double(truth.count)).squareRoot() / Double(count)
      }
    }
    let late = errors.firstIndex { !($0 <= 0.5) }
    return LawRollout(
      recordings: count, errors: errors,
      timeUntilHalf: late.map { Double($0 + 1) * (recordings.frameInterval ?? 1) })
  }
}

extension LawRollout {
  /// In a sentence.
  public var text: String {
    let last = errors.last ?? .nan
    return "Solved from the first frame, with its own parameters, the law differs from "
      + (recordings == 1 ? "a recording" : "\(recordings) recordings") + " by "
      + String(format: "%.2g", last) + " of their spread after \(counted(errors.count, "frame"))"
      + (timeUntilHalf.map { String(format: " (by half of it after a time of %.3g)", $0) } ?? "")
  }
}
