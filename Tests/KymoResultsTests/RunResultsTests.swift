// Results as values: what is written is what is read, and what cannot be is refused with a remedy.
import Foundation
import Testing

@testable import KymoResults

/// What a method might have for programs.
private struct Values: Codable, Equatable {
  var relevant = [true, false]
  var spread = 0.1 + 0.2
  var missing = Double.infinity
  var word = "NaN"
  var nothing: Int?
}

/// Results with a section of every kind.
private func results() throws -> RunResults {
  let plot = Plot(
    [
      .init(
        x: PlotAxis("time"), y: PlotAxis("error", isLogarithmic: true),
        [
          .init(
            "model", x: [0, 1, 2], y: [1, .nan, 3], low: [0, 1, 2], high: [2, 3, 4],
            errors: [1, 1, 1], labels: ["a", "b", "c"], published: [.init(x: 1, y: 0.5)], colour: 2)
        ], marks: [.init(at: 1, "trained length")], note: "R² = 0.9")
    ], .above)
  return try RunResults(
    method: "toy",
    data: DataProvenance(
      system: "waves", file: "w.npz", recordingCount: 1200, isTrainingData: false),
    headline: ["It works."],
    sections: [
      ResultSection(
        "result", heading: "Result", places: [.report, .terminal, .overview],
        .scores(table())),
      ResultSection(
        "words", places: [.terminal],
        .table(ResultTable(columns: ["a", "b"], rows: [.init(["1", "2"], role: .main)]))),
      ResultSection("errors", caption: "Errors.", isNarrow: true, .plot(plot)),
      ResultSection(
        "relevance",
        .bars(
          Bars(
            names: ["x", "y"], isMuted: [false, true],
            [.init("spread", [.init("", [1, 0], errors: [0, 1])], growsDown: true, mark: 0.3)]))),
      ResultSection(
        "field-1",
        .fields(
          FieldComparison(
            times: [0, 1], positions: [[0, 1, 2]],
            channels: [.init("u", truth: [1, 2, 3, 4, 5, 6], prediction: [1, 2, 3, 4, 5, .nan])],
            trainedTime: 0.5))),
      ResultSection("film", .film(film())),
      ResultSection(
        "latents", .histograms([Histogram("μ", counted: "recordings", of: [0, 1, 1, 2], bins: 2)])),
      ResultSection(
        "density-1",
        .densities(
          DensityComparison(
            axes: ["u", "v"], low: [0, 0], high: [1, 1], [.init("truth", [[0.5, 0.5], [0, 0]])]))),
      ResultSection(
        "doubt", places: [.report, .terminal], .text(ResultText("Perhaps.", severity: .caution))),
    ],
    about: MethodDescription(text: "It guesses.", training: "Loss.", citation: "@misc{toy}"),
    values: Values())
}

private func film() -> Film {
  var film = Film(
    times: [0, 1], shape: [1, 3], field: "ω", circles: [.init(centre: [0.5, 1], radius: 0.5)])
  film.add("truth", [-4, -2, 0, 1, 2, .nan], limit: 2)
  return film
}

private func table() -> ScoreTable {
  ScoreTable(
    "result", columns: ["this run"],
    rows: [
      .init("latents", [Score(1, .count, outOf: 5, published: .init(1, source: "Table I"))]),
      .init(
        "R² of γ",
        [
          Score(
            0.9996, .rSquared, spread: Spread(.resampled95, low: 0.9991, high: 0.9998), count: 1000,
            published: .init(0.993, source: "Table I"))
        ], isMain: true),
      .init("error", [Score(0.1234, unit: "m", count: 999, divergedCount: 1)]),
    ], counted: "recording")
}

@Suite("Results of a run") struct RunResultsTests {
  @Test("are read as they were written, numbers that JSON lacks too")
  func roundTrip() throws {
    let written = try results().json()
    let read = try RunResults(json: written)
    #expect(try read.json() == written)
    #expect(read.sections.map(\.id) == (try results().sections.map(\.id)))
    #expect(try read.values(Values.self) == Values())
    guard case .plot(let plot) = read.sections[2].content else {
      Issue.record("the third section is a plot")
      return
    }
    #expect(plot.panels[0].series[0].y[1].isNaN && plot.panels[0].series[0].y[2] == 3)
    guard case .fields(let fields) = read.sections[4].content else {
      Issue.record("the fifth section holds fields")
      return
    }
    #expect(fields.channels[0].prediction?[5].isNaN == true && fields.cellCount == 3)
    #expect(read.scores == ["result": table()])
    #expect(read.withoutFigures.sections.map(\.id) == ["result", "words", "doubt"])
  }

