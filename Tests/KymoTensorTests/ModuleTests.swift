// Layers, schedules, loading by name.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Layers") struct LayerTests {
  private func linear(
    _ inputs: Int, _ outputs: Int, hasBias: Bool = true, using stream: inout RandomStream
  ) -> Linear {
    Linear(
      weight: Tensor.normal([outputs, inputs], using: &stream).requiringGradient(),
      bias: hasBias ? Tensor.normal([outputs], using: &stream).requiringGradient() : nil)
  }

  @Test("have named parameters and the right shapes") func shapes() {
    var stream = RandomStream(seed: 2, purpose: .weights)
    let layer = linear(4, 3, using: &stream)
    #expect(layer(Tensor.zeros([2, 4])).shape == [2, 3])
    #expect(layer.namedParameters().map(\.name) == ["weight", "bias"])
    #expect(layer.parameterCount == 3 * 4 + 3)
    let plain = linear(4, 2, hasBias: false, using: &stream)
    #expect(plain(Tensor.ones([3, 5, 4])).shape == [3, 5, 2])
    #expect(plain.namedParameters().prefixed("head").map(\.name) == ["head.weight"])
  }

  @Test("are loaded by name, all or nothing") func loading() throws {
    var stream = RandomStream(seed: 3, purpose: .weights)
    let (source, target) = (linear(3, 2, using: &stream), linear(3, 2, using: &stream))
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

extension LearningRateSchedule.Cosine {
  fileprivate init(peak: Double = 1e-3, warmupFraction: Double = 0.05, final: Double = 0) {
    self.init()
    (self.peak, self.warmupFraction, self.final) = (peak, warmupFraction, final)
  }
}

extension LearningRateSchedule.Exponential {
  fileprivate init(start: Double = 1e-3, factor: Double = 0.5, period: Int = 1000) {
    self.init()
    (self.start, self.factor, self.period) = (start, factor, period)
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
