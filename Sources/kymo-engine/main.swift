// The program with tensors, which `kymo` becomes for the verbs that need them.
import ArgumentParser
import Foundation
import KymoCommandLine

exit(
  Program.run(Array(CommandLine.arguments.dropFirst())) { command in
    if let verb = command as? any TensorVerb {
      try verb.perform()
    } else {
      var command = command
      try command.run()
    }
  })

/// A verb whose work is done in this program.
protocol TensorVerb {
  /// Does the work.
  func perform() throws
}
