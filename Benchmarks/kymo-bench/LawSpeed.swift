// The law of Kuramoto–Sivashinsky recordings against the weak form of PySINDy, a recording at a time.
import Foundation
import KymoData
import KymoLaw
import KymoNumerics

func benchmarkLaws() throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: "ks.npz")
  let simulation = try Process.run(
    URL(filePath: "kymo"),
    arguments: ["simulate", "ks", "recordings=200", "seed=7", "-q", "-o", file.path])
  simulation.waitUntilExit()
  guard simulation.terminationStatus == 0 else { throw BenchmarkError("kymo simulate failed") }
  let recordings = try Recordings.load(file)

  // One recording as the peer has it, and as they are found together.
  var settings = DiscoverySettings()
  settings.degree = 2
  settings.threads = 1
  let law = try Discovery(recordings, settings).run()
  guard law.refusal == nil, let rows = law.rows else { throw BenchmarkError("no law was found") }
  let ours = law.seconds / Double(recordings.count)

  let theirs = try peer([
    "Benchmarks/peers/law_pysindy.py", "--file", file.path, "--rows", "\(rows)", "--half", "8", "4",
  ])
  let seconds = try number(theirs, "seconds")
  // The normal equations of all columns; the correlations that make the rows come on top.
  let columns = Double(law.librarySize + 1)
  line(
    "Law of a recording, 1 thread",
    """
    \(format(ours * 1e3, 2)) ms of \(recordings.count) together, \(law.librarySize) terms, \(rows) rows; \
    PySINDy \(format(seconds, 2)) s, \(format(try number(theirs, "libraryTerms"), 0)) terms: \
    \(format(seconds / ours, 0))× faster
    """)
  line(
    "  floor", "\(format(Double(rows) * columns * columns / 1e6, 2)) million operations a recording"
  )
  guard let terms = theirs["terms"] as? [String: Double] else { throw BenchmarkError("no terms") }
  line("  found", law.equations.map { $0.terms.map(\.name).joined(separator: ", ") }.joined())
  line("  PySINDy", terms.keys.sorted().joined(separator: ", "))
  // Both have the second derivative at −1; the peer keeps terms that are not there.
  guard let diffusion = law.equations[0].terms.first(where: { $0.name == "u_xx" }),
    let peerDiffusion = terms["u_11"]
  else { throw BenchmarkError("a law lacks u_xx") }
  try difference("coefficient of u_xx", abs(diffusion.mean + 1), atMost: 1e-3)
  try difference("PySINDy's", abs(peerDiffusion + 1), atMost: 1e-2)
}
