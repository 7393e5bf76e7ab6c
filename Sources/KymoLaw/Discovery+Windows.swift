// Test functions that suit the recordings: half widths by what the whole library leaves.
import Foundation
import KymoData
import KymoNumerics

extension Discovery {
  // MARK: Windows

  func form(_ window: TestWindow, _ terms: [LawTerm]? = nil) -> WeakForm {
    WeakForm(
      recordings, terms: terms ?? library, window: window, scales: scales, targets: targets)
  }

  /// The half widths that may be used along an axis.
  static func halfWidths(from least: Int, upTo limit: Int) -> [Int] {
    let all = [4, 6, 8, 12, 16, 24, 32, 48]
    let allowed = all.filter { (least...max(least, limit)).contains($0) && $0 <= limit }
    return allowed.isEmpty ? [all.last { $0 <= limit } ?? 4] : allowed
  }

  /// The least half width in space: on fewer points the sums of high derivatives of a bump have a
  /// part of lower ones.
  var narrowest: Int { 2 * (library.map(\.derivative.order).max() ?? 0) }

  /// Windows, the best first: least held-out residual of the whole library, noise and all, over the
  /// root of the number of rows.
  ///
  /// Wide windows leave less noise and fewer rows. The search goes to neighbours while they are
  /// better.
  func rankedWindows() -> [TestWindow] {
    let times = Discovery.halfWidths(from: 4, upTo: recordings.frameCount / 4)
    let spaces = Discovery.halfWidths(
      from: narrowest, upTo: (recordings.spaceShape.min() ?? 0) / 4)
    // Few numbers say which windows are good.
    let few = Array(sample.prefix(max(1, min(4, (1 << 20) / recordings.recordingLength))))
    var scores: [TestWindow: Double] = [:]
    func score(_ i: Int, _ j: Int) -> Double {
      guard times.indices.contains(i), spaces.indices.contains(j) else { return .infinity }
      let window = TestWindow(time: times[i], space: spaces[j])
      if let known = scores[window] { return known }
      let form = form(window)
      let silent = noise.map { _ in 0.0 }
      let equations = parallelMap(few.count, threads: settings.threads) {
        form.equations(recordings, few[$0], noise: silent, draws: 0)
      }
      let kept = form.independentTerms(equations).kept
      let value = (0..<targets).reduce(0.0) { sum, channel in
        let search = SupportSearch(equations, target: library.count + channel, form: form, ridge: 0)
        let residual = max(search.step(kept, threads: settings.threads).mean, 1e-12)
        return sum + log(residual) - 0.5 * log(Double(form.rowCount))
      }
      scores[window] = value
      return value
    }
    var (i, j) = (
      times.lastIndex { $0 <= 12 } ?? 0, spaces.lastIndex { $0 <= 12 } ?? 0
    )
    while true {
      let neighbours = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1), (i + 1, j + 1)]
      guard let best = neighbours.min(by: { score($0.0, $0.1) < score($1.0, $1.1) }),
        score(best.0, best.1) < score(i, j)
      else { break }
      (i, j) = best
    }
    return scores.keys.sorted {
      (scores[$0] ?? 0, $0.time, $0.space) < (scores[$1] ?? 0, $1.time, $1.space)
    }
  }
}
