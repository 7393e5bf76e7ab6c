// The fused encoder against tensor operations, on every instruction set; extreme pooling;
// independence of the number of threads.
import CKernels
import Foundation
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private struct Case: Sendable, CustomTestStringConvertible {
  var channels = 1
  var latents = 5
  var crop = [64, 94]
  var lattice = EncoderLattice.fourth
  var testDescription: String {
    "c=\(channels) P=\(latents) \(crop[0])×\(crop[1]) spacing \(lattice.rawValue)"
  }
  static let all = [
    Case(), Case(lattice: .second), Case(lattice: .dense),
    Case(channels: 2, crop: [47, 61]), Case(channels: 3, latents: 16, crop: [33, 70]),
    Case(channels: 2, latents: 1, crop: [45, 131], lattice: .second),
    Case(channels: 3, latents: 16, crop: [35, 53], lattice: .dense),
    // One position; and positions in one row or column.
    Case(latents: 1, crop: [31, 31]), Case(crop: [31, 31], lattice: .dense),
    Case(latents: 16, crop: [31, 120]), Case(crop: [99, 32], lattice: .second),
    Case(latents: 64, crop: [40, 40]),
  ]
}

private struct Outcome {
  var mean: [Double]
  var logVariance: [Double]
  var gradients: [[Double]]
}

/// A network, its input and the weights of a loss `Σ a μ + b log σ²`.
private struct Problem {
  let test: Case
  let batch: Int
  let network: DynamicsEncoder
  let input: Tensor
  let weights: [Tensor]

  init(_ test: Case, batch: Int = 3, varianceScale: Double = 1) {
    (self.test, self.batch) = (test, batch)
    var random = RandomStream(seed: 11, purpose: .weights)
    let network = DynamicsEncoder(
      channels: test.channels, spaceAxes: 1, latents: test.latents, using: &random)
    self.network = network
    withoutGradients { network.varianceHead.weight.mulInPlace(varianceScale) }
    var draws = RandomStream(seed: 12, purpose: .testing)
    input = Tensor.normal([batch, test.channels] + test.crop, using: &draws)
    let shape = [batch, test.latents]
    weights = [Tensor.normal(shape, using: &draws), Tensor.normal(shape, using: &draws)]
  }

  func outcome(_ found: LatentDistribution) -> Outcome {
    let parameters = network.namedParameters.map(\.tensor)
    for parameter in parameters { parameter.zeroGradient() }
    ((found.mean * weights[0]).sum() + (found.logVariance * weights[1]).sum()).backward()
    return Outcome(
      mean: found.mean.doubles, logVariance: found.logVariance.doubles,
      gradients: parameters.map { $0.gradient?.doubles ?? [] })
  }

  func plain() -> Outcome { outcome(network.plainEncode(input, lattice: test.lattice)) }

  func fused() -> Outcome { outcome(FusedEncoder.encode(network, input, lattice: test.lattice)) }
}

private func expectClose(
  _ found: Outcome, _ expected: Outcome, relative: Double, _ reason: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let pairs = [(found.mean, expected.mean), (found.logVariance, expected.logVariance)]
  for (a, b) in pairs + zip(found.gradients, expected.gradients) {
    expectClose(
      a, b, tolerance(b, relative: relative, reason), sourceLocation: sourceLocation)
  }
}

/// A distance relative to the largest entry.
private func tolerance(_ expected: [Double], relative: Double, _ reason: String) -> Tolerance {
  let largest = expected.map(\.magnitude).max() ?? 0
  return Tolerance(absolute: relative * largest + 1e-12, because: reason)
}

@Suite("The fused encoder", .serialized) struct FusedEncoderTests {
  @Test("agrees with tensor operations, with all gradients", arguments: Case.all)
  fileprivate func gradients(_ test: Case) {
    let problem = Problem(test)
    let expected = problem.plain()
    onEveryLevel { level in
      expectClose(
        problem.fused(), expected, relative: 1e-5,
        "bound that the kernel must keep, \(level)")
    }
  }

  @Test("a gradient of other weights is noticed (negative control)")
  func control() {
    let problem = Problem(Case())
    var wrong = problem.plain().gradients[4]
    wrong[17] *= -1
    expectFar(
      problem.fused().gradients[4], wrong, tolerance(wrong, relative: 1e-5, "as above"))
  }

  @Test("local log-variances of ± 1000 are pooled without overflow", arguments: [3e3, 3e4])
  func extremes(_ scale: Double) {
    let problem = Problem(Case(), varianceScale: scale)
    let expected = problem.plain()
    #expect(expected.logVariance.contains { abs($0) > scale / 100 })
    onEveryLevel { level in
      let found = problem.fused()
      #expect(
        (found.mean + found.logVariance + found.gradients.joined()).allSatisfy { $0.isFinite },
        "\(level)"
      )
      // The rounding of s, about 1e-7 |s|, is a relative error of exp(−s).
      let tolerance = Tolerance(relative: 1e-6 * scale / 100, because: "rounding of s, \(level)")
      expectClose(found.logVariance, expected.logVariance, tolerance)
    }
  }

  @Test("a NaN of the input is seen in the result")
  func notANumber() {
    let problem = Problem(Case())
    let poisoned = problem.input.clone()
    unsafe poisoned.withUnsafeMutablePointer { unsafe $0[30 * 94 + 40] = .nan }
    onEveryLevel { level in
      let found = withoutGradients {
        FusedEncoder.encode(problem.network, poisoned, lattice: .fourth)
      }
      let poison = found.mean.doubles.prefix(5) + found.logVariance.doubles.prefix(5)
      #expect(poison.allSatisfy { $0.isNaN }, "\(level)")
      #expect(found.mean.doubles.dropFirst(5).allSatisfy { $0.isFinite }, "\(level)")
    }
  }

  @Test("gives the same bits on one thread and on two, with and without gradients")
  func threads() {
    let problem = Problem(Case(), batch: 21)
    let before = threadCount
    defer { setThreadCount(before) }
    setThreadCount(1)
    let one = problem.fused()
    setThreadCount(2)
    let two = problem.fused()
    #expect(one.mean == two.mean && one.logVariance == two.logVariance)
    #expect(one.gradients == two.gradients)
    let without = withoutGradients {
      FusedEncoder.encode(problem.network, problem.input, lattice: .fourth)
    }
    #expect(without.mean.doubles == two.mean)
  }
}
