// The reconstruction part of the loss: squared errors of a rollout against the frames of a target
// crop (Lu, Kim and Soljacic 2020, eq. 1), discounted by frame as in the authors' code.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor

/// Mean squared error of rollouts from the first frames of target crops.
struct RolloutLoss {
  let model: ParameterVAE
  let training: ParameterTrainingConfiguration
  let device: Device

  private var cells: [Int] {
    training.targetCrop.dropFirst().map { $0 - 2 * model.kernelNetwork.layout.halo }
  }
  private var frames: Int { training.targetCrop[0] - 1 }

  /// The error of rollouts over `frames` frames under latents `[B, P]`, against crops `[B, C, ≥
  /// frames + 1, X…]` whose halos the rollouts are given.
  func callAsFunction(
    _ latents: Tensor, crops: Tensor, frames: Int, random: (RandomPurpose) -> RandomStream
  ) -> Tensor {
    let layout = model.kernelNetwork.layout
    let kernels = model.kernelNetwork.kernels(latents)
    let truth = crops.sliced(axis: 2, from: 0, to: frames + 1)
    let weights = weights(frames: frames, entries: layout.channels * cells.reduce(1, *))
    var noise: Tensor?
    if training.propagationNoise > 0 {
      var stream = random(.noise)
      let shape = [crops.shape[0], frames, layout.channels] + cells
      noise = Tensor.normal(shape, using: &stream, device: device) * training.propagationNoise
    }
    return training.average(
      model.decoder.errors(
        kernels: kernels, truth: truth, weights: weights, halo: .groundTruth, noise: noise))
  }

  /// Weights of a recording's squared errors by frame: the mean over all entries, discounted by
  /// `q²` with `q = exp(−r·t)` rescaled to mean 1.
  private func weights(frames: Int, entries: Int) -> [Float] {
    let discount = (0..<frames).map { exp(-training.discount * Double($0)) }
    let mean = discount.reduce(0, +) / Double(frames)
    return discount.map { Float($0 / mean * ($0 / mean) / Double(entries * frames)) }
  }

  /// Mean squared difference between the first and the later frames of target crops: the loss of a
  /// decoder that changes nothing.
  func ofPersistence(_ recordings: Recordings, _ probes: [CropPlaces]) -> Double {
    let halo = model.kernelNetwork.layout.halo
    let errors = probes.map { probe -> Double in
      let inner = PlainRollout.inner(recordings.batch(probe.targets), cut: halo, firstAxis: 3)
      let start = inner.sliced(axis: 2, from: 0, to: 1)
      return (inner.sliced(axis: 2, from: 1, to: frames + 1) - start).square().mean().item
    }
    return errors.reduce(0, +) / Double(errors.count)
  }
}
