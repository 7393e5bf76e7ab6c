// NumPy and the libraries that users have, as a judge of numbers and a writer of files.
public import Foundation

/// Python statements that ended with an error, and its words.
public struct PythonError: Error, CustomStringConvertible {
  /// What Python wrote.
  public let description: String
}

/// Runs Python statements of the project's own environment in a folder; returns what they print.
@discardableResult
public func python(
  _ statements: String, arguments: [String] = [], in folder: URL
) throws -> String {
  let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let process = Process()
  process.executableURL = root.appending(path: ".deps/venv/bin/python")
  process.currentDirectoryURL = folder
  process.arguments = ["-c", "import numpy as np, zipfile\n" + statements] + arguments
  let (output, errors) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  let text = output.fileHandleForReading.readDataToEndOfFile()
  let complaint = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw PythonError(description: String(decoding: complaint, as: UTF8.self))
  }
  return String(decoding: text, as: UTF8.self)
}
