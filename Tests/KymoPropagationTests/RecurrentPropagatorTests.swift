// Forecasts by trained networks: the kernel against the tensor version, warm-up and memory,
// folders.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoPropagation

private func propagator(
  _ cell: RecurrentCell, latents: Int, units: Int, layers: Int = 1, seed: UInt64 = 1
) -> RecurrentPropagator {
  let configuration = RecurrentConfiguration(cell: cell, unitCount: units, layerCount: layers)
  let offset = (0..<latents).map { Double($0) - 0.5 }
  return RecurrentPropagator(
    configuration: configuration,
    scaler: ChannelScaler(
      kind: .minMaxZeroOne, offset: offset, scale: offset.map { 2 + $0.magnitude }),
    network: RecurrentNetwork(configuration, latentCount: latents, seed: seed))
}

private func latents(_ shape: [Int], seed: UInt64 = 1) -> HostArray<Double> {
  var random = RandomStream(seed: seed, purpose: .testing)
  return HostArray((0..<shape.reduce(1, *)).map { _ in random.normal() }, shape: shape)
}

private let single = Tolerance(
  absolute: 5e-6, relative: 5e-6,
  because: "float32 over ten steps, latents of size 3: 14 roundings of 3")

@Suite("Recurrent propagators") struct RecurrentPropagatorTests {
  @Test(
    "forecast as the tensor version does",
    arguments: [RecurrentCell.lstm, .gru], [1, 3, 4, 5, 33])
  func againstTensors(_ cell: RecurrentCell, _ batch: Int) throws {
    for (units, layers) in [(32, 1), (17, 2)] {
      let propagator = propagator(cell, latents: 2, units: units, layers: layers)
      let known = latents([batch, 4, 2])
      var memory = propagator.initialMemory(batchCount: batch)
      let oneStep = try propagator.oneStepPredictions(known, memory: &memory)
      let rollout = try propagator.rollout(
        from: oneStep.frame(3), stepCount: 6, memory: &memory)

      let network = RecurrentNetwork(
        propagator.configuration, latentCount: 2, seed: 1, path: .operations)
      var state = network.initialState(batchCount: batch)
      let inputs = Tensor(propagator.scaler.scaled(known.elements), shape: known.shape)
      let expected = withoutGradients {
        network.predictions(inputs, state: &state, stepCount: 10)
      }
      let unscaled = HostArray(
        propagator.scaler.unscaled(expected.floats), shape: expected.shape)
      for step in 0..<4 {
        expectClose(oneStep.frame(step).elements, unscaled.frame(step).elements, single)
      }
      for step in 0..<6 {
        expectClose(rollout.frame(step).elements, unscaled.frame(4 + step).elements, single)
      }
      expectClose(memory.states, state.floats, single)
    }
  }

  @Test("give the bits of single trajectories in a batch, and single steps in a rollout")
  func batchIsSingles() throws {
    let propagator = propagator(.lstm, latents: 3, units: 32)
    let start = latents([7, 3])
    var memory = propagator.initialMemory(batchCount: 7)
    let all = try propagator.rollout(from: start, stepCount: 5, memory: &memory)
    for item in 0..<7 {
      var own = propagator.initialMemory(batchCount: 1)
      let one = try propagator.rollout(
        from: start.slice(item).reshaped([1, 3]), stepCount: 5, memory: &own)
      #expect(one.elements == all.slice(item).elements)
    }
    var stepwise = propagator.initialMemory(batchCount: 7)
    var current = start
    for step in 0..<5 {
      current = try propagator.step(current, memory: &stepwise)
      expectClose(current.elements, all.frame(step).elements, single)
    }
    expectClose(stepwise.states, memory.states, single)
  }

  @Test("take empty batches and empty rollouts") func empty() throws {
    let propagator = propagator(.gru, latents: 2, units: 16)
    var memory = propagator.initialMemory(batchCount: 0)
    let none = try propagator.rollout(from: latents([0, 2]), stepCount: 3, memory: &memory)
    #expect(none.shape == [0, 3, 2])
    var one = propagator.initialMemory(batchCount: 1)
    let before = one
    let still = try propagator.rollout(from: latents([1, 2]), stepCount: 0, memory: &one)
    #expect(still.shape == [1, 0, 2])
    let unfed = try propagator.oneStepPredictions(latents([1, 0, 2]), memory: &one)
    #expect(unfed.shape == [1, 0, 2])
    #expect(one == before)
  }

