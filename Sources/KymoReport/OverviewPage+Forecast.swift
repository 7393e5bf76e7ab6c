// Forecasting experiments on the page over several: the numbers of Figures 2 and 3 of Vlachas et al.,
// Nature Machine Intelligence 4, 359 (2022), beside ours, over seeds.
import KymoMetrics

extension OverviewPage {
  mutating func addReductions() {
    let rows = entries.flatMap { entry -> [[HTML]] in
      let first = entry.forecasts.first?.reconstructions ?? []
      return first.enumerated().filter(\.element.isMain).map { place, main in
        let all = entry.forecasts.compactMap { $0.reconstructions[safe: place] }
        return [
          "\(entry.name)", "\(main.name)", "\(main.latentCount)",
          "<b>\(Self.spread(all.map(\.scaledMeanSquaredError)) { NumberText.significant($0) })</b>",
          main.reference.map { "\(NumberText.published($0.value))" } ?? "–",
          "\(Self.spread(all.map(\.meanSquaredError)) { NumberText.significant($0) })",
          "\(Self.spread(all.map(\.trainingSeconds), NumberText.duration))",
        ]
      }
    }
    guard !rows.isEmpty else { return }
    frame.add(
      "reductions", "Reductions",
      PageFrame.table(
        [
          "experiment", "reduction", "latents", "MSE, scaled", "published", "MSE", "training",
        ], rows,
        caption: """
          Mean squared error of decoded encodings of the test states: mean over seeds, smallest and \
          largest in brackets. Scaled means states scaled to [0, 1].
          """))
  }

  mutating func addForecasts() {
    let rows = entries.flatMap { entry -> [[HTML]] in
      entry.forecasts.first?.everyScore.map { name, score in
        // A way to forecast has one name in all seeds; one that is absent from a seed is left out.
        let all = entry.forecasts.compactMap { results in
          results.everyScore.first { $0.name == name }?.score
        }
        let last = all.compactMap { $0.normalizedDifference.last?.mean }
        return [
          "\(entry.name)", "\(name)",
          "<b>\(Self.spread(last) { NumberText.significant($0) })</b>",
          score.reference.map { "\(NumberText.published($0.value))" } ?? "–",
          "\(Self.spread(all.map(\.correlation.mean)) { NumberText.significant($0) })",
          "\(Self.spread(all.map(\.validTime.mean)) { NumberText.significant($0) })",
          "\(Self.spread(all.compactMap(\.speedUp)) { NumberText.significant($0) })",
          "\(Self.spread(all.compactMap(\.paperSpeedUp)) { NumberText.significant($0) })",
          "\(all.count) × \(entry.forecasts[0].initialConditionCount)",
        ]
      } ?? []
    }
    guard !rows.isEmpty else { return }
    frame.add(
      "forecasts", "Forecasts",
      PageFrame.table(
        [
          "experiment", "forecast", "MNAD", "published", "correlation", "valid time", "speed-up",
          "paper's count", "seeds × initial conditions",
        ], rows,
        caption: """
          Mean over seeds of the mean over initial conditions, smallest and largest seed in brackets. \
          MNAD is that of the last channel. The speed-up is over our own solver, with encoding and \
          decoding; the paper counts latent steps and the solver alone.
          """))
  }
}

extension ForecastResults {
  /// Every way to forecast with a name of its own.
  fileprivate var everyScore: [(name: String, score: Score)] {
    func named(_ scores: [Score], _ addition: String) -> [(name: String, score: Score)] {
      scores.map { ($0.name + ($0.ratio == nil ? "" : addition), $0) }
    }
    return named(propagators, "") + named(schedules.filter { $0.ratio != nil }, ", with the solver")
      + named(ensembleSchedules, ", ensemble with the solver") + named(adaptive + fullState, "")
  }
}
