// The steps of trainings in an old program and in this one, in turns, so that what else the machine
// does slows both alike.
import Foundation
import KymoExtraction
import KymoNN
import KymoPropagation
import KymoReduction

/// The steps that are compared, with the settings of the recipes.
private let steps: [(name: String, measure: @Sendable () throws -> Timing)] = [
  (
    "ks",
    {
      var configuration = ExtractionConfiguration()
      configuration.model.kernelUnits = 256
      return try ExtractionSpeed.trainingSteps(21, configuration)
    }
  ),
  (
    "nls",
    {
      var configuration = ExtractionConfiguration()
      configuration.model.kernelUnits = 256
      configuration.training.targetCrop = [64, 76]
      return try ExtractionSpeed.trainingSteps(11, configuration, channels: 2)
    }
  ),
  (
    "cd",
    {
      var configuration = ExtractionConfiguration()
      configuration.model.kernelNetwork = .quadratic
      configuration.model.linearWidth = 13
      configuration.training.phases.joint.optimizer = .soap
      configuration.training.batchSize = 16
      configuration.training.inputCrop = [45, 62, 62]
      configuration.training.targetCrop = [16, 44, 44]
      return try ExtractionSpeed.trainingSteps(
        5, configuration, field: [64, 96, 96], recordings: 20)
    }
  ),
  (
    "autoencoder of fhn",
    {
      try ReductionSpeed.trainingStep(
        .feedForward(.vlachas2022FitzHughNagumo), stateShape: [2, 101], batch: 32)
    }
  ),
  (
    "autoencoder of ks22",
    {
      try ReductionSpeed.trainingStep(
        .convolutional(.vlachas2022KuramotoSivashinsky), stateShape: [1, 64], batch: 64)
    }
  ),
  (
    "LSTM of ks22",
    {
      var configuration = RecurrentConfiguration(unitCount: 256)
      configuration.predictsIncrements = true
      return try RecurrentSpeed.trainingSteps(configuration, latents: 8, repeats: 21)
    }
  ),
]

/// Seconds of one step: the least by the clock and of all processors together.
private struct StepTime {
  var clock = Double.infinity
  var processor = Double.infinity

  mutating func take(_ other: StepTime) {
    (clock, processor) = (min(clock, other.clock), min(processor, other.processor))
  }
}

/// Prints the steps for ``compare(with:rounds:)``: name, seconds by the clock and of the
/// processors; with `name` of one step alone.
func measureSteps(_ name: String? = nil) throws {
  for step in steps where name == nil || step.name == name {
    let timing = try step.measure()
    print("\(step.name)\t\(timing.fastest)\t\(timing.processor[0])")
  }
}

/// Runs the program at `old` and this one in turns, and prints the ratios of their steps.
///
/// To compare on one core: `taskset -c 0 kymo-bench compare OLD`.
func compare(with old: String, rounds: Int = 3) throws {
  // A program from before `measure` knows one step.
  let asked = try times(in: run(old, ["measure"])).isEmpty ? ["steps", "40"] : ["measure"]
  var (before, after): ([String: StepTime], [String: StepTime]) = ([:], [:])
  for _ in 0..<rounds {
    for (name, time) in times(in: try run(old, asked)) { before[name, default: .init()].take(time) }
    for (name, time) in times(in: try run(CommandLine.arguments[0], asked)) {
      after[name, default: .init()].take(time)
    }
  }
  guard !before.isEmpty else { throw BenchmarkError("\(old) printed no times of steps.") }
  line("step, the least of \(rounds) rounds", "old, new in ms; new/old, of processor times")
  for name in steps.map(\.name) + [oldStep] {
    guard let old = before[name], let new = after[name] else { continue }
    line(
      name,
      """
      \(format(old.clock * 1e3, 2)), \(format(new.clock * 1e3, 2)); \
      \(format(new.clock / old.clock, 3)), \(format(new.processor / old.processor, 3))
      """)
  }
}

/// What `steps` of all programs prints.
private let oldStep = "training step"

/// The times in what a program printed for `measure` or `steps`.
private func times(in output: String) -> [String: StepTime] {
  var times: [String: StepTime] = [:]
  for line in output.split(separator: "\n") {
    let fields = line.split(separator: "\t")
    if fields.count == 3, let clock = Double(fields[1]), let processor = Double(fields[2]) {
      times[String(fields[0])] = StepTime(clock: clock, processor: processor)
    } else if line.hasPrefix(oldStep) {
      let numbers = line.split(separator: " ").compactMap { Double($0) }
      guard numbers.count == 4 else { continue }
      times[oldStep] = StepTime(clock: numbers[0] / 1e3, processor: numbers[2] / 1e3)
    }
  }
  return times
}

private func run(_ program: String, _ arguments: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw BenchmarkError("\(program) \(arguments.joined(separator: " ")) failed.")
  }
  return String(decoding: data, as: UTF8.self)
}
