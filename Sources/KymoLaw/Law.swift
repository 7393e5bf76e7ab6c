// What `kymo discover` found: the law of every channel, the hidden parameters of every recording.
import Foundation

/// A term of an equation with its coefficient c = offset + Σ slope · θ.
public struct LawCoefficient: Codable, Hashable, Sendable {
  /// The term as text that ``LawTerm`` reads.
  public var term: String
  /// The term as the field writes it.
  public var name: String
  /// Mean over recordings.
  public var mean: Double
  /// Standard deviation over recordings; 0 where it is the same in all.
  public var spread: Double
  /// Standard error of a common coefficient; nil where it varies.
  public var error: Double?
  /// What does not depend on the parameters.
  public var offset: Double
  /// What each parameter adds.
  public var slopes: [Double]

  /// Whether it varies over recordings.
  public var varies: Bool { slopes.contains { $0 != 0 } }
}

/// A support that was tried, and what it left.
public struct TriedSupport: Codable, Hashable, Sendable {
  /// Number of terms.
  public var terms: Int
  /// Squared residual on held-out rows over the square of the rate; corrected for noise, it may be
  /// below 0.
  public var residual: Double
  /// Its standard error.
  public var error: Double
  /// The term that was dropped next.
  public var dropped: String
}

/// The law of one channel.
public struct LawEquation: Codable, Hashable, Sendable {
  /// The channel whose rate it gives.
  public var channel: String
  /// Its terms; empty when no law is claimed.
  public var terms: [LawCoefficient]
  /// The part of the rate that it leaves, root mean square over recordings, on held-out rows; what
  /// noise adds is taken off.
  public var residual: Double
  /// The part of the rate that is noise.
  public var noise: Double
  /// The supports of the search, largest first.
  public var tried: [TriedSupport]
}

/// A hidden parameter.
public struct LawParameter: Codable, Hashable, Sendable {
  /// Its name, θ₁.
  public var name: String
  /// The term whose coefficient it is, such as "u_t: u_xx".
  public var meaning: String
  /// Mean over recordings.
  public var mean: Double
  /// Standard deviation over recordings.
  public var spread: Double
}

/// How well a known parameter follows from those that were found.
public struct LawScore: Codable, Hashable, Sendable {
  /// The known parameter.
  public var name: String
  /// Coefficient of determination of its linear regression on the parameters found.
  public var rSquared: Double
  /// The largest correlation with a single one.
  public var correlation: Double
}

/// Parameters of one recording.
public struct LawRecording: Codable, Hashable, Sendable {
  /// The recording's number.
  public var recording: Int
  /// Its parameters.
  public var parameters: [Double]
  /// Their standard errors: ± 1.96 of them is the 95 % interval.
  public var errors: [Double]
  /// The part of the rate that the law leaves in each equation, root mean square; what noise adds
  /// is taken off.
  public var residuals: [Double]
  /// The part of the rate that is noise.
  public var noise: [Double]
}

/// Why no law is claimed.
public enum LawRefusal: Codable, Hashable, Sendable, CustomStringConvertible {
  /// A channel does not change.
  case noRate(channel: String)
  /// Neighbouring frames have too little to do with each other.
  case framesTooFarApart(channel: String)
  /// What the whole library leaves of the rate is more than noise.
  case incompleteLibrary(channel: String, residual: Double, noise: Double)
  /// The same, but pieces of a recording taken apart are explained.
  case variesWithinRecording(channel: String, residual: Double)
  /// Terms whose coefficients trade against each other.
  case indistinguishable(channel: String, terms: [String])
  /// Recordings too short or small for a test function.
  case tooSmall(frames: Int, points: Int)
  /// Solutions of what was found leave the recordings at once.
  case doesNotFollow(error: Double)

  /// What is wrong and what helps.
  public var description: String {
    func percent(_ part: Double) -> String {
      String(format: part < 0.995 ? "%.2g %%" : "%.0f %%", 100 * part)
    }
    switch self {
    case .noRate(let channel):
      return "No law: channel \(channel) does not change in time. Leave it out, or take recordings "
        + "in which it does."
    case .framesTooFarApart(let channel):
      return
        "No law: frames are too far apart, or not in order: channel \(channel) changes from one "
        + "frame to the next as much as over many. Save frames more often (a tenth of the shortest "
        + "time in which the field changes)."
    case .incompleteLibrary(let channel, let residual, let noise) where noise > 1:
      return "No law: noise makes up \(percent(noise)) of the rate of \(channel), in which a term "
        + "that is missing would not be seen; \(percent(residual)) of the rate is left. Take "
        + "recordings with less noise or with more frames and points, which wider test functions "
        + "average over, or add terms (--term, --order)."
    case .incompleteLibrary(let channel, let residual, let noise):
      return "No law: the library does not hold the dynamics of \(channel): it leaves "
        + "\(percent(residual)) of the rate, and noise is \(percent(noise)). Add terms (--term, "
        + "--order), or the channel that is missing; explicit time or place, memory and forces from "
        + "outside are in no library."
    case .variesWithinRecording(let channel, let residual):
      return
        "No law: the coefficients of \(channel) vary within a recording: over whole recordings "
        + "the library leaves \(percent(residual)) of the rate, a few terms over pieces of them far "
        + "less. Cut recordings into shorter or smaller ones, or add what acts from outside as a "
        + "channel."
    case .indistinguishable(let channel, let terms):
      return "No law: in the equation of \(channel), \(terms.joined(separator: " and ")) cannot be "
        + "told apart in these recordings. Take recordings that differ more or are larger, or leave "
        + "one of them out (--without)."
    case .doesNotFollow(let error):
      return
        "No law: solved from their first frames, what was found differs from the recordings by "
        + "\(percent(error)) of their spread after one frame. High derivatives can stand for a term "
        + "that is missing: add terms (--term), or take fewer derivatives (--order)."
    case .tooSmall(let frames, let points):
      return
        "No law: recordings of \(frames) frames and \(points) points are too small; at least 24 "
        + "frames and 24 points along every axis are needed."
    }
  }
}

/// What was found in the recordings of a file.
public struct Law: Codable, Hashable, Sendable {
  /// Version of this format.
  public static let version = 1

  /// Version of the format that was written.
  public var version = Law.version
  /// The system that made the recordings, where the file says.
  public var system: String
  /// Why no law is claimed; nil when one is.
  public var refusal: LawRefusal?
  /// One equation for each channel.
  public var equations: [LawEquation]
  /// The hidden parameters.
  public var parameters: [LawParameter]
  /// Parameters of every recording.
  public var recordings: [LawRecording]
  /// Scores where the file knows parameters.
  public var scores: [LawScore]
  /// Half widths of the test functions.
  public var window: TestWindow
  /// Standard deviation of the noise in every channel that was corrected for; 0 for none.
  public var noise: [Double]
  /// How many terms were tried, for each equation.
  public var librarySize: Int
  /// Number of test functions in each recording, the rows of its regression; nil without a law.
  public var rows: Int?
  /// Terms that depend on simpler ones in these recordings and were left out.
  public var degenerate: [String]
  /// Channels that were derived from those of the file.
  public var derived: [String]
  /// What was tried before and left too much of the rate.
  public var attempts: [String] = []
  /// How many recordings the terms were chosen on.
  public var searched: Int
  /// How long it took.
  public var seconds: Double
  /// How far solutions of the law stay with the recordings; nil where it was not solved.
  public var rollout: LawRollout?
  /// What the latents of a run multiply; nil where none was given.
  public var latents: [LatentMeaning]?
}
