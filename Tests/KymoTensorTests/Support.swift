// What several suites need: golden values, folders to write in, Python as the other side.
import Foundation
import KymoTensor
import KymoTestSupport
import Testing

/// Values from PyTorch; `Golden/make_golden.py` made them.
enum Golden {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Golden/golden.safetensors")

  static func tensors() throws -> SafeTensors.Contents {
    let contents = try SafeTensors.read(file)
    try #require(contents.metadata["format_version"] == "1")
    return contents
  }
}

extension SafeTensors.Contents {
  func require(_ name: String) throws -> Tensor { try #require(self[name], "no \(name)") }
}

/// The root of the package.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// Runs `body` with a new folder, which is removed afterwards.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "kymo-tensor-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Runs a Python script of the development environment and returns what it printed.
func python(_ script: String, _ arguments: [String]) throws -> String {
  let process = Process()
  let output = Pipe()
  process.executableURL = packageRoot.appending(path: ".deps/venv/bin/python")
  process.arguments = ["-c", script] + arguments
  process.standardOutput = output
  try process.run()
  let printed = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0, "the script failed")
  return String(decoding: printed, as: UTF8.self)
}

/// 0, 1, 2, … in the given shape.
func counting(_ shape: [Int]) -> Tensor {
  Tensor((0..<shape.reduce(1, *)).map(Float.init), shape: shape)
}

/// For float32 results of another route through the same library.
let otherRoute = Tolerance(
  absolute: 2e-6, relative: 2e-6, because: "float32 in another order of additions, doubled")
