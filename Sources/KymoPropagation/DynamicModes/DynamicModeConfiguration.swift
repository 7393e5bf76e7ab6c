// The settings of dynamic mode decomposition. Schmid, J. Fluid Mech. 656, 5 (2010); Tu, Rowley,
// Luchtenburg, Brunton and Kutz, J. Comput. Dyn. 1, 391 (2014).
public import KymoData
public import KymoNumerics

/// The settings of dynamic mode decomposition.
///
/// **Good values.** One frame where the state is known whole; for a few latents of a periodic flow as
/// many delays as make latents × delays a few times the number of frequencies.
public struct DynamicModeConfiguration: Settings {
  /// Frames that make a state: this one and those before it (delay embedding).
  public var delays = 1
  /// Rank of the linear map: singular vectors of the training states that are kept; all when nil.
  public var rank: Int?
  /// Singular values below this part of the largest are left out.
  public var tolerance = 1e-10
  /// How latents are scaled, with numbers of the training series; `standard` subtracts their mean.
  public var scaling = ChannelScaler.Kind.standard

  /// Creates the default settings.
  public init() {}

  /// Creates settings with so many delays.
  public init(delays: Int, rank: Int? = nil) { (self.delays, self.rank) = (delays, rank) }

  /// Frames that every training series has at least.
  public var fewestFrames: Int { delays + 1 }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "dmd") throws(ConfigurationError) {
    try require(delays, .atLeast(1), "\(path).delays", remedy: "1 to 50 is usual.")
    if let rank {
      try require(rank, .atLeast(1), "\(path).rank", remedy: "Leave it out to keep all.")
    }
    try require(
      (0..<1).contains(tolerance), "\(path).tolerance", found: tolerance, allowed: "in 0 ..< 1",
      remedy: "1e-10 is usual.")
  }
}
