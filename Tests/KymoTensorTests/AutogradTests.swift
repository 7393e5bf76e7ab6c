// Gradients: central differences in float64, operations of our own against plain ones.
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Gradients") struct AutogradTests {
  @Test("leaves collect, and forget") func leaves() throws {
    let x = Tensor([1, 2, 3], shape: [3]).requiringGradient()
    #expect(x.requiresGradient && x.gradient == nil)
    (x.square() * 2).sum().backward()
    #expect(try #require(x.gradient).floats == [4, 8, 12])
    x.sum().backward()
    #expect(try #require(x.gradient).floats == [5, 9, 13])
    x.zeroGradient()
    #expect(x.gradient == nil)
    x.square().backward(gradient: Tensor([1, 0, -1], shape: [3]))
    #expect(try #require(x.gradient).floats == [2, 0, -6])
    #expect(!x.detached().requiresGradient)
  }

  @Test("nothing is recorded without gradients, also after an error") func noGradients() {
    struct Stop: Error {}
    let x = Tensor([1], shape: [1]).requiringGradient()
    withoutGradients { #expect(!(x * 2).requiresGradient) }
    #expect((x * 2).requiresGradient)
    #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
    #expect((x * 2).requiresGradient)
  }

  @Test("derivatives with respect to chosen tensors, and derivatives of those") func chosen() throws
  {
    let x = Tensor(doubles: [2, 3], shape: [2]).requiringGradient()
    let unused = Tensor([1], shape: [1]).requiringGradient()
    let cubes = x.pow(3)
    let first = Tensor.gradients(
      of: [cubes], withRespectTo: [x, unused], differentiable: true)
    let slope = try #require(first[0])
    #expect(slope.doubles == [12, 27])
    #expect(first[1] == nil)
    #expect(x.gradient == nil, "nothing is collected")
    let second = try #require(Tensor.gradients(of: [slope], withRespectTo: [x])[0])
    #expect(second.doubles == [12, 18])
    let steep = Tensor(doubles: [.infinity], shape: [1]).requiringGradient()
    #expect(Tensor.gradients(of: [steep * 2], withRespectTo: [steep])[0]?.doubles == [2])
    let along = Tensor.gradients(
      of: [x.square()], along: [Tensor(doubles: [0, 1], shape: [2])], withRespectTo: [x])
    #expect(try #require(along[0]).doubles == [0, 6])
  }

  @Test("a small network's gradient is its central difference", arguments: [1, 2])
  func centralDifferences(_ seed: UInt64) throws {
    var stream = RandomStream(seed: seed, purpose: .testing)
    let x = Tensor.normal([2, 2, 9], using: &stream).cast(to: .float64)
    let start = Tensor.normal([3, 2, 3], using: &stream).cast(to: .float64)
    func loss(_ w: Tensor) -> Tensor {
      let padded = x.padded(.circular, axis: 2, before: 2, after: 2)
      let hidden = Tensor.convolution(padded, w, nil, stride: [2], padding: [0], dilation: [2])
        .tanh()
      return hidden.square().sum(axes: [1]).logSumExp() + hidden.softmax(axis: 1).max()
    }
    let w = start.requiringGradient()
    loss(w).backward()
    let entries = start.doubles
    let step = 1e-5
    let differences = entries.indices.map { i in
      func shifted(_ by: Double) -> Double {
        var moved = entries
        moved[i] += by
        return loss(Tensor(doubles: moved, shape: [3, 2, 3])).item
      }
      return (shifted(step) - shifted(-step)) / (2 * step)
    }
    expectClose(
      try #require(w.gradient).doubles, differences,
      Tolerance(absolute: 1e-8, relative: 1e-7, because: "h² and rounding / h at h = 1e-5"))
  }
}

@Suite("Operations with a gradient of their own") struct CustomOperationTests {
  /// x² y and x + y with a hand-written gradient.
  private func operation(_ x: Tensor, _ y: Tensor) -> [Tensor] {
    let outputs = withoutGradients { [x.square() * y, x + y] }
    return Tensor.custom("test operation", inputs: [x, y], outputs: outputs) { gradients in
      let zero = Tensor.zeros(x.shape)
      let (first, second) = (gradients[0] ?? zero, gradients[1] ?? zero)
      return [first * (x * 2 * y) + second, first * x.square() + second]
    }
  }

  private func leaves() -> (Tensor, Tensor) {
    (
      Tensor([1, -2, 3], shape: [3]).requiringGradient(),
      Tensor([4, 5, -6], shape: [3]).requiringGradient()
    )
  }

