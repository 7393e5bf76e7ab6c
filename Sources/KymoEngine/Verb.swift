// The verbs whose work is done here, with tensors.
package import ArgumentParser

/// A verb whose work needs tensors.
protocol TensorVerb {
  /// Does the work.
  func perform() throws
}

/// The work of verbs.
package enum Verb {
  /// Does the work of a command, here or, where it needs no tensors, in the command itself.
  package static func perform(_ command: any ParsableCommand) throws {
    if let verb = command as? any TensorVerb {
      try verb.perform()
    } else {
      var command = command
      try command.run()
    }
  }
}
