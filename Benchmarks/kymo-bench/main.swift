// Kymo against named peers in the same run: training steps and rollouts against plain PyTorch, data
// and solvers against NumPy and SciPy. Answers are checked, ratios printed; a difference past its
// bound ends the benchmark with exit status 1.
//
//   kymo-bench [PART…]        all parts, or those that are named
//   kymo-bench compare OLD    the training steps of another kymo-bench and of this one, in turns
//   kymo-bench measure        those of this one, for programs
//   kymo-bench steps COUNT    many steps of one training, for a profiler
//   kymo-bench shedding …     vortex shedding in a wide box: re=100 cells=24 width=40 …
import Foundation
import KymoTensor

setThreadCount(threads)

let parts: [(name: String, run: () throws -> Void)] = [
  ("line", benchmarkTraining), ("planes", benchmarkPlanes), ("data", benchmarkData),
  ("files", benchmarkFiles),
  ("solvers", benchmarkSolvers), ("flow", benchmarkFlow), ("particles", benchmarkParticles),
  ("laws", benchmarkLaws),
  ("recurrent", benchmarkRecurrent),
  ("host-models", benchmarkHostModels), ("reductions", benchmarkReductions),
  ("decoding", benchmarkDecoding),
]

do {
  let words = Array(CommandLine.arguments.dropFirst())
  switch words.first {
  case "compare" where words.count == 2:
    try compare(with: words[1])
  case "measure" where words.count <= 2:
    try measureSteps(words.dropFirst().first)
  case "steps" where words.count == 2:
    guard let count = Int(words[1]), count > 0 else {
      throw BenchmarkError("steps takes a number above 0, not \(words[1]).")
    }
    try repeatSteps(count)
  case "shedding":
    try watchShedding(words.dropFirst())
  default:
    let names = parts.map(\.name)
    if let unknown = words.first(where: { !names.contains($0) }) {
      throw BenchmarkError(
        """
        There is no part \(unknown); there are \(names.joined(separator: ", ")), and: compare OLD, \
        measure, steps COUNT, shedding.
        """)
    }
    print("Kymo's benchmarks on \(threads) threads; medians; libtorch \(libtorchVersion)")
    for (name, run) in parts where words.isEmpty || words.contains(name) { try run() }
  }
} catch {
  FileHandle.standardError.write(Data("kymo-bench: \(error)\n".utf8))
  exit(1)
}
