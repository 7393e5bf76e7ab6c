// The fused rollout against its plain twin in float64 and against central differences, on every
// instruction set, and exact cases.
import CKernels
import Foundation
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private struct Case: Sendable, CustomTestStringConvertible {
  var steps = 5
  var cells = [64]
  var channels = 1
  var hidden = 16
  var linear = 0
  var halo = Halo.groundTruth
  var testDescription: String {
    "T=\(steps) n=\(cells) c=\(channels) h=\(hidden) lin=\(linear) \(halo)"
  }
  static let all = [
    Case(), Case(linear: 13), Case(steps: 1, cells: [6]),
    Case(cells: [37], channels: 2, linear: 5),
    Case(steps: 4, cells: [23], channels: 2, hidden: 32, linear: 3, halo: .wall),
    Case(steps: 3, cells: [16], hidden: 64, halo: .periodic),
    Case(cells: [6], halo: .periodic), Case(steps: 31),
    // Planes: neither square nor even, from the smallest on, and the training's size.
    Case(steps: 15, cells: [32, 32]), Case(steps: 4, cells: [9, 14], linear: 13),
    Case(steps: 1, cells: [6, 6]), Case(steps: 3, cells: [37, 21], hidden: 48, linear: 1),
    Case(steps: 3, cells: [11, 8], channels: 2, linear: 5, halo: .periodic),
    Case(steps: 3, cells: [7, 19], channels: 2, hidden: 32, linear: 3, halo: .wall),
    Case(steps: 2, cells: [6, 23], hidden: 64, halo: .periodic),
    Case(steps: 2, cells: [12, 10], channels: 2, hidden: 64, linear: 13, halo: .periodic),
    Case(steps: 3, cells: [21, 13], linear: 13, halo: .wall),
    Case(steps: 2, cells: [10, 17], channels: 2, hidden: 32),
  ]
}

/// Kernels, truth and weights of one case; scaled so that rollouts stay tame.
private struct Problem {
  let layout: KernelLayout
  let kernels: Tensor
  let truth: Tensor
  let weights: [Float]
  let noise: Tensor
  static let scale = 0.5
  static let batch = 3

  init(_ test: Case, seed: UInt64 = 7) {
    layout = KernelLayout(
      channels: test.channels, hidden: test.hidden, middleLayers: 1, linearWidth: test.linear,
      spaceAxes: test.cells.count)
    var random = RandomStream(seed: seed, purpose: .testing)
    let fanIn = pow(5, Double(test.cells.count)) * Double(test.hidden)
    kernels =
      Tensor.normal([Problem.batch, layout.count], using: &random) * (0.5 / fanIn.squareRoot())
    let seen = test.halo == .groundTruth ? test.cells.map { $0 + 12 } : test.cells
    truth = Tensor.normal([Problem.batch, test.channels, test.steps + 1] + seen, using: &random)
    weights = (0..<test.steps).map { _ in Float(random.uniform()) / 1000 }
    noise =
      Tensor.normal([Problem.batch, test.steps, test.channels] + test.cells, using: &random) * 0.01
  }

  /// Loss and gradients with respect to kernels and λ by the plain twin in float64.
  func plain(_ test: Case, lambda: Double) -> (loss: Double, kernels: [Double], lambda: Double) {
    let k = kernels.cast(to: .float64).requiringGradient()
    let l = Tensor(doubles: [lambda], shape: [1]).requiringGradient()
    let loss = PlainRollout.errors(
      kernels: k, lambda: l, layout: layout, scale: Problem.scale, truth: truth.cast(to: .float64),
      weights: weights, halo: test.halo, noise: noise.cast(to: .float64)
    ).unequalSum
    loss.backward()
    return (loss.item, k.gradient?.doubles ?? [], l.gradient?.item ?? .nan)
  }

  func fused(_ test: Case, lambda: Double) -> (loss: Double, kernels: [Double], lambda: Double) {
    let k = kernels.clone().requiringGradient()
    let l = Tensor([Float(lambda)], shape: [1]).requiringGradient()
    let loss = FusedRollout.errors(
      kernels: k, lambda: l, layout: layout, scale: Problem.scale, truth: truth, weights: weights,
      halo: test.halo, noise: noise
    ).unequalSum
    loss.backward()
    return (loss.item, k.gradient?.doubles ?? [], l.gradient?.item ?? .nan)
  }
}

