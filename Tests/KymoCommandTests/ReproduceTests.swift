// Experiments from beginning to end through the built program: a group of two recipes of a person's
// own, the second on the encoder of the first, at the smallest size that trains.
import Foundation
import KymoTestSupport
import Testing

@Suite("kymo reproduce", .serialized) struct ReproduceTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
    try FileManager.default.createDirectory(
      at: tool.file("Recipes/tiny"), withIntermediateDirectories: true)
    try write("plain", "", "training: {phases: {joint: {steps: 3}}, \(crops)}")
    try write(
      "wide", "encoderFrom: runs/tiny/plain",
      "training: {phases: {joint: {steps: 0}, decoder: {steps: 2}}, \(crops)}")
  }

  private let crops = "batchSize: 4, inputCrop: [40, 48], targetCrop: [4, 28]"

  private func write(_ name: String, _ source: String, _ training: String) throws {
    let recordings = { (count: Int, seed: Int) in
      "{recordings: \(count), seed: \(seed), frameCount: 64, pointCount: 64, length: 50.26548}"
    }
    let text = """
      name: tiny/\(name)
      \(source)
      data:
        train: train.npz
        test: test.npz
        simulate: {system: ks, train: \(recordings(8, 1)), test: \(recordings(4, 2))}
      model: {latents: 2}
      \(training)
      evaluation: {rolloutRecordings: 3, fieldRecordings: 2, fitRecordings: 6}
      """
    try Data(text.utf8).write(to: tool.file("Recipes/tiny/\(name).yaml"))
  }

  private func record(_ name: String) throws -> [String: Any] {
    try #require(
      JSONSerialization.jsonObject(with: Data(tool.text(name).utf8)) as? [String: Any])
  }

  /// The seeds of a record's trainings.
  private func seeds(_ name: String) throws -> [Int] {
    try #require(try record(name)["runs"] as? [[String: Any]]).compactMap { $0["seed"] as? Int }
  }

  private func reproduce(_ arguments: String..., threads: Int = 1) throws -> Outcome {
    try tool.run(["reproduce"] + arguments + ["--threads", "\(threads)"])
  }

  @Test("a group has a page and a record for each member, and later seeds lie beside the first")
  func group() throws {
    let all = try reproduce("tiny", "--record", "records")
    #expect(all.status == 0, "\(all.words)")
    let page = try tool.text("runs/tiny/report.html")
    #expect(page.contains("tiny/plain") && page.contains("tiny/wide"))
    #expect(page.contains("plain/report.html"), "the page leads to those of the runs")
    #expect(try seeds("records/tiny-plain.json") == [1])
    #expect(try seeds("records/tiny-wide.json") == [1])
    let trained = try tool.text("runs/tiny/plain/metrics.jsonl")

    let more = try reproduce("tiny/plain", "--seeds", "1,2", "--record", "more.json")
    #expect(more.status == 0, "\(more.words)")
    #expect(try seeds("more.json") == [1, 2])
    let kept = try record("more.json")
    #expect(kept["schema"] as? Int == 1 && kept["experiment"] as? String == "tiny/plain")
    for run in try #require(kept["runs"] as? [[String: Any]]) {
      #expect(run["steps"] as? Int == 3 && run["trainingSeconds"] as? Double ?? 0 > 0)
      #expect((run["continued"] as? [String])?.isEmpty == true)
      let scores = try #require(run["scores"] as? [String: Any])
      #expect(scores["parameter-scores"] != nil && scores["error-table"] != nil)
    }
    #expect(tool.has("runs/tiny/plain/seed-2/report.html"))
    #expect(!tool.has("runs/tiny/plain/seed-1"), "seed 1 is there already")
    #expect(try tool.text("runs/tiny/plain/metrics.jsonl") == trained)

    // Nothing is trained or evaluated a second time, whatever the number of threads.
    let again = try reproduce("tiny", threads: 2)
    #expect(again.status == 0, "\(again.words)")
    #expect(again.words.contains("Evaluated already"), "\(again.words)")
    #expect(try tool.text("runs/tiny/plain/metrics.jsonl") == trained)

    // A training of one seed may be made anew beside those of others.
    let forced = try reproduce("tiny/plain", "--force")
    #expect(forced.status == 0, "\(forced.words)")
    #expect(tool.has("runs/tiny/plain/seed-2/report.html"))
  }

  @Test("a member that is asked for alone has its source made first")
  func source() throws {
    let wide = try reproduce("tiny/wide")
    #expect(wide.status == 0, "\(wide.words)")
    #expect(wide.words.contains("tiny/plain comes first"))
    #expect(tool.has("runs/tiny/plain/report.html"))
  }

  @Test("a run of another recipe is refused with what differs")
  func otherRecipe() throws {
    #expect(try reproduce("tiny/plain").status == 0)
    try write("plain", "", "training: {phases: {joint: {steps: 4}}, \(crops)}")
    let other = try reproduce("tiny/plain")
    #expect(other.status == 1 || other.status == 2)
    #expect(
      other.words.contains("joint.steps: 3") && other.words.contains("joint.steps: 4"),
      "\(other.words)")
    #expect(other.words.contains("--force"))
  }
}
