// What is said of a training in progress.
import KymoExtraction
import KymoNN
import KymoNumerics

extension TrainingProgress {
  /// The line that a terminal shows.
  package var words: String {
    let (step, loss) = (latest.step, Words.number(latest.loss))
    if let stage = latest.stage {
      let validation = latest.validation.map { ", validation \(Words.number($0))" } ?? ""
      return "\(stage): epoch \(step) of at most \(totalSteps), loss \(loss)\(validation)"
    }
    let start = "step \(step) of \(totalSteps), loss \(loss)"
    // A law is found in one step, which has neither reconstruction nor latents.
    guard latest.scalars["reconstruction"] != nil else { return start }
    return """
      \(start) (error \(Words.number(latest.reconstruction)), KL divergence \
      \(Words.number(latest.klDivergence))), \
      \(counted(latest.relevantLatents, "relevant latent")), \(Words.number(stepsPerSecond)) steps/s, \
      \(Words.time(secondsLeft)) left
      """
  }
}
