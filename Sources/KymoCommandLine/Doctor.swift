// kymo doctor: the arguments; the work is in kymo-engine.
package import ArgumentParser

/// Says what is installed and how fast it is.
package struct Doctor: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Say what is installed, which device there is, how fast it is, and what to mend.",
    discussion: """
      Example:
        kymo doctor

      Ends with status 1 when something that kymo needs is missing.
      """)

  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}
}
