// From the arguments of a process to its exit status: 0 done, 1 the run failed, 2 wrong usage,
// 130 or 143 stopped by Ctrl-C or SIGTERM with everything saved.
package import ArgumentParser
import Foundation
import KymoNumerics
import KymoRuns
import KymoSolvers

/// A verb that works with tensors and so runs in the program that is linked with libtorch.
package protocol NeedsTensors {}

/// An argument that cannot work, found before any work was done.
package struct UsageError: Error, Hashable, CustomStringConvertible {
  /// One sentence for the person who typed.
  package let description: String
  /// Says what is wrong and how to mend it.
  package init(_ description: String) { self.description = description }
}

/// What the programs have in common.
package enum Program {
  /// Runs one command; returns the exit status.
  package static func run(
    _ arguments: [String], perform: (any ParsableCommand) throws -> Void
  ) -> Int32 {
    // A closed stream's number would be given to the next file that is opened, and words to it.
    while true {
      let descriptor = unsafe open("/dev/null", O_RDWR)
      guard (0...2).contains(descriptor) else {
        close(descriptor)
        break
      }
    }
    // A reader that goes away, as in `kymo … | head`, is no failure worth a message.
    signal(SIGPIPE, SIG_DFL)
    var command: any ParsableCommand
    do {
      command = try Kymo.parseAsRoot(arguments)
    } catch {
      if let sentence = unknownVerb(arguments) {
        say(sentence)
        return 2
      }
      return report(parsingError: error)
    }
    do {
      guard !FileManager.default.currentDirectoryPath.isEmpty else {
        throw UsageError("The present folder has been removed. Change to another: cd")
      }
      if type(of: command) == Kymo.self || command.hasSubcommandsOnly {
        try command.run()
      } else {
        try perform(command)
      }
      return 0
    } catch let error as Interrupted {
      say(error.description)
      return 128 + error.signal
    } catch let error as ProcessSolverError where error.signal != nil {
      say("Stopped. The solver has been ended and nothing was written.")
      return 128 + (error.signal ?? 0)
    } catch let code as ExitCode {
      return code.rawValue
    } catch let error where Kymo.exitCode(for: error) == .success {
      return report(parsingError: error)
    } catch {
      say(Words.sentence(for: error))
      return isUsage(error) ? 2 : 1
    }
  }

  /// Help and versions go to standard output, complaints to standard error.
  private static func report(parsingError error: any Error) -> Int32 {
    let text = Words.printable(Kymo.fullMessage(for: error))
    if Kymo.exitCode(for: error) == .success {
      print(text)
      return 0
    }
    Terminal.writeToStandardError(text.hasSuffix("\n") ? text : text + "\n")
    return 2
  }

  /// A sentence when the first argument should be a verb and is none.
  private static func unknownVerb(_ arguments: [String]) -> String? {
    let verbs = Kymo.configuration.subcommands.compactMap { $0._commandName }
    guard let word = arguments.first, !word.hasPrefix("-"), word != "help", !verbs.contains(word)
    else { return nil }
    let advice =
      nearestName(to: word, among: verbs).map { "Did you mean 'kymo \($0)'?" }
      ?? "Verbs: \(verbs.joined(separator: ", "))."
    return "There is no verb '\(word)'. \(advice)"
  }

  private static func isUsage(_ error: any Error) -> Bool {
    switch error {
    case is ConfigurationError, is UsageError: true
    case let error as FileError: error.kind == .kept
    case RunDirectoryError.exists, RunDirectoryError.occupied, RunDirectoryError.notARun,
      RunDirectoryError.changed:
      true
    default: false
    }
  }

  private static func say(_ sentence: String) {
    Terminal(manner: .plain).insist("kymo: \(sentence)")
  }
}

extension ProcessSolverError {
  /// The signal that ended the wait for the solver.
  fileprivate var signal: Int32? {
    if case .stopped(let signal) = problem { signal } else { nil }
  }
}

extension ParsableCommand {
  /// Whether the command only groups others.
  fileprivate var hasSubcommandsOnly: Bool { !type(of: self).configuration.subcommands.isEmpty }
}
