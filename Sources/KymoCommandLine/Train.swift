// kymo train: the arguments; the work is in kymo-engine.
package import ArgumentParser
import KymoData

/// Trains a recipe in a run folder.
package struct Train: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Train a model from a recipe, or continue a run.",
    discussion: """
      Example:
        kymo train Recipes/pde-vae/ks.yaml training.phases.joint.steps=4000 -o runs/ks

      Train longer, from the model of a finished run that extracts parameters:
        kymo train mine.yaml startFrom=runs/mine training.phases.joint.steps=8000 -o runs/longer

      See what would be done, how much memory and time it takes:
        kymo train Recipes/pde-vae/ks.yaml --dry-run

      Ctrl-C finishes the step, saves a checkpoint and ends with status 130 (SIGTERM: 143); a second \
      Ctrl-C ends at once. Continue, also after a crash, with the same numbers as an unbroken run:
        kymo train --resume runs/ks
      """)

  @Argument(help: ArgumentHelp("The recipe, a YAML file.", valueName: "recipe"))
  package var recipe: String?

  @Argument(help: ArgumentHelp("Settings that replace the recipe's.", valueName: "key.sub=value"))
  package var overrides: [String] = []

  @Option(name: [.customShort("o"), .long], help: "The run folder to make.")
  package var output: String?

  @Option(help: ArgumentHelp("Continue the run in this folder.", valueName: "run"))
  package var resume: String?

  @Flag(
    help: "Replace the run that is in the folder; with --resume: go on with other data or settings."
  )
  package var force = false

  @Flag(help: "Print the resolved recipe and the expected memory and time; train nothing.")
  package var dryRun = false

  @Option(help: "Seed of weights, crops and sampling (replaces the recipe's).")
  package var seed: UInt64?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    if resume != nil {
      guard
        recipe == nil, output == nil, !dryRun, seed == nil, compute.device == nil,
        layout.layout == FieldLayout()
      else {
        throw ValidationError(
          "--resume goes on with the recipe, data, seed and device of the run. Give it alone: "
            + "kymo train --resume RUN")
      }
      return
    }
    guard recipe != nil else {
      throw ValidationError("Give a recipe, or --resume RUN. Recipes are in the folder Recipes.")
    }
    guard dryRun || output != nil else {
      throw ValidationError("Say where to put the run: -o RUN")
    }
  }
}
