// Values and gradients of operations against PyTorch's own.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Operations agree with PyTorch") struct GoldenTests {
  @Test(
    "convolutions with stride, padding and dilation, forward and backward",
    arguments: ["conv1d", "conv2d", "conv3d", "linear"],
    [MemoryLayoutOrder.rowMajor, .channelsLast])
  func layers(_ name: String, _ order: MemoryLayoutOrder) throws {
    let golden = try Golden.tensors()
    func leaf(_ key: String) throws -> Tensor {
      try golden.require("\(name).\(key)").requiringGradient()
    }
    let (x, w, b) = (try leaf("x"), try leaf("w"), try leaf("b"))
    let input = order == .channelsLast && x.rank >= 4 ? x.contiguous(order) : x
    let y =
      switch name {
      case "conv1d": Tensor.convolution(input, w, b, stride: [2], padding: [3], dilation: [2])
      case "conv2d":
        Tensor.conv2d(input, w, b, stride: [2, 1], padding: [1, 2], dilation: [1, 3])
      case "conv3d":
        Tensor.convolution(
          input, w, b, stride: [1, 2, 2], padding: [0, 1, 2], dilation: [2, 1, 1])
      default: Tensor.linear(input, w, b)
      }
    (y * (try golden.require("\(name).probe"))).sum().backward()
    // Sums of up to 3 * 3 * 9 * 8 products of size 1.
    let close = Tolerance(absolute: 2e-5, relative: 1e-5, because: "float32 sums of 650 terms")
    expectClose(y.floats, try golden.require("\(name).y").floats, close)
    for (key, tensor) in [("x", x), ("w", w), ("b", b)] {
      let gradient = try #require(tensor.gradient)
      expectClose(gradient.floats, try golden.require("\(name).\(key).gradient").floats, close)
    }
  }

  private static let entrywise: [String: @Sendable (Tensor) -> Tensor] = [
    "exp": { $0.exp() }, "tanh": { $0.tanh() }, "relu": { $0.relu() },
    "sigmoid": { $0.sigmoid() }, "celu": { $0.celu() }, "elu": { $0.elu() },
    "gelu": { $0.gelu() }, "softplus": { $0.softplus() }, "square": { $0.square() },
    "abs": { $0.abs() }, "sin": { $0.sin() }, "cos": { $0.cos() },
    "clamp": { $0.clamp(low: -1, high: 2) }, "cube": { $0.pow(3) }, "reciprocal": { 2 / $0 },
    "log": { $0.log() }, "sqrt": { $0.sqrt() }, "rsqrt": { $0.rsqrt() },
  ]

  @Test("entry-wise functions and their derivatives", arguments: entrywise.keys.sorted())
  func functions(_ name: String) throws {
    let golden = try Golden.tensors()
    let argument = ["log", "sqrt", "rsqrt"].contains(name) ? "positive" : "x"
    let x = try golden.require("functions.\(argument)").requiringGradient()
    let function = try #require(GoldenTests.entrywise[name])
    let y = function(x)
    y.sum().backward()
    expectClose(y.floats, try golden.require("functions.\(name)").floats, otherRoute)
    expectClose(
      try #require(x.gradient).floats, try golden.require("functions.\(name).gradient").floats,
      otherRoute)
  }

  @Test(
    "activations are the functions of their names",
    arguments: Activation.allCases.filter { byFormula[$0] == nil })
  func activations(_ activation: Activation) throws {
    let x = try Golden.tensors().require("functions.x")
    let expected = GoldenTests.entrywise[activation.rawValue].map { $0(x).floats } ?? x.floats
    #expect(activation(x).floats == expected)
  }

  private static let byFormula: [Activation: @Sendable (Double) -> Double] = [
    .tanhPlus: { 0.5 + 0.5 * Foundation.tanh($0) },
    .selu: { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * (Foundation.exp($0) - 1)) },
  ]

  @Test("activations that the golden values lack follow their formula, with its derivative")
  func formulas() throws {
    let points = [-3.0, -1.2, -0.3, 0.2, 0.9, 2.5, 6.0]
    let close = Tolerance(absolute: 1e-9, because: "h² of a central difference, h = 1e-5, doubled")
    for (activation, formula) in GoldenTests.byFormula {
      let x = Tensor(doubles: points, shape: [points.count]).requiringGradient()
      let y = activation(x)
      y.sum().backward()
      expectClose(y.doubles, points.map(formula), close)
      expectClose(
        try #require(x.gradient).doubles,
        points.map { (formula($0 + 1e-5) - formula($0 - 1e-5)) / 2e-5 }, close)
    }
  }

  private static let overAxes: [String: @Sendable (Tensor) -> Tensor] = [
    "sum": { $0.sum(axes: [0, 2]) }, "mean": { $0.mean(axes: [0, 2]) },
    "max": { $0.max(axes: [0, 2]) },
    "logSumExp": { $0.logSumExp(axes: [0, 2]) }, "variance": { $0.variance(axes: [0, 2]) },
    "populationVariance": { $0.variance(axes: [0, 2], correction: 0) },
    "softmax": { $0.softmax(axis: 1) },
  ]

  @Test("reductions and their gradients", arguments: overAxes.keys.sorted())
  func reductions(_ name: String) throws {
    let golden = try Golden.tensors()
    let x = try golden.require("reductions.x").requiringGradient()
    let reduction = try #require(GoldenTests.overAxes[name])
    let y = reduction(x)
    (y * (try golden.require("reductions.\(name).probe"))).sum().backward()
    let close = Tolerance(
      absolute: 1e-5, relative: 1e-5, because: "float32, entries up to 100, 20 terms")
    expectClose(y.floats, try golden.require("reductions.\(name)").floats, close)
    expectClose(
      try #require(x.gradient).floats, try golden.require("reductions.\(name).gradient").floats,
      close)
  }

  @Test("reductions keep axes when asked, and reduce all without axes") func reducedShapes() {
    let t = counting([2, 3, 4])
    #expect(t.sum(axes: [1], keepDims: true).shape == [2, 1, 4])
    #expect(t.variance(axes: [-1]).shape == [2, 3])
    #expect(t.sum().item == 276 && t.max().item == 23 && t.mean().item == 11.5)
    #expect(t.logSumExp(keepDims: true).shape == [1, 1, 1])
  }

  @Test("rounding to bfloat16") func bfloat16() throws {
    let golden = try Golden.tensors()
    let rounded = try golden.require("bfloat16.x").cast(to: .bfloat16)
    let expected = try golden.require("bfloat16.rounded")
    #expect(expected.dtype == .bfloat16)
    #expect(rounded.floats == expected.floats)
  }

  @Test("another axis does not pass") func negativeControl() throws {
    let golden = try Golden.tensors()
    let x = try golden.require("reductions.x")
    expectFar(
      x.softmax(axis: 2).floats, try golden.require("reductions.softmax").floats, otherRoute)
  }
}

