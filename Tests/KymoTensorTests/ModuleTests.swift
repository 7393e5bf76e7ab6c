// Layers, schedules, loading by name.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Layers") struct LayerTests {
  @Test("start as PyTorch's do: uniform within one over the root of the fan-in") func start() {
    var stream = RandomStream(seed: 1, purpose: .weights)
    let dense = Linear(25, 4000, using: &stream)
    let wide = Linear(100, 1000, using: &stream)
    for (weight, bias, bound) in [
      (dense.weight, dense.bias, 0.2), (wide.weight, wide.bias, 0.1),
    ] {
      #expect(weight.requiresGradient && bias?.requiresGradient == true)
      for tensor in [weight, bias].compactMap({ $0 }) {
        #expect(tensor.abs().max().item <= bound + 1e-7)
        #expect(tensor.abs().max().item > 0.98 * bound)
        // Five standard errors of the variance of `count` uniform numbers: √(4/5 / count).
        let expected = bound * bound / 3
        let allowed = 5 * (0.8 / Double(tensor.count)).squareRoot() * expected
        #expect(abs(tensor.variance().item - expected) < allowed)
      }
    }
    var again = RandomStream(seed: 1, purpose: .weights)
    #expect(Linear(25, 4000, using: &again).weight.floats == dense.weight.floats)
  }

  @Test("have named parameters and the right shapes") func shapes() {
    var stream = RandomStream(seed: 2, purpose: .weights)
    let layer = Linear(4, 3, using: &stream)
    #expect(layer(Tensor.zeros([2, 4])).shape == [2, 3])
    #expect(layer.namedParameters().map(\.name) == ["weight", "bias"])
    #expect(layer.parameterCount == 3 * 4 + 3)
    let plain = Linear(4, 2, bias: false, using: &stream)
    #expect(plain(Tensor.ones([3, 5, 4])).shape == [3, 5, 2])
    #expect(plain.namedParameters().prefixed("head").map(\.name) == ["head.weight"])
  }

  @Test("are loaded by name, all or nothing") func loading() throws {
    var stream = RandomStream(seed: 3, purpose: .weights)
    let (source, target) = (Linear(3, 2, using: &stream), Linear(3, 2, using: &stream))
    let old = target.weight.floats
    var incomplete = source.namedParameters()
    incomplete.removeLast()
    let missing = #expect(throws: TensorError.self) {
      try target.namedParameters().load(incomplete, from: "model.safetensors")
    }
    #expect(missing?.description.contains("model.safetensors: 'bias' is missing") == true)
    #expect(target.weight.floats == old, "nothing is changed")
    try target.namedParameters().load(source.namedParameters(), from: "model.safetensors")
    #expect(target.weight.floats == source.weight.floats)
    #expect(target.weight.requiresGradient)
  }
}

@Suite("Step-size schedules") struct ScheduleTests {
  private typealias Schedule = LearningRateSchedule

  @Test("one cycle is PyTorch's") func oneCycle() throws {
    let expected = try Golden.tensors().require("schedule.oneCycle").doubles
    let schedule = LearningRateSchedule.oneCycle(.init(peak: 2e-3))
    expectClose(
      (0..<50).map { schedule.rate(step: $0, of: 50) }, expected,
      Tolerance(absolute: 1e-15, relative: 1e-12, because: "rounding in float64"))
  }

  @Test("the others by hand") func others() {
    #expect(LearningRateSchedule.constant(.init(rate: 3)).rate(step: 7, of: 9) == 3)
    let cosine = LearningRateSchedule.cosine(.init(peak: 4, warmupFraction: 0.3, final: 1))
    let rates = (0..<10).map { cosine.rate(step: $0, of: 10) }
    let exact = [1, 2, 3] + (0...6).map { 1 + 1.5 * (1 + cos(.pi * Double($0) / 6)) }
    expectClose(rates, exact, .rounding(terms: 4))
    let decay = LearningRateSchedule.exponential(.init(start: 8, factor: 0.5, period: 2))
    expectClose(
      [0, 2, 4, 5].map { decay.rate(step: $0, of: 6) }, [8, 4, 2, 2.squareRoot()],
      .rounding(terms: 4))
  }

  @Test("stay finite and positive for trainings of any length", arguments: [1, 2, 3, 4, 1000])
  func lengths(_ total: Int) {
    for schedule: LearningRateSchedule in [
      .oneCycle(.init()), .cosine(.init(final: 1e-6)), .exponential(.init()), .constant(.init()),
      .oneCycle(.init(warmupFraction: 0.999)),
    ] {
      for step in 0..<(total + 2) {
        let rate = schedule.rate(step: step, of: total)
        #expect(rate > 0 && rate <= 1e-3 + 1e-12, "\(schedule) \(step) of \(total): \(rate)")
      }
    }
  }

  private func decode(_ text: String) throws -> LearningRateSchedule {
    try SettingsTree(json: Data(text.utf8)).decode(LearningRateSchedule.self)
  }

  @Test("are written and read; what is missing takes the default") func codable() throws {
    for schedule: LearningRateSchedule in [
      .constant(.init(rate: 2)),
      .oneCycle(.init(peak: 0.5, warmupFraction: 0.1, finalFraction: 0.5)),
      .cosine(.init(peak: 3)), .exponential(.init(period: 7)),
    ] {
      let text = try SettingsTree(encoding: schedule).json()
      #expect(try SettingsTree(json: text).decode(LearningRateSchedule.self) == schedule)
    }
    #expect(try decode(#"{"oneCycle":{"peak":2}}"#) == .oneCycle(.init(peak: 2)))
    #expect(try decode(#"{"constant":{}}"#) == .constant(.init()))
  }

  @Test(
    "refuse what they do not know",
    arguments: [
      (#"{"onecycle":{}}"#, "oneCycle"), (#"{"oneCycle":{"peek":2}}"#, "peak"), ("{}", "one of"),
      (#"{"constant":{},"cosine":{}}"#, "Keep one"),
    ])
  func unknown(_ text: String, _ word: String) {
    let error = #expect(throws: ConfigurationError.self) { try decode(text) }
    #expect(error?.description.contains(word) == true, "\(String(describing: error))")
  }

  @Test(
    "refuse values that cannot work",
    arguments: [
      LearningRateSchedule.constant(.init(rate: 0)), .oneCycle(.init(peak: -1)),
      .oneCycle(.init(warmupFraction: 1)), .cosine(.init(warmupFraction: -0.1)),
      .cosine(.init(final: .nan)), .exponential(.init(factor: 1.5)), .exponential(.init(period: 0)),
    ])
  func validation(_ schedule: LearningRateSchedule) {
    #expect(throws: ConfigurationError.self) { try schedule.validate() }
    #expect(throws: Never.self) { try LearningRateSchedule.oneCycle(.init()).validate() }
  }
}