@Suite("Kernels of latents") struct LatentToKernelTests {
  @Test(
    "are polynomials of the order asked for", arguments: [KernelNetwork.affine, .quadratic])
  func order(_ kind: KernelNetwork) {
    var configuration = ParameterModelConfiguration()
    (configuration.kernelNetwork, configuration.latents) = (kind, 3)
    var random = RandomStream(seed: 4, purpose: .testing)
    let layout = KernelLayout(channels: 1, hidden: 16, middleLayers: 1, linearWidth: 5)
    let map = LatentToKernel(layout: layout, configuration: configuration, using: &random)
    // Products have no weight at first.
    withoutGradients {
      for (name, tensor) in map.namedParameters where name.hasSuffix("0.weight") {
        tensor.copyInPlace(from: Tensor.normal(tensor.shape, using: &random))
      }
    }
    let start = Tensor.normal([1, 3], using: &random)
    let direction = Tensor.normal([1, 3], using: &random)
    let kernels = (0..<4).map { step in
      map.kernels(start + direction * Double(step)).floats.map(Double.init)
    }
    /// The largest n-th difference along the line.
    func difference(_ n: Int) -> Double {
      var rows = kernels
      for _ in 0..<n {
        rows = zip(rows, rows.dropFirst()).map { low, high in zip(high, low).map { $0 - $1 } }
      }
      return rows[0].map(\.magnitude).max() ?? 0
    }
    let order = kind == .affine ? 1 : 2
    // The linear path has no effect at first.
    let linear = layout.pieces[layout.pieces.count - 1]
    #expect(
      linear.isLinearPath
        && kernels.allSatisfy {
          $0.suffix(linear.count) == ArraySlice(repeating: 0, count: linear.count)
        })
    #expect(difference(order) > 1e-2)
    // Rounding of numbers around 1.
    #expect(difference(order + 1) < 1e-3, "\(difference(order + 1))")
  }
}

@Suite("The fused rollout", .serialized) struct FusedRolloutTests {
  @Test("agrees with autograd of the plain twin in float64", arguments: Case.all)
  fileprivate func gradient(_ test: Case) {
    let problem = Problem(test)
    let expected = problem.plain(test, lambda: 0.7)
    let largest = expected.kernels.map(\.magnitude).max() ?? 0
    let tolerance = Tolerance(absolute: 1e-5 * largest, because: "bound that the kernel must keep")
    onEveryLevel { level in
      let found = problem.fused(test, lambda: 0.7)
      expectClose([found.loss], [expected.loss], Tolerance(relative: 1e-5, because: level))
      expectClose(found.kernels, expected.kernels, tolerance)
      expectClose(
        [found.lambda], [expected.lambda],
        Tolerance(absolute: 1e-5 * expected.loss, relative: 1e-5, because: level))
    }
  }

  @Test("predicts what the plain twin predicts", arguments: Case.all)
  fileprivate func forward(_ test: Case) {
    let problem = Problem(test)
    let expected = PlainRollout.predict(
      kernels: problem.kernels.cast(to: .float64), lambda: Tensor(doubles: [0.7], shape: [1]),
      layout: problem.layout, scale: Problem.scale, truth: problem.truth.cast(to: .float64),
      steps: test.steps, halo: test.halo)
    onEveryLevel { level in
      let found = FusedRollout.predict(
        kernels: problem.kernels, lambda: 0.7, layout: problem.layout, scale: Problem.scale,
        truth: problem.truth, steps: test.steps, halo: test.halo)
      expectClose(
        found.doubles, expected.doubles,
        Tolerance(absolute: 2e-5, because: "float32 over \(test.steps) steps, \(level)"))
    }
  }

