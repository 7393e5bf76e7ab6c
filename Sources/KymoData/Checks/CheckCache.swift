// What a look at every number of a file found, kept for the next time: a file of 1 GB takes a second
// to look through. `$XDG_CACHE_HOME/kymo/checks`, or `~/.cache/kymo/checks`, holds the findings of
// the last 200 files; removing it costs nothing but that second.
import Foundation
import KymoNumerics

/// What the numbers of recordings show.
struct ValueReport: Codable, Hashable, Sendable {
  /// What is no measurement.
  var measured: [Finding]
  /// Values that are NaN or infinite: gaps, and recordings that end early.
  var nonFinite: [Finding]
  /// What else is worth a word.
  var contents: [Finding]
  /// Recordings with values that are NaN or infinite.
  var nonFiniteRecordings: [Int]

  var findings: [Finding] { measured + nonFinite + contents }
}

/// Reports on files that were looked at before.
///
/// A report belongs to the content of a file (`contentHash`, which samples large fields), its
/// identity (device, inode, size, times of change), how it is read, and the version of the checks.
/// Entries appear whole; whoever cannot read or write one looks at the file again.
struct CheckCache: Sendable {
  /// Where reports lie; nil for nowhere.
  var folder: URL?
  /// Bytes of a field from which on a look takes long enough to be kept.
  var leastBytes = 16 << 20

  /// Raised when checks change.
  static let version: UInt64 = 3
  static let mostEntries = 200

  /// That of the person who runs the program.
  static let user: CheckCache = {
    let environment = ProcessInfo.processInfo.environment
    let given = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let base = given ?? environment["HOME"].map { $0 + "/.cache" }
    return CheckCache(folder: base.map { URL(filePath: $0).appending(path: "kymo/checks") })
  }()

  /// The report on recordings, known or made now.
  func report(
    on recordings: Recordings, isNormalized: Bool, threads: Int, make: () -> ValueReport
  ) -> ValueReport {
    guard let folder,
      let key = recordings.checkKey(isNormalized, leastBytes: leastBytes, threads: threads)
    else { return make() }
    let file = folder.appending(path: key + ".json")
    if let data = try? Data(contentsOf: file),
      let known = try? JSONDecoder().decode(ValueReport.self, from: data)
    {
      return known
    }
    let report = make()
    // A cache that cannot be written is none.
    if let data = try? JSONEncoder().encode(report), (try? AtomicFolder.make(folder)) != nil {
      try? AtomicFile.write(data, to: file)
      removeOldest(in: folder)
    }
    return report
  }

  private func removeOldest(in folder: URL) {
    let key = URLResourceKey.contentModificationDateKey
    let files =
      (try? FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: [key])) ?? []
    guard files.count > Self.mostEntries else { return }
    func age(_ file: URL) -> Date {
      (try? file.resourceValues(forKeys: [key]).contentModificationDate) ?? .distantPast
    }
    let oldest = files.map { (age($0), $0) }.sorted { $0.0 < $1.0 }
    for (_, file) in oldest.prefix(files.count - Self.mostEntries) {
      try? FileManager.default.removeItem(at: file)
    }
  }
}

extension Recordings {
  /// What a report on these recordings is kept under; nil where nothing is kept: for small fields
  /// and those that lie in no file.
  fileprivate func checkKey(_ isNormalized: Bool, leastBytes: Int, threads: Int) -> String? {
    guard case .mapped(let file, let range, let type) = storage, scaling == nil,
      count * recordingLength * type.width >= leastBytes
    else { return nil }
    var hash = ContentHash()
    hash.add(CheckCache.version)
    hash.add(contentHash(threads: threads))
    for number in file.identity { hash.add(number) }
    for number in [range.lowerBound, firstEntry, isNormalized ? 1 : 0] + shape + strides {
      hash.add(UInt64(bitPattern: Int64(number)))
    }
    for offset in offset ?? [] { hash.add(offset.bitPattern) }
    for time in times ?? [] { hash.add(time.bitPattern) }
    unsafe [UInt8](type.name.utf8).withBytes { unsafe hash.add($0) }
    return String(hash.value, radix: 16)
  }
}
