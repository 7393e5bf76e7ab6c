// Recurrent networks against PyTorch; the fused kernel against tensor operations.
import CKernels
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoPropagation

/// Values from PyTorch; `Golden/recurrent.py` made them.
private func golden() throws -> SafeTensors.Contents {
  let contents = try SafeTensors.read(
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/recurrent.safetensors"))
  try #require(contents.metadata["format_version"] == "1")
  return contents
}

/// For float32 by another route.
private let otherRoute = Tolerance(
  absolute: 2e-6, relative: 2e-5, because: "float32 in another order of additions: 16 roundings")

private func network(
  _ cell: RecurrentCell, latents: Int, units: Int, layers: Int = 1,
  output: RecurrentOutput = .tanhPlus, seed: UInt64 = 1, isPlain: Bool = false
) -> RecurrentNetwork {
  var stream = RandomStream(seed: seed, purpose: .testing)
  var network = RecurrentNetwork(
    cell, latentCount: latents, unitCount: units, layerCount: layers,
    outputKind: output, using: &stream)
  // Increments start at zero, which would pass for any input.
  if output == .increment {
    withoutGradients {
      network.output.weight.copyInPlace(
        from: Tensor.normal([latents, units], using: &stream) * 0.3)
    }
  }
  network.avoidsKernels = isPlain
  return network
}

/// Runs `body` on every instruction set that this processor has.
private func onEveryLevel(_ body: (String) -> Void) {
  defer { kk_limit_level(KK_LEVEL_AVX512) }
  for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
    kk_limit_level(level)
    if kk_processor_level() == level { body(unsafe String(cString: kk_level_name(level))) }
  }
}

