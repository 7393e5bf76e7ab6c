// Crops of recordings as one tensor, copied in parallel.
import KymoData
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
    // In bounds: one crop's length for each item.
    unsafe batch.withUnsafeMutablePointer { (start: UnsafeMutablePointer<Float>) in
      torchParallelFor(places.count) { item in
        let place = places[item]
        unsafe copyCrop(
          recording: place.recording, timeOffset: place.timeOffset,
          spaceOffsets: place.spaceOffsets, size: place.size, into: start + item * length)
      }
    }
  }
}
