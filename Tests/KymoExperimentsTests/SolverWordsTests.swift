// A solver named on the command line: as a word, as a command with quotes, as in a recipe.
import Foundation
import KymoLaw
import KymoNumerics
import KymoSolvers
import KymoTestSupport
import Testing

@testable import KymoExperiments

@Suite("A solver on the command line") struct SolverWordsTests {
  private func command(_ words: String) throws -> [String] {
    guard case .process(let settings) = try SolverSettings(words: words) else { return [] }
    return settings.command
  }

  @Test("is a built-in one, or a command as a shell reads it")
  func commands() throws {
    #expect(try SolverSettings(words: "fhn") == .fhn(.init()))
    #expect(try SolverSettings(words: "ks22") == .ks22(.init()))
    #expect(try SolverSettings(words: "cylinder") == .cylinder(.init()))
    #expect(try SolverSettings(words: "my law/law.json") == .law(.init(file: "my law/law.json")))
    for (words, expected) in [
      ("python3 solver.py", ["python3", "solver.py"]),
      ("python3  'my code/solver.py' -n 3", ["python3", "my code/solver.py", "-n", "3"]),
      (#"python3 "it's one.py" a\ b '' c"d e"f"#, ["python3", "it's one.py", "a b", "", "cd ef"]),
      (#"run "a\"b" 'c\d'"#, ["run", "a\"b", #"c\d"#]),
    ] { #expect(try command(words) == expected, "\(words)") }
    let folder = try TemporaryFolder()
    let program = folder.path("my solver")
    try Data("#!/bin/sh\n".utf8).write(to: program)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
    #expect(try command(program.path) == [program.path])
    for words in ["", "  ", "python3 'solver.py", "python3 \\"] {
      let error = #expect(throws: ConfigurationError.self) { try SolverSettings(words: words) }
      #expect(error?.path == "--solver", "\(words)")
    }
  }

  @Test("takes all that a recipe takes, as strictly")
  func settings() throws {
    var expected = ProcessSolverConfiguration(command: ["python3", "my solver.py"])
    (expected.folder, expected.frameSeconds, expected.nonFinite) = ("my code", 600, .keep)
    expected.environment = ["OMP_NUM_THREADS": "1"]
    let inside = """
      {command: [python3, my solver.py], folder: my code, frameSeconds: 600, nonFinite: keep, \
      environment: {OMP_NUM_THREADS: "1"}}
      """
    for words in ["{process: \(inside)}", "process: \(inside)"] {
      #expect(try SolverSettings(words: words) == .process(expected), "\(words)")
    }
    guard case .ks22(let settings) = try SolverSettings(words: "ks22: {substeps: 20}") else {
      Issue.record("not ks22")
      return
    }
    #expect(settings.substeps == 20)
    for (words, path) in [
      ("{process: {comand: [a]}}", "process.comand"), ("{process: {}}", "--solver.process.command"),
      ("{proces: {command: [a]}}", "proces"), ("{process: ", "--solver"),
      ("ks22: {substeps: 0}", "--solver.ks22.substeps"), ("law: {}", "--solver.law.file"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try SolverSettings(words: words) }
      #expect(error?.path == path, "\(words): \(error?.description ?? "")")
    }
  }
}
