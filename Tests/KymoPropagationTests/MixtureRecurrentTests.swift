// The recurrent network that draws the next latents: its loss against PyTorch, seeds and streams, what
// it learns of a noisy series, and the disk.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoPropagation
import KymoTensor
import KymoTestSupport
import Testing

/// Values from PyTorch; `Golden/mixture_recurrent.py` made them.
private struct MixtureRecurrentGolden: Decodable {
  var formatVersion: Int
  var shape: [Int]
  var inputs, targets, errors, probe: [Double]
  var parameters, gradients: [String: [Double]]

  static func load() throws -> MixtureRecurrentGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/mixture_recurrent.json")
    let golden = try JSONDecoder().decode(MixtureRecurrentGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }
}

/// A random walk that is pulled back, x' = 0.9 x + 0.3 ξ, `[T, 1]`.
private func series(_ frames: Int, seed: UInt64) -> HostArray<Double> {
  var random = RandomStream(seed: seed, purpose: .testing)
  var x = 0.0
  return HostArray(
    (0..<frames).map { _ in
      x = 0.9 * x + 0.3 * random.normal()
      return x
    }, shape: [frames, 1])
}

@Suite("Propagators that draw") struct MixtureRecurrentTests {
  @Test("losses and gradients are PyTorch's") func golden() throws {
    let golden = try MixtureRecurrentGolden.load()
    let (batch, steps, latents) = (golden.shape[0], golden.shape[1], golden.shape[2])
    var configuration = MixtureRecurrentConfiguration()
    (configuration.unitCount, configuration.kernelCount) = (golden.shape[3], golden.shape[4])
    let network = MixtureRecurrentNetwork(configuration, latentCount: latents, seed: 0)
    let parameters = network.namedParameters()
    try parameters.load(
      parameters.map { name, tensor in
        let values = try #require(golden.parameters[name])
        return (name: name, tensor: Tensor(values.map { Float($0) }, shape: tensor.shape))
      }, from: "golden")
    func tensor(_ values: [Double], _ shape: [Int]) -> Tensor {
      Tensor(values.map { Float($0) }, shape: shape)
    }
    var state = network.initialState(batchCount: batch)
    let errors = network.errors(
      tensor(golden.inputs, [batch, steps, latents]),
      targets: tensor(golden.targets, [batch, steps, latents]), state: &state, own: nil,
      zoneout: nil)
    expectClose(
      errors.floats.map { Double($0) }, golden.errors,
      Tolerance(absolute: 1e-5, relative: 1e-5, because: "single precision"))
    (errors * tensor(golden.probe, [batch, steps])).sum().backward()
    for (name, tensor) in parameters {
      let expected = try #require(golden.gradients[name])
      let scale = expected.map(\.magnitude).max() ?? 1
      expectClose(
        try #require(tensor.gradient).floats.map { Double($0) }, expected,
        Tolerance(
          absolute: 1e-5 * scale, relative: 1e-5, because: "single precision, of the largest entry")
      )
    }
  }

  @Test("learns the noise of a series: free runs spread as it does", arguments: [1, 2] as [UInt64])
  func learning(_ seed: UInt64) throws {
    var training = PropagatorTraining()
    (training.windowLength, training.windowsPerSequence, training.batchSize) = (20, 2, 16)
    training.phase.steps = 300
    let trainer = try PropagatorTrainer(
      .mixture(MixtureRecurrentConfiguration()), training: training,
      series: [series(4000, seed: seed)], validation: [series(500, seed: seed + 100)], seed: seed)
    let first = try trainer.step().loss
    var last = first
    while !trainer.isFinished { last = try trainer.step().loss }
    #expect(last < first)
    let propagator = try #require(
      trainer.finishedPropagator() as? MixtureRecurrentPropagator)
    var memory = propagator.initialMemory(batchCount: 200, seed: 5)
    let run = try propagator.rollout(
      from: HostArray(repeating: 0, shape: [200, 1]), stepCount: 60, memory: &memory)
    let ends = (0..<200).map { run[$0, 59, 0] }
    // The stationary deviation of the series is 0.3 / √(1 − 0.81) = 0.688.
    #expect((Statistics.sampleStandardDeviation(ends) - 0.688).magnitude < 0.2)
    // The step is noise of 0.3 around 0.9 x.
    let jumps = (0..<200).map { run[$0, 59, 0] - 0.9 * run[$0, 58, 0] }
    #expect((Statistics.sampleStandardDeviation(jumps) - 0.3).magnitude < 0.08)
  }

  @Test("seeds decide what is drawn; trajectories do not see each other") func seeds() throws {
    let propagator = MixtureRecurrentPropagator(
      configuration: MixtureRecurrentConfiguration(),
      scaler: ChannelScaler(kind: .standard, offset: [1, 2], scale: [2, 3]),
      network: MixtureRecurrentNetwork(MixtureRecurrentConfiguration(), latentCount: 2, seed: 4))
    func run(_ batch: Int, seed: UInt64, parts: [Int] = [6]) throws -> HostArray<Double> {
      var memory = propagator.initialMemory(batchCount: batch, seed: seed)
      var current = HostArray(repeating: 0.5, shape: [batch, 2])
      var frames: [HostArray<Double>] = []
      for part in parts {
        let made = try propagator.rollout(from: current, stepCount: part, memory: &memory)
        current = made.frame(part - 1)
        frames += (0..<part).map { made.frame($0) }
      }
      return HostArray(frames.flatMap(\.elements), shape: [frames.count, batch, 2])
    }
    let four = try run(4, seed: 1)
    #expect(try run(4, seed: 1, parts: [2, 1, 3]) == four)
    #expect(try run(4, seed: 2) != four)
    #expect((0..<6).allSatisfy { four[$0, 0, 0] != four[$0, 1, 0] })
    expectClose(
      try run(1, seed: 1).elements, (0..<6).flatMap { [four[$0, 0, 0], four[$0, 0, 1]] },
      Tolerance(absolute: 1e-4, because: "products of matrices of other sizes, fed back six times"))
    // Teacher forcing draws nothing.
    var (one, two) = (
      propagator.initialMemory(batchCount: 1, seed: 1),
      propagator.initialMemory(batchCount: 1, seed: 2)
    )
    let known = HostArray([0.1, 0.2, 0.3, 0.4], shape: [1, 2, 2])
    #expect(
      try propagator.oneStepPredictions(known, memory: &one)
        == propagator.oneStepPredictions(known, memory: &two))
    let folder = try TemporaryFolder()
    try propagator.save(to: folder.url)
    let loaded = try MixtureRecurrentPropagator(from: folder.url)
    var again = loaded.initialMemory(batchCount: 4, seed: 1)
    let start = HostArray(repeating: 0.5, shape: [4, 2])
    #expect(
      try loaded.rollout(from: start, stepCount: 1, memory: &again).elements
        == four.slice(0).elements)
  }

  @Test("free runs and other averages are refused in its training") func settings() {
    for change: (inout PropagatorTraining) -> Void in [
      { $0.freeRunningSteps = 5 }, { $0.average = .geometric },
    ] {
      var training = PropagatorTraining()
      change(&training)
      #expect(throws: ConfigurationError.self) {
        try PropagatorTrainer(
          .mixture(MixtureRecurrentConfiguration()), training: training,
          series: [series(400, seed: 1)], validation: [series(400, seed: 2)], seed: 1)
      }
    }
  }
}
