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
    let all = [8, 12, 16, 24, 32, 48, 64]
    let allowed = all.filter { (least...max(least, limit)).contains($0) && $0 <= limit }
    return allowed.isEmpty ? [all.last { $0 <= limit } ?? 8] : allowed
  }

  /// The least half width in space: on fewer points the sums of high derivatives of a bump have a
  /// part of lower ones.
  var narrowest: Int { 3 * (library.map(\.derivative.order).max() ?? 0) }

  /// Windows, the best first: least held-out residual of the whole library, noise and all, over the
  /// root of the number of rows.
  ///
  /// Wide windows leave less noise and fewer rows, and damp the short waves that high derivatives
  /// show on: what is small beside the least term that is looked for is small enough.
  func rankedWindows() -> [TestWindow] {
    let few = Array(someRecordings.prefix(4))
    return ranked(from: TestWindow(time: 16, space: 16), narrowest: narrowest) { window in
      let form = form(window)
      let silent = noise.map { _ in 0.0 }
      let equations = parallelMap(few.count, threads: settings.threads) {
        form.equations(recordings, few[$0], noise: silent, draws: 0)
      }
      let kept = form.independentTerms(equations).kept
      return (0..<targets).reduce(0.0) { sum, channel in
        let search = SupportSearch(equations, target: library.count + channel, form: form, ridge: 0)
        let residual = max(
          search.step(kept, threads: settings.threads).mean, SupportStep.smallest / 100)
        return sum + log(residual) - 0.5 * log(Double(form.rowCount))
      }
    }
  }

  /// The window that knows the parameters of a law best: least error, a geometric mean over them.
  ///
  /// The widths that find the terms are not those that measure them: the whole library wants short
  /// waves damped, a high derivative is measured on them.
  func measuringWindow(_ start: TestWindow, _ terms: [LawTerm], _ fit: LawFit) -> TestWindow {
    guard !fit.representatives.isEmpty else { return start }
    let few = someRecordings
    let order = terms.map(\.derivative.order).max() ?? 0
    return ranked(from: start, narrowest: 3 * order) { window in
      let form = form(window, terms)
      let equations = parallelMap(few.count, threads: settings.threads) {
        form.physical(form.equations(recordings, few[$0], noise: noise, draws: Discovery.draws))
      }
      let errors = fit.refitted(equations, threads: settings.threads).ownErrors
      return fit.representatives.indices.reduce(0) { sum, k in
        sum + log(max(Statistics.mean(errors.map { $0[k] * $0[k] }), .leastNormalMagnitude))
      }
    }[0]
  }

  /// Few numbers say which windows are good.
  private var someRecordings: [Int] {
    Array(sample.prefix(max(1, min(16, (1 << 20) / recordings.recordingLength))))
  }

  /// Windows, the least score first; the search goes to neighbours while they are better.
  private func ranked(
    from start: TestWindow, narrowest: Int, _ score: (TestWindow) -> Double
  ) -> [TestWindow] {
    let times = Discovery.halfWidths(from: 8, upTo: 3 * recordings.frameCount / 8)
    let spaces = Discovery.halfWidths(
      from: narrowest, upTo: 3 * (recordings.spaceShape.min() ?? 0) / 8)
    var scores: [TestWindow: Double] = [:]
    func value(_ i: Int, _ j: Int) -> Double {
      guard times.indices.contains(i), spaces.indices.contains(j) else { return .infinity }
      let window = TestWindow(time: times[i], space: spaces[j])
      if let known = scores[window] { return known }
      let found = score(window)
      scores[window] = found.isNaN ? .infinity : found
      return scores[window] ?? .infinity
    }
    var (i, j) = (
      times.lastIndex { $0 <= start.time } ?? 0, spaces.lastIndex { $0 <= start.space } ?? 0
    )
    while true {
      let neighbours = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1), (i + 1, j + 1)]
      guard let best = neighbours.min(by: { value($0.0, $0.1) < value($1.0, $1.1) }),
        value(best.0, best.1) < value(i, j)
      else { break }
      (i, j) = best
    }
    return scores.keys.sorted {
      (scores[$0] ?? 0, $0.time, $0.space) < (scores[$1] ?? 0, $1.time, $1.space)
    }
  }
}
