// An autoencoder of principal components, with observables, on waves whose phase says everything.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

@Suite("Autoencoders of components", .serialized) struct ComponentAutoencoderTests {
  /// Waves on 16 × 32 cells in two channels; what is observed follows from their phase.
  private func waves(_ count: Int, from start: Double) throws -> FrameSet {
    var (numbers, observables) = ([Float](), [Float]())
    for frame in 0..<count {
      let phase = start + 0.37 * Double(frame)
      for channel in 0..<2 {
        for cell in 0..<512 {
          let (x, y) = (Double(cell % 32) / 32, Double(cell / 32) / 16)
          let angle = 2 * Double.pi * x - phase
          let wave = sin(angle) + 0.3 * sin(2 * angle) * y
          numbers.append(Float(channel == 0 ? wave : 0.1 * wave * y + 4))
        }
      }
      observables += [Float(1.3 + 0.1 * cos(2 * phase)), Float(0.3 * sin(phase))]
    }
    let folder = try TemporaryFolder()
    var metadata = RecordingsMetadata()
    metadata.observableNames = ["drag", "lift"]
    let writer = try RecordingsWriter(
      folder.path("waves.npz"), shape: [1, 2, count, 16, 32], parameterCount: 0, metadata: metadata)
    for frame in 0..<count {
      try writer.append(
        frame: Array(numbers[frame * 1024..<(frame + 1) * 1024]), parameters: [],
        observables: Array(observables[frame * 2..<(frame + 1) * 2]))
    }
    try writer.finish()
    return FrameSet(try Recordings.load(folder.path("waves.npz")))
  }

  private func trained(_ frames: FrameSet) throws -> ComponentAutoencoder {
    let components = try PrincipalComponentReduction(
      fitting: frames, configuration: .init(latentCount: 6))
    var network = FeedForwardAutoencoder()
    (network.hiddenWidth, network.hiddenLayers) = (32, 2)
    (network.outputActivation, network.scaling) = (.identity, .standard)
    var training = ReductionTraining()
    training.phase.steps = 2500
    let states = try components.reduced(frames)
    let trainer = try ReductionTrainer(
      .feedForward(network), training: training, states: states, validation: states,
      observed: ObservedFrames(frames, training: ObservableTraining()), seed: 3)
    while !trainer.isFinished { _ = try trainer.step() }
    return ComponentAutoencoder(components: components, network: trainer.finishedReduction())
  }

  @Test("hold fields and observables in two latents, and come back from a folder")
  func wavesAndForces() throws {
    let (frames, fresh) = (try waves(120, from: 0), try waves(40, from: 0.11))
    #expect(frames.recordings.observables?.shape == [1, 120, 2])
    let reduction = try trained(frames)
    let states = fresh.states(0..<fresh.count)
    let latents = try reduction.encode(states)
    #expect(latents.shape == [40, 2] && reduction.observableNames == ["drag", "lift"])
    let made = try reduction.decode(latents)
    let miss = Statistics.rootMeanSquare(
      zip(made.elements, states.elements).map { Double($0 - $1) })
    // The waves themselves have 0.5; one latent leaves 0.3.
    #expect(miss < 0.02, "\(miss)")
    let known = try #require(fresh.observables)
    let found = try reduction.observe(latents)
    for (column, size) in [0.1, 0.3].enumerated() {
      let misses = (0..<40).map { found[$0, column] - known[$0, column] }
      #expect(Statistics.rootMeanSquare(misses) < 0.1 * size, "\(misses)")
    }
    let folder = try TemporaryFolder()
    try reduction.save(to: folder.path("model"))
    let loaded = try ComponentAutoencoder(from: folder.path("model"))
    #expect(try loaded.encode(states) == latents && loaded.decode(latents) == made)
    #expect(try loaded.observe(latents) == found)
  }

  @Test("say what is missing where nothing was observed") func unobserved() throws {
    let frames = try FrameSet(states: HostArray([1, 2, 3, 4], shape: [2, 1, 2]))
    let error = #expect(throws: ModelDataError.self) {
      try ObservedFrames(frames, training: ObservableTraining())
    }
    #expect(error.map { "\($0)".contains("observables") } == true)
  }
}
