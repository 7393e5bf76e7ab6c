// Adam and AdaBelief against PyTorch and the formula; the fused step against tensor operations.
import CKernels
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Optimisers") struct OptimizerTests {
  private typealias Settings = AdaptiveOptimizer.Settings

  @Test(
    "follow the reference for ten steps",
    arguments: ["adam", "adamDecay", "adaBelief", "adaBeliefDecay"],
    [ComputePath.fused, .operations])
  func golden(_ name: String, _ path: ComputePath) throws {
    let golden = try Golden.tensors()
    var settings: Settings = name.hasPrefix("adam") ? .adam : .adaBelief
    if name.hasSuffix("Decay") { settings.weightDecay = name.hasPrefix("adam") ? 0.1 : 0.1 }
    let p = try golden.require("optimiser.start").clone().requiringGradient()
    let optimizer = AdaptiveOptimizer([("p", p)], settings, path: path)
    let gradients = try golden.require("optimiser.gradients")
    let expected = try golden.require("optimiser.\(name)")
    for (step, rate) in try golden.require("optimiser.rates").doubles.enumerated() {
      (p * gradients.selected(axis: 0, index: step)).sum().backward()
      optimizer.step(rate: rate)
      optimizer.zeroGradients()
      // Each step is at most 0.1 / (1 - 0.9) long, and g - m cancels digits in AdaBelief.
      expectClose(
        p.doubles, expected.selected(axis: 0, index: step).doubles,
        Tolerance(absolute: 4e-6, relative: 4e-6, because: "float32 over ten steps, doubled"))
    }
  }

  @Test("a step against the other method's reference does not pass") func negativeControl() throws {
    let golden = try Golden.tensors()
    let adam = try golden.require("optimiser.adam").floats
    expectFar(adam, try golden.require("optimiser.adaBelief").floats, otherRoute)
  }

  @Test(
    "the fused step is the plain one, for every length, instruction set and method",
    arguments: Settings.all, [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512].map(\.rawValue))
  func fusedIsPlain(_ settings: AdaptiveOptimizer.Settings, _ level: UInt32) throws {
    kk_limit_level(kk_level(rawValue: level))
    defer { kk_limit_level(KK_LEVEL_AVX512) }
    var stream = RandomStream(seed: 5, purpose: .testing)
    let lengths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 65, 40_000]
    let starts = lengths.map { Tensor.normal([$0], using: &stream) }
    func run(_ path: ComputePath) -> [[Float]] {
      var stream = RandomStream(seed: 6, purpose: .testing)
      let parameters = starts.map { $0.clone().requiringGradient() }
      let optimizer = AdaptiveOptimizer(
        parameters.enumerated().map { ("p\($0)", $1) }, settings, path: path)
      for _ in 0..<3 {
        for p in parameters {
          (p * Tensor.normal([p.count], using: &stream)).sum().backward()
        }
        optimizer.step(rate: 0.01, gradientScale: 0.5)
        optimizer.zeroGradients()
      }
      return (parameters + optimizer.state.dropLast().map(\.tensor)).map(\.floats)
    }
    for (fused, plain) in zip(run(.fused), run(.operations)) {
      expectClose(
        fused, plain,
        Tolerance(absolute: 3e-7, relative: 1e-5, because: "float32; g - m cancels; doubled"))
    }
  }

  @Test("parameters without gradient stay, those of other types are trained") func mixed() throws {
    let unused = Tensor([1], shape: [1]).requiringGradient()
    let double = Tensor(doubles: [1], shape: [1]).requiringGradient()
    let strided = counting([2, 2]).transposed(0, 1).requiringGradient()
    let optimizer = AdaptiveOptimizer([("u", unused), ("d", double), ("s", strided)])
    (double.sum() + strided.sum().cast(to: .float64)).backward()
    optimizer.step(rate: 0.1)
    #expect(unused.item == 1)
    expectClose([double.item], [0.9], Tolerance(absolute: 1e-8, because: "epsilon of Adam"))
    expectClose(
      strided.floats, [-0.1, 1.9, 0.9, 2.9], Tolerance(absolute: 1e-6, because: "float32"))
  }

  @Test("a stored state continues with the same bits", arguments: Settings.all)
  func resume(_ settings: AdaptiveOptimizer.Settings) throws {
    var stream = RandomStream(seed: 7, purpose: .testing)
    let start = Tensor.normal([37], using: &stream)
    let gradients = Tensor.normal([6, 37], using: &stream)
    func advance(_ p: Tensor, _ optimizer: AdaptiveOptimizer, _ steps: Range<Int>) {
      for step in steps {
        (p * gradients.selected(axis: 0, index: step)).sum().backward()
        optimizer.step(rate: 0.1)
        optimizer.zeroGradients()
      }
    }
    let p = start.clone().requiringGradient()
    let unbroken = AdaptiveOptimizer([("p", p)], settings)
    advance(p, unbroken, 0..<6)
    let q = start.clone().requiringGradient()
    let first = AdaptiveOptimizer([("p", q)], settings)
    advance(q, first, 0..<3)
    try withFolder { folder in
      let file = folder.appending(path: "optimizer.safetensors")
      try SafeTensors.write(first.state, to: file)
      let second = AdaptiveOptimizer([("p", q)], settings)
      try second.load(state: SafeTensors.read(file).tensors, from: file.path)
      #expect(second.stepCount == 3)
      advance(q, second, 3..<6)
      #expect(q.floats == p.floats)
      let other = AdaptiveOptimizer([("p", Tensor.zeros([5]))], settings)
      let error = #expect(throws: TensorError.self) {
        try other.load(state: SafeTensors.read(file).tensors, from: file.path)
      }
      #expect(error?.message.contains("'p.mean' has the shape [37], expected [5]") == true)
    }
  }
}

