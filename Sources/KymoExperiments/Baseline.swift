// Which plain solvers, and which published numbers, belong to recordings of which system.
import KymoData
import KymoMetrics
import KymoNumerics
import KymoSolvers

/// A plain solver with the true parameters, whose rollouts are compared with the model's.
struct Baseline {
  var name: String
  var solver: any FiniteDifferenceBaseline
  var paperPoints: [ExtractionResults.PaperPoint]

  /// The baselines of a built-in system's recordings; none for others or without true parameters.
  static func all(for recordings: Recordings, paper: PaperNumbers?) throws -> [Baseline] {
    let grid = recordings.grid
    guard let interval = recordings.frameInterval, recordings.extents != nil, grid.isPeriodic
    else { return [] }
    let published = paper?.finiteDifferenceErrors ?? []
    switch (recordings.systemName, recordings.parameterCount) {
    case (KuramotoSivashinskyConfiguration.systemName, 1):
      func differences(_ form: QuadraticForm) throws -> any FiniteDifferenceBaseline {
        try KuramotoSivashinskyBaseline(grid, frameInterval: interval, form: form)
      }
      return [
        Baseline(
          name: "finite differences, u·∂u", solver: try differences(.advective),
          paperPoints: published),
        Baseline(
          name: "finite differences, ½∂u²", solver: try differences(.conservative),
          paperPoints: []),
      ]
    case (NonlinearSchroedingerConfiguration.systemName, 1):
      let solver = try NonlinearSchroedingerBaseline(grid, frameInterval: interval)
      return [Baseline(name: "finite differences", solver: solver, paperPoints: published)]
    case (ConvectionDiffusionConfiguration.systemName, 3):
      let exact = try ConvectionDiffusionBaseline(grid, frameInterval: interval)
      // The errors that the paper states, and those that its curve shows.
      let disturbed = [0.01, 0.005].map { velocityError in
        var solver = exact
        (solver.diffusivityError, solver.velocityError) = (0.005, velocityError)
        return Baseline(
          name: "finite differences, D ± 0.005, v ± \(velocityError)", solver: solver,
          paperPoints: velocityError == 0.01
            ? paper?.disturbedDifferenceErrors ?? [] : [])
      }
      return [
        Baseline(name: "finite differences", solver: exact, paperPoints: published)
      ] + disturbed
    default: return []
    }
  }

  /// Predicted frames after the first, `[recordings, C, frames − 1, X…]`.
  func predict(_ recordings: Recordings, _ range: Range<Int>, threads: Int) -> [Float] {
    let (channels, frames) = (recordings.channelCount, recordings.frameCount)
    let cells = recordings.spaceShape.reduce(1, *)
    let origin = recordings.spaceShape.map { _ in 0 }
    let starts = range.flatMap { index in
      recordings.crop(
        CropPlace(
          recording: index, timeOffset: 0, spaceOffsets: origin,
          size: [1] + recordings.spaceShape)
      ).elements
    }
    let width = recordings.parameterCount
    let parameters = Array(
      recordings.params?.elements[range.lowerBound * width..<range.upperBound * width] ?? [])
    let predicted = solver.predict(
      fields: starts, parameters: parameters, frameCount: frames, threads: threads
    ).frames
    // The first frame of each is the given one.
    return (0..<range.count * channels).flatMap { row in
      predicted[(row * frames + 1) * cells..<(row + 1) * frames * cells]
    }
  }
}

/// How a model was trained, as far as the paper distinguishes it.
package struct TrainingConditions {
  /// Standard deviation of the noise on the training recordings.
  package var noise = 0.0
  /// Whether a new decoder was trained on a frozen encoder.
  package var isRefined = false
  /// Number of training recordings; nil when unknown.
  package var recordings: Int?

  /// Clean data, encoder and decoder together.
  package init() {}

  /// Creates conditions.
  package init(noise: Double, isRefined: Bool, recordings: Int?) {
    (self.noise, self.isRefined, self.recordings) = (noise, isRefined, recordings)
  }
}

extension PaperNumbers {
  /// What the paper reports of data like these; nil for data that it does not have.
  static func of(_ recordings: Recordings, trained: TrainingConditions) -> PaperNumbers? {
    let isNoisy = trained.noise > 0
    return switch recordings.systemName {
    case KuramotoSivashinskyConfiguration.systemName:
      isNoisy ? .noisyKuramotoSivashinsky : .kuramotoSivashinsky
    case NonlinearSchroedingerConfiguration.systemName:
      isNoisy ? .noisyNonlinearSchroedinger : .nonlinearSchroedinger
    case ConvectionDiffusionConfiguration.systemName:
      isNoisy ? .noisyConvectionDiffusion : .convectionDiffusion
    default: nil
    }
  }

  /// The published curve of a decoder trained like this: refined, on few recordings, or as usual.
  func decoderErrors(_ trained: TrainingConditions) -> [ExtractionResults.PaperPoint] {
    if trained.isRefined { return refinedDecoderErrors }
    if self == .kuramotoSivashinsky, let count = trained.recordings,
      let few = PaperNumbers.kuramotoSivashinskyErrors(trainingRecordings: count), count < 1000
    {
      return few
    }
    return decoderErrors
  }
}
