// Sizes of a recipe with `method: dynamics` that fit the data: frames to fit to, to warm up on and
// to forecast, and a reduction that has room.
import KymoNumerics

/// Sizes for effective dynamics of a data set.
struct StarterForecast {
  /// Frames of a recording below which nothing is left to fit to and to judge by.
  static let leastFrames = 16
  /// The same of a single recording, whose end is held out.
  static let leastFramesOfOne = 20
  /// Part of the recordings, or of the time of a single one, that is held out.
  private static let heldFraction = 0.2
  /// Numbers up to which principal components decompose all states, and of a state up to which they
  /// take its covariance.
  private static let (mostNumbers, mostComponents) = (16_000_000, 8192)

  /// Numbers of latents.
  let latents: Int
  /// Frames at the beginning of each series that a reservoir is not fitted to.
  let washOut: Int
  /// Known frames, and those that are forecast.
  let warmUp: Int
  let horizon: Int
  /// Whether states are too large for principal components.
  let needsNetwork: Bool
  /// What keeps the method from being trained.
  let hindrances: [Finding]

  init(_ inspection: Inspection) {
    let (count, frames) = (inspection.recordingCount, inspection.frameCount)
    let isSingle = count == 1
    func held(_ length: Int) -> Int {
      max(1, Int((Double(length) * Self.heldFraction).rounded()))
    }
    let known = isSingle ? frames - held(frames) : frames
    let states = isSingle ? known : (count - held(count)) * frames
    let judged = isSingle ? held(frames) : frames
    let size = inspection.channels.count * inspection.spaceShape.reduce(1, *)
    latents = max(1, min(8, size, states))
    washOut = min(100, known / 4)
    warmUp = max(1, min(20, judged / 2))
    horizon = max(1, min(100, judged - warmUp))
    needsNetwork = states * size > Self.mostNumbers && size > Self.mostComponents
    let least = isSingle ? Self.leastFramesOfOne : Self.leastFrames
    hindrances =
      frames < least
      ? [
        Finding(
          .error, "there are \(counted(frames, "frame")), but forecasts need \(least)",
          remedy: "Record longer, or store frames more often.")
      ] : []
  }
}

extension Inspection {
  /// A recipe that learns effective dynamics from the file.
  func forecastRecipe(_ head: [String], _ data: [String]) -> [String] {
    let sizes = StarterForecast(self)
    var lines = ["method: \(MethodFitness.dynamics)"] + head + data
    lines += [
      "  # This part is held out to judge by: of the recordings, or of the time of a single one.",
      "  validationFraction: 0.2", "", "reduction:",
      "  # Take as many latents as the reconstruction needs: kymo evaluate says how good it is.",
      sizes.needsNetwork
        ? "  autoencoder: {feedForward: {latentCount: \(sizes.latents)}}"
        : "  principalComponents: {latentCount: \(sizes.latents)}",
      "", "propagator:",
      "  # The first frames of each series are not fitted to.",
      "  reservoir: {washOutSteps: \(sizes.washOut)}", "", "forecast:",
      "  # Known frames that a forecast starts from, and those that it is judged on.",
      "  warmUpSteps: \(sizes.warmUp)", "  horizonSteps: \(sizes.horizon)", "",
    ]
    return lines
  }
}
