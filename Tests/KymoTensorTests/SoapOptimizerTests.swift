// SOAP against a script of its formulas, its limits, and what it is for: weights that are stiff
// together.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("SOAP") struct SoapOptimizerTests {
  @Test("follows the reference for twenty-five steps", arguments: ["soap", "soapDecay"])
  func golden(_ name: String) throws {
    let golden = try Golden.tensors()
    let p = try golden.require("optimiser.soap.start").clone().requiringGradient()
    let optimizer = SoapOptimizer([("p", p)], .init(weightDecay: name == "soap" ? 0 : 0.1))
    let gradients = try golden.require("optimiser.soap.gradients")
    let expected = try golden.require("optimiser.\(name)")
    for step in 0..<gradients.shape[0] {
      (p * gradients.selected(axis: 0, index: step)).sum().backward()
      optimizer.step(rate: 0.05)
      optimizer.zeroGradients()
      expectClose(
        p.doubles, expected.selected(axis: 0, index: step).doubles,
        Tolerance(
          absolute: 1e-8, relative: 0, because: "float64, but for what the first gradient lacks"))
    }
  }

  @Test("with sides too long to turn it is Adam") func longSides() throws {
    var stream = RandomStream(seed: 11, purpose: .testing)
    let start = Tensor.normal([5, 3, 2], using: &stream)
    let gradients = Tensor.normal([12, 5, 3, 2], using: &stream)
    func path(_ make: ([NamedTensor]) -> any Optimizer) -> [Float] {
      let p = start.clone().requiringGradient()
      let optimizer = make([("p", p)])
      for step in 0..<12 {
        (p * gradients.selected(axis: 0, index: step)).sum().backward()
        optimizer.step(rate: 0.1, gradientScale: 0.5)
        optimizer.zeroGradients()
      }
      return p.floats
    }
    var settings = SoapOptimizer.Settings()
    settings.longestSide = 1
    var adam = AdaptiveOptimizer.Settings.adam
    (adam.beta1, adam.beta2) = (settings.beta1, settings.beta2)
    let adams = path { AdaptiveOptimizer($0, adam) }
    expectClose(
      path { SoapOptimizer($0, settings) }, adams,
      Tolerance(absolute: 1e-5, relative: 1e-5, because: "float32 over twelve steps"))
    // Negative control: with sides that turn it is not.
    expectFar(path { SoapOptimizer($0) }, adams, otherRoute)
  }

  /// The loss after `steps` of fitting y = W x, whose inputs are almost multiples of each other.
  private func stiffLoss(_ choice: OptimizerChoice, steps: Int) -> Double {
    var stream = RandomStream(seed: 12, purpose: .testing)
    let common = Tensor.normal([64, 1], using: &stream)
    let inputs = common + Tensor.normal([64, 6], using: &stream) * 0.02
    let target = inputs.matmul(Tensor.normal([6, 4], using: &stream))
    let weights = Tensor.zeros([6, 4]).requiringGradient()
    let optimizer = choice.optimizer([("w", weights)])
    var value = 0.0
    for step in 0..<steps {
      let loss = (inputs.matmul(weights) - target).square().mean()
      value = loss.item
      loss.backward()
      optimizer.step(rate: 0.05 * (1 - Double(step) / Double(steps)))
      optimizer.zeroGradients()
    }
    return value
  }

  @Test("weights that are stiff together come to rest in steps that do not suffice for Adam")
  func stiff() {
    let (soap, adam) = (stiffLoss(.soap, steps: 300), stiffLoss(.adam, steps: 300))
    #expect(soap < adam / 100, "SOAP \(soap), Adam \(adam)")
  }

  @Test("parameters without gradient stay, a scalar and an empty one do no harm") func odd() {
    let unused = Tensor([1], shape: [1]).requiringGradient()
    let scalar = Tensor.full([], 2).requiringGradient()
    let empty = Tensor.zeros([0]).requiringGradient()
    let optimizer = SoapOptimizer([("u", unused), ("s", scalar), ("e", empty)])
    (scalar.sum() + empty.sum()).backward()
    optimizer.step(rate: 0.1)
    #expect(unused.item == 1)
    expectClose([scalar.item], [1.9], Tolerance(absolute: 1e-6, because: "float32"))
  }

  @Test("gradients of zeros and of any size leave finite weights") func extreme() {
    let p = Tensor.zeros([3, 2]).requiringGradient()
    let optimizer = SoapOptimizer([("p", p)])
    for size in [0, 1e-30, 1, 1e25] as [Float] {
      for _ in 0..<10 {
        p.backward(gradient: Tensor([Float](repeating: size, count: 6), shape: [3, 2]))
        optimizer.step(rate: 0.1)
        optimizer.zeroGradients()
      }
      let isFinite = p.floats.allSatisfy(\.isFinite)
      #expect(isFinite, "gradients of \(size)")
    }
  }

  /// 45 of 64 rows never get a gradient, as behind channels that are never positive.
  @Test("rows without gradient stay, the others move by the rate") func deadRows() {
    var stream = RandomStream(seed: 14, purpose: .testing)
    let alive = Tensor.zeros([64, 1])
    alive.sliced(axis: 0, to: 57, step: 3).fillInPlace(1)
    let target = Tensor.normal([64, 90], using: &stream) * alive
    let p = Tensor.zeros([64, 90]).requiringGradient()
    let optimizer = SoapOptimizer([("p", p)])
    for step in 1...45 {
      let noise = Tensor.normal([64, 90], using: &stream) * 0.1
      p.backward(gradient: (p.detached() - target + noise) * alive)
      let before = p.clone()
      optimizer.step(rate: 0.01)
      optimizer.zeroGradients()
      let move = (p - before).square().sum().item.squareRoot()
      let dead = (p * (1 - alive)).square().sum().item
      // Adam moves each of 19 · 90 entries by the rate.
      #expect(move < 0.01 * (19.0 * 90).squareRoot(), "step \(step)")
      #expect(dead < 1e-12, "step \(step)")
    }
  }

  @Test("a stored state continues with the same bits") func resume() throws {
    var stream = RandomStream(seed: 13, purpose: .testing)
    let start = Tensor.normal([7, 5], using: &stream)
    let gradients = Tensor.normal([24, 7, 5], using: &stream)
    func advance(_ p: Tensor, _ optimizer: SoapOptimizer, _ steps: Range<Int>) {
      for step in steps {
        (p * gradients.selected(axis: 0, index: step)).sum().backward()
        optimizer.step(rate: 0.1)
        optimizer.zeroGradients()
      }
    }
    let p = start.clone().requiringGradient()
    advance(p, SoapOptimizer([("p", p)]), 0..<24)
    let q = start.clone().requiringGradient()
    let first = SoapOptimizer([("p", q)])
    advance(q, first, 0..<13)
    try withFolder { folder in
      let file = folder.appending(path: "optimizer.safetensors")
      try SafeTensors.write(first.state, to: file)
      let second = SoapOptimizer([("p", q)])
      try second.load(state: SafeTensors.read(file).tensors, from: file.path)
      #expect(second.stepCount == 13)
      advance(q, second, 13..<24)
      #expect(q.floats == p.floats)
      let other = SoapOptimizer([("p", Tensor.zeros([5]))])
      #expect(throws: TensorError.self) {
        try other.load(state: SafeTensors.read(file).tensors, from: file.path)
      }
    }
  }
}
