// Crops of recordings as one tensor, copied in parallel: the border at which axes change their
// order.
//
// Recordings hand out `[time, C, x…]`. The parameter VAE convolves over time and space together, so
// its tensors and fused kernels hold `[B, C, time, x…]` throughout; here the one becomes the other
// (for one channel without a copy), and ``ParameterVAE/rollout(_:range:latents:frames:border:)``
// turns its answer back.
import KymoData
import KymoNumerics
import KymoTensor

extension Recordings {
  /// Crops of one size, `[places, C, frames, X…]`.
  func batch(_ places: [CropPlace]) -> Tensor {
    let batch = Tensor.zeros([places.count, channelCount] + places[0].size)
    fill(batch, places)
    return batch
  }

  /// Fills a batch of as many crops, each of the batch's size.
  func fill(_ batch: Tensor, _ places: [CropPlace]) {
    let length = batch.shape.dropFirst().reduce(1, *)
    let channels = channelCount
    // In bounds: one crop's length for each item.
    unsafe batch.withUnsafeMutablePointer { (start: UnsafeMutablePointer<Float>) in
      torchParallelFor(places.count) { item in
        let place = places[item]
        let target = unsafe start + item * length
        guard channels > 1 else {
          return unsafe copyCrop(
            recording: place.recording, timeOffset: place.timeOffset,
            spaceOffsets: place.spaceOffsets, size: place.size, into: target)
        }
        unsafe crop(place).exchanged(0).elements.withUnsafeBufferPointer { crop in
          if let source = crop.baseAddress { unsafe target.update(from: source, count: length) }
        }
      }
    }
  }
}
