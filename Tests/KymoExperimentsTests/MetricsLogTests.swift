// metrics.jsonl: what a kill leaves, what is refused, what a line holds.
import Foundation
import KymoNN
import KymoNumerics
import KymoRuns
import KymoTestSupport
import Testing

@testable import KymoExperiments

@Suite("The record of a training") struct MetricsLogTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func step(_ number: Int, loss: Double = 0.1) -> StepRecord {
    var record = StepRecord(step: number, loss: loss)
    (record.phase, record.learningRate, record.gradientNorm) = ("joint", 1e-3, 1)
    record.scalars = ["reconstruction": 0.3, "divergence": 0.7]
    record.vectors = ["latentVariance": [1 / 3], "latentSigma2": [0.5]]
    return record
  }

  @Test("has named numbers beside the others in a line, and reads lines of older runs")
  func lines() throws {
    let line = step(1)
    let data = try RunDirectory.json(line, pretty: false)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains(#""divergence":0.7"#) && text.contains(#""latentSigma2":[0.5]"#))
    #expect(!text.contains("stage") && !text.contains("scalars"))
    #expect(try RunDirectory.decoder().decode(StepRecord.self, from: data) == line)
    let old = #"{"step":3,"seconds":1,"loss":2,"beta":0.1,"stage":"a","latentVariance":[]}"#
    let read = try RunDirectory.decoder().decode(StepRecord.self, from: Data(old.utf8))
    #expect(read.scalars == ["beta": 0.1] && read.vectors == ["latentVariance": []])
    #expect(read.stage == "a" && read.phase == nil)
  }

  @Test("joins steps: means, and the last of what has none") func joining() {
    var (first, last) = (step(1, loss: 1), step(2, loss: 3))
    (first.validation, last.learningRate) = (7, 2e-3)
    last.scalars["divergence"] = 1.7
    let joined = StepRecord(joining: [first, last])
    #expect(joined.loss == 2 && joined.validation == 7 && joined.learningRate == 2e-3)
    #expect(joined.scalars["divergence"] == 1.2)
  }

  @Test("cuts metrics to the checkpoint's step, whatever a kill left behind")
  func truncation() throws {
    let run = try RunDirectory.create(at: folder.path("run"), force: false)
    do {
      let log = try MetricsLog(appendingTo: run.metrics)
      for number in 1...5 { try log.append(step(number, loss: 1 / Double(number))) }
    }
    let handle = try FileHandle(forWritingTo: run.metrics)
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(#"{"step":6,"lo"#.utf8))
    try handle.close()
    #expect(try MetricsLog.read(run.metrics).count == 5)
    let whole = try Data(contentsOf: run.metrics)
    let steps = try MetricsLog.truncate(run.metrics, toStep: 3)
    #expect(steps.map(\.step) == [1, 2, 3])
    // Not a bit of a number is lost on the way through the file.
    let expected: [Double] = [1, 0.5, 1 / 3]
    #expect(steps.map(\.loss) == expected)
    let cut = try Data(contentsOf: run.metrics)
    #expect(whole.starts(with: cut))
    #expect(cut.last == UInt8(ascii: "\n"))
    #expect(try MetricsLog.truncate(run.metrics, toStep: 0).isEmpty)
    #expect(try Data(contentsOf: run.metrics).isEmpty)
  }

  @Test("leaves out what is damaged or missing, so that a good checkpoint is not lost with it")
  func damagedMetrics() throws {
    let run = try RunDirectory.create(at: folder.path("run"), force: false)
    #expect(try MetricsLog.truncate(run.metrics, toStep: 1).isEmpty)
    let log = try MetricsLog(appendingTo: run.metrics)
    for number in 1...2 { try log.append(step(number)) }
    try appendAll(Data("{\"step\":3,\"l\n\u{0}\n".utf8), to: run.metrics)
    for number in [4, 4, 1, 6] { try log.append(step(number)) }
    let kept = try MetricsLog.truncate(run.metrics, toStep: 5)
    #expect(kept.map(\.step) == [1, 2, 4])
    #expect(try MetricsLog.read(run.metrics).map(\.step) == [1, 2, 4])
  }

  private func appendAll(_ data: Data, to file: URL) throws {
    let handle = try FileHandle(forWritingTo: file)
    try handle.seekToEnd()
    try handle.write(contentsOf: data)
    try handle.close()
  }

  @Test("writes numbers that JSON does not have as words and reads them back")
  func nonFinite() throws {
    let run = try RunDirectory.create(at: folder.path("run"), force: false)
    var line = step(1)
    line.gradientNorm = .infinity
    line.vectors["latentSigma2"] = [.nan]
    try MetricsLog(appendingTo: run.metrics).append(line)
    let read = try MetricsLog.read(run.metrics)
    #expect(read.first?.gradientNorm == .infinity)
    #expect(read.first?.vectors["latentSigma2"]?.first?.isNaN == true)
  }

  @Test("says that the disk is full")
  func diskFull() throws {
    let error = try #require(throws: FileError.self) {
      try MetricsLog(appendingTo: URL(filePath: "/dev/full")).append(step(1))
    }
    #expect(error.path == "/dev/full" && error.reason.hasPrefix("the disk is full"))
  }
}