  @Test("refuse files of another schema and say what to do")
  func otherSchema() throws {
    let text = String(decoding: try results().json(), as: UTF8.self)
    #expect(text.contains("\"schema\":1"))
    for (changed, found) in [
      (text.replacing("\"schema\":1", with: "\"schema\":2"), 2),
      (#"{"dataDescription": "of an older kymo", "latents": []}"#, nil),
    ] {
      let error = #expect(throws: ResultsError.self) { try RunResults(json: Data(changed.utf8)) }
      #expect(error == .otherSchema(file: "results.json", found: found, expected: 1))
      #expect(error?.description.contains("Write it anew with 'kymo evaluate'") == true)
    }
  }

  @Test("name what is missing or of another type")
  func unreadable() throws {
    let cut = #expect(throws: ResultsError.self) {
      try RunResults(json: Data("{\"schema\": 1".utf8))
    }
    #expect(cut?.description.contains("'results.json' cannot be read") == true)
    let empty = #expect(throws: ResultsError.self) {
      try RunResults(json: Data("{\"schema\": 1}".utf8), file: "other.json")
    }
    #expect(
      empty?.description.contains("'other.json' cannot be read: 'about' is missing") == true
        || empty?.description.contains("is missing") == true)
    let values = #expect(throws: ResultsError.self) { try results().values([Int].self) }
    #expect(values?.description.contains("'values'") == true)
  }

  @Test("name the entry whose length contradicts another")
  func contradictions() throws {
    func expect(
      _ entry: String, _ found: Int, _ expected: Int, _ change: (inout RunResults) -> Void
    ) throws {
      var wrong = try results()
      change(&wrong)
      let json = try wrong.json()
      let error = #expect(throws: ResultsError.self) { try RunResults(json: json) }
      #expect(
        error
          == .inconsistent(
            file: "results.json", entry: "sections.\(entry)", found: found, expected: expected))
    }
    try expect("result.rows.0.scores", 2, 1) { results in
      var table = table()
      table.rows[0].scores.append(nil)
      results.sections[0].content = .scores(table)
    }
    try expect("words.rows.0.cells", 1, 2) {
      $0.sections[1].content = .table(ResultTable(columns: ["a", "b"], rows: [.init(["1"])]))
    }
    for (part, change) in [
      ("y", { $0.y.removeLast() }), ("low", { $0.low?.removeLast() }),
      ("high", { $0.high?.removeLast() }), ("errors", { $0.errors?.removeLast() }),
      ("labels", { $0.labels?.removeLast() }),
    ] as [(String, (inout Plot.Series) -> Void)] {
      try expect("errors.panels.0.series.0.\(part)", 2, 3) { results in
        guard case .plot(var plot) = results.sections[2].content else { return }
        change(&plot.panels[0].series[0])
        results.sections[2].content = .plot(plot)
      }
    }
    try expect("relevance.panels.0.series.0.values", 1, 2) {
      $0.sections[3].content = .bars(Bars(names: ["x", "y"], [.init("", [.init("", [1])])]))
    }
    try expect("field-1.channels.0.prediction", 1, 2) {
      $0.sections[4].content = .fields(
        FieldComparison(
          times: [0, 1], positions: [[0]], channels: [.init("u", truth: [1, 2], prediction: [1])]))
    }
    try expect("density-1.densities.1.shares", 1, 2) {
      $0.sections[6].content = .densities(
        DensityComparison(
          axes: ["u", "v"], low: [0, 0], high: [1, 1],
          [.init("truth", [[1], [0]]), .init("forecast", [[1]])]))
    }
  }

  @Test("films keep a byte for every cell, from −limit to the limit") func films() throws {
    #expect(Array(film().panels[0].cells) == [0, 0, 128, 191, 255, 128])
    let read = try RunResults(json: results().json())
    guard case .film(let found) = read.sections.first(where: { $0.id == "film" })?.content else {
      Issue.record("no film")
      return
    }
    #expect(found == film())
    var short = film()
    short.panels[0].cells.removeLast()
    var wrong = try results()
    wrong.sections[5].content = .film(short)
    let json = try wrong.json()
    #expect(throws: ResultsError.self) { try RunResults(json: json) }
  }

  @Test("refuse ids that are no names of files, and ids that stand twice")
  func ids() throws {
    for id in ["../x", "", "errors", "a b"] {
      var wrong = try results()
      wrong.sections[1].id = id
      let json = try wrong.json()
      let error = #expect(throws: ResultsError.self) { try RunResults(json: json) }
      #expect(error?.description.contains("the id '\(id)' of a section") == true)
    }
  }

  @Test("say what they are of, and whether the model has seen it")
  func provenance() {
    var data = DataProvenance(
      system: "Burgers", file: "b.npz", recordingCount: 1000, isTrainingData: false)
    #expect(data.description == "1,000 recordings of Burgers (b.npz)")
    (data.system, data.recordingCount, data.isTrainingData) = ("", 1, true)
    #expect(data.description == "1 recording (b.npz), which the model was trained on")
  }

  @Test("histograms hold every finite value once")
  func histogram() {
    let counts = Histogram("x", counted: "values", of: [0, 0.1, 0.9, 1, .nan], bins: 2)
    #expect(counts.counts == [2, 2] && counts.low == 0 && counts.high == 1)
    #expect(Histogram("x", counted: "values", of: [3, 3], bins: 4).counts == [2, 0, 0, 0])
    #expect(Histogram("x", counted: "values", of: [], bins: 2).counts == [0, 0])
  }
}

