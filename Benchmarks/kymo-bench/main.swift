// Kymo against named peers in the same run: a training step and a rollout against plain PyTorch, data of
// Kuramoto–Sivashinsky against SciPy at equal accuracy. Answers are checked, ratios printed.
import Foundation
import KymoData
import KymoExtraction
import KymoNumerics
import KymoSolvers
import KymoTensor

setThreadCount(ProcessInfo.processInfo.activeProcessorCount)
let python = ".deps/venv/bin/python"
let threads = threadCount

/// The JSON object that a peer script prints.
func peer(_ arguments: [String]) throws -> [String: Any] {
  let process = Process()
  process.executableURL = URL(filePath: python)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0,
    let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
  else { throw BenchmarkError("\(arguments[0]) failed; run make setup, then try it by hand.") }
  return object
}

struct BenchmarkError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func number(_ object: [String: Any], _ key: String) throws -> Double {
  guard let value = object[key] as? Double else { throw BenchmarkError("no \(key) in \(object)") }
  return value
}

func line(_ name: String, _ text: String) {
  print(name.padding(toLength: 34, withPad: " ", startingAt: 0) + text)
}

func format(_ value: Double, _ digits: Int = 1) -> String {
  value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
}

/// Root mean square over recordings of the distance between frames.
func distance(_ a: [Double], _ b: [Double], frame: Int, frames: Int, points: Int) -> Double {
  let recordings = a.count / (frames * points)
  var sum = 0.0
  for recording in 0..<recordings {
    let start = (recording * frames + frame) * points
    for i in start..<start + points { sum += (a[i] - b[i]) * (a[i] - b[i]) }
  }
  return (sum / Double(recordings * points)).squareRoot()
}

func benchmarkTraining() throws {
  let plain = try peer(["Benchmarks/peers/pde_vae_step.py", "--threads", "\(threads)"])
  let ceiling = ExtractionSpeed.peak()
  line("multiply-adds in registers", "\(format(ceiling.gigaflops, 0)) GFLOP/s, the ceiling")

  let rollout = ExtractionSpeed.rollout()
  let floor = rollout.operations / ceiling.gigaflops / 1e6
  line(
    "rollout with gradient, 50 × 31",
    """
    \(format(rollout.seconds * 1e3)) ms, \(format(rollout.gigaflops, 0)) GFLOP/s; floor \
    \(format(floor)) ms, \(format(rollout.seconds * 1e3 / floor))× above it; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * 1e3, 0)) ms: \
    \(format(try number(plain, "rolloutSeconds") / rollout.seconds))× faster
    """)

  let step = try ExtractionSpeed.trainingStep()
  let reference = try number(plain, "stepSeconds")
  line(
    "training step, batch 50, T = 31",
    """
    \(format(step * 1e3)) ms; plain PyTorch \(format(reference * 1e3, 0)) ms: \
    \(format(reference / step))× faster
    """)
}

/// Convection and diffusion in two space dimensions: the paper's crops, batch and rollout.
func benchmarkPlanes() throws {
  // The dense peer takes minutes for 50 recordings and its time is proportional to them.
  let part = 5
  let plain = try peer([
    "Benchmarks/peers/pde_vae_step.py", "--threads", "\(threads)", "--planes", "--batch",
    "\(part)", "--repeats", "1",
  ])
  let scale = 50 / Double(part)
  let rollout = ExtractionSpeed.rollout(steps: 15, cells: [32, 32], repeats: 5)
  line(
    "planes: rollout, 50 × 15",
    """
    \(format(rollout.seconds * 1e3, 0)) ms, \(format(rollout.gigaflops, 0)) GFLOP/s; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * scale * 1e3, 0)) ms (\(part) recordings, times \
    \(format(scale, 0))): \(format(try number(plain, "rolloutSeconds") * scale / rollout.seconds))× \
    faster
    """)
  let encoder = ExtractionSpeed.encoder()
  line(
    "planes: encoder on every 4th",
    "\(format(encoder.seconds * 1e3, 0)) ms, \(format(encoder.gigaflops, 0)) GFLOP/s")
  let reference = try number(plain, "stepSeconds") * scale
  for (name, units) in [("the paper's kernel networks", 0), ("32 hidden units each", 32)] {
    var configuration = ExtractionConfiguration()
    configuration.model.linearWidth = 0
    configuration.model.kernelUnits = units
    configuration.training.inputCrop = [45, 62, 62]
    configuration.training.targetCrop = [16, 44, 44]
    let step = try ExtractionSpeed.trainingStep(
      configuration, field: [64, 96, 96], recordings: 52, repeats: 5)
    line(
      "planes: training step",
      """
      \(format(step * 1e3, 0)) ms with \(name); plain dense PyTorch \(format(reference, 1)) s (as \
      above): \(format(reference / step, 0))× faster
      """)
  }
}

