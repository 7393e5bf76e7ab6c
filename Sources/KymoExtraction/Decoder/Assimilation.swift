// Where rollouts of noisy recordings start: states that the decoder has assimilated from several
// frames.
//
// A rollout from one noisy frame contains the frame's noise. A decoder that is trained on such
// rollouts learns to smooth, and latents fitted to them overestimate damping. So rollouts start
// from states that follow the recording,
//   x̂₀ = y₀,   x̂ₜ = f(x̂ₜ₋₁) + gₜ (yₜ − f(x̂ₜ₋₁)),   gₜ = max(1/(t + 1), g_min),
// f a step of the decoder, yₜ the frames: nudging, with Kalman's gain for an accurate decoder
// (Kalman, J. Basic Eng. 82, 1960, with a state that each frame observes with the same error). With
// m frames assimilated, up to 1/g_min, the variance of the noise is about 1/(m + 1) of a frame's.
// Halos come from x̂ as well. A target is a frame as it was recorded: its noise is in no x̂ of an
// earlier frame, so that it adds a constant to the loss.
import KymoData
import KymoNumerics
import KymoTensor

/// The start of rollouts of noisy recordings.
struct Assimilation {
  /// Least weight g_min of a frame, for a decoder whose error in a step is some hundredths of the
  /// noise.
  private static let leastGain = 0.125

  /// Frames m before the first one of a rollout.
  let frames: Int
  /// Cells of a rollout's halo.
  let halo: Int

  /// - Returns: nil for recordings without noise, whose frames are states.
  init?(frames: Int, halo: Int) {
    guard frames > 0 else { return nil }
    (self.frames, self.halo) = (frames, halo)
  }

  /// Whether recordings have the frames, and as many cells as a halo beyond all halos.
  func fits(_ recordings: Recordings) -> Bool {
    recordings.frameCount >= frames + 2
      && zip(recordings.spaceShape, recordings.boundary).allSatisfy {
        $1 == .periodic || $0 >= 5 * halo
      }
  }

  /// Frames and cells of what ``starts(_:atFirstFrame:latents:model:)`` turns into crops of a size.
  func size(for size: [Int]) -> [Int] {
    [size[0] + frames] + size.dropFirst().map { $0 + 2 * halo }
  }

  /// Crops whose targets are as they were recorded, and in which what rollouts start from is
  /// assimilated; without gradients.
  ///
  /// Nothing comes before a recording's first frame, where fields are often roughest and noise
  /// matters least: a crop that begins there starts with the frame itself, and its later frames are
  /// dropped.
  ///
  /// - Parameters:
  ///   - crops: `[B, C, m + F, X + 2 · halo…]`.
  ///   - atFirstFrame: Which of them begin with a recording's first frame.
  ///   - latents: `[B, P]`.
  ///   - model: Whose decoder assimilates.
  /// - Returns: `[B, C, F, X…]`, on the model's device.
  func starts(
    _ crops: Tensor, atFirstFrame: [Bool], latents: Tensor, model: ParameterVAE
  ) -> Tensor {
    withoutGradients {
      let crops = crops.to(model.device)
      let kernels = model.kernelNetwork.kernels(latents)
      let states = states(crops) {
        model.decoder.predict(kernels: kernels, truth: $0, steps: 1, halo: .groundTruth)
      }
      let result = beginning(states, atFirstFrame)
      let recorded = beginning(
        PlainRollout.inner(crops, cut: halo, firstAxis: 3), atFirstFrame)
      PlainRollout.inner(result.sliced(axis: 2, from: 1), cut: halo, firstAxis: 3)
        .copyInPlace(
          from: PlainRollout.inner(recorded.sliced(axis: 2, from: 1), cut: halo, firstAxis: 3))
      return result
    }
  }

  /// x̂ at all frames of crops, `[B, C, m + F, X…]`.
  private func states(_ crops: Tensor, advance: (Tensor) -> Tensor) -> Tensor {
    let recorded = PlainRollout.inner(crops, cut: halo, firstAxis: 3)
    var state = recorded.sliced(axis: 2, from: 0, to: 1)
    var states = [state]
    for time in 1..<crops.shape[2] {
      let surrounded = crops.sliced(axis: 2, from: time - 1, to: time).clone()
      PlainRollout.inner(surrounded, cut: halo, firstAxis: 3).copyInPlace(from: state)
      let forecast = advance(surrounded)
      let gain = max(1 / Double(time + 1), Self.leastGain)
      state = forecast + (recorded.sliced(axis: 2, from: time, to: time + 1) - forecast) * gain
      states.append(state)
    }
    return .concatenated(states, axis: 2)
  }

  /// The F frames of every crop that a rollout begins with.
  private func beginning(_ all: Tensor, _ atFirstFrame: [Bool]) -> Tensor {
    let length = all.shape[2] - frames
    return .concatenated(
      atFirstFrame.enumerated().map { item, isFirst in
        let first = isFirst ? 0 : frames
        return all.sliced(axis: 0, from: item, to: item + 1)
          .sliced(axis: 2, from: first, to: first + length)
      }, axis: 0)
  }
}