@Suite("Scores as text") struct ScoreTextTests {
  @Test("of one quantity have columns for spread, count and published number")
  func list() {
    #expect(
      table().table.alignedText == """
        result   this run          spread              over  published
        latents    1 of 5               –                 –          1
        R² of γ    0.9996  0.999 … 0.9998  1,000 recordings      0.993
        error     0.123 m               –    999 recordings          –
        """)
    #expect(
      table().remarks
        == """
        Spread: R²: 95 % interval over resampled recordings. Diverged and left out: 1 of error. \
        Published: Table I.
        """)
  }

  @Test("of several quantities stand in one cell, published ones beside or below")
  func grid() {
    func score(_ value: Double, _ published: Double? = nil, _ source: String = "a") -> Score {
      Score(
        value, spread: Spread(.standardDeviation, low: value - 0.5, high: value + 0.5), count: 3,
        published: published.map { PublishedScore($0, source: source, counting: "per step") })
    }
    var table = ScoreTable(
      "way", columns: ["MNAD", "time"],
      rows: [
        .init("one", [score(1, 2), Score(61, .duration)], note: "shortened"),
        .init("two", [score(2, 3, "b"), nil]),
      ], counted: "initial condition")
    #expect(
      table.table.alignedText == """
        way         MNAD        published       time     remark
        one  1.00 ± 0.50  2 (a; per step)  1 min 1 s  shortened
        two  2.00 ± 0.50  3 (b; per step)          –
        """)
    #expect(table.remarks == "Spread: ±: one standard deviation. Over 3 initial conditions.")
    table.columns = ["0", "5", "10"]
    table.rows = [
      .init("model", [score(1, 2), score(2, 3), Score(.nan, published: .init(4, source: "c"))])
    ]
    #expect(table.table.rows.map(\.role) == [.plain, .published])
    #expect(
      table.table.rows[1].cells == ["  published", "2 (a; per step)", "3 (a; per step)", "4 (c)"])
    #expect(table.table.rows[0].cells == ["model", "1.00 ± 0.50", "2.00 ± 0.50", "–"])
  }

  @Test("are printed where the method wants it, with every caution, and send no control characters")
  func terminal() throws {
    var results = try results()
    let text = results.terminalText
    #expect(text.hasPrefix("1,200 recordings of waves (w.npz)\n\nresult   this run"))
    #expect(text.hasSuffix("\n\na  b\n1  2\n\nPerhaps."))
    results.data.file = "\u{1b}[2J\u{9b}31m\r\n"
    var table = table()
    (table.title, table.rows[0].name) = ("\u{7}\u{202e}x", "\u{0}")
    results.sections[0].content = .scores(table)
    let strange = results.terminalText.unicodeScalars.filter {
      $0 != "\n" && ($0.value < 32 || (127..<160).contains($0.value) || $0.value == 0x202e)
    }
    #expect(strange.isEmpty && results.terminalText.contains("\u{fffd}\u{fffd}x"))
  }
}
