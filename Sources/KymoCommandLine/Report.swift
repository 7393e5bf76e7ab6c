// kymo report.
package import ArgumentParser

package struct Report: ParsableCommand {
  @Argument(help: "x")
  package var file: String
  package init() {}
}