  @Test("agree with recorded operations", arguments: [0, 1, 2]) func agreement(_ used: Int) throws {
    let (x, y) = leaves()
    let (p, q) = leaves()
    func loss(_ outputs: [Tensor]) -> Tensor {
      let parts = [outputs[0].exp() * 0.01, outputs[1].square()]
      return (used == 2 ? parts[0] + parts[1] : parts[used]).sum()
    }
    let own = operation(x * 0.5, y)
    #expect(own[0].requiresGradient)
    loss(own).backward()
    let half = p * 0.5
    loss([half.square() * q, half + q]).backward()
    expectClose(try #require(x.gradient).floats, try #require(p.gradient).floats, otherRoute)
    expectClose(try #require(y.gradient).floats, try #require(q.gradient).floats, otherRoute)
  }

  @Test("an output that is not used arrives as nil, nil means zero") func undefined() throws {
    let (x, y) = leaves()
    var arrived: [Bool] = []
    let outputs = withoutGradients { [x * 2, y * 3] }
    let results = Tensor.custom(inputs: [x, y], outputs: outputs) { gradients in
      arrived = gradients.map { $0 != nil }
      return [gradients[0].map { $0 * 2 }, nil]
    }
    results[0].sum().backward()
    #expect(arrived == [true, false])
    #expect(try #require(x.gradient).floats == [2, 2, 2])
    #expect(y.gradient == nil)
  }

  private final class Canary {}

  @Test("what backward captures is released with the graph")
  func release() {
    weak var canary: Canary?
    func results(_ inputs: [Tensor]) -> [Tensor] {
      let kept = Canary()
      canary = kept
      let outputs = withoutGradients { inputs.map { $0 * 2 } }
      return Tensor.custom(inputs: inputs, outputs: outputs) { gradients in
        withExtendedLifetime((kept, outputs)) { gradients.map { $0.map { $0 * 2 } } }
      }
    }
    let (x, y) = leaves()
    do {
      let outputs = results([x, y])
      #expect(canary != nil)
      let loss = (outputs[0] + outputs[1]).sum()
      loss.backward()
      #expect(canary == nil, "a backward pass lets go of what it used")
    }
    do {
      let outputs = results([x, y])
      #expect(canary != nil && outputs.count == 2)
    }
    #expect(canary == nil, "without a backward pass the last result lets go")
    _ = withoutGradients { results([x, y]) }
    #expect(canary == nil, "nothing is kept where nothing is recorded")
    _ = results([x.detached()])
    #expect(canary == nil, "nothing is kept when no input needs a gradient")
    do {
      let outputs = results([x])
      let loss = outputs[0].sum()
      loss.backward(keepingGraph: true)
      #expect(canary != nil, "kept for another pass")
      loss.backward()
      #expect(canary == nil)
    }
  }

  /// The error of a backward pass through an operation with the given gradient.
  private func failure(
    _ backward: @escaping ([Tensor?]) throws -> [Tensor?]
  ) throws -> TensorError {
    let (x, y) = leaves()
    let outputs = withoutGradients { [x * y] }
    return try #require(throws: TensorError.self) {
      try catchingTensorErrors {
        Tensor.custom("wrong operation", inputs: [x, y], outputs: outputs, backward: backward)[0]
          .sum().backward()
      }
    }
  }

  @Test("mistakes are explained") func mistakes() throws {
    struct Refusal: Error {}
    let count = try failure { [$0[0]] }
    #expect(count.message.contains("1 gradients for 2 inputs"), "\(count)")
    let shape = try failure { [$0[0], $0[0].map { $0.sum() }] }
    #expect(shape.message.contains("gradient 1 has the shape []"), "\(shape)")
    #expect(shape.message.contains("wrong operation"), "\(shape)")
    let operation = try failure { [$0[0].map { $0.reshaped([2]) }, nil] }
    #expect(operation.message.contains("reshaped"), "\(operation)")
    let thrown = try failure { _ in throw Refusal() }
    #expect(thrown.message.contains("Refusal"), "\(thrown)")
    let (x, _) = leaves()
    let recorded = #expect(throws: TensorError.self) {
      try catchingTensorErrors {
        Tensor.custom(inputs: [x], outputs: [x * 2]) { $0 }
      }
    }
    #expect(recorded?.message.contains("already part of a graph") == true)
  }

  @Test("a second pass through a graph that was let go is an error") func secondPass() throws {
    let (x, y) = leaves()
    let loss = operation(x, y)[1].sum()
    loss.backward()
    #expect(throws: TensorError.self) { try catchingTensorErrors { loss.backward() } }
  }
}
