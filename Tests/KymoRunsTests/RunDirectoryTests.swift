// The folder of a run: what is refused, what is replaced, what survives a kill.
import Foundation
import KymoNumerics
import KymoResults
import KymoTestSupport
import Testing

@testable import KymoRuns

@Suite("A run directory") struct RunDirectoryTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.path("run")
  }

  private func make(force: Bool = false) throws -> RunDirectory {
    try RunDirectory.create(at: url, force: force)
  }

  @Test("is made once, and replaced only with force")
  func force() throws {
    let run = try make()
    try run.write(Data("x".utf8), to: run.recipe)
    #expect(throws: RunDirectoryError.exists(path: run.name, isFinished: false)) { try make() }
    try run.saveModel { try Data("{}".utf8).write(to: $0.appending(path: "model.json")) }
    #expect(run.isFinished)
    #expect(throws: RunDirectoryError.exists(path: run.name, isFinished: true)) { try make() }
    #expect(try !make(force: true).isFinished)
    #expect(!FileManager.default.fileExists(atPath: run.recipe.path))
  }

  @Test("of several seeds lies below the experiment's, that of the first where it was made")
  func seeds() throws {
    func place(_ seed: UInt64, alone: Bool = false) -> String {
      let place = RunDirectory.place(ofSeed: seed, isOnlyOne: alone, below: url)
      return place.standardizedFileURL == url.standardizedFileURL ? "" : place.lastPathComponent
    }
    #expect(place(1, alone: true).isEmpty && place(1) == "seed-1", "nothing is there")
    let second = try RunDirectory.create(at: url.appending(path: "seed-2"), force: false)
    #expect(place(1, alone: true) == "seed-1" && place(2, alone: true) == "seed-2")
    let base = try make()
    try base.write(
      json: EnvironmentRecord(libtorch: "2", threads: 1, device: "cpu", seed: 1),
      to: base.environment)
    #expect(place(1).isEmpty && place(1, alone: true).isEmpty)
    #expect(place(2) == "seed-2" && place(3, alone: true) == "seed-3")
    // What replaces the first leaves the others.
    _ = try make(force: true)
    #expect(FileManager.default.fileExists(atPath: second.checkpoints.path))
  }

  @Test("knows its results as long as they are newer than what they are of")
  func knownResults() throws {
    let run = try make()
    let (test, other) = (folder.path("test.npz"), folder.path("other.npz"))
    func known(_ file: URL) -> Data? { try? run.knownResults(of: file)?.json() }
    func age(_ file: URL, _ minutes: Double) throws {
      try FileManager.default.setAttributes(
        [.modificationDate: Date.now - 60 * minutes], ofItemAtPath: file.path)
    }
    for file in [test, other, run.recipe] { try Data("x".utf8).write(to: file) }
    let found = try RunResults(
      method: "toy",
      data: DataProvenance(
        system: "waves", file: "test.npz", recordingCount: 8, isTrainingData: false),
      headline: [], sections: [], about: MethodDescription(text: "", training: "", citation: ""),
      values: 0.5)
    let results = try found.json()
    try run.write(json: found, to: run.results)
    #expect(known(test) == nil, "no model yet")
    try run.saveModel { try Data("{}".utf8).write(to: $0.appending(path: "model.json")) }
    let model = run.model.appending(path: "model.json")
    let sources = [test, other, run.recipe, model]
    for file in sources { try age(file, 5) }
    #expect(known(test) == results)
    #expect(known(other) == nil)
    for file in [test, run.recipe, model] {
      try age(file, -5)
      #expect(known(test) == nil, "\(file.lastPathComponent) is newer")
      try age(file, 5)
    }
    #expect(known(test) == results)
    #expect(try run.readResults().json() == results)
    try Data("{}".utf8).write(to: run.results)
    #expect(known(test) == nil)
    #expect(throws: ResultsError.self) { try run.readResults() }
    try FileManager.default.removeItem(at: run.results)
    #expect(throws: RunDirectoryError.self) { try run.readResults() }
  }

  @Test("never replaces what is not a run, not even with force")
  func foreign() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    let precious = url.appending(path: "thesis.tex")
    try Data("x".utf8).write(to: precious)
    #expect(throws: RunDirectoryError.occupied(path: url.relativePath, entry: "thesis.tex")) {
      try make(force: true)
    }
    #expect(FileManager.default.fileExists(atPath: precious.path))
  }

  @Test("that is none says what is missing")
  func missing() throws {
    #expect(
      throws: RunDirectoryError.notARun(path: url.relativePath, missing: "recipe.yaml")
    ) { try RunDirectory.open(at: url) }
  }

  @Test("of a start that was killed is made anew, and one without environment.json is still one")
  func halfMade() throws {
    let run = try make()
    _ = try make()
    try run.write(Data("method: x\n".utf8), to: run.recipe)
    #expect(throws: RunDirectoryError.exists(path: run.name, isFinished: false)) { try make() }
    #expect(
      try RunDirectory.open(at: url).readEnvironment().history.first?.contains("lost") == true)
  }

  @Test("has one writer at a time, and a dead one's lock does not matter")
  func lock() throws {
    let run = try make()
    var lock: RunLock? = try RunLock(run)
    #expect(throws: RunDirectoryError.locked(path: run.name, process: "\(getpid())")) {
      try RunLock(run)
    }
    #expect(throws: RunDirectoryError.self) { try make(force: true) }
    withExtendedLifetime(lock) {}
    lock = nil
    // The file is still there, as after a kill.
    #expect(FileManager.default.fileExists(atPath: run.lock.path))
    _ = try RunLock(run)
  }

  @Test("keeps the two newest checkpoints, and a failed one leaves them alone")
  func checkpoints() throws {
    struct Full: Error {}
    let run = try make()
    for number in [5, 10, 15] {
      try run.saveCheckpoint(step: number) {
        try Data("\(number)".utf8).write(to: $0.appending(path: "state"))
      }
    }
    #expect(run.completeCheckpoints().map(\.step) == [15, 10])
    #expect(throws: Full.self) {
      try run.saveCheckpoint(step: 20) { folder in
        try Data("half".utf8).write(to: folder.appending(path: "state"))
        throw Full()
      }
    }
    #expect(run.completeCheckpoints().map(\.step) == [15, 10])
    let names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints.path)
    #expect(names.count == 2)
  }

  @Test("killed while it saves a checkpoint keeps the one before, and the next removes the rest")
  func killed() async throws {
    let run = try make()
    let path = run.url.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let run = RunDirectory(URL(filePath: path))
      for step in 1...2 {
        try run.saveCheckpoint(step: step) { folder in
          try Data("\(step)".utf8).write(to: folder.appending(path: "state"))
          if step == 2 { kill(getpid(), SIGKILL) }
        }
      }
    }
    #expect(run.completeCheckpoints().map(\.step) == [1])
    func names() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: run.checkpoints.path).sorted()
    }
    #expect(try names().count == 2, "the rest of the killed one lies there, hidden")
    try run.saveCheckpoint(step: 3) { try Data().write(to: $0.appending(path: "state")) }
    #expect(try names() == ["step-000000001", "step-000000003"])
    let first = run.checkpoints.appending(path: "step-000000001/state")
    #expect(try Data(contentsOf: first) == Data("1".utf8))
    try run.saveCheckpoint(step: 3) {
      try Data("again".utf8).write(to: $0.appending(path: "state"))
    }
    #expect(try names() == ["step-000000001", "step-000000003"], "the same step again replaces")
  }

  @Test("replaces files whole")
  func whole() throws {
    let run = try make()
    try run.write(Data("first".utf8), to: run.results)
    try run.write(Data("2".utf8), to: run.results)
    #expect(try Data(contentsOf: run.results) == Data("2".utf8))
    let gone = RunDirectory(folder.path("gone"))
    #expect(throws: FileError.self) { try gone.write(Data(), to: gone.results) }
  }
}
