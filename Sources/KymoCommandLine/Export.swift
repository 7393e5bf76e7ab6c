// kymo export: the arguments; the work is in kymo-engine.
package import ArgumentParser

/// Writes the networks of a run for other programs.
package struct Export: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Write the networks of a run as ONNX, which other programs run.",
    discussion: """
      Example:
        kymo export runs/ks ks.onnx

      Writes ks-encoder.onnx and ks-decoder.onnx; of effective dynamics also ks-propagator.onnx, or \
      one for each member of the ensemble. A decoder of a parameter VAE is one step from a state to \
      the next, a propagator one step of latents and their memory. All take and give numbers in the \
      units of the training recordings. docs/python.md says what the inputs are.
      """)

  @Argument(help: "The run folder.")
  package var run: String

  @Argument(help: "Where to write: NAME.onnx becomes NAME-encoder.onnx and so on.")
  package var output: String

  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}
}
