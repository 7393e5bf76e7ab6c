// The program with tensors, which `kymo` becomes for the verbs that need them.
import Foundation
import KymoCommandLine
import KymoEngine

exit(Program.run(Array(CommandLine.arguments.dropFirst()), perform: Verb.perform))
