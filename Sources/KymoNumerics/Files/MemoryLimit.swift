// How much memory may still be taken, asked before a large part of it is: an allocation that fails
// ends the process without a word.
import Foundation

/// The memory that there is.
package enum MemoryLimit {
  /// Bytes that may still be taken: of the machine, of its container and of this process's limit.
  package static var bytes: Int {
    func text(_ path: String) -> String {
      (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
    var free = 0.9 * Double(ProcessInfo.processInfo.physicalMemory)
    let meminfo = text("/proc/meminfo").split(separator: "\n")
    let parts = ["MemAvailable:", "SwapFree:"].compactMap { name in
      meminfo.first { $0.hasPrefix(name) }?.split(separator: " ").dropFirst().first
        .flatMap { Double($0) }
    }
    if !parts.isEmpty { free = min(free, 1024 * parts.reduce(0, +)) }
    let container = text("/sys/fs/cgroup/memory.max").trimmingCharacters(
      in: .whitespacesAndNewlines)
    if let most = Double(container) { free = min(free, 0.9 * most) }
    var limit = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur != UInt.max
    {
      let pages = text("/proc/self/statm").split(separator: " ").first.flatMap { Double($0) } ?? 0
      free = min(free, Double(limit.rlim_cur) - pages * Double(sysconf(Int32(_SC_PAGESIZE))))
    }
    return Int(max(0, min(free, 1e18)))
  }

  /// Throws unless so many bytes, at least needed for a setting, may be taken.
  package static func require(
    _ needed: Double, _ path: String, found: some CustomStringConvertible, remedy: String
  ) throws(ConfigurationError) {
    let free = bytes
    try KymoNumerics.require(
      needed <= Double(free), path, found: found,
      allowed:
        "so small that the memory suffices: at least \(describeBytes(Int(min(needed, 1e18)))) "
        + "are needed and \(describeBytes(free)) are free", remedy: remedy)
  }
}