  @Test(
    "the plain twin's gradient agrees with central differences in float64",
    arguments: [
      Case(steps: 4, cells: [16], linear: 5), Case(steps: 3, cells: [9, 7], linear: 3),
      Case(steps: 2, cells: [7, 8], channels: 2, linear: 3, halo: .wall),
      Case(steps: 2, cells: [8, 6], linear: 1, halo: .periodic),
    ])
  fileprivate func centralDifferences(_ test: Case) {
    let problem = Problem(test)
    let exact = problem.plain(test, lambda: 0.7)
    func loss(_ kernels: [Double], _ lambda: Double) -> Double {
      PlainRollout.errors(
        kernels: Tensor(doubles: kernels, shape: problem.kernels.shape),
        lambda: Tensor(doubles: [lambda], shape: [1]), layout: problem.layout,
        scale: Problem.scale, truth: problem.truth.cast(to: .float64), weights: problem.weights,
        halo: test.halo, noise: problem.noise.cast(to: .float64)
      ).unequalSum.item
    }
    let base = problem.kernels.doubles
    let largest = exact.kernels.map(\.magnitude).max() ?? 0
    for index in stride(from: 3, to: base.count, by: base.count / 12) {
      var (up, down) = (base, base)
      up[index] += 1e-6
      down[index] -= 1e-6
      expectClose(
        [(loss(up, 0.7) - loss(down, 0.7)) / 2e-6], [exact.kernels[index]],
        Tolerance(absolute: 1e-6 * largest, because: "rounding over the step 1e-6"))
    }
    expectClose(
      [(loss(base, 0.7 + 1e-6) - loss(base, 0.7 - 1e-6)) / 2e-6], [exact.lambda],
      Tolerance(relative: 1e-5, because: "rounding over the step 1e-6"))
  }

  @Test("a wrong gradient is noticed (negative control)")
  func negativeControl() {
    let problem = Problem(Case())
    let expected = problem.plain(Case(), lambda: 0.7).kernels
    var wrong = problem.fused(Case(), lambda: 0.7).kernels
    wrong.swapAt(0, 1)
    let largest = expected.map(\.magnitude).max() ?? 0
    expectFar(wrong, expected, Tolerance(absolute: 1e-5 * largest, because: "as above"))
  }

  @Test("an even stencil under the odd mirror equals the odd field on the doubled periodic domain")
  func oddMirror() {
    let (cells, steps) = (24, 9)
    let layout = KernelLayout(channels: 1, hidden: 16, middleLayers: 1, linearWidth: 5)
    var kernel = [Float](repeating: 0, count: layout.count)
    let stencil: [Float] = [-0.05, 0.2, -0.3, 0.2, -0.05]
    kernel.replaceSubrange(layout.count - 5..<layout.count, with: stencil)
    var random = RandomStream(seed: 3, purpose: .testing)
    let half = (0..<cells).map { _ in Float(random.normal()) }
    let ring = half + half.reversed().map { -$0 }
    func run(_ state: [Float], _ halo: Halo) -> [Float] {
      FusedRollout.predict(
        kernels: Tensor(kernel, shape: [1, layout.count]), lambda: 1, layout: layout, scale: 1,
        truth: Tensor(state, shape: [1, 1, 1, state.count]), steps: steps, halo: halo
      ).floats
    }
    let (walls, doubled) = (run(half, .wall), run(ring, .periodic))
    for step in 0..<steps {
      expectClose(
        Array(walls[step * cells..<(step + 1) * cells]),
        Array(doubled[step * 2 * cells..<step * 2 * cells + cells]),
        Tolerance(absolute: 1e-6, because: "the same operations in another order"))
    }
  }

  @Test("a hand-set stencil is one explicit Euler step of convection and diffusion")
  func eulerStep() {
    // tanh is linear to 1e-9 here: λ is large beside the increments.
    let (cells, diffusivity, velocity) = (32, 0.1, 0.05)
    let layout = KernelLayout(channels: 1, hidden: 16, middleLayers: 1, linearWidth: 3)
    var kernel = [Float](repeating: 0, count: layout.count)
    let stencil = [diffusivity + velocity / 2, -2 * diffusivity, diffusivity - velocity / 2]
    kernel.replaceSubrange(layout.count - 3..<layout.count, with: stencil.map(Float.init))
    let field = (0..<cells).map { Float(sin(2 * Double.pi * Double($0) / Double(cells))) }
    let found = FusedRollout.predict(
      kernels: Tensor(kernel, shape: [1, layout.count]), lambda: 1e4, layout: layout, scale: 1,
      truth: Tensor(field, shape: [1, 1, 1, cells]), steps: 1, halo: .periodic
    ).floats
    let expected = (0..<cells).map { i in
      let (left, mid, right) = (
        Double(field[(i + cells - 1) % cells]), Double(field[i]), Double(field[(i + 1) % cells])
      )
      return Float(
        mid + diffusivity * (left - 2 * mid + right) - velocity * (right - left) / 2)
    }
    expectClose(found, expected, Tolerance(absolute: 1e-6, because: "rounding in float32"))
  }

