// What the models of a forecasting recipe need of the recordings and of the machine. It is looked at
// before the first one is trained, so that a later one does not fail after hours.
import KymoData
import KymoForecasting
import KymoNumerics
import KymoPropagation
import KymoReduction

extension DynamicsRecipe {
  /// Throws when recordings are too short for what the recipe asks of them, or memory too small.
  func check(_ data: ForecastData) throws {
    let shortest = Self.shortest(data.training)
    try require(
      shortest > forecast.warmUpSteps, "data.train",
      found: "recordings of \(shortest) frames",
      allowed: "longer than forecast.warmUpSteps, \(forecast.warmUpSteps)",
      remedy: "Give longer recordings, or warm up on fewer frames.")
    for (path, settings) in trainedPropagators {
      let needs = settings.needs
      for (entry, frames, least) in [
        ("data.train", data.training, needs.frames),
        (
          self.data.validation.isEmpty ? "data.train" : "data.validation", data.validation,
          needs.validationFrames
        ),
      ] {
        let shortest = Self.shortest(frames)
        try require(
          shortest >= least, entry, found: "recordings of \(shortest) frames",
          allowed: "at least \(least) frames for \(path)", remedy: needs.remedy)
      }
    }
    if let joint, trainsJointly {
      let shortest = min(Self.shortest(data.training), Self.shortest(data.validation))
      try require(
        shortest >= joint.windows.fewestFrames, "data.train",
        found: "recordings of \(shortest) frames",
        allowed: "at least \(joint.windows.fewestFrames) frames for joint.windows",
        remedy: PropagatorSettings.Needs.windows)
    }
    for (path, bytes) in largestParts(data) {
      try MemoryLimit.require(
        bytes, path, found: "a network or matrix of so many numbers",
        remedy: "Take fewer units, layers or states of a batch.")
    }
  }

  /// Bytes that the largest model needs at least, and the batches that it is trained on.
  func leastMemory(_ data: ForecastData) -> Double {
    largestParts(data).map(\.bytes).max() ?? 0
  }

  private var trainsJointly: Bool { joint != nil && propagator.recurrent != nil }

  /// The propagators that are trained by themselves, with their place in the recipe.
  private var trainedPropagators: [(path: String, settings: PropagatorSettings)] {
    (trainsJointly && ensembleSize == 1 ? [] : [("propagator", propagator)])
      + comparisons.propagators.enumerated().map { ("comparisons.propagators[\($0)]", $1) }
      + comparisons.fullState.enumerated().map { ("comparisons.fullState[\($0)]", $1) }
  }

  private func largestParts(_ data: ForecastData) -> [(path: String, bytes: Double)] {
    let state = data.stateShape.reduce(1.0) { $0 * Double($1) }
    let latents = Double(reduction.latentCount)
    return [("reduction", reduction.leastMemory(state: state, states: data.training.count))]
      + comparisons.reductions.enumerated().map {
        ("comparisons.reductions[\($0)]", $1.leastMemory(state: state, states: data.training.count))
      }
      + [("propagator", propagator.leastMemory(latents: latents))]
      + comparisons.propagators.enumerated().map {
        ("comparisons.propagators[\($0)]", $1.leastMemory(latents: latents))
      }
      + comparisons.fullState.enumerated().map {
        ("comparisons.fullState[\($0)]", $1.leastMemory(latents: state))
      }
  }

  private static func shortest(_ frames: FrameSet) -> Int {
    frames.series.map(\.frames.count).min() ?? 0
  }
}

extension PropagatorSettings {
  /// What a training needs of the recordings.
  struct Needs {
    static let windows =
      "Give longer recordings, or lower training.windowLength or training.windowsPerSequence."
    /// Frames that every training recording has at least, and every validation recording.
    var frames = 1
    var validationFrames = 1
    /// What to do about it.
    var remedy = "Give longer recordings."
  }

  /// What its training needs of the recordings.
  var needs: Needs {
    switch self {
    case .reservoir(let settings):
      Needs(
        frames: settings.fewestFrames, remedy: "Give longer recordings, or lower washOutSteps.")
    case .sindy: Needs(frames: SINDyConfiguration.fewestFrames)
    case .dmd(let settings):
      Needs(frames: settings.fewestFrames, remedy: "Give longer recordings, or lower delays.")
    case .network(let settings):
      Needs(
        frames: settings.training.fewestFrames, validationFrames: settings.training.fewestFrames,
        remedy: Needs.windows)
    }
  }

  /// Bytes that its training needs at least.
  func leastMemory(latents: Double) -> Double {
    switch self {
    case .reservoir(let settings):
      // The normal equations and their factor.
      return 16 * Double(settings.unitCount) * Double(settings.unitCount)
    case .sindy, .dmd: return 0
    case .network(let settings):
      let (width, layers, gates) =
        switch settings.network {
        case .recurrent(let network): (Double(network.unitCount), Double(network.layerCount), 3.0)
        case .mlp(let network): (Double(network.unitCount), Double(network.layerCount), 1.0)
        case .mixture(let network): (Double(network.unitCount), Double(network.layerCount), 3.0)
        }
      // Weights, their gradients and two moments of the optimiser; units of a batch of windows.
      let training = settings.training
      return 16 * gates * width * (latents + layers * width)
        + 4 * Double(training.batchSize) * Double(training.windowLength) * gates * width * layers
    }
  }
}

extension ReductionSettings {
  /// Bytes that its training needs at least, for states of so many numbers.
  func leastMemory(state: Double, states: Int) -> Double {
    guard case .autoencoder(let settings) = self else { return 0 }
    let batch = Double(min(settings.training.batchSize, states))
    // Vectors in double precision while they are found.
    if let components = settings.components { return 8 * state * Double(components) }
    switch settings.network {
    case .feedForward(let network):
      let (width, layers) = (Double(network.hiddenWidth), Double(network.hiddenLayers))
      // Encoder and decoder: weights, their gradients and two moments; units of a batch.
      return 32 * width * (state + max(0, layers - 1) * width)
        + 8 * batch * (state + layers * width)
    case .convolutional(let network):
      return 8 * batch * state * Double(network.channels.first ?? 1)
    }
  }
}