  @Test("leave a trajectory that is not finite alone, and go on with the others") func notFinite()
    throws
  {
    let propagator = propagator(.lstm, latents: 2, units: 32)
    var start = latents([5, 2])
    var memory = propagator.initialMemory(batchCount: 5)
    let clean = try propagator.rollout(from: start, stepCount: 4, memory: &memory)
    start.elements[4] = .nan
    memory = propagator.initialMemory(batchCount: 5)
    let found = try propagator.rollout(from: start, stepCount: 4, memory: &memory)
    #expect(found.slice(2).elements.allSatisfy { $0.isNaN })
    for item in [0, 1, 3, 4] { #expect(found.slice(item) == clean.slice(item)) }
  }

  @Test("refuse latents that do not fit") func shapes() {
    let propagator = propagator(.lstm, latents: 2, units: 8)
    var memory = propagator.initialMemory(batchCount: 3)
    #expect(throws: ModelDataError.self) {
      try propagator.step(latents([3, 3]), memory: &memory)
    }
    #expect(throws: ModelDataError.self) {
      try propagator.rollout(from: latents([2, 2]), stepCount: 1, memory: &memory)
    }
  }

  @Test("come back from a folder as they were", arguments: [RecurrentCell.lstm, .gru])
  func folder(_ cell: RecurrentCell) throws {
    let folder = try TemporaryFolder()
    let saved = propagator(cell, latents: 2, units: 20, layers: 2)
    try saved.save(to: folder.url)
    let loaded = try RecurrentPropagator(from: folder.url)
    #expect(loaded.configuration == saved.configuration)
    #expect(loaded.scaler == saved.scaler)
    let start = latents([3, 2])
    var (first, second) = (saved.initialMemory(batchCount: 3), loaded.initialMemory(batchCount: 3))
    let expected = try saved.rollout(from: start, stepCount: 5, memory: &first)
    #expect(try loaded.rollout(from: start, stepCount: 5, memory: &second) == expected)
    #expect(throws: TensorError.self) { try MLPPropagator(from: folder.url) }
  }

  @Test("without memory: the next latents depend on the present ones alone") func mlp() throws {
    let configuration = MLPConfiguration()
    let network = DenseStack(configuration, latentCount: 2, seed: 3)
    let scaler = ChannelScaler(kind: .minMaxZeroOne, offset: [-1, 0], scale: [2, 4])
    let propagator = MLPPropagator(configuration: configuration, scaler: scaler, network: network)
    #expect(network.parameterCount == 2 * 100 + 100 + 2 * (100 * 100 + 100) + 200 + 2)
    let known = latents([5, 3, 2])
    var memory = propagator.initialMemory(batchCount: 5)
    let together = try propagator.oneStepPredictions(known, memory: &memory)
    for step in 0..<3 {
      let alone = try propagator.step(known.frame(step), memory: &memory)
      expectClose(alone.elements, together.frame(step).elements, single)
    }
    // 0.5 + 0.5 tanh keeps scaled latents in (0, 1).
    #expect(
      together.elements.enumerated().allSatisfy { index, value in
        index % 2 == 0 ? abs(value) < 1 : value > 0 && value < 4
      })
    let rollout = try propagator.rollout(from: known.frame(0), stepCount: 2, memory: &memory)
    let second = try propagator.step(rollout.frame(0), memory: &memory)
    expectClose(second.elements, rollout.frame(1).elements, single)
    let folder = try TemporaryFolder()
    try propagator.save(to: folder.url)
    let loaded = try MLPPropagator(from: folder.url)
    let expected = try propagator.step(known.frame(0), memory: &memory)
    #expect(try loaded.step(known.frame(0), memory: &memory) == expected)
  }
}
