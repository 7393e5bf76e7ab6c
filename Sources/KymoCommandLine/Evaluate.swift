// kymo evaluate: the arguments; the work is in kymo-engine.
package import ArgumentParser
import KymoData

/// Evaluates a trained model.
package struct Evaluate: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Evaluate a trained run: what the paper that it belongs to measures.",
    discussion: """
      Example:
        kymo evaluate runs/ks

      A run that extracts parameters: relevant latents, fits, intervals, rollout errors. A run that \
      forecasts: reconstruction, forecast errors, schedules with the solver, speed-ups.

      Without FILES the test recordings of the run's recipe are used. Writes results.json in the run.
      """)

  @Argument(help: "The run folder.")
  package var run: String

  @Argument(help: "The recordings to evaluate on, files that inspect reads.")
  package var files: [String] = []

  @Flag(
    help: """
      Take recordings whose step, spacing, ends or units differ from the training's, or are not \
      given, as if they were the training's.
      """)
  package var asTrained = false

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    guard !files.isEmpty || layout.layout == FieldLayout() else {
      throw ValidationError(
        "--key, --axes, --cut and --follow-links say how FILES are to be read: without one the run's own "
          + "data are read as its recipe says.")
    }
  }
}
