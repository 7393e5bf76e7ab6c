// Latent steps and training windows of recurrent propagators against plain PyTorch.
import Foundation
import KymoPropagation
import KymoTensor

func benchmarkRecurrent() throws {
  let threads = threadCount
  // One trajectory is one core's work, in Kymo and in the peer.
  setThreadCount(1)
  defer { setThreadCount(threads) }
  line("recurrent propagators", "smallest processor times of one core, PyTorch's too")
  for (units, latents, steps) in [(32, 2, 5000), (128, 8, 1000), (512, 8, 200)] {
    let plain = try peer([
      "Benchmarks/peers/led_lstm_step.py", "--units", "\(units)", "--latents", "\(latents)",
    ])
    let reference = try number(plain, "stepSeconds")
    let configuration = RecurrentConfiguration(unitCount: units)
    let one = try RecurrentSpeed.rollout(
      configuration, latents: latents, batch: 1, steps: steps)
    line(
      "LSTM step, \(units) units, one core",
      """
      \(format(one.seconds * 1e6, 2)) µs, \(format(2 * one.gigaflops, 0)) GB/s of weights; PyTorch \
      \(format(reference * 1e6, 0)) µs: \(format(reference / one.seconds, 0))× faster
      """)
    // float32 sums of up to 520 terms, fed back ten times.
    try difference("difference after 10 steps", one.difference, atMost: 1e-6)
    let many = try RecurrentSpeed.rollout(
      configuration, latents: latents, batch: 32, steps: max(20, steps / 20))
    line(
      "  32 trajectories",
      "\(format(many.seconds * 1e6, 1)) µs a step, \(format(many.gigaflops, 0)) GFLOP/s")
    try difference("difference after 10 steps", many.difference, atMost: 1e-6)
    let window = RecurrentSpeed.window(configuration, latents: latents, batch: 32, length: 20)
    let windowReference = try number(plain, "windowSeconds")
    line(
      "  gradient of a window, 20 × 32",
      """
      \(format(window.seconds * 1e3, 2)) ms, \(format(window.gigaflops, 0)) GFLOP/s; \
      PyTorch's fused LSTM \(format(windowReference * 1e3, 2)) ms: \
      \(format(windowReference / window.seconds))× faster
      """)
    try difference("relative difference", window.difference, atMost: 1e-5)
  }
}
