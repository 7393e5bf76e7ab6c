// kymo discover, through the built program.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Discovery of a law", .serialized) struct DiscoverTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  @Test("Burgers: the law is printed and written, and not replaced unasked") func burgers() throws {
    let made = try tool.run("simulate", "burgers", "recordings=6", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "b.npz", "-o", "law")
    #expect(found.status == 0, "\(found.words)")
    #expect(found.output.hasPrefix("u_t = θ₁ u_xx − 0.5000 (u²)_x\n"), "\(found.output)")
    #expect(found.output.contains("1 hidden parameter\n"))
    #expect(found.output.contains("the law differs from 6 recordings by"))
    #expect(try tool.text("law/parameters.csv").split(separator: "\n").count == 7)
    #expect(try tool.text("law/law.json").contains("\"version\" : 1"))
    #expect(tool.has("law/parameters.npz"))
    let page = try tool.text("law/report.html")
    #expect(page.contains("The law of b.npz") && page.contains("Solutions from the first frame"))
    #expect(!page.contains("is not in this run yet"))
    let solved = try tool.run("simulate", "law/law.json", "--from", "b.npz", "-o", "s.npz")
    #expect(solved.status == 0, "\(solved.words)")
    let (own, rolled) = (
      try Recordings.load(tool.file("b.npz")), try Recordings.load(tool.file("s.npz"))
    )
    #expect(rolled.shape == own.shape && rolled.frameInterval == own.frameInterval)
    #expect(rolled.parameterNames == ["θ₁"])
    let miss = zip(own[5].elements, rolled[5].elements).map { abs($0 - $1) }.max() ?? .nan
    #expect(miss < 1e-4, "\(miss)")
    let other = try tool.run(
      "simulate", "law/law.json", "--from", "b.npz", "theta=[0.4]", "frameCount=5", "-o", "t.npz")
    #expect(other.status == 0, "\(other.words)")
    #expect(try Recordings.load(tool.file("t.npz")).frameCount == 5)
    for arguments in [["theta=[1,2]", "--from", "b.npz"], [], ["--from", "law/law.json"]] {
      let refused = try tool.run(["simulate", "law/law.json", "-o", "r.npz"] + arguments)
      #expect(refused.status != 0 && !tool.has("r.npz"), "\(refused.words)")
    }
    let again = try tool.run("discover", "b.npz", "-o", "law")
    #expect(again.status == 2 && again.words.contains("--force"), "\(again.words)")
    #expect(try tool.run("discover", "b.npz", "-o", "law", "--force", "-q").status == 0)
  }

  @Test("Numbers that are no measurements are refused before a law is sought in them")
  func marks() throws {
    let made = try tool.run("simulate", "burgers", "recordings=3", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let recordings = try Recordings.load(tool.file("b.npz"))
    for value in [-9999, Float.nan] {
      var x = HostArray(
        (0..<3).flatMap { recordings[$0].exchanged(0).elements }, shape: recordings.shape)
      for t in 4..<9 { x[1, 0, t, 3] = value }
      try Recordings(x: x, metadata: recordings.metadata).write(to: tool.file("marked.npz"))
      let refused = try tool.run("discover", "marked.npz", "-o", "law")
      #expect(
        refused.status == 1 && refused.words.contains("recording 1") && !tool.has("law"),
        "\(refused.words)")
    }
  }

  @Test("Latents of a run are explained by what they multiply, and named in later recordings")
  func latents() throws {
    let made = try tool.run("simulate", "burgers", "recordings=8", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    try Data(
      """
      name: tiny
      data: {train: b.npz, test: b.npz}
      model: {latents: 2}
      training: {phases: {joint: {steps: 2}}, batchSize: 4, inputCrop: [40, 48], targetCrop: [4, 20]}
      """.utf8
    ).write(to: tool.file("tiny.yaml"))
    let trained = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    #expect(try tool.run("evaluate", "run", "--threads", "1", "-q").status == 0)
    let missing = try tool.run("discover", "b.npz", "--run", "run")
    #expect(missing.status == 2 && missing.words.contains("kymo extract run b.npz"))
    let known = try #require(Recordings.load(tool.file("b.npz")).params)
    // z₂ = (0.5 − ν) / 0.1, z₁ carries nothing.
    let mu = (0..<8).flatMap { [0.0, (0.5 - Double(known[$0, 0])) / 0.1] }
    let writer = try NPZWriter(tool.file("run/extracted-b.npz"))
    try writer.add("mu", HostArray(mu, shape: [8, 2]))
    try writer.add("relevant", HostArray([0.0, 1], shape: [2]))
    try writer.finish()
    let found = try tool.run("discover", "b.npz", "--run", "run")
    #expect(found.status == 0, "\(found.words)")
    #expect(
      found.output.contains("latents: θ₁ = 0.500 − 0.10000 z₂ (R² 1.0000, ± "), "\(found.output)")

    // The report shows it at once, and after another evaluation.
    for isAgain in [false, true] {
      if isAgain { #expect(try tool.run("evaluate", "run", "--threads", "1", "-q").status == 0) }
      #expect(try tool.run("report", "run").status == 0)
      let page = try tool.text("run/report.html")
      #expect(page.contains("What the latents are"))
    }
    let named = try tool.run("extract", "run", "b.npz", "-o", "named")
    #expect(named.status == 0, "\(named.words)")
    let lines = try tool.text("named.csv").split(separator: "\n")
    #expect(lines[0].contains(",theta_1,theta_1_sigma,fit,doubt"), "\(lines[0])")
    let arrays = try NPZFile(tool.file("named.npz"))
    let (latents, theta) = (try arrays.doubles("mu"), try arrays.doubles("theta"))
    for row in 0..<8 { #expect(abs(theta[row, 0] - (0.5 - 0.1 * latents[row, 1])) < 1e-3) }
    // Its solution stands beside the decoder's rollouts, nearer to the recordings by far.
    let evaluated = try tool.run("evaluate", "run", "--json", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.words)")
    let values = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    let sections = try #require(values["sections"] as? [[String: Any]])
    let table = try #require(sections.first { $0["id"] as? String == "error-table" })
    let rows = (table["content"] as? [String: Any])?["rows"] as? [[String: Any]] ?? []
    func error(_ name: String) throws -> Double {
      let row = try #require(rows.first { $0["name"] as? String == name }, "\(rows)")
      let scores = try #require(row["scores"] as? [[String: Any]], "\(row)")
      return try #require(scores[1]["value"] as? Double, "\(scores)")
    }
    #expect(try error("discovered law") < 1e-3 * error("propagating decoder"))
    let report = try tool.run("report", "run")
    #expect(report.status == 0, "\(report.words)")
    #expect(try tool.text("run/report.html").contains("discovered law"))
    // A law of another model's latents is refused.
    let file = tool.file("run/model/law.json")
    let law = try tool.text("run/model/law.json")
    try Data(law.replacing("\"products\" : [", with: "\"products\" : [[7],").utf8).write(to: file)
    let refused = try tool.run("extract", "run", "b.npz", "-o", "refused")
    #expect(
      refused.status == 2 && refused.words.contains("discover FILE --run"), "\(refused.words)")
  }

  @Test("A law is the solver of forecasts that alternate") func solver() throws {
    let made = try tool.run("simulate", "burgers", "recordings=6", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "b.npz", "-o", "law")
    #expect(found.status == 0, "\(found.words)")
    try Data(
      """
      method: dynamics
      name: tiny
      data: {train: b.npz, test: b.npz}
      reduction: {principalComponents: {latentCount: 8}}
      propagator: {sindy: {polynomialDegree: 1}}
      solver: {law: {file: law/law.json}}
      forecast:
        {warmUpSteps: 5, horizonSteps: 20, initialConditions: 4, microSteps: 4, macroSteps: [4]}
      evaluation: {timedSteps: 4}
      """.utf8
    ).write(to: tool.file("tiny.yaml"))
    let trained = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    func forecast(_ arguments: String...) throws -> (status: Int32, error: Double, words: String) {
      let made = try tool.run(
        ["forecast", "run", "b.npz", "--horizon", "20", "-o", "f.npz", "--force", "--json"]
          + arguments)
      let object = try? JSONSerialization.jsonObject(with: Data(made.output.utf8))
      let error = (object as? [String: Any])?["rootMeanSquareError"] as? Double
      return (made.status, error ?? .nan, made.words)
    }
    // The solver alone repeats the recordings, each with its own parameters.
    let alone = try forecast("--macro", "0", "--micro", "5")
    #expect(alone.status == 0 && alone.error < 1e-5, "\(alone)")
    // With one parameter for all it does not.
    let other = try forecast(
      "--macro", "0", "--micro", "5", "--solver", "{law: {file: law/law.json, theta: [0.45]}}")
    #expect(other.status == 0 && other.error > 1e-3, "\(other)")
    let mixed = try forecast("--macro", "4", "--micro", "4", "--solver", "law/law.json")
    #expect(mixed.status == 0 && mixed.error > alone.error, "\(mixed)")
    let absent = try forecast("--macro", "4", "--micro", "4", "--solver", "no/law.json")
    #expect(absent.status == 2 && absent.words.contains("kymo discover"), "\(absent)")
    let evaluated = try tool.run("evaluate", "run", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.words)")
  }

  @Test("Kuramoto–Sivashinsky without its damping in the library is no law") func missing() throws {
    let made = try tool.run("simulate", "ks", "recordings=4", "-q", "-o", "ks.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "ks.npz", "--without", "d4x(u)")
    #expect(found.status == 1 && found.output.hasPrefix("No law: "), "\(found.output)")
    let law = try tool.run("discover", "ks.npz")
    #expect(law.output.hasPrefix("u_t = −1.0000 u_xx − θ₁ u_xxxx − 0.5000 (u²)_x\n"))
  }

  @Test("What holds no law ends with status 1 and the reason") func noLaw() throws {
    let made = try tool.run("simulate", "burgers", "recordings=3", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "b.npz", "--without", "d2x(u)")
    #expect(found.status == 1 && found.output.hasPrefix("No law: "), "\(found.output)")
    let misspelt = try tool.run("discover", "b.npz", "--term", "w^2")
    #expect(misspelt.status == 2 && misspelt.words.contains("channels: u"), "\(misspelt.words)")
  }
}
