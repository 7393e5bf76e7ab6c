// The fused networks from latents to kernels against tensor operations, on every instruction set.
import CKernels
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private struct Case: Sendable, CustomTestStringConvertible {
  var kind = KernelNetwork.perceptron
  var latents = 5
  var channels = 1
  var hidden = 16
  var kernelUnits = 0
  var spaceAxes = 1
  var batch = 50
  var testDescription: String {
    "\(kind) P=\(latents) c=\(channels) h=\(hidden) u=\(kernelUnits) axes=\(spaceAxes) B=\(batch)"
  }
  static let all = [
    Case(), Case(kind: .affine), Case(kind: .quadratic, latents: 3, kernelUnits: 256),
    // Units that do not fill vectors, a batch of one, more units than are summed at a time.
    Case(channels: 2, kernelUnits: 37, batch: 7), Case(latents: 1, kernelUnits: 21, batch: 1),
    Case(latents: 2, hidden: 32, kernelUnits: 1100, batch: 11),
    Case(kernelUnits: 48, spaceAxes: 2, batch: 13),
  ]
}

/// A map from latents to kernels with random weights, latents, and the weights of a loss.
private struct Problem {
  let map: LatentToKernel
  /// The same by tensor operations.
  let twin: LatentToKernel
  let latents: Tensor
  let weights: Tensor

  init(_ test: Case) {
    var configuration = ParameterModelConfiguration()
    configuration.kernelNetwork = test.kind
    configuration.latents = test.latents
    configuration.kernelUnits = test.kernelUnits
    let layout = KernelLayout(
      channels: test.channels, hidden: test.hidden, middleLayers: 1, linearWidth: 5,
      spaceAxes: test.spaceAxes)
    var random = RandomStream(seed: 21, purpose: .weights)
    func map(_ path: ComputePath) -> LatentToKernel {
      random = RandomStream(seed: 21, purpose: .weights)
      let map = LatentToKernel(
        layout: layout, configuration: configuration, path: path, using: &random)
      // Some weights are zero at first.
      withoutGradients {
        for (name, tensor) in map.namedParameters
        where name.hasSuffix("0.weight") || name.contains("linear") {
          tensor.copyInPlace(from: Tensor.normal(tensor.shape, using: &random))
        }
      }
      return map
    }
    (self.map, twin) = (map(.fused), map(.operations))
    latents = Tensor.normal([test.batch, test.latents], using: &random).requiringGradient()
    weights = Tensor.normal([test.batch, layout.count], using: &random)
  }

  /// Kernels, and gradients of `Σ w k` for the latents and every parameter.
  func outcome(of map: LatentToKernel) -> [[Double]] {
    let all = [latents] + map.namedParameters.map(\.tensor)
    for tensor in all { tensor.zeroGradient() }
    let found = map.kernels(latents)
    (found * weights).sum().backward()
    return [found.doubles] + all.map { $0.gradient?.doubles ?? [] }
  }
}

@Suite("Fused kernel networks", .serialized) struct KernelNetworkTests {
  @Test("agree with tensor operations, and so do their gradients", arguments: Case.all)
  fileprivate func agree(_ test: Case) {
    let problem = Problem(test)
    let expected = problem.outcome(of: problem.twin)
    let names = ["kernels", "latents"] + problem.map.namedParameters.map(\.name)
    onEveryLevel { level in
      let found = problem.outcome(of: problem.map)
      for (name, (a, b)) in zip(names, zip(found, expected)) {
        let largest = b.map(\.magnitude).max() ?? 0
        #expect(largest > 0, "\(name)")
        expectClose(
          a, b, Tolerance(absolute: 3e-6 * largest, because: "single precision, \(level) \(name)"))
      }
    }
  }

  @Test("do not depend on the number of threads")
  func threads() {
    let problem = Problem(Case(latents: 3, hidden: 32))
    let before = threadCount
    defer { setThreadCount(before) }
    setThreadCount(1)
    let alone = problem.outcome(of: problem.map)
    setThreadCount(3)
    #expect(problem.outcome(of: problem.map) == alone)
  }

  @Test("need no gradient of latents that are given, and hand on what is not a number")
  func given() {
    let problem = Problem(Case())
    let latents = problem.latents.detached()
    let found = problem.map.kernels(latents)
    found.sum().backward()
    #expect(latents.gradient == nil)
    #expect(problem.map.namedParameters.allSatisfy { $0.tensor.gradient != nil })
    onEveryLevel { level in
      let numbers = problem.map.kernels(latents * .nan).doubles.filter { !$0.isNaN }
      #expect(numbers.isEmpty, "\(level)")
    }
  }
}