func benchmarkData() throws {
  var configuration = KuramotoSivashinskyConfiguration()
  configuration.recordings = 512
  let solver = try KuramotoSivashinsky(configuration: configuration)
  _ = try solver.simulate(0..<16, threads: threads)
  let start = ContinuousClock.now
  _ = try solver.simulate(0..<512, threads: threads)
  let rate = 512 / ((ContinuousClock.now - start) / .seconds(1))

  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let script = "Benchmarks/peers/ks_scipy.py"
  let slow = try peer([script, "--recordings", "8", "--processes", "\(threads)"])
  let reference = try number(slow, "recordingsPerSecond")
  line(
    "Kuramoto–Sivashinsky recordings",
    """
    \(format(rate, 0)) per second; SciPy \(format(reference, 2)): \(format(rate / reference, 0))× \
    more, on \(threads) threads and processes
    """)

  // The same initial states with the peer, with ours, and with a much finer mesh and step.
  let (frames, points) = (33, configuration.pointCount)
  let (its, finer) = (folder.appending(path: "peer.npz"), folder.appending(path: "finer.npz"))
  _ = try peer([
    script, "--recordings", "4", "--frames", "\(frames)", "--seed", "5", "--save", its.path,
  ])
  _ = try peer([
    script, "--start", its.path, "--frames", "\(frames)", "--pool", "4", "--steps", "64", "--save",
    finer.path,
  ])
  let given = try NPZFile(its)
  let ours = solver.advance(
    fields: try given.doubles("u0").elements, dampings: try given.doubles("gamma").elements,
    frameCount: frames, threads: threads)
  let (peerFrames, exact) = (
    try given.doubles("x").elements, try NPZFile(finer).doubles("x").elements
  )
  for frame in [1, 8, 32] {
    let (mine, theirs) = (
      distance(ours, exact, frame: frame, frames: frames, points: points),
      distance(peerFrames, exact, frame: frame, frames: frames, points: points)
    )
    line(
      "  error after \(frame) frames",
      """
      \(mine.formatted(.number.notation(.scientific).precision(.fractionLength(1)))) ; SciPy \
      \(theirs.formatted(.number.notation(.scientific).precision(.fractionLength(1))))
      """)
  }
}

/// For a profiler, and for a busy machine, where only the fastest step says something.
func repeatSteps(_ count: Int) throws {
  let (seconds, processor) = try ExtractionSpeed.trainingSteps(count)
  line(
    "training step",
    """
    fastest \(format(seconds[0] * 1e3)) ms, median \(format(seconds[count / 2] * 1e3)) ms; of all \
    processors \(format(processor[0] * 1e3)) ms, \(format(processor[count / 2] * 1e3)) ms
    """)
}

do {
  if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "steps",
    let count = Int(CommandLine.arguments[2]), count > 0
  {
    try repeatSteps(count)
    exit(0)
  }
  print("Kymo's benchmarks on \(threads) threads; medians; libtorch \(libtorchVersion)")
  // A name alone runs that part: line, planes, data, reductions.
  let parts: [(String, () throws -> Void)] = [
    ("line", benchmarkTraining), ("planes", benchmarkPlanes), ("data", benchmarkData),
    ("reductions", benchmarkReductions),
  ]
  let wanted = CommandLine.arguments.dropFirst()
  for (name, run) in parts where wanted.isEmpty || wanted.contains(name) { try run() }
} catch {
  FileHandle.standardError.write(Data("kymo-bench: \(error)\n".utf8))
  exit(1)
}
