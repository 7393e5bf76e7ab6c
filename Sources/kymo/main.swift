// The program that people call. Verbs without tensors run here; for the others it becomes
// kymo-engine, which takes half a second to load libtorch.
import ArgumentParser
import Foundation
import KymoCommandLine

exit(
  Program.run(Array(CommandLine.arguments.dropFirst())) { command in
    guard !(command is any NeedsTensors) else { throw Engine.start() }
    var command = command
    try command.run()
  })
