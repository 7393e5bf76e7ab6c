// A run folder with plausible contents, made without a model: a section of every kind, with the
// shapes that the methods fill.
import Foundation
import KymoNumerics
import KymoResults

struct SyntheticRun {
  /// What the synthetic results hold.
  struct Contents {
    /// A name from the data, wherever one appears.
    var name = "γ"
    var recordingCount = 400
    var fieldCount = 2
    var planeCount = 1
    var frames = 255
    var side = 256
  }

  /// A new folder; removed by `remove()`.
  let folder: URL

  init(_ name: String = "ks-demo") throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "kymo-report-\(UUID().uuidString)").appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

  /// Writes every file that a run has.
  func writeAll(_ contents: Contents = Contents()) throws {
    try write(Self.results(contents).json(), to: "results.json")
    try write(Data(Self.training().utf8), to: "metrics.jsonl")
    try write(Data(Self.recipe.utf8), to: "recipe.yaml")
    try write(Data(Self.environment.utf8), to: "environment.json")
  }

  func write(_ data: Data, to file: String) throws {
    try data.write(to: folder.appending(path: file))
  }

  /// The figures of all sections but pictures.
  static let figures: Set<String> = [
    "data", "relevance", "parameter-1", "latents", "pairs", "errors", "propagator-differences",
    "ratio", "trade-off", "latents-1", "density-1",
  ]

  static func results(_ contents: Contents = Contents()) throws -> RunResults {
    var sections = scoreSections(contents) + latentSections(contents) + forecastSections(contents)
    for index in 0..<contents.fieldCount {
      sections.append(
        ResultSection(
          "field-\(index + 1)", caption: "Recording \(index), \(contents.name) = 1.08.",
          .fields(field(index, contents))))
    }
    for index in 0..<contents.planeCount {
      sections.append(
        ResultSection(
          "plane-\(index + 1)", caption: "Snapshots.", .fields(plane(index, contents.side))))
    }
    sections.append(
      ResultSection("film", caption: "Moving \(contents.name).", .film(film(contents.name))))
    return try RunResults(
      method: "toy",
      data: DataProvenance(
        system: contents.name, file: "\(contents.name).npz",
        recordingCount: contents.recordingCount, isTrainingData: false),
      headline: ["One latent of five carries \(contents.name).", "It is certain."],
      sections: sections,
      about: MethodDescription(
        text: "It guesses.", training: "Loss and more.",
        citation: "@article{toy,\n  doi = {10.1000/\(contents.name)}\n}"), values: [1])
  }

  // MARK: Sections

  private static func score(_ value: Double, _ published: Double? = nil) -> Score {
    Score(
      value, spread: Spread(.standardDeviation, low: 0.9 * value, high: 1.1 * value), count: 3,
      published: published.map { PublishedScore($0, source: "released weights") })
  }

  private static func scoreSections(_ contents: Contents) -> [ResultSection] {
    let list = ScoreTable(
      "", columns: ["this run"],
      rows: [
        .init(
          "R² of \(contents.name)",
          [
            Score(
              0.9931, .rSquared, spread: Spread(.resampled95, low: 0.991, high: 0.995),
              count: contents.recordingCount, published: .init(0.99, source: "Table I"))
          ], isMain: true),
        .init("latents", [Score(1, .count, outOf: 5)]),
      ], counted: "recording")
    let ways = ScoreTable(
      "forecast", columns: ["MNAD, u", "MNAD, v", "speed-up"],
      rows: [
        .init("LSTM", [score(0.009), score(0.018, 0.0196), Score(30)], isMain: true),
        .init(
          contents.name, [score(0.006), score(0.012, 0.0138), nil], note: "shortened training"),
      ], counted: "initial condition")
    return [
      ResultSection("result", heading: "Result", .scores(list)),
      ResultSection(
        "ways", heading: "Ways to forecast \(contents.name)", caption: "431 frames.",
        places: [.report, .terminal, .overview], .scores(ways)),
      ResultSection(
        "words",
        .table(
          ResultTable(
            columns: ["method", contents.name],
            rows: [.init(["network", "0.0153"], role: .published)]))),
      ResultSection("note", .text(ResultText("The file names \(contents.name)."))),
      ResultSection(
        "doubt", .text(ResultText("In doubt: \(contents.name).", severity: .caution))),
    ]
  }

  private static func latentSections(_ contents: Contents) -> [ResultSection] {
    var stream = RandomStream(seed: 11, purpose: .testing)
    let truth = (0..<contents.recordingCount).map { _ in
      stream.truncatedNormal(mean: 1, standardDeviation: 0.125, in: 0.5...1.5)
    }
    let latent = truth.map { (1 - $0) / 0.125 + 0.04 * stream.normal() }
    let other = truth.map { _ in stream.normal() }
    let names = (1...5).map { "latent \($0)" }
    return [
      ResultSection(
        "relevance", heading: "Which latents carry a parameter", caption: "Above and below.",
        isNarrow: true,
        .bars(
          Bars(
            names: names, isMuted: [true, true, false, true, true],
            [
              .init("variance of μ", [.init("variance", [0, 0, 0.9, 0.01, 0])], reach: 1),
              .init(
                "mean of σ²", [.init("σ²", [0.037, 0.038, 0.002, 0.037, 0.036])], growsDown: true,
                mark: 0.0376, reach: 0.0376),
            ]))),
      ResultSection(
        "parameter-1", heading: "Parameters", caption: "Extracted against \(contents.name).",
        isNarrow: true,
        .plot(
          Plot([
            .init(
              x: PlotAxis("true \(contents.name)"), y: PlotAxis("μ of latent 3"),
              [
                .init("recordings", .marks, x: truth, y: latent, errors: truth.map { _ in 0.07 }),
                .init("", x: [0.6, 1.4], y: [3.2, -3.2]),
              ], note: "R² = 0.993")
          ]))),
      ResultSection(
        "latents", caption: "Values.",
        .histograms([
          Histogram("μ of latent 3", counted: "recordings", of: latent),
          Histogram("μ of \(contents.name)", counted: "recordings", of: other),
        ])),
      ResultSection(
        "pairs",
        .plot(
          Plot(
            [latent, truth].map {
              .init(x: PlotAxis("a"), y: PlotAxis("b"), [.init("", .marks, x: other, y: $0)])
            }))),
    ]
  }

  private static func forecastSections(_ contents: Contents) -> [ResultSection] {
    let times = (1...max(1, contents.frames)).map { 0.4 * Double($0) }
    func curve(_ name: String, _ start: Double, _ published: [Plot.PublishedPoint]) -> Plot.Series {
      let mean = times.map { 1.88 / (1 + (1.88 / start - 1) * exp(-0.2 * $0)) }
      return .init(
        name, published.isEmpty ? .dots : .line, x: times, y: mean, low: mean.map { 0.6 * $0 },
        high: mean.map { 1.5 * $0 }, published: published)
    }
    let ratios = [1.0, 5, 10, 20]
    func errors(_ values: [Double]) -> [Double] { values.map { 0.1 * $0 } }
    let differences = [0.002, 0.006, 0.009, .nan]
    let angles = (0..<90).map(Double.init)
    let grid = (0..<20).map { y in (0..<20).map { x in x == y ? 0.05 : 0 } }
    return [
      ResultSection(
        "errors", heading: "Error against time", caption: "Errors of \(contents.name).",
        places: [.report, .overview],
        .plot(
          Plot([
            .init(
              x: PlotAxis("time"), y: PlotAxis("error", isLogarithmic: true),
              [
                curve("decoder of \(contents.name)", 0.005, [.init(x: 1, y: 0.01)]),
                curve("finite differences", 0.012, []),
              ], marks: [.init(at: 12.4, "trained length")])
          ]))),
      ResultSection(
        "propagator-differences",
        .bars(
          Bars(
            names: ["LSTM", contents.name],
            [
              .init(
                "MNAD",
                [
                  .init("u", [0.01, 0.02], errors: [0.001, .nan]),
                  .init("v", [0.03, 0.01], errors: [0, 0.002]),
                ])
            ]))),
      ResultSection(
        "ratio",
        .plot(
          Plot(
            [
              .init(
                x: PlotAxis("ρ", isLogarithmic: true), y: PlotAxis("MNAD", isLogarithmic: true),
                [
                  .init(
                    "MNAD", x: ratios, y: differences, errors: errors(differences),
                    published: [.init(x: 5, y: 0.0138)])
                ]),
              .init(
                x: PlotAxis("ρ", isLogarithmic: true), y: PlotAxis("correlation"),
                [.init("correlation", x: ratios, y: [1, 0.9, 0.8, 0.7], colour: 2)]),
            ], .above))),
      ResultSection(
        "trade-off",
        .plot(
          Plot([
            .init(
              x: PlotAxis("speed-up", isLogarithmic: true),
              y: PlotAxis("MNAD", isLogarithmic: true),
              [
                .init("fixed", .marks, x: ratios, y: differences, labels: ["a", "b", "c", "d"]),
                .init(
                  "adaptive", .marks, x: [11], y: [0.006], labels: [contents.name], colour: 2),
              ])
          ]))),
      ResultSection(
        "latents-1", isNarrow: true,
        .plot(
          Plot([
            .init(
              x: PlotAxis("latent 1"), y: PlotAxis("latent 2"),
              [
                .init("truth", x: angles.map(cos), y: angles.map(sin)),
                .init("forecast", x: angles.map { 1.01 * cos($0) }, y: angles.map(sin)),
              ])
          ]))),
      ResultSection(
        "density-1",
        .densities(
          DensityComparison(
            axes: ["u_x", contents.name], low: [-4, -8], high: [4, 8],
            [.init("truth", grid), .init("forecast", grid)]))),
      ResultSection(
        "data", heading: "Data",
        .fields(
          FieldComparison(
            times: [0, 1, 2], positions: [[0, 1]],
            channels: [.init("u", truth: [0, 1, 2, 3, 4, 5])]))),
    ]
  }

  // MARK: Fields

  static func field(_ index: Int, _ contents: Contents) -> FieldComparison {
    let times = (0..<contents.side).map { Double($0) * .pi / 8 }
    let positions = (0..<contents.side).map { Double($0) * 64 * .pi / Double(contents.side) }
    var stream = RandomStream(seed: 4, purpose: .testing, index: UInt64(index))
    let waves = (1...8).map { mode in
      (
        number: Double(3 * mode) / 32, phase: 2 * .pi * stream.uniform(),
        rate: 0.25 * stream.normal()
      )
    }
    func values(_ drift: Double) -> [Float] {
      times.flatMap { time in
        positions.map { position in
          var sum = 0.0
          for wave in waves {
            sum += cos(wave.number * position + wave.phase + wave.rate * time * (1 + drift * time))
          }
          return Float(sum)
        }
      }
    }
    let channel = FieldComparison.Channel(
      contents.name, truth: values(0), prediction: values(0.0004))
    return FieldComparison(
      times: times, positions: [positions],
      channels: index == 0
        ? [channel] : [channel, .init("v", truth: channel.truth, prediction: channel.truth)],
      trainedTime: 31 * .pi / 8)
  }

  private static func film(_ name: String) -> Film {
    var film = Film(
      times: [0.2, 0.4, 0.6], shape: [8, 16], field: name,
      circles: [.init(centre: [4, 5], radius: 1.5)])
    let values = (0..<3 * 8 * 16).map { Float(sin(0.1 * Double($0))) }
    film.add("truth", values, limit: 1)
    film.add("\(name) − truth", values, limit: 0.1)
    return film
  }

  private static func plane(_ index: Int, _ side: Int) -> FieldComparison {
    let positions = (0..<side).map(Double.init)
    let times = [0.2, 3.1, 12.4]
    func values(_ drift: Double) -> [Float] {
      var values: [Float] = []
      for time in times {
        for x in positions {
          let wave = sin(0.2 * x + time * (1 + drift))
          for y in positions { values.append(Float(wave * cos(0.3 * y - Double(index)))) }
        }
      }
      return values
    }
    return FieldComparison(
      times: times, positions: [positions, positions],
      channels: [.init("u", truth: values(0), prediction: values(0.01))], trainedTime: 3.1)
  }

  // MARK: Other files

  static func training(lines: Int = 400) -> String {
    var stream = RandomStream(seed: 6, purpose: .testing)
    return (1...lines).map { line in
      let progress = Double(line) / Double(lines)
      let found = 1 / (1 + exp(-(progress - 0.2) * 40))
      let reconstruction = 0.9 * exp(-6 * progress) + 0.004 + 0.01 * stream.uniform()
      let divergence = 2.2 * found + 0.02 * stream.uniform()
      let fall = 0.5 * (1 + cos(.pi * (progress - 0.2) / 0.8))
      let rate = 2e-3 * (progress < 0.2 ? progress / 0.2 : fall)
      let spread = (0..<5).map { $0 == 2 ? 0.95 * found + 0.02 : 0.02 * (1 - found) + 0.001 }
      let noise = (0..<5).map { $0 == 2 ? 1 - 0.97 * found : 0.97 + 0.03 * stream.uniform() }
      return """
        {"step":\(line * 10),"seconds":\(Double(line) * 0.41),"loss":\(reconstruction + 0.002 * divergence),\
        "reconstruction":\(reconstruction),"divergence":\(divergence),"learningRate":\(rate),\
        "gradientNorm":\(0.5 * stream.uniform()),"latentVariance":\(spread),"latentSigma2":\(noise)}

        """
    }.joined()
  }

  /// A training of two models, one after the other.
  static let stages = (1...60).map { line in
    let stage = line <= 40 ? "reduction" : "propagator-1"
    return """
      {"step":\(line),"stage":"\(stage)","loss":\(1 / Double(line)),"validation":\(2 / Double(line)),\
      "seconds":\(line),"learningRate":0.001,"gradientNorm":0,"latentVariance":[]}

      """
  }.joined()

  static let recipe = """
    experiment: pde-vae/ks
    data:
      train: ks-train.npz
    model:
      latents: 5
      encoder: { stride: 4 }
    training:
      steps: 4000
      batch: 50
      beta: 0.002
    seed: 1

    """

  static let environment = """
    {"version": "0.1.0", "commit": "0123abcd", "libtorch": "2.9.0", "device": "cpu", "threads": 2,
     "seed": 1, "dataHash": "sha256:3f5a", "machine": "x86-64, 2 cores, AVX-512",
     "startedAt": "2026-01-01T12:00:00Z", "trainingSeconds": 164.2, "presets": ["quick"]}
    """

  /// The plotting library of the development environment.
  static func plotly() throws -> URL {
    let libraries = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".deps/venv/lib")
    let versions = try FileManager.default.contentsOfDirectory(atPath: libraries.path).sorted()
    return libraries.appending(
      path: "\(versions.first ?? "python3")/site-packages/plotly/package_data/plotly.min.js")
  }
}
