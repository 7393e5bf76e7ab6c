// The laws of the built-in systems, solved by the one solver of laws, against the kernels that are
// written for each system.
import KymoNumerics
import Testing

@testable import KymoSolvers

@Suite("Laws of the built-in systems") struct BuiltInLawTests {
  /// The largest difference from the system's own solver over all frames, started from its first
  /// one, as a part of the largest number.
  private func difference<Configuration: LawfulConfiguration>(
    _ settings: Configuration, on grid: Grid? = nil, change: Double = 1
  ) throws -> Double {
    let recordings = 3
    let block = try Configuration.Simulator(configuration: settings)
      .simulate(0..<recordings, threads: 2)
    let width = Configuration.parameterNames.count
    let parameters = (0..<recordings).map { row in
      (0..<width).map { Double(block.parameters[row * width + $0]) * change }
    }
    let grid = grid ?? settings.grid
    let (channels, frames) = (Configuration.channelNames.count, settings.frameCount)
    // Time first, as the solver gives them.
    let truth = HostArray<Double>(
      HostArray(block.x, shape: [recordings, channels, frames] + grid.shape)
    ).exchanged(1)
    let solver = try LawStepper(
      settings.law(parameters), on: grid, frameInterval: settings.frameInterval, threads: 2)
    let starts = (0..<recordings).flatMap { truth.slice($0).slice(0).elements }
    try solver.restart(
      from: HostArray(starts, shape: [recordings] + solver.stateShape), time: 0)
    let made = try solver.advance(frames: frames - 1)
    let size = solver.stateShape.reduce(1, *)
    var worst = 0.0
    for recording in 0..<recordings {
      let known = truth.slice(recording).elements
      for (index, value) in made.slice(recording).elements.enumerated() {
        let gap = (value - known[size + index]).magnitude
        worst = gap.isNaN ? .infinity : max(worst, gap)
      }
    }
    return worst / (truth.elements.map(\.magnitude).max() ?? 1)
  }

  private func expect(
    _ value: Double, atMost most: Double = .infinity, atLeast least: Double = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect((least...most).contains(value), "\(value)", sourceLocation: sourceLocation)
  }

  // Bounds are twice what was measured. Starts are rounded to single precision, and the system's own
  // solvers have finer meshes.

  @Test("Kuramoto–Sivashinsky") func kuramotoSivashinsky() throws {
    var settings = KuramotoSivashinskyConfiguration()
    settings.frameCount = 33
    try expect(difference(settings), atMost: 9e-5)
    // Another damping is another law.
    try expect(difference(settings, change: 1.001), atLeast: 1e-3)
  }

  @Test("Kuramoto–Sivashinsky on its attractor") func attractor() throws {
    var settings = KuramotoSivashinskyAttractorConfiguration()
    settings.frameCount = 17
    try expect(difference(settings), atMost: 3e-6)
  }

  @Test("Burgers") func burgers() throws {
    var settings = BurgersConfiguration()
    settings.frameCount = 33
    try expect(difference(settings), atMost: 2e-6)
    try expect(difference(settings, change: 1.01), atLeast: 1e-4)
  }

  @Test("nonlinear Schrödinger") func nonlinearSchroedinger() throws {
    var settings = NonlinearSchroedingerConfiguration()
    // Broad peaks: both meshes resolve them.
    (settings.frameCount, settings.spectrumWidthMaximum) = (33, 1)
    try expect(difference(settings), atMost: 5e-5)
    try expect(difference(settings, change: 1.01), atLeast: 1e-4)
  }

  @Test("light in a fibre, on the periodic axis of its solver") func fibre() throws {
    var settings = FibreConfiguration()
    (settings.frameCount, settings.ringFactor, settings.substeps) = (9, 1, 8)
    let ring = Grid([.init(settings.pointCount, extent: settings.duration, .periodic)])
    try expect(difference(settings, on: ring), atMost: 1e-6)
    try expect(difference(settings, on: ring, change: 1.01), atLeast: 1e-4)
  }

  @Test("convection and diffusion") func convectionDiffusion() throws {
    var settings = ConvectionDiffusionConfiguration()
    (settings.pointCount, settings.frameCount) = (64, 9)
    // No mode that the other mesh drops.
    settings.spectrumWidthMaximum = 0.7
    try expect(difference(settings), atMost: 2e-7)
    try expect(difference(settings, change: 1.01), atLeast: 1e-4)
  }

  @Test("Gray–Scott") func grayScott() throws {
    var settings = GrayScottConfiguration()
    (settings.frameCount, settings.spinUpFrames) = (5, 6)
    // Fronts twice as wide as usual: both meshes resolve them.
    (settings.diffusivityU, settings.diffusivityV) = (0.64, 0.32)
    try expect(difference(settings), atMost: 1e-6)
    try expect(difference(settings, change: 1.01), atLeast: 1e-4)
  }
}
