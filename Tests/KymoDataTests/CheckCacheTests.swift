// A file is looked at once; whatever happens to the cache, the findings are the same.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("Findings that are kept") struct CheckCacheTests {
  private let bench: Workbench
  private let cache: CheckCache

  init() throws {
    bench = try Workbench()
    cache = CheckCache(folder: bench.url("cache/kymo"), leastBytes: 1000)
    try waves([6, 1, 20, 32]) { $0[3, 0, 7, 3] = .nan }.write(to: bench.url("w.npz"))
  }

  /// The report on a file, and whether it was looked at.
  private func look(
    _ name: String = "w.npz", _ cache: CheckCache? = nil, isNormalized: Bool = true
  ) throws -> (report: ValueReport, wasMade: Bool) {
    let recordings = try Recordings.load(bench.url(name))
    var wasMade = false
    let report = (cache ?? self.cache).report(
      on: recordings, isNormalized: isNormalized, threads: 1
    ) {
      wasMade = true
      return recordings.contents(
        RecordingsStatistics(recordings, threads: 1), nil, isNormalized: isNormalized)
    }
    return (report, wasMade)
  }

  @Test("are read the second time, and found anew for another file, content or reading")
  func once() throws {
    let first = try look()
    #expect(first.wasMade && first.report.nonFiniteRecordings == [3])
    let second = try look()
    #expect(!second.wasMade && second.report == first.report)
    #expect(try look(isNormalized: false).wasMade)
    try FileManager.default.copyItem(at: bench.url("w.npz"), to: bench.url("copy.npz"))
    #expect(try look("copy.npz").wasMade)
    try waves([6, 1, 20, 32]).write(to: bench.url("w.npz"))
    let third = try look()
    #expect(third.wasMade && third.report.nonFiniteRecordings.isEmpty)
    #expect(try !look("copy.npz").wasMade, "others are kept")
  }

  @Test("are found again where the cache is damaged, unwritable or absent") func damaged() throws {
    let first = try look().report
    let folder = try #require(cache.folder)
    let entries = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    #expect(entries.count == 1)
    try Data("{".utf8).write(to: entries[0])
    let again = try look()
    #expect(again.wasMade && again.report == first)
    try Data().write(to: bench.url("file"))
    for place in [URL(filePath: "/proc/kymo"), bench.url("file")] {
      let outcome = try look("w.npz", CheckCache(folder: place, leastBytes: 1000))
      #expect(outcome.wasMade && outcome.report == first)
    }
    #expect(try look("w.npz", CheckCache(folder: nil)).wasMade)
    // A small field is quicker looked at than read about.
    #expect(try look("w.npz", CheckCache(folder: folder)).wasMade)
  }

  @Test("are bounded, and several threads write them at once") func bound() throws {
    let folder = try #require(cache.folder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for index in 0..<CheckCache.mostEntries {
      let file = folder.appending(path: "\(index).json")
      try Data("{}".utf8).write(to: file)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(index))], ofItemAtPath: file.path)
    }
    let recordings = try Recordings.load(bench.url("w.npz"))
    let cache = cache
    let reports = parallelMap(8, threads: 4) { _ in
      recordings.valueReport(isNormalized: true, threads: 1, cache: cache)
    }
    #expect(Set(reports).count == 1)
    let names = Set(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
        $0.hasSuffix(".json")
      })
    #expect(names.count == CheckCache.mostEntries)
    #expect(!names.contains("0.json") && names.contains("199.json"))
  }
}
