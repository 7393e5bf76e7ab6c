// The stack of dense layers: fused kernel against tensor operations, tensor operations against
// central differences, skips, what must not be.
import CKernels
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Dense stacks", .serialized) struct DenseStackTests {
  private static let widths = [
    [1, 1], [2, 3], [16, 16], [17, 31, 31], [5, 64, 64, 2], [202, 100, 100, 2, 100, 100, 202],
  ]

  /// Parameters of a size at which all functions bend.
  private func stack(
    _ widths: [Int], _ activation: Activation = .celu, last: Activation = .tanhPlus,
    dtype: ScalarType = .float32, seed: UInt64 = 1, path: ComputePath? = nil
  ) -> DenseStack {
    var random = RandomStream(seed: seed, purpose: .testing)
    let stack = DenseStack(
      widths: widths, activation: activation, lastActivation: last, skips: true, using: &random,
      dtype: dtype, path: path)
    for layer in stack.layers {
      layer.bias.copyInPlaceOutsideGraph(Tensor.normal(layer.bias.shape, using: &random) * 0.5)
    }
    return stack
  }

  private func input(_ batch: Int, _ width: Int) -> Tensor {
    var random = RandomStream(seed: 2, purpose: .testing)
    return Tensor.normal([batch, width], using: &random)
  }

  /// Output and all gradients of the sum of the outputs times a probe.
  private func results(_ stack: DenseStack, _ x: Tensor) throws -> [[Float]] {
    for tensor in stack.parameters { tensor.zeroGradient() }
    let leaf = x.clone().requiringGradient()
    let y = stack(leaf)
    var random = RandomStream(seed: 3, purpose: .testing)
    (y * Tensor.normal(y.shape, using: &random).cast(to: y.dtype)).sum().backward()
    return try [y.floats] + ([leaf] + stack.parameters).map { try #require($0.gradient).floats }
  }

  @Test(
    "the kernel's values and gradients are those of tensor operations, on every instruction set",
    arguments: widths, [1, 2, 3, 7, 16, 17, 31, 32, 33, 100, 200])
  func fused(_ widths: [Int], _ batch: Int) throws {
    let stack = stack(widths)
    let x = input(batch, widths[0])
    let expected = try results(self.stack(widths, path: .operations), x)
    defer { kk_limit_level(KK_LEVEL_AVX512) }
    for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
      kk_limit_level(level)
      for (found, expected) in zip(try results(stack, x), expected) {
        // Sums of up to 200 terms of size 1 in another order, through up to six layers.
        expectClose(
          found, expected, Tolerance(absolute: 2e-4, relative: 2e-5, because: "float32 sums"))
      }
      let host = stack.apply(x.floats, count: batch)
      expectClose(host, expected[0], Tolerance(absolute: 5e-6, because: "float32 sums"))
    }
  }

  @Test(
    "functions that the kernel knows, and those it leaves to tensor operations",
    arguments: Activation.allCases)
  func functions(_ activation: Activation) throws {
    let stack = stack([7, 20, 20, 5], activation, last: activation)
    let x = 3 * input(40, 7)
    let found = try results(stack, x)
    let plain = self.stack([7, 20, 20, 5], activation, last: activation, path: .operations)
    for (found, expected) in zip(found, try results(plain, x)) {
      expectClose(
        found, expected, Tolerance(absolute: 1e-4, relative: 1e-5, because: "float32 sums"))
    }
  }

  @Test("gradients are those of central differences, in double precision")
  func gradients() throws {
    let stack = stack([5, 8, 8, 3], dtype: .float64)
    let x = input(4, 5).cast(to: .float64)
    stack(x).square().sum().backward()
    for tensor in stack.parameters {
      let gradient = try #require(tensor.gradient).doubles
      let values = tensor.doubles
      let differences = values.indices.map { index in
        let sides = [1e-5, -1e-5].map { step in
          var moved = values
          moved[index] += step
          tensor.copyInPlaceOutsideGraph(Tensor(doubles: moved, shape: tensor.shape))
          return withoutGradients { stack(x).square().sum().item }
        }
        return (sides[0] - sides[1]) / 2e-5
      }
      tensor.copyInPlaceOutsideGraph(Tensor(doubles: values, shape: tensor.shape))
      expectClose(
        gradient, differences,
        Tolerance(absolute: 1e-8, relative: 1e-6, because: "h² of central differences, h = 1e-5"))
    }
  }

  @Test("with all weights zero the output is the function of the bias") func zeroWeights() {
    for dtype in [ScalarType.float32, .float64] {
      let stack = stack([4, 6, 3], last: .celu, dtype: dtype)
      for layer in stack.layers {
        layer.weight.copyInPlaceOutsideGraph(Tensor.zeros(layer.weight.shape))
      }
      let bias = stack.layers[1].bias.doubles
      let expected = bias.map { $0 > 0 ? $0 : Foundation.exp($0) - 1 }
      expectClose(
        stack(input(2, 4).cast(to: dtype)).doubles, expected + expected,
        Tolerance(absolute: 2e-7, because: "float32"))
    }
  }

  @Test("a skip adds the input, and only where widths are equal") func skips() {
    var random = RandomStream(seed: 4, purpose: .testing)
    let with = DenseStack(
      widths: [3, 3, 2], activation: .identity, lastActivation: .identity, skips: true,
      using: &random)
    #expect(with.layers.map(\.hasSkip) == [true, false])
    let without = DenseStack(
      with.layers.map {
        .init(weight: $0.weight, bias: $0.bias, activation: .identity, hasSkip: false)
      })
    let x = input(40, 3)
    let expected = without(x) + Tensor.linear(x, with.layers[1].weight, nil)
    expectClose(with(x).floats, expected.floats, otherRoute)
    expectFar(without(x).floats, expected.floats, otherRoute)
  }

  @Test("what is not a number stays so, in the state that it came from")
  func notFinite() {
    let stack = stack([6, 20, 2])
    var values = input(40, 6).floats
    values[6 * 33 + 2] = .nan
    let y = stack(Tensor(values, shape: [40, 6])).floats
    for state in 0..<40 {
      #expect(y[2 * state].isNaN == (state == 33) && y[2 * state + 1].isNaN == (state == 33))
    }
    let single = stack.apply(Array(values[198..<204]), count: 1)
    #expect(single.allSatisfy { $0.isNaN })
    #expect(stack.apply([], count: 0).isEmpty)
  }

  @Test("the result does not depend on the number of threads") func threads() throws {
    let stack = stack([30, 40, 40, 30])
    let x = input(300, 30)
    let count = threadCount
    defer { setThreadCount(count) }
    setThreadCount(1)
    let expected = try results(stack, x)
    setThreadCount(2)
    let found = try results(stack, x)
    #expect(found == expected)
  }
}

extension Tensor {
  fileprivate func copyInPlaceOutsideGraph(_ other: Tensor) {
    withoutGradients { copyInPlace(from: other) }
  }
}
