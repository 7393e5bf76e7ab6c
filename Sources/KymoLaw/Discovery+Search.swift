// The search for terms under one test function, and the doubts that forbid a claim.
import Foundation
import KymoData
import KymoNumerics

extension Discovery {
  // MARK: Search

  func search(_ window: TestWindow, _ start: Law) -> Law {
    var law = start
    law.window = window
    law.refusal = nil
    let form = form(window)
    let equations = parallelMap(sample.count, threads: settings.threads) {
      form.equations(recordings, sample[$0], noise: noise, draws: Discovery.draws)
    }
    let (kept, dropped) = form.independentTerms(equations)
    let labels = library.map { $0.name(recordings.channelNames) }
    law.degenerate = dropped.map { labels[$0] }
    law.equations = []
    var supports: [[Int]] = []
    for (channel, name) in original.channelNames.enumerated() {
      let target = library.count + channel
      // The smallest law that a search finds, with more and less of noise's scatter put back.
      var path: [SupportStep] = []
      var choice: SupportStep?
      for ridge in isNoisy ? Discovery.ridges : [0] {
        let search = SupportSearch(equations, target: target, form: form, ridge: ridge)
        var starts = [kept]
        if isNoisy {
          starts.append(
            search.forward(among: kept, count: Discovery.forwardCount, threads: settings.threads))
        }
        for start in starts {
          let other = search.path(from: start, threads: settings.threads)
          let found = SupportSearch.choice(other, tolerance: tolerance)
          if path.isEmpty || (found?.terms.count ?? .max) < (choice?.terms.count ?? .max) {
            (path, choice) = (other, found)
          }
        }
      }
      let best = choice ?? path.min { abs($0.mean) < abs($1.mean) }
      law.equations.append(
        LawEquation(
          channel: name, terms: [], residual: max(0, best?.mean ?? 1).squareRoot(),
          noise: (best?.noise ?? 0).squareRoot(),
          tried: path.map {
            TriedSupport(
              terms: $0.terms.count, residual: $0.mean, error: $0.error, dropped: labels[$0.next])
          }))
      guard let choice = choice.map({ leaner($0, form, equations, kept, target) }) else {
        law.refusal =
          law.refusal
          ?? incomplete(
            form, equations, channel, kept, residual: law.equations[channel].residual,
            noise: law.equations[channel].noise)
        continue
      }
      if let pair = tradingTerms(form, equations, choice.terms)
        ?? exchangeableTerms(search(form, equations, target), kept, choice)
      {
        law.refusal =
          law.refusal ?? .indistinguishable(channel: name, terms: pair.map { labels[$0] })
      }
      supports.append(choice.terms)
    }
    if law.refusal == nil { law.refusal = refusalOfNarrowWindow(window, supports) }
    if law.refusal == nil { fill(&law, supports) }
    return law
  }

  /// The law must hold under narrower test functions as well: wide ones do not see the short waves
  /// on which high derivatives act.
  func refusalOfNarrowWindow(_ window: TestWindow, _ supports: [[Int]]) -> LawRefusal? {
    let narrow = TestWindow(
      time: window.time, space: min(window.space, max(narrowest, min(16, 2 * window.space / 3))))
    guard narrow != window else { return nil }
    let used = Set(supports.flatMap(\.self)).sorted()
    let form = form(narrow, used.map { library[$0] })
    let few = Array(sample.prefix(16))
    let equations = parallelMap(few.count, threads: settings.threads) {
      form.equations(recordings, few[$0], noise: noise, draws: Discovery.draws)
    }
    for (channel, support) in supports.enumerated() {
      let search = SupportSearch(
        equations, target: used.count + channel, form: form, ridge: 0)
      let step = search.step(
        support.compactMap(used.firstIndex), threads: settings.threads)
      // Narrow bumps have errors of quadrature that wide ones have not.
      if !step.isComplete(10 * SupportSearch.tolerance) {
        return .incompleteLibrary(
          channel: recordings.channelNames[channel], residual: max(0, step.mean).squareRoot(),
          noise: step.noise.squareRoot())
      }
    }
    return nil
  }

  /// Why a library that leaves too much does: its coefficients vary within a recording, or it lacks
  /// a term.
  ///
  /// A few terms with coefficients of each piece's own leave far less than the whole library does
  /// over whole recordings where coefficients vary. They are judged on blocks of the piece that
  /// they were not fitted to: within a piece many terms make up for one that is missing.
  func incomplete(
    _ form: WeakForm, _ equations: [NormalEquations], _ channel: Int, _ kept: [Int],
    residual: Double, noise: Double
  ) -> LawRefusal {
    let name = recordings.channelNames[channel]
    for inTime in [true, false] where !isNoisy && min(form.blocks.time, form.blocks.space) > 1 {
      let pieces = form.pieces(inTime: inTime)
      let parts = equations.flatMap { recording in
        pieces.map { piece in
          NormalEquations(
            size: recording.size, blocks: piece.map { recording.blocks[$0] },
            noise: recording.noise)
        }
      }
      let search = SupportSearch(
        parts, target: library.count + channel, form: form, ridge: 0,
        folds: pieces[0].indices.map { [$0] })
      for count in 1...Discovery.piecewiseTerms {
        let support = search.forward(among: kept, count: count, threads: settings.threads)
        let left = search.step(support, threads: settings.threads).mean
        if left < 0.1 * residual * residual {
          return .variesWithinRecording(channel: name, residual: residual)
        }
      }
    }
    return .incompleteLibrary(channel: name, residual: residual, noise: noise)
  }

