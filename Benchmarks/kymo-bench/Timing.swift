// How work is timed: by the clock and by the processors, after some runs to get ready.
import Foundation

/// Seconds of many runs of one piece of work, and the operations that one of them takes.
struct Timing {
  /// By the clock, sorted.
  var seconds: [Double] = []
  /// Of all processors together, sorted.
  var processor: [Double] = []
  /// Floating-point operations; 0 when nobody counted.
  var operations: Double

  /// Runs `body` `warmUp` times unwatched, then `repeats` times.
  init(
    _ repeats: Int, warmUp: Int = 3, operations: Double = 0, _ body: () throws -> Void
  ) rethrows {
    self.operations = operations
    for _ in 0..<warmUp { try body() }
    for _ in 0..<repeats {
      let (start, ticks) = (ContinuousClock.now, clock())
      try body()
      seconds.append((ContinuousClock.now - start) / .seconds(1))
      processor.append(Double(clock() - ticks) / Double(CLOCKS_PER_SEC))
    }
    seconds.sort()
    processor.sort()
  }

  /// What the machine can do beside other work.
  var fastest: Double { seconds.first ?? .nan }
  /// What a run takes as a rule.
  var median: Double { seconds[seconds.count / 2] }
  /// Operations of 1e9 for a second, when a run takes so many seconds.
  func gigaflops(_ seconds: Double) -> Double { operations / seconds / 1e9 }
}

/// The largest distance between entries; infinite for NaN and for lists of different lengths.
func distance<Value: BinaryFloatingPoint>(_ a: [Value], _ b: [Value]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    let distance = Double((pair.0 - pair.1).magnitude)
    return distance.isNaN ? .infinity : max(worst, distance)
  }
}

/// The largest distance as a part of the largest expected entry.
func relativeDistance(_ found: [Double], _ expected: [Double]) -> Double {
  distance(found, expected) / (expected.map(\.magnitude).max() ?? 1)
}