  @Test("planes: all instruction sets agree to rounding", arguments: [16, 64])
  func levels(_ hidden: Int) {
    let test = Case(steps: 3, cells: [13, 18], hidden: hidden, linear: 13)
    let problem = Problem(test)
    var found: [(loss: Double, kernels: [Double], lambda: Double)] = []
    onEveryLevel { _ in found.append(problem.fused(test, lambda: 0.7)) }
    for other in found.dropFirst() {
      let largest = other.kernels.map(\.magnitude).max() ?? 0
      expectClose(
        other.kernels, found[0].kernels,
        Tolerance(absolute: 1e-6 * largest, because: "sums of float32 in another order"))
    }
  }

  @Test("planes: transposing field and kernels transposes the rollout", arguments: Halo.allCases)
  func transposed(_ halo: Halo) throws {
    let test = Case(steps: 3, cells: [9, 14], linear: 5, halo: halo)
    let problem = Problem(test)
    var pieces: [Tensor] = []
    var offset = 0
    for piece in problem.layout.pieces {
      let part = problem.kernels.sliced(axis: 1, from: offset, to: offset + piece.count)
      offset += piece.count
      let width = piece.name == "linear" ? 5 : KernelLayout.width
      pieces.append(
        piece.shape.count == 1
          ? part
          : part.reshaped([Problem.batch, width, width, piece.shape[1] * piece.shape[2]])
            .transposed(1, 2).contiguous().reshaped([Problem.batch, piece.count]))
    }
    func run(_ kernels: Tensor, _ truth: Tensor) -> Tensor {
      FusedRollout.predict(
        kernels: kernels, lambda: 0.7, layout: problem.layout, scale: Problem.scale, truth: truth,
        steps: test.steps, halo: halo)
    }
    let turned = run(
      Tensor.concatenated(pieces, axis: 1), problem.truth.transposed(3, 4).contiguous())
    expectClose(
      turned.transposed(3, 4).contiguous().doubles, run(problem.kernels, problem.truth).doubles,
      Tolerance(absolute: 1e-5, because: "sums of float32 in another order"))
  }

  @Test("planes: a hand-set stencil is one explicit Euler step of convection and diffusion")
  func planeEulerStep() {
    let (rows, columns, diffusivity, velocity) = (11, 16, 0.1, [0.05, -0.12])
    let layout = KernelLayout(
      channels: 1, hidden: 16, middleLayers: 1, linearWidth: 3, spaceAxes: 2)
    var kernel = [Float](repeating: 0, count: layout.count)
    // u' = u + D Δu − v·∇u by central differences, D and v in cells per frame.
    let stencil: [Double] = [
      0, diffusivity + velocity[0] / 2, 0,
      diffusivity + velocity[1] / 2, -4 * diffusivity, diffusivity - velocity[1] / 2,
      0, diffusivity - velocity[0] / 2, 0,
    ]
    kernel.replaceSubrange(layout.count - 9..<layout.count, with: stencil.map(Float.init))
    var random = RandomStream(seed: 8, purpose: .testing)
    let field = (0..<rows * columns).map { _ in random.normal() }
    // tanh is linear to 1e-9 here: λ is large beside the increments.
    let found = FusedRollout.predict(
      kernels: Tensor(kernel, shape: [1, layout.count]), lambda: 1e4, layout: layout, scale: 1,
      truth: Tensor(field.map(Float.init), shape: [1, 1, 1, rows, columns]), steps: 1,
      halo: .periodic
    ).doubles
    func at(_ y: Int, _ x: Int) -> Double {
      field[(y + rows) % rows * columns + (x + columns) % columns]
    }
    let expected = (0..<rows).flatMap { y in
      (0..<columns).map { x in
        let laplacian = at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1) - 4 * at(y, x)
        let slopes = [(at(y + 1, x) - at(y - 1, x)) / 2, (at(y, x + 1) - at(y, x - 1)) / 2]
        return at(y, x) + diffusivity * laplacian - velocity[0] * slopes[0]
          - velocity[1] * slopes[1]
      }
    }
    expectClose(found, expected, Tolerance(absolute: 1e-6, because: "rounding in float32"))
  }
}

extension Tensor {
  /// The sum of recordings' errors, each with a factor of its own.
  fileprivate var unequalSum: Tensor {
    (self * (Tensor(integers: Array(0..<count), shape: [count]).cast(to: dtype) + 1)).sum()
  }
}
