// kymo simulate.
package import ArgumentParser

package struct Simulate: ParsableCommand {
  package init() {}
}