extension AdaptiveOptimizer.Settings {
  static let all: [Self] = [
    .adam, .adaBelief, Self(method: .adam, weightDecay: 0.1, epsilon: 1e-6),
    Self(method: .adaBelief, weightDecay: 0.1, epsilon: 1e-8),
  ]

  private init(method: AdaptiveOptimizer.Method, weightDecay: Double, epsilon: Double) {
    self = method == .adam ? .adam : .adaBelief
    (self.weightDecay, self.epsilon) = (weightDecay, epsilon)
  }
}

@Suite("Gradient clipping and averages of weights") struct TrainingHelperTests {
  private func leaf(_ gradient: [Float]) -> Tensor {
    let p = Tensor.zeros([gradient.count]).requiringGradient()
    p.backward(gradient: Tensor(gradient, shape: [gradient.count]))
    return p
  }

  @Test("the norm is that of all gradients together; beyond the limit they shrink") func clip() {
    let parameters = [leaf([3, 0]), leaf([0, 4, 0]), Tensor.zeros([2])]
    #expect(gradientNorm(of: parameters) == 5)
    #expect(clippingScale(norm: 5, limit: 6) == 1)
    #expect(clippingScale(norm: 4, limit: 1) == 0.25)
  }

  @Test("the norm of long and of other types", arguments: [0, 15, 16, 17, 1000])
  func norm(_ length: Int) {
    var stream = RandomStream(seed: 8, purpose: .testing)
    let gradient = Tensor.normal([length], using: &stream)
    let p = leaf(gradient.floats)
    let exact = gradient.doubles.reduce(0) { $0 + $1 * $1 }.squareRoot()
    expectClose([gradientNorm(of: [p])], [exact], .rounding(terms: max(length, 1)))
    let double = Tensor.zeros([length], dtype: .float64).requiringGradient()
    double.backward(gradient: gradient.cast(to: .float64))
    expectClose([gradientNorm(of: [double])], [exact], .rounding(terms: max(length, 1)))
  }

  @Test("a gradient that is not finite shows in the norm") func notFinite() {
    #expect(gradientNorm(of: [leaf([1, .nan]), leaf([100])]).isNaN)
    #expect(gradientNorm(of: [leaf([.infinity])]) == .infinity)
  }

  @Test("the average of weights forgets its start, and continues from its state") func average()
    throws
  {
    let p = Tensor([5], shape: [1])
    let average = WeightAverage([("p", p)], decay: 0.5)
    #expect(average.averages[0].tensor.floats == [5])
    average.update()
    #expect(average.averages[0].tensor.floats == [5])
    p.fillInPlace(8)
    average.update()
    // Weights 1/4 and 1/2, normalised: (5 + 2 * 8) / 3.
    expectClose(average.averages[0].tensor.floats, [7], otherRoute)
    let continued = WeightAverage([("p", p)], decay: 0.5)
    try continued.load(state: average.state, from: "here")
    #expect(continued.averages[0].tensor.floats == average.averages[0].tensor.floats)
  }
}
