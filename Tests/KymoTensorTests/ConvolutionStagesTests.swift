// Convolutional stages: fused kernel against tensor operations, gradients against central
// differences. (Tensor operations are compared with PyTorch in the tests of reductions.)
import CKernels
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Convolutional stages", .serialized) struct ConvolutionStagesTests {
  struct Shape: Sendable {
    var channels: [Int]
    var cells: Int
    var direction: ConvolutionStages.Direction
    var taps = 5
    /// Cells along a second axis of space; 0 for none.
    var columns = 0
    var space: [Int] { columns > 0 ? [cells, columns] : [cells] }
  }
  private static let shapes: [Shape] = [
    Shape(channels: [1, 1], cells: 2, direction: .halving),
    Shape(channels: [2, 3], cells: 8, direction: .halving, taps: 3),
    Shape(channels: [1, 16, 32, 64, 8], cells: 64, direction: .halving),
    Shape(channels: [17, 13, 2], cells: 12, direction: .halving, taps: 7),
    Shape(channels: [1, 1], cells: 1, direction: .doubling),
    Shape(channels: [3, 2], cells: 3, direction: .doubling, taps: 1),
    Shape(channels: [8, 64, 32, 16, 1], cells: 4, direction: .doubling),
    Shape(channels: [4, 19, 33, 2], cells: 5, direction: .doubling),
  ]

  private func stages(
    _ shape: Shape, ends: ConvolutionStages.Ends, dtype: ScalarType = .float32,
    path: ComputePath? = nil
  ) -> ConvolutionStages {
    var random = RandomStream(seed: 1, purpose: .testing)
    let result = ConvolutionStages(
      channels: shape.channels, taps: shape.taps, shape.direction, ends: ends, cells: shape.space,
      activation: .celu, lastActivation: .tanhPlus, using: &random, dtype: dtype,
      path: path)
    withoutGradients {
      for stage in result.stages {
        stage.bias.copyInPlace(from: Tensor.normal(stage.bias.shape, using: &random) * 0.5)
      }
    }
    return result
  }

  private func input(_ shape: Shape, _ batch: Int) -> Tensor {
    var random = RandomStream(seed: 2, purpose: .testing)
    return Tensor.normal([batch, shape.channels[0]] + shape.space, using: &random)
  }

  private func results(_ stages: ConvolutionStages, _ x: Tensor) throws -> [[Float]] {
    for tensor in stages.parameters { tensor.zeroGradient() }
    let leaf = x.clone().requiringGradient()
    let y = stages(leaf)
    var random = RandomStream(seed: 3, purpose: .testing)
    (y * Tensor.normal(y.shape, using: &random).cast(to: y.dtype)).sum().backward()
    return try [y.floats] + ([leaf] + stages.parameters).map { try #require($0.gradient).floats }
  }

  @Test(
    "the kernel's values and gradients are those of tensor operations, on every instruction set",
    arguments: shapes.indices, [1, 3, 16, 17, 32, 70])
  func fused(_ index: Int, _ batch: Int) throws {
    let threads = threadCount
    setThreadCount(1)
    defer { setThreadCount(threads) }
    let shape = Self.shapes[index]
    for ends in [ConvolutionStages.Ends.zeros, .ring] {
      let stages = stages(shape, ends: ends)
      let x = input(shape, batch)
      let expected = try results(self.stages(shape, ends: ends, path: .operations), x)
      defer { kk_limit_level(KK_LEVEL_AVX512) }
      for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
        kk_limit_level(level)
        for (found, expected) in zip(try results(stages, x), expected) {
          // Sums of up to 70 states × 64 cells of size 1, or 320 products, in another order.
          expectClose(
            found, expected, Tolerance(absolute: 5e-4, relative: 5e-5, because: "float32 sums"))
        }
        let host = try #require(stages.apply(host: x.floats, count: batch))
        expectClose(host, expected[0], Tolerance(absolute: 5e-6, because: "float32 sums"))
      }
    }
  }

  @Test("zeros beyond the ends differ from a periodic axis", arguments: shapes.indices)
  func ends(_ index: Int) {
    let shape = Self.shapes[index]
    guard shape.taps > 1 else { return }
    let x = input(shape, 4)
    let (zeros, ring) = (
      stages(shape, ends: .zeros)(x).floats, stages(shape, ends: .ring)(x).floats
    )
    expectFar(ring, zeros, Tolerance(absolute: 1e-4, because: "far above rounding"))
  }

  @Test(
    "gradients are those of central differences, in double precision", arguments: [false, true],
    [0, 8])
  func gradients(_ doubles: Bool, _ columns: Int) throws {
    var shape = Shape(
      channels: [2, 3, 2], cells: 4, direction: doubles ? .doubling : .halving, taps: 3)
    shape.columns = columns
    for ends in [ConvolutionStages.Ends.zeros, .ring] {
      let stages = stages(shape, ends: ends, dtype: .float64)
      let x = input(shape, 3).cast(to: .float64)
      stages(x).square().sum().backward()
      for tensor in stages.parameters {
        let gradient = try #require(tensor.gradient).doubles
        let values = tensor.doubles
        let differences = values.indices.map { index in
          let sides = [1e-5, -1e-5].map { step in
            var moved = values
            moved[index] += step
            return withoutGradients {
              tensor.copyInPlace(from: Tensor(doubles: moved, shape: tensor.shape))
              return stages(x).square().sum().item
            }
          }
          return (sides[0] - sides[1]) / 2e-5
        }
        withoutGradients {
          tensor.copyInPlace(from: Tensor(doubles: values, shape: tensor.shape))
        }
        expectClose(
          gradient, differences,
          Tolerance(absolute: 1e-8, relative: 1e-6, because: "h² of central differences, h = 1e-5"))
      }
    }
  }

  @Test(
    "a field that is a product over two axes stays one, factor by factor",
    arguments: [ConvolutionStages.Direction.halving, .doubling],
    [ConvolutionStages.Ends.zeros, .ring])
  func separable(
    _ direction: ConvolutionStages.Direction, _ ends: ConvolutionStages.Ends
  ) throws {
    var random = RandomStream(seed: 7, purpose: .testing)
    // The stage over one axis, which is compared with PyTorch elsewhere, is the oracle of that over
    // two.
    func line(_ cells: Int) -> (taps: [Double], input: [Double], output: [Double]) {
      let taps = (0..<3).map { _ in random.normal() }
      let input = (0..<cells).map { _ in random.normal() }
      let stage = ConvolutionStages(
        [
          .init(
            weight: Tensor(doubles: taps, shape: [1, 1, 3]), bias: Tensor(doubles: [0], shape: [1]),
            activation: .identity)
        ], direction, ends: ends, cells: [cells])
      return (taps, input, stage(Tensor(doubles: input, shape: [1, 1, cells])).doubles)
    }
    func product(_ a: [Double], _ b: [Double]) -> [Double] { a.flatMap { x in b.map { x * $0 } } }
    let (rows, columns) = (line(4), line(6))
    let stage = ConvolutionStages(
      [
        .init(
          weight: Tensor(doubles: product(rows.taps, columns.taps), shape: [1, 1, 3, 3]),
          bias: Tensor(doubles: [0], shape: [1]), activation: .identity)
      ], direction, ends: ends, cells: [4, 6])
    let found = stage(Tensor(doubles: product(rows.input, columns.input), shape: [1, 1, 4, 6]))
    #expect(found.shape == [1] + stage.outputShape)
    expectClose(
      found.doubles, product(rows.output, columns.output),
      Tolerance(absolute: 1e-12, because: "sums of nine products in double precision"))
    expectFar(
      found.doubles, product(rows.output.reversed(), columns.output),
      Tolerance(absolute: 1e-12, because: "as above"))
  }

  @Test("the result does not depend on the number of threads") func threads() throws {
    let shape = Self.shapes[2]
    let stages = stages(shape, ends: .zeros)
    let x = input(shape, 150)
    let count = threadCount
    defer { setThreadCount(count) }
    setThreadCount(1)
    let expected = try results(stages, x)
    setThreadCount(2)
    let found = try results(stages, x)
    #expect(found == expected)
  }
}
