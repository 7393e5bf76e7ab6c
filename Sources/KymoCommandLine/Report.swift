// kymo report.
package import ArgumentParser
import Foundation
import KymoReport
import KymoRuns

/// Writes the report of a run.
package struct WriteReport: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the report of a run: one page of HTML that needs no network.",
    discussion: """
      Example:
        kymo report runs/ks

      Writes report.html in the run folder and prints its path.
      """)

  @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
  package var runFolder: String

  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func run() throws {
    let directory = try RunDirectory.open(at: URL(filePath: runFolder))
    let page = try Report.write(run: directory.url)
    if outputOptions.json {
      let text = try RunDirectory.json(["report": page.relativePath], pretty: true)
      print(String(decoding: text, as: UTF8.self), terminator: "")
    } else {
      Terminal.print(page.relativePath)
    }
  }
}
