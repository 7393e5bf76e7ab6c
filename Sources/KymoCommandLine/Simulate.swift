// kymo simulate.
package import ArgumentParser

package struct Simulate: ParsableCommand {
  @Argument(help: "x")
  package var file: String
  package init() {}
}
