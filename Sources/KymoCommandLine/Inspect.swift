// kymo inspect.
package import ArgumentParser

package struct Inspect: ParsableCommand {
  @Argument(help: "x")
  package var file: String
  package init() {}
}
