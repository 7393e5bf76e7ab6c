// kymo extract: the arguments; the work is in kymo-engine.
package import ArgumentParser

/// Extracts latent parameters from recordings.
package struct Extract: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Extract the latent parameters of every recording, with error bars.",
    discussion: """
      Example:
        kymo extract runs/ks data/ks-test.npz -o ks-latents

      Writes ks-latents.csv and ks-latents.npz: mean and standard deviation of every latent for \
      every recording, which latents are relevant, and the known parameters where the file has them.

      With --fit-crops 8 the encoder's latents are fitted to the decoder: they are those whose \
      forecasts follow eight pieces of the recording best. It is slower, and better where the \
      encoder has seen too few recordings of a kind.
      """)

  @Argument(help: "The run folder.")
  package var run: String

  @Argument(help: "The recordings, files that inspect reads.")
  package var files: [String]

  @Option(
    name: [.customShort("o"), .long],
    help: "Where to write, with or without extension (default: RUN/extracted-FILE).")
  package var output: String?

  @Option(
    help: """
      Pieces of each recording on which its latents are fitted to the decoder (default: as \
      evaluation.fitCrops of the run's recipe).
      """)
  package var fitCrops: Int?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var dataUse: DataUseOptions
  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}
}
