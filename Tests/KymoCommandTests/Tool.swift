// Runs the built program as a person would: arguments in, output, words and exit status out.
import Foundation
import Testing

/// What a finished command left.
struct Outcome {
  var status: Int32
  /// Whether a signal ended it; `status` is its number then.
  var wasKilled: Bool
  var output: String
  var words: String
}

/// The built `kymo`, called in a folder of its own.
struct Tool {
  /// The folder in which the commands run.
  let folder: URL

  /// The program, which the build puts beside the tests.
  static var program: URL {
    get throws {
      var folder = Bundle.main.executableURL?.deletingLastPathComponent()
      let bundles = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
      for place in [folder].compactMap(\.self) + bundles {
        let program = place.appending(path: "kymo")
        if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      }
      // The test runner may lie elsewhere: the package's own build folder is the last resort.
      folder =
        URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.build/release/kymo").standardizedFileURL
      return try #require(folder)
    }
  }

  /// Starts a command; its output goes to files, so that no pipe can fill up.
  func start(_ arguments: String..., environment: [String: String] = [:]) throws -> Running {
    try start(arguments, environment: environment)
  }

  /// Runs a command to its end.
  func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
    try start(arguments, environment: environment).wait()
  }

  /// Runs a command given as a list to its end.
  func run(_ arguments: [String]) throws -> Outcome {
    try start(arguments, environment: [:]).wait()
  }

  func start(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Running {
    let process = Process()
    process.executableURL = try Tool.program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, words) = (try Sink(folder), try Sink(folder))
    (process.standardOutput, process.standardError) = (output.handle, words.handle)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return Running(process: process, output: output, words: words)
  }

  /// A file of the folder.
  func file(_ name: String) -> URL { folder.appending(path: name) }

  /// The text of a file of the folder.
  func text(_ name: String) throws -> String { try String(contentsOf: file(name), encoding: .utf8) }

  /// Whether the folder holds a file.
  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }
}

/// A command in progress.
struct Running {
  let process: Process
  fileprivate let output: Sink
  fileprivate let words: Sink

  /// What it has said on standard error so far.
  var wordsSoFar: String { (try? String(contentsOf: words.url, encoding: .utf8)) ?? "" }

  /// Waits for the end; a command that does not come to one is killed, so that nothing stays
  /// behind.
  func wait() throws -> Outcome {
    let deadline = ContinuousClock.now + .seconds(180)
    while process.isRunning && ContinuousClock.now < deadline {
      Thread.sleep(forTimeInterval: 0.01)
    }
    if process.isRunning { send(SIGKILL) }
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
      output: try output.text(), words: try words.text())
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }
}

/// A hidden file that takes what a command writes.
private struct Sink {
  let url: URL
  let handle: FileHandle

  init(_ folder: URL) throws {
    url = folder.appending(path: ".\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: url.path, contents: nil)
    handle = try FileHandle(forWritingTo: url)
  }

  func text() throws -> String {
    try handle.close()
    defer { try? FileManager.default.removeItem(at: url) }
    return try String(contentsOf: url, encoding: .utf8)
  }
}
