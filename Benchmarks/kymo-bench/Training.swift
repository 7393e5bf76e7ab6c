// Training steps and rollouts of the parameter VAE against plain PyTorch, in one and two
// dimensions.
import Foundation
import KymoExtraction
import KymoTensor

func benchmarkTraining() throws {
  let plain = try peer(["Benchmarks/peers/pde_vae_step.py", "--threads", "\(threads)"])
  let ceiling = ExtractionSpeed.peak()
  line("multiply-adds in registers", "\(format(ceiling, 0)) GFLOP/s, the ceiling")

  let (timing, error) = ExtractionSpeed.rollout()
  let (rollout, floor) = (timing.median, timing.operations / ceiling / 1e6)
  line(
    "rollout with gradient, 50 × 31",
    """
    \(format(rollout * 1e3)) ms, \(format(timing.gigaflops(rollout), 0)) GFLOP/s; floor \
    \(format(floor)) ms, \(format(rollout * 1e3 / floor))× above it; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * 1e3, 0)) ms: \
    \(format(try number(plain, "rolloutSeconds") / rollout))× faster
    """)
  // The bound that tests hold the kernel to.
  try difference("relative difference", error, atMost: 1e-5)

  let step = try ExtractionSpeed.trainingSteps().median
  let reference = try number(plain, "stepSeconds")
  line(
    "training step, batch 50, T = 31",
    """
    \(format(step * 1e3)) ms; plain PyTorch \(format(reference * 1e3, 0)) ms: \
    \(format(reference / step))× faster
    """)
}

/// Convection and diffusion in two space dimensions: the paper's crops, batch and rollout.
func benchmarkPlanes() throws {
  // The dense peer takes minutes for 50 recordings and its time is proportional to them.
  let part = 5
  let plain = try peer([
    "Benchmarks/peers/pde_vae_step.py", "--threads", "\(threads)", "--planes", "--batch",
    "\(part)", "--repeats", "1",
  ])
  let scale = 50 / Double(part)
  let (timing, error) = ExtractionSpeed.rollout(steps: 15, cells: [32, 32], repeats: 5)
  let rollout = timing.median
  line(
    "planes: rollout, 50 × 15",
    """
    \(format(rollout * 1e3, 0)) ms, \(format(timing.gigaflops(rollout), 0)) GFLOP/s; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * scale * 1e3, 0)) ms (\(part) recordings, times \
    \(format(scale, 0))): \(format(try number(plain, "rolloutSeconds") * scale / rollout))× \
    faster
    """)
  try difference("relative difference", error, atMost: 1e-5)
  let (encoder, encoderError) = ExtractionSpeed.encoder()
  line(
    "planes: encoder on every 4th",
    """
    \(format(encoder.median * 1e3, 0)) ms, \(format(encoder.gigaflops(encoder.median), 0)) GFLOP/s
    """)
  try difference("relative difference", encoderError, atMost: 1e-5)
  let reference = try number(plain, "stepSeconds") * scale
  for (name, units) in [("the paper's kernel networks", 0), ("32 hidden units each", 32)] {
    var configuration = ExtractionConfiguration()
    configuration.model.linearWidth = 0
    configuration.model.kernelUnits = units
    configuration.training.inputCrop = [45, 62, 62]
    configuration.training.targetCrop = [16, 44, 44]
    let step = try ExtractionSpeed.trainingSteps(
      5, configuration, field: [64, 96, 96], recordings: 52
    ).median
    line(
      "planes: training step",
      """
      \(format(step * 1e3, 0)) ms with \(name); plain dense PyTorch \(format(reference, 1)) s (as \
      above): \(format(reference / step, 0))× faster
      """)
  }
}

/// For a profiler, and for a busy machine, where only the fastest step says something.
func repeatSteps(_ count: Int) throws {
  let timing = try ExtractionSpeed.trainingSteps(count)
  let processor = timing.processor
  line(
    "training step",
    """
    fastest \(format(timing.fastest * 1e3)) ms, median \(format(timing.median * 1e3)) ms; of all \
    processors \(format(processor[0] * 1e3)) ms, \(format(processor[count / 2] * 1e3)) ms
    """)
}