@Suite("Recurrent networks", .serialized) struct RecurrentNetworkTests {
  private func compareWithGolden(_ name: String, isPlain: Bool) throws {
    let golden = try golden()
    func value(_ key: String) throws -> Tensor { try #require(golden["\(name).\(key)"]) }
    let inputs = try value("inputs").requiringGradient()
    var state = try value("start")
    let network = network(
      name.hasPrefix("lstm") ? .lstm : .gru, latents: inputs.shape[2], units: state.shape[3],
      layers: state.shape[1], isPlain: isPlain)
    try network.namedParameters().load(
      network.namedParameters().map { ($0.name, try value($0.name)) }, from: name)
    let predictions = network.predictions(inputs, state: &state)
    expectClose(predictions.floats, try value("predictions").floats, otherRoute)
    expectClose(state.floats, try value("end").floats, otherRoute)
    (predictions * (try value("probe"))).sum().backward()
    for (key, tensor) in network.namedParameters() + [("inputs", inputs)] {
      // Sums over 35 to 72 steps of trajectories.
      expectClose(
        try #require(tensor.gradient).floats, try value("\(key).gradient").floats,
        Tolerance(absolute: 5e-6, relative: 1e-4, because: "float32 sums of 72 terms"))
    }
  }

  @Test(
    "agree with PyTorch in value and gradient", arguments: ["lstm", "gru", "lstm2", "gru2"],
    [false, true])
  func goldenValues(_ name: String, _ isPlain: Bool) throws {
    try compareWithGolden(name, isPlain: isPlain)
  }

  @Test("do not pass for the other cell, nor with gates in another order")
  func negativeControl() throws {
    let golden = try golden()
    let inputs = try #require(golden["lstm.inputs"])
    let network = network(.lstm, latents: 2, units: 32)
    try network.namedParameters().load(
      network.namedParameters().map { ($0.name, try #require(golden["lstm.\($0.name)"])) },
      from: "lstm")
    withoutGradients {
      let weight = network.stack.layers[0].inputWeight
      weight.copyInPlace(
        from: Tensor.concatenated(
          [weight.sliced(axis: 0, from: 32), weight.sliced(axis: 0, from: 0, to: 32)], axis: 0))
    }
    var state = try #require(golden["lstm.start"])
    let predictions = network.predictions(inputs, state: &state)
    let expected = try #require(golden["lstm.predictions"])
    expectFar(predictions.floats, expected.floats, otherRoute)
  }

  @Test(
    "are the tensor version by the kernel: sizes around vectors, batches around tiles and parts",
    arguments: [RecurrentCell.lstm, .gru])
  func fusedIsPlain(_ cell: RecurrentCell) {
    // Latents, units, layers, batch, given inputs, steps.
    let cases = [
      (1, 1, 1, 1, 1, 1), (2, 15, 1, 2, 3, 3), (2, 16, 2, 3, 4, 4), (3, 17, 1, 4, 2, 5),
      (17, 33, 2, 5, 5, 5), (2, 32, 1, 15, 6, 6), (2, 32, 1, 16, 3, 6), (2, 32, 3, 17, 4, 6),
      (8, 70, 1, 33, 3, 4), (2, 32, 1, 0, 3, 3),
    ]
    onEveryLevel { level in
      for (number, sizes) in cases.enumerated() {
        let (latents, units, layers, batch, known, steps) = sizes
        let output = [RecurrentOutput.tanhPlus, .linear, .increment][number % 3]
        for own in [nil, true, false] as [Bool?] {
          var random = RandomStream(seed: UInt64(number), purpose: .testing)
          let values = Tensor.normal([batch, known, latents], using: &random)
          let start = Tensor.normal(
            [batch, layers, cell.memoryCount, units], using: &random)
          let probe = Tensor.normal([batch, steps, latents], using: &random)
          let marks = (0..<batch * known).map { _ in random.uniform() < 0.5 }
          func run(isPlain: Bool) -> [[Float]] {
            let network = network(
              cell, latents: latents, units: units, layers: layers, output: output,
              isPlain: isPlain)
            let inputs = values.clone().requiringGradient()
            var state = start
            let predictions = network.predictions(
              inputs, state: &state, stepCount: steps,
              own: own.map { OwnInputs(marks, passesGradient: $0) })
            (predictions * probe).sum().backward()
            return [predictions.floats, state.floats]
              + ([inputs] + network.parameters).map {
                $0.gradient?.floats ?? [Float](repeating: 0, count: $0.count)
              }
          }
          if batch == 0 && own != nil { continue }
          for (fused, plain) in zip(run(isPlain: false), run(isPlain: true)) {
            let scale = plain.map(\.magnitude).max() ?? 0
            expectClose(
              fused, plain,
              Tolerance(
                absolute: Double(max(scale, 1)) * 1e-5,
                because: "float32 sums of 200 terms, \(sizes), \(level), own \(own as Any)"))
          }
        }
      }
    }
  }

  @Test("differ from the tensor version when a prediction is fed back a step late")
  func lateFeedback() {
    let network = network(.lstm, latents: 2, units: 8)
    var random = RandomStream(seed: 3, purpose: .testing)
    let inputs = Tensor.normal([2, 4, 2], using: &random)
    var (first, second) = (network.initialState(batchCount: 2), network.initialState(batchCount: 2))
    let marks = [false, true, false, false, false, true, false, false]
    let late = [false, false, true, false, false, false, true, false]
    let right = network.predictions(inputs, state: &first, own: OwnInputs(marks))
    let wrong = network.predictions(inputs, state: &second, own: OwnInputs(late))
    expectFar(right.floats, wrong.floats, otherRoute)
  }

  @Test("compute sigmoid and tanh to 2e-7") func functions() {
    onEveryLevel { level in
      let x = (-4000...4000).map { Float($0) * 0.005 } + [-200, -88, 88, 200, 1e-5, -1e-5]
      var (sigmoid, tanh) = (x, x)
      unsafe kk_recurrent_functions(x, &sigmoid, &tanh, x.count)
      let tolerance = Tolerance(absolute: 2e-7, because: "the stated accuracy, \(level)")
      expectClose(sigmoid.map(Double.init), x.map { 1 / (1 + exp(-Double($0))) }, tolerance)
      expectClose(tanh.map(Double.init), x.map { Foundation.tanh(Double($0)) }, tolerance)
    }
  }

  @Test("let zoneout keep everything at 1 and leave the mean where it was") func zoneout() {
    let plain = network(.lstm, latents: 2, units: 16)
    var random = RandomStream(seed: 4, purpose: .testing)
    let inputs = Tensor.normal([3, 5, 2], using: &random)
    func run(_ kept: Double?, _ index: UInt64) -> [Float] {
      var state = plain.initialState(batchCount: 3)
      let zoneout = kept.map {
        Zoneout(kept: $0, using: RandomStream(seed: 1, purpose: .dropout, index: index))
      }
      return plain.predictions(inputs, state: &state, zoneout: zoneout).floats
    }
    expectClose(run(1, 0), run(nil, 0), otherRoute)
    #expect(run(0.5, 0) != run(nil, 0))
    #expect(run(0.5, 0) != run(0.5, 1))
    #expect(run(0.5, 1) == run(0.5, 1))
  }

  @Test(
    "start as the paper's: orthogonal hidden weights, small biases, the right number of weights")
  func start() {
    let network = network(.lstm, latents: 8, units: 512)
    #expect(network.stack.parameterCount == 1_069_056)
    #expect(network.output.parameterCount == 4_104)
    let small = RecurrentNetworkTests.smallStack
    let weight = small.layers[0].hiddenWeight
    let product = weight.transposed(0, 1).matmul(weight).floats
    let identity = (0..<36).map { Float($0 % 7 == 0 ? 1 : 0) }
    expectClose(product, identity, Tolerance(absolute: 2e-6, because: "float32 sums of 24 terms"))
    #expect(small.layers[0].inputBias.floats.allSatisfy { $0 == 0.001 })
    let bound = (6.0 / (24 + 3)).squareRoot()
    #expect(small.layers[0].inputWeight.floats.allSatisfy { Double($0.magnitude) <= bound })
    #expect(
      small.namedParameters().map(\.name) == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0",
      ])
  }

  private static var smallStack: RecurrentStack {
    var stream = RandomStream(seed: 2, purpose: .testing)
    return RecurrentStack(.lstm, inputCount: 3, unitCount: 6, using: &stream)
  }
}
