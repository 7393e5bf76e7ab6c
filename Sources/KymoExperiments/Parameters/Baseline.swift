// Which plain solvers belong to recordings of which system.
import KymoData
import KymoNumerics
import KymoSolvers

/// A plain solver with the true parameters, whose rollouts are compared with the model's.
struct Baseline {
  var name: String
  var solver: any FiniteDifferenceBaseline
  var published: [PublishedError]

  /// The baselines of a built-in system's recordings; none for others, without true parameters or
  /// for fields that are measured from an offset.
  static func all(for recordings: Recordings, paper: PublishedParameters?) throws -> [Baseline] {
    let grid = recordings.grid
    guard let interval = recordings.frameInterval, recordings.extents != nil, grid.isPeriodic,
      recordings.offset == nil
    else { return [] }
    let errors = paper?.finiteDifferenceErrors ?? []
    switch (recordings.systemName, recordings.parameterCount) {
    case (KuramotoSivashinskyConfiguration.systemName, 1):
      func differences(_ form: QuadraticForm) throws -> any FiniteDifferenceBaseline {
        try KuramotoSivashinskyBaseline(grid, frameInterval: interval, form: form)
      }
      return [
        Baseline(
          name: "finite differences, u·∂u", solver: try differences(.advective),
          published: errors),
        Baseline(
          name: "finite differences, ½∂u²", solver: try differences(.conservative),
          published: []),
      ]
    case (NonlinearSchroedingerConfiguration.systemName, 1):
      let solver = try NonlinearSchroedingerBaseline(grid, frameInterval: interval)
      return [Baseline(name: "finite differences", solver: solver, published: errors)]
    case (ConvectionDiffusionConfiguration.systemName, 3):
      let exact = try ConvectionDiffusionBaseline(grid, frameInterval: interval)
      // The errors that the paper states, and those that its curve shows.
      let disturbed = [0.01, 0.005].map { velocityError in
        var solver = exact
        (solver.diffusivityError, solver.velocityError) = (0.005, velocityError)
        return Baseline(
          name: "finite differences, D ± 0.005, v ± \(velocityError)", solver: solver,
          published: velocityError == 0.01
            ? paper?.disturbedDifferenceErrors ?? [] : [])
      }
      return [
        Baseline(name: "finite differences", solver: exact, published: errors)
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
