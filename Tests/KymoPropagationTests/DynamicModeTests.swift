// Dynamic mode decomposition against linear systems whose answer is known.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoPropagation

@Suite("Dynamic modes") struct DynamicModeTests {
  /// A rotation by `turns` a step that shrinks by e^`growth`, and a slow decay, mixed.
  private func spiral(_ count: Int, phase: Double) -> HostArray<Double> {
    HostArray(
      (0..<count).flatMap { step -> [Double] in
        let time = Double(step)
        let size = exp(-0.01 * time)
        let angle = 2 * .pi * 0.07 * time + phase
        let slow = exp(-0.03 * time)
        return [
          size * cos(angle) + 0.3 * slow, 2 * size * sin(angle), 5 * slow - size * cos(angle),
        ]
      }, shape: [count, 3])
  }

  private func unscaled(_ delays: Int) -> DynamicModeConfiguration {
    var configuration = DynamicModeConfiguration(delays: delays)
    configuration.scaling = .none
    return configuration
  }

  @Test("A linear system is continued, and its frequency and growth rates are found")
  func linear() throws {
    let propagator = try DynamicModePropagator(
      fitting: [spiral(40, phase: 0), spiral(30, phase: 1)], configuration: unscaled(1))
    #expect(propagator.rank == 3)
    let modes = try propagator.modes()
    expectClose(
      modes.flatMap { [$0.frequency, $0.growth] }, [0.07, -0.01, 0, -0.03],
      Tolerance(absolute: 1e-10, because: "rounding of a decomposition"))
    let truth = spiral(60, phase: 2)
    var memory = propagator.initialMemory(batchCount: 1)
    let forecast = try propagator.rollout(
      from: HostArray(Array(truth.elements[0..<3]), shape: [1, 3]), stepCount: 59, memory: &memory)
    expectClose(
      forecast.elements, Array(truth.elements[3...]),
      Tolerance(absolute: 1e-10, because: "rounding of 59 steps"))
  }

  @Test("Two waves seen at one point need their delays") func delays() throws {
    func wave(_ step: Int) -> Double {
      sin(2 * .pi * 0.11 * Double(step)) + 0.5 * cos(2 * .pi * 0.171 * Double(step))
    }
    let series = HostArray((0..<80).map(wave), shape: [80, 1])
    let four = try DynamicModePropagator(fitting: [series], configuration: unscaled(4))
    expectClose(
      try four.modes().map(\.frequency).sorted(), [0.11, 0.171],
      Tolerance(absolute: 1e-10, because: "rounding of a decomposition"))
    // Warmed up with four frames, it goes on.
    func error(_ propagator: DynamicModePropagator) throws -> Double {
      var memory = propagator.initialMemory(batchCount: 1)
      _ = try propagator.oneStepPredictions(
        HostArray((100..<110).map(wave), shape: [1, 10, 1]), memory: &memory)
      let forecast = try propagator.rollout(
        from: HostArray([wave(110)], shape: [1, 1]), stepCount: 50, memory: &memory)
      return zip(forecast.elements, (111..<161).map(wave)).map { abs($0 - $1) }.max() ?? .nan
    }
    #expect(try error(four) < 1e-9)
    let one = try DynamicModePropagator(fitting: [series], configuration: unscaled(1))
    #expect(try error(one) > 0.5)
  }

  @Test("A rank leaves out the weakest directions") func rank() throws {
    var random = RandomStream(seed: 4, purpose: .testing)
    // A wave in two of three latents; the third is noise that nothing predicts.
    let noisy = HostArray(
      (0..<400).flatMap { step -> [Double] in
        let angle = 2 * .pi * 0.05 * Double(step)
        return [cos(angle), sin(angle), 1e-3 * random.normal()]
      }, shape: [400, 3])
    var configuration = unscaled(1)
    configuration.rank = 2
    let propagator = try DynamicModePropagator(fitting: [noisy], configuration: configuration)
    #expect(propagator.rank == 2)
    let modes = try propagator.modes()
    #expect(abs(modes[0].frequency - 0.05) < 1e-5 && abs(modes[0].growth) < 1e-5, "\(modes)")
  }

  @Test("It comes back from a folder bit for bit, and refuses series that are too short")
  func onDisk() throws {
    let folder = try TemporaryFolder()
    let configuration = DynamicModeConfiguration(delays: 2)
    let fitted = try DynamicModePropagator(
      fitting: [spiral(40, phase: 0)], configuration: configuration)
    try fitted.save(to: folder.url)
    let loaded = try DynamicModePropagator(from: folder.url)
    #expect(
      loaded.map == fitted.map && loaded.scaler == fitted.scaler && loaded.rank == fitted.rank)
    let short = #expect(throws: (any Error).self) {
      try DynamicModePropagator(fitting: [spiral(2, phase: 0)], configuration: configuration)
    }
    #expect("\(short.map { "\($0)" } ?? "")".contains("frames"))
  }
}