  /// Terms of a support that trade against each other: the smallest eigenvalue of their correlation
  /// matrix is nothing beside what is left of noise.
  func tradingTerms(
    _ form: WeakForm, _ equations: [NormalEquations], _ support: [Int]
  ) -> [Int]? {
    let (n, size) = (support.count, form.columnCount)
    guard n > 1 else { return nil }
    var found: [(ratio: Double, pair: [Int])] = []
    for recording in equations {
      let total = zip(recording.total, recording.noise).map { $0 + $1 }
      let scales = support.map { max(total[$0 * size + $0], 1e-300).squareRoot() }
      let matrix = (0..<n * n).map {
        recording.total[support[$0 / n] * size + support[$0 % n]] / scales[$0 / n] / scales[$0 % n]
      }
      let (values, vectors) = symmetricEigen(matrix, size: n)
      let share = support.map { recording.noise[$0 * size + $0] / total[$0 * size + $0] }.max() ?? 0
      let limit = max(1e-9, 2 * share / Double(form.rowCount).squareRoot())
      let order = (0..<n).sorted { abs(vectors[n - 1][$0]) > abs(vectors[n - 1][$1]) }
      found.append((values[n - 1] / limit, order.prefix(2).map { support[$0] }))
    }
    found.sort { $0.ratio < $1.ratio }
    let middle = found[found.count / 2]
    return middle.ratio < 1 ? middle.pair : nil
  }

  /// The support without terms that it need not have and that another could stand for: of many
  /// terms one or the other beats the law by chance.
  private func leaner(
    _ choice: SupportStep, _ form: WeakForm, _ equations: [NormalEquations], _ kept: [Int],
    _ target: Int
  ) -> SupportStep {
    let search = search(form, equations, target)
    var choice = choice
    while choice.terms.count > 1, let pair = exchangeableTerms(search, kept, choice) {
      let fewer = search.step(
        choice.terms.filter { $0 != pair[0] }, next: choice.next, threads: settings.threads)
      guard fewer.isComplete(tolerance) else { break }
      choice = fewer
    }
    return choice
  }

  /// A term of a law and one that would do as well in its place, where there are such.
  private func exchangeableTerms(
    _ search: SupportSearch, _ kept: [Int], _ choice: SupportStep
  ) -> [Int]? {
    let own = search.step(choice.terms, threads: settings.threads)
    for term in choice.terms {
      for other in kept where !choice.terms.contains(other) {
        let exchanged = search.step(
          (choice.terms.filter { $0 != term } + [other]).sorted(), threads: settings.threads)
        if exchanged.isComplete(tolerance), !exchanged.isBeaten(by: own) { return [term, other] }
      }
    }
    return nil
  }

  private func search(
    _ form: WeakForm, _ equations: [NormalEquations], _ target: Int
  ) -> SupportSearch {
    SupportSearch(
      equations, target: target, form: form, ridge: isNoisy ? Discovery.ridges[0] : 0)
  }

  /// Frames that say nothing of the rate.
  ///
  /// Mean (Δ²u)² over mean (Δu)² along time is near 0 where frames are close, and 3 where they have
  /// nothing to do with each other. What is noise along space too, by (Δ⁴u)² / 70, is taken off
  /// both.
  func refusalOfFrames() -> LawRefusal? {
    let (frames, points) = (recordings.frameCount, recordings.spaceShape.min() ?? 0)
    guard frames >= 24, points >= 24 else { return .tooSmall(frames: frames, points: points) }
    let cells = recordings.spaceShape.reduce(1, *)
    let length = recordings.spaceShape.last ?? 1
    for (channel, name) in original.channelNames.enumerated() {
      var (first, second, rough, square, count) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for index in sample.prefix(8) {
        unsafe recordings.withRecording(index) { numbers in
          // In bounds: channels · frames · cells numbers, and cells that have neighbours.
          let start = channel * frames * cells
          for frame in 1..<frames - 1 {
            for cell in stride(from: 2, to: cells, by: max(1, cells / 1024))
            where (2..<length - 2).contains(cell % length) {
              let place = start + frame * cells + cell
              func value(_ offset: Int) -> Double { unsafe Double(numbers[place + offset]) }
              let (a, b, c) = (value(-cells), value(0), value(cells))
              first += (b - a) * (b - a)
              second += (a - 2 * b + c) * (a - 2 * b + c)
              let bend = value(-2) - 4 * value(-1) + 6 * b - 4 * value(1) + value(2)
              rough += bend * bend / 70
              square += b * b
              count += 1
            }
          }
        }
      }
      if first <= 1e-10 * square { return .noRate(channel: name) }
      let noise = min(noise[channel] * noise[channel] * count, rough)
      let change = first - 2 * noise
      // What noise hides is not judged here.
      if change > 0.2 * first, second - 6 * noise > change {
        return .framesTooFarApart(channel: name)
      }
    }
    return nil
  }
}
