// Whether the crops of a training fit its recordings.
import KymoData
import KymoNumerics

extension TrainingConfiguration {
  /// Throws for the first crop that cannot be cut from the recordings.
  func validateCrops(of recordings: Recordings) throws(ConfigurationError) {
    for (name, crop) in [("inputCrop", inputCrop), ("targetCrop", targetCrop)] {
      try require(
        crop.count == 1 + recordings.spaceRank, "training.\(name)", found: "\(crop)",
        allowed: "frames and cells of \(recordings.spaceRank) space axes",
        remedy: "The recordings have the shape \(recordings.shape).")
      try require(
        crop[0] <= recordings.frameCount, "training.\(name)", found: "\(crop)",
        allowed: "at most \(recordings.frameCount) frames, which the recordings have",
        remedy: "Make the crop shorter.")
      for (axis, kind) in recordings.boundary.enumerated() where kind != .periodic {
        try require(
          crop[1 + axis] <= recordings.spaceShape[axis], "training.\(name)", found: "\(crop)",
          allowed: "at most \(recordings.spaceShape[axis]) cells, which the recordings have",
          remedy: "Make the crop smaller, or declare the axis periodic if it is.")
      }
    }
  }
}
