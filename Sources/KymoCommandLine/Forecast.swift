// kymo forecast: the arguments; the work is in kymo-engine.
package import ArgumentParser

/// Forecasts recordings with a trained run.
package struct MakeForecast: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "Forecast recordings with a trained run, with or without a solver.",
    discussion: """
      Example, 500 frames after the first 20 of every recording:
        kymo forecast runs/fhn mine.npz --warm-up 20 --horizon 500 -o forecast.npz

      Rounds of 50 latent steps and 10 steps of a solver, built in or a program of your own:
        kymo forecast runs/fhn mine.npz --macro 50 --micro 10 --solver fhn -o forecast.npz
        kymo forecast runs/mine mine.npz --macro 50 --micro 10 --solver 'python3 solver.py' -o f.npz

      With a law that kymo discover found in these recordings, or with other parameters of it:
        kymo forecast runs/mine mine.npz --macro 50 --micro 10 --solver law/law.json -o f.npz
        --solver '{law: {file: law/law.json, theta: [0.9]}}'

      With everything that a recipe may say of it, as in YAML:
        --solver '{process: {command: [python3, solver.py], folder: my code, frameSeconds: 600}}'

      Switching by the disagreement of the run's ensemble:
        kymo forecast runs/fhn mine.npz --adaptive --solver fhn -o forecast.npz

      A run that extracts parameters rolls its decoder out from the first frame, with the latents \
      that it reads from the recording.

      Writes an NPZ or HDF5 file: x (recordings, channels, time, space) as other verbs read it, latents \
      (recordings, time, latents), origin (recordings, time; 0 latent, 1 solver), diverged and \
      outside (recordings; the first frame that is not finite, or far outside the range of the \
      training data, or -1). Where the file goes on after the \
      warm-up, errors are printed.
      """)

  @Argument(help: "The run folder.")
  package var run: String

  @Argument(help: "The recordings to start from, files that inspect reads.")
  package var files: [String]

  @Option(
    name: [.customShort("o"), .long],
    help: "The file to write: HDF5 where it ends with .h5 or .hdf5, else NPZ.")
  package var output: String

  @Option(help: "Frames to forecast (default: those of the file after the warm-up).")
  package var horizon: Int?

  @Option(name: .customLong("warm-up"), help: "Known frames to start from (default: the recipe's).")
  package var warmUp: Int?

  @Option(help: "Latent steps of a round with the solver.")
  package var macro: Int?

  @Option(help: "Solver steps of a round.")
  package var micro: Int?

  @Flag(help: "Switch between latents and the solver by the disagreement of the ensemble.")
  package var adaptive = false

  @Option(
    help: ArgumentHelp(
      """
      The solver: fhn, ks22, cylinder, particles, mueller-brown, a law.json, a program with arguments, \
      or as in a recipe.
      """,
      valueName: "solver"))
  package var solver: String?

  @Option(
    name: .customLong("initial-conditions"),
    help: ArgumentHelp(
      "Forecast this many windows drawn from the file, not the beginning of each recording.",
      valueName: "count"))
  package var initialConditions: Int?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var dataUse: DataUseOptions
  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    for (name, value) in [
      ("--horizon", horizon), ("--warm-up", warmUp), ("--initial-conditions", initialConditions),
    ] {
      if let value, value < 1 {
        throw ValidationError("\(name) is \(value), but must be at least 1.")
      }
    }
    for (name, value) in [("--macro", macro), ("--micro", micro)] {
      if let value, value < 0 {
        throw ValidationError("\(name) is \(value), but must be at least 0.")
      }
    }
    guard (macro == nil) == (micro == nil) else {
      throw ValidationError("--macro and --micro describe a round together: give both or neither.")
    }
    guard !adaptive || macro == nil else {
      throw ValidationError(
        "--adaptive decides by itself when to switch: leave --macro and --micro.")
    }
  }
}
