// Learning rates over a training: constant, one cycle (Smith and Topin 2018, arXiv:1708.07120, with
// cosine pieces), cosine after a warm-up, exponential decay.
import Foundation
public import KymoNumerics

/// The learning rate as a function of the training step.
public enum LearningRateSchedule: Hashable, Codable, Sendable {
  /// The same rate in every step.
  case constant(Constant)
  /// Up to a peak and down again, each along half a cosine.
  case oneCycle(OneCycle)
  /// A linear warm-up, then down along half a cosine.
  case cosine(Cosine)
  /// A fixed factor every so many steps, applied smoothly.
  case exponential(Exponential)

  private enum CodingKeys: CodingKey, CaseIterable { case constant, oneCycle, cosine, exponential }

  /// Settings of the constant schedule.
  public struct Constant: Settings {
    /// The rate.
    public var rate = 1e-3
    /// Creates the default settings.
    public init() {}
    /// Creates settings with a rate.
    public init(rate: Double) { self.rate = rate }
  }

  /// Settings of the one-cycle schedule.
  public struct OneCycle: Settings {
    /// The largest rate.
    public var peak = 1e-3
    /// Fraction of all steps until the peak; in (0, 1).
    public var warmupFraction = 0.3
    /// The rate of the first step, as a fraction of the peak.
    public var startFraction = 0.04
    /// The rate of the last step, as a fraction of the peak; absent means 10⁻⁴ of the first one.
    public var finalFraction: Double?
    /// Creates PyTorch's settings.
    public init() {}
    /// Creates settings; those that are not given are PyTorch's.
    public init(
      peak: Double = 1e-3, warmupFraction: Double = 0.3, finalFraction: Double? = nil
    ) {
      (self.peak, self.warmupFraction) = (peak, warmupFraction)
      self.finalFraction = finalFraction
    }
    /// The rate of the last step.
    var last: Double { finalFraction.map { peak * $0 } ?? peak * startFraction * 1e-4 }
  }

  /// Settings of the cosine schedule.
  public struct Cosine: Settings {
    /// The rate after the warm-up.
    public var peak = 1e-3
    /// Fraction of all steps during which the rate grows from near zero; in [0, 1).
    public var warmupFraction = 0.05
    /// The rate of the last step.
    public var final = 0.0
    /// Creates the default settings.
    public init() {}
  }

  /// Settings of the exponential schedule.
  public struct Exponential: Settings {
    /// The rate of the first step.
    public var start = 1e-3
    /// Factor on the rate after `period` steps; in (0, 1].
    public var factor = 0.5
    /// Steps in which the rate falls by `factor`; at least 1.
    public var period = 1000
    /// Creates the default settings.
    public init() {}
  }

  /// The rate of step `step` (from 0) in a training of `total` steps.
  public func rate(step: Int, of total: Int) -> Double {
    switch self {
    case .constant(let settings): return settings.rate
    case .oneCycle(let settings):
      let last = Double(max(total - 1, 1))
      let top = max(settings.warmupFraction * Double(total) - 1, 0)
      let position = Double(min(step, total - 1))
      let start = settings.peak * settings.startFraction
      return position <= top
        ? halfCosine(from: start, to: settings.peak, at: top > 0 ? position / top : 1)
        : halfCosine(
          from: settings.peak, to: settings.last, at: (position - top) / max(last - top, 1))
    case .cosine(let settings):
      let warmup = (settings.warmupFraction * Double(total)).rounded()
      if Double(step) < warmup { return settings.peak * Double(step + 1) / (warmup + 1) }
      let rest = max(Double(total - 1) - warmup, 1)
      return halfCosine(
        from: settings.peak, to: settings.final, at: min((Double(step) - warmup) / rest, 1))
    case .exponential(let settings):
      return settings.start * pow(settings.factor, Double(step) / Double(settings.period))
    }
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "learningRate") throws(ConfigurationError) {
    func positive(_ value: Double, _ name: String) throws(ConfigurationError) {
      try require(value, .above(0), "\(path).\(name)", remedy: "0.001 is a usual start for Adam.")
    }
    func nonNegative(_ value: Double, _ name: String) throws(ConfigurationError) {
      try require(
        value, .atLeast(0), "\(path).\(name)", remedy: "0 lets the rate vanish at the end.")
    }
    switch self {
    case .constant(let settings): try positive(settings.rate, "constant.rate")
    case .oneCycle(let settings):
      try positive(settings.peak, "oneCycle.peak")
      try nonNegative(settings.last, "oneCycle.finalFraction")
      try positive(settings.startFraction, "oneCycle.startFraction")
      try require(
        settings.warmupFraction, .between(0, 1), "\(path).oneCycle.warmupFraction",
        remedy: "0.3 is the usual choice.")
    case .cosine(let settings):
      try positive(settings.peak, "cosine.peak")
      try nonNegative(settings.final, "cosine.final")
      try require(
        settings.warmupFraction, .within(0..<1), "\(path).cosine.warmupFraction",
        remedy: "0.05 is a usual choice.")
    case .exponential(let settings):
      try positive(settings.start, "exponential.start")
      try require(
        settings.factor > 0 && settings.factor <= 1, "\(path).exponential.factor",
        found: settings.factor, allowed: "in (0, 1]", remedy: "0.5 halves the rate each period.")
      try require(
        settings.period, .atLeast(1), "\(path).exponential.period",
        remedy: "Give the number of steps in which the rate falls.")
    }
  }
}

private func halfCosine(from start: Double, to end: Double, at fraction: Double) -> Double {
  end + (start - end) * (1 + cos(.pi * fraction)) / 2
}
