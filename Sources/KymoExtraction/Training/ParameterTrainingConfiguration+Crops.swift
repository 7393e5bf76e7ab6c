// Whether the crops of a training fit its recordings.
import KymoData
import KymoNumerics

extension ParameterTrainingConfiguration {
  /// Throws for the first crop that cannot be cut from the recordings.
  func validateCrops(of recordings: Recordings) throws(ConfigurationError) {
    for (name, crop) in [("inputCrop", inputCrop), ("targetCrop", targetCrop)] {
      try validate(crop: crop, "training.\(name)", of: recordings)
    }
  }

  /// Throws if a crop cannot be cut from the recordings.
  func validate(
    crop: [Int], _ path: String, of recordings: Recordings
  ) throws(ConfigurationError) {
    try require(
      crop.count == 1 + recordings.spaceRank, path, found: "\(crop)",
      allowed: "frames and cells of \(recordings.spaceRank) space axes",
      remedy: "The recordings have the shape \(recordings.shape).")
    try require(
      crop[0] <= recordings.frameCount, path, found: "\(crop)",
      allowed: "at most \(recordings.frameCount) frames, which the recordings have",
      remedy: "Make the crop shorter.")
    for (axis, kind) in recordings.boundary.enumerated() where kind != .periodic {
      try require(
        crop[1 + axis] <= recordings.spaceShape[axis], path, found: "\(crop)",
        allowed: "at most \(recordings.spaceShape[axis]) cells, which the recordings have",
        remedy: "Make the crop smaller, or declare the axis periodic if it is.")
    }
  }
}
