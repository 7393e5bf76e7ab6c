// Training steps and rollouts of the parameter VAE against plain PyTorch, in one and two dimensions.
import Foundation
import KymoExtraction
import KymoTensor

func benchmarkTraining() throws {
  let plain = try peer(["Benchmarks/peers/pde_vae_step.py", "--threads", "\(threads)"])
  let ceiling = ExtractionSpeed.peak()
  line("multiply-adds in registers", "\(format(ceiling.gigaflops, 0)) GFLOP/s, the ceiling")

  let rollout = ExtractionSpeed.rollout()
  let floor = rollout.operations / ceiling.gigaflops / 1e6
  line(
    "rollout with gradient, 50 × 31",
    """
    \(format(rollout.seconds * 1e3)) ms, \(format(rollout.gigaflops, 0)) GFLOP/s; floor \
    \(format(floor)) ms, \(format(rollout.seconds * 1e3 / floor))× above it; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * 1e3, 0)) ms: \
    \(format(try number(plain, "rolloutSeconds") / rollout.seconds))× faster
    """)

  let step = try ExtractionSpeed.trainingStep()
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
  let rollout = ExtractionSpeed.rollout(steps: 15, cells: [32, 32], repeats: 5)
  line(
    "planes: rollout, 50 × 15",
    """
    \(format(rollout.seconds * 1e3, 0)) ms, \(format(rollout.gigaflops, 0)) GFLOP/s; PyTorch \
    \(format(try number(plain, "rolloutSeconds") * scale * 1e3, 0)) ms (\(part) recordings, times \
    \(format(scale, 0))): \(format(try number(plain, "rolloutSeconds") * scale / rollout.seconds))× \
    faster
    """)
  let encoder = ExtractionSpeed.encoder()
  line(
    "planes: encoder on every 4th",
    "\(format(encoder.seconds * 1e3, 0)) ms, \(format(encoder.gigaflops, 0)) GFLOP/s")
  let reference = try number(plain, "stepSeconds") * scale
  for (name, units) in [("the paper's kernel networks", 0), ("32 hidden units each", 32)] {
    var configuration = ExtractionConfiguration()
    configuration.model.linearWidth = 0
    configuration.model.kernelUnits = units
    configuration.training.inputCrop = [45, 62, 62]
    configuration.training.targetCrop = [16, 44, 44]
    let step = try ExtractionSpeed.trainingStep(
      configuration, field: [64, 96, 96], recordings: 52, repeats: 5)
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
  let (seconds, processor) = try ExtractionSpeed.trainingSteps(count)
  line(
    "training step",
    """
    fastest \(format(seconds[0] * 1e3)) ms, median \(format(seconds[count / 2] * 1e3)) ms; of all \
    processors \(format(processor[0] * 1e3)) ms, \(format(processor[count / 2] * 1e3)) ms
    """)
}
