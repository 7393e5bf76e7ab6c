// On what a run was made: environment.json. Enough to make the same numbers again, and nothing that
// names a person or a machine.
import CKernels
package import Foundation

/// On what a run was made.
package struct EnvironmentRecord: Codable, Hashable, Sendable {
  /// Version of kymo.
  package var version = Software.version
  /// Commit of the source tree that the program stands in; absent outside of one.
  package var commit = Software.commit()
  /// Version of libtorch.
  package var libtorch: String
  /// Number of threads.
  package var threads: Int
  /// Where tensors lived.
  package var device: String
  /// Instruction set of the fused kernels.
  package var kernels = Machine.kernelLevel
  /// The processor's name.
  package var processor = Machine.processor
  /// Number of processors.
  package var processorCount = ProcessInfo.processInfo.activeProcessorCount
  /// Memory in bytes.
  package var memory = ProcessInfo.processInfo.physicalMemory
  /// The operating system's name.
  package var operatingSystem = Machine.operatingSystem
  /// Seed of the run.
  package var seed: UInt64
  /// Hashes of the data by the names that the recipe gives them.
  package var dataHashes: [String: String] = [:]
  /// The folder from which relative paths of the recipe count.
  package var workingFolder: String?
  /// When the run was started, in UTC.
  package var started = Date.now.formatted(.iso8601)
  /// When it was continued, in UTC.
  package var resumed: [String] = []
  /// What was not the same when it was continued, a sentence each.
  package var changed: [String]?

  /// What a reader of the results must know of the training's course.
  package var history: [String] {
    (resumed.isEmpty
      ? []
      : ["The training was continued \(resumed.count == 1 ? "once" : "\(resumed.count) times")."])
      + (changed ?? [])
  }

  /// Where relative paths of the recipe are looked up when they are not found from the current
  /// folder.
  package var base: URL? {
    workingFolder.map { URL(filePath: $0, directoryHint: .isDirectory) }
  }

  /// Records the machine and the settings that matter for the bits of the result.
  package init(libtorch: String, threads: Int, device: String, seed: UInt64) {
    (self.libtorch, self.threads, self.device, self.seed) = (libtorch, threads, device, seed)
  }

  /// Whether it is the record of a run, not that of one whose record is lost.
  package var isKnown: Bool { !version.isEmpty }

  /// Of a run whose record is lost.
  static let unknown = {
    var record = EnvironmentRecord(libtorch: "", threads: 0, device: "", seed: 0)
    (record.version, record.commit, record.processor, record.kernels) = ("", nil, "", "")
    (record.processorCount, record.memory, record.operatingSystem, record.started) = (0, 0, "", "")
    record.changed = ["On what the training was begun is not known: its environment.json is lost."]
    return record
  }()

  /// What differs from an earlier record so that a continued run may differ in its last bits.
  package func differences(from earlier: EnvironmentRecord) -> [String] {
    let pairs = [
      ("version", version, earlier.version), ("commit", commit ?? "", earlier.commit ?? ""),
      ("libtorch", libtorch, earlier.libtorch), ("threads", "\(threads)", "\(earlier.threads)"),
      ("device", device, earlier.device), ("kernels", kernels, earlier.kernels),
      ("processor", processor, earlier.processor),
    ]
    return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) was '\($0.2)' and is '\($0.1)'" }
  }
}

/// This program.
package enum Software {
  /// Version of kymo.
  package static let version = "0.1.0"

  /// The folder of the source tree that the program was built in; nil for an installed program.
  package static func sourceTree() -> URL? {
    var folder = Machine.executable.deletingLastPathComponent()
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path),
        FileManager.default.fileExists(atPath: folder.appending(path: "Sources/kymo").path)
      {
        return folder
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  /// The commit that is checked out in the source tree.
  package static func commit() -> String? { sourceTree().flatMap { commit(ofTree: $0) } }

  /// Reads the commit from git's files, so that git itself is not needed.
  static func commit(ofTree tree: URL) -> String? {
    func text(_ file: URL) -> String? {
      (try? String(contentsOf: file, encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    var folder = tree.appending(path: ".git")
    var common = folder
    // In a linked worktree `.git` is a file that says where the folder is.
    if let pointer = text(folder), pointer.hasPrefix("gitdir: ") {
      folder = URL(
        filePath: String(pointer.dropFirst(8)), directoryHint: .isDirectory, relativeTo: tree)
      common =
        text(folder.appending(path: "commondir"))
        .map { URL(filePath: $0, directoryHint: .isDirectory, relativeTo: folder) } ?? folder
    }
    guard let head = text(folder.appending(path: "HEAD")) else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let reference = String(head.dropFirst(5))
    if let commit = text(common.appending(path: reference)) { return commit }
    return text(common.appending(path: "packed-refs"))?.split(separator: "\n")
      .first { $0.hasSuffix(" " + reference) }?.split(separator: " ").first.map(String.init)
  }
}

/// The machine that the program runs on.
package enum Machine {
  /// The running program.
  package static var executable: URL {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
  }

  /// The processor's name, such as "Intel(R) Xeon(R) Processor".
  package static var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last
      .map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  /// The operating system's name, such as "Debian GNU/Linux 12 (bookworm)".
  package static var operatingSystem: String {
    let lines = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    return lines.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
      .map { $0.dropFirst(12).trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// Instruction set of the fused kernels: portable, avx2 or avx512.
  package static var kernelLevel: String {
    unsafe String(cString: kk_level_name(kk_processor_level()))
  }

  /// Bytes that are free on the disk of `folder`.
  package static func freeDisk(at folder: URL) -> Int64? {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
  }

  /// Most bytes of memory that this process has held so far.
  package static var peakMemory: Int64 {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return lines.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?
      .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int64($0) }
      .map { $0 * 1024 } ?? 0
  }

  /// Bytes of memory that programs can still take.
  package static var availableMemory: Int64? {
    let lines = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    return lines.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
      .split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 * 1024 }
  }
}
