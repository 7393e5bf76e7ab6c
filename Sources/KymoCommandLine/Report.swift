// kymo report.
package import ArgumentParser

package struct Report: ParsableCommand {
  package init() {}
}