@Suite("Arithmetic by hand") struct ArithmeticTests {
  private let a = Tensor([1, 2, 3, 4], shape: [2, 2])
  private let b = Tensor([10, 20], shape: [2])

  @Test("operators broadcast") func operators() {
    #expect((a + b).floats == [11, 22, 13, 24])
    #expect((a - b).floats == [-9, -18, -7, -16])
    #expect((b * a).floats == [10, 40, 30, 80])
    #expect((b / a).floats == [10, 10, 10 / 3, 5])
    #expect((a + 1).floats == [2, 3, 4, 5] && (1 + a).floats == [2, 3, 4, 5])
    #expect((a - 1).floats == [0, 1, 2, 3] && (1 - a).floats == [0, -1, -2, -3])
    #expect((a * 2).floats == [2, 4, 6, 8] && (2 * a).floats == [2, 4, 6, 8])
    #expect((a / 2).floats == [0.5, 1, 1.5, 2] && (6 / a).floats == [6, 3, 2, 1.5])
    #expect((-a).floats == [-1, -2, -3, -4])
    #expect(a.matmul(a).floats == [7, 10, 15, 22])
    #expect(a.matmul(b).floats == [50, 110])
  }

  @Test("comparison and choice") func comparison() {
    let c = Tensor([4, 3, 3, 1], shape: [2, 2])
    let mask = Tensor(booleans: [false, false, true, true], shape: [2, 2])
    #expect(Tensor.where(mask, a, -a).floats == [-1, -2, 3, 4])
    #expect(Tensor.maximum(a, c).floats == [4, 3, 3, 4])
  }

  @Test("in place") func inPlace() {
    let t = a.clone()
    t.addInPlace(Tensor.ones([2, 2]), scale: -2)
    #expect(t.floats == [-1, 0, 1, 2])
    t.mulInPlace(0.5)
    #expect(t.floats == [-0.5, 0, 0.5, 1])
    t.copyInPlace(from: b)
    #expect(t.floats == [10, 20, 10, 20])
    t.zeroInPlace()
    #expect(t.floats == [0, 0, 0, 0])
    #expect(a.floats == [1, 2, 3, 4], "the original is another tensor")
  }

  @Test("finiteness") func finiteness() {
    #expect(a.isFinite)
    #expect(!Tensor([1, .nan], shape: [2]).isFinite)
    #expect(!Tensor([-.infinity, 1], shape: [2]).isFinite)
    #expect(Tensor([], shape: [0]).isFinite)
  }
}
