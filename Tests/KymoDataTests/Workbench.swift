// What the data tests share: a folder of their own, NumPy in the environment, resident memory.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

/// A folder that exists as long as the value.
final class Workbench {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "kymo-data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func url(_ name: String) -> URL { folder.appending(path: name) }

  func write(_ bytes: [UInt8], _ name: String) throws -> URL {
    // Some file systems wait for the disk when a file is cut and written again.
    unsafe unlink(url(name).path)
    try Data(bytes).write(to: url(name))
    return url(name)
  }

  /// Runs Python statements in the folder; returns what they print.
  @discardableResult
  func python(_ statements: String) throws -> String {
    try KymoTestSupport.python(statements, in: folder)
  }
}

/// The most bytes of memory that this process has held at a time.
func peakMemory() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
  return try #require(Int(line.filter(\.isNumber))) * 1024
}

/// 0, 1, 2, … modulo 1021, minus 500: exact in every type of number.
func ramp(_ shape: [Int]) -> HostArray<Float> {
  let count = shape.reduce(1, *)
  return HostArray((0..<count).map { Float($0 % 1021) - 500 }, shape: shape)
}

/// The same in Python.
let pythonRamp = "r = lambda *s: (np.arange(np.prod(s)) % 1021 - 500.).reshape(s)\n"

/// Uniform numbers in [-1, 1).
func noise(_ shape: [Int], seed: UInt64) -> HostArray<Float> {
  var stream = RandomStream(seed: seed, purpose: .testing)
  let count = shape.reduce(1, *)
  return HostArray((0..<count).map { _ in Float(2 * stream.uniform() - 1) }, shape: shape)
}

/// The format error that `body` throws.
func formatError(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
) throws -> FormatError {
  try #require(
    #expect(throws: FormatError.self, sourceLocation: sourceLocation) { _ = try body() })
}
