// kymo export: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoRuns

extension Export: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let files = try RunExport.write(directory, to: URL(filePath: output)) { file in
      try replacing.check(file, inputs: directory.needed)
    }
    for file in files { Terminal.print(file.relativePath) }
  }
}
