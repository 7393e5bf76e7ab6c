// Kymo against named peers in the same run: training steps and rollouts against plain PyTorch, data and
// solvers against NumPy and SciPy. Answers are checked, ratios printed.
import Foundation
import KymoTensor

setThreadCount(threads)

do {
  if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "steps",
    let count = Int(CommandLine.arguments[2]), count > 0
  {
    try repeatSteps(count)
    exit(0)
  }
  print("Kymo's benchmarks on \(threads) threads; medians; libtorch \(libtorchVersion)")
  // A name alone runs that part.
  let parts: [(String, () throws -> Void)] = [
    ("line", benchmarkTraining), ("planes", benchmarkPlanes), ("data", benchmarkData),
    ("solvers", benchmarkSolvers), ("recurrent", benchmarkRecurrent),
    ("host-models", benchmarkHostModels), ("reductions", benchmarkReductions),
  ]
  let wanted = CommandLine.arguments.dropFirst()
  for (name, run) in parts where wanted.isEmpty || wanted.contains(name) { try run() }
} catch {
  FileHandle.standardError.write(Data("kymo-bench: \(error)\n".utf8))
  exit(1)
}
