// kymo inspect.
package import ArgumentParser

package struct Inspect: ParsableCommand {
  package init() {}
}
