// What the verbs of this program have in common: threads, progress, logs, results as JSON.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoExtraction
import KymoNN
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTensor
import Logging

/// The talk with the person at the terminal during one verb.
struct Conversation {
  let terminal: Terminal
  let threads: Int
  private let isForPrograms: Bool

  /// Sets the number of threads for everything that follows.
  init(_ compute: ComputeOptions, _ output: OutputOptions, threads recommended: Int? = nil) {
    terminal = Terminal(quiet: output.quiet)
    isForPrograms = output.json
    threads =
      compute.threads ?? recommended ?? ProcessInfo.processInfo.activeProcessorCount
    setThreadCount(threads)
  }

  /// For work that is not training.
  var work: WorkHooks {
    var hooks = WorkHooks()
    let terminal = terminal
    hooks.progress = { fraction, words in terminal.show(fraction: fraction, words) }
    hooks.note = { terminal.say($0) }
    hooks.stopSignal = StopSignal.current
    hooks.threads = threads
    return hooks
  }

  /// For training.
  var training: TrainingHooks {
    let terminal = terminal
    var hooks = TrainingHooks { directory in
      Logger(label: "kymo") { _ in RunLogHandler(file: directory.log, terminal: terminal) }
    }
    hooks.work = work
    hooks.progress = { progress in
      terminal.show(
        fraction: Double(progress.latest.step) / Double(progress.totalSteps), progress.words)
    }
    return hooks
  }

  /// Prints results as tables, or for programs.
  func show(_ results: RunResults) throws {
    terminal.endProgress()
    if isForPrograms {
      try print(json: results.withoutFigures)
    } else {
      Terminal.print(results.terminalText)
    }
  }

  /// Prints a value as JSON on standard output.
  func print(json value: some Encodable) throws {
    Swift.print(
      String(decoding: try RunDirectory.json(value, pretty: true), as: UTF8.self), terminator: "")
  }
}
