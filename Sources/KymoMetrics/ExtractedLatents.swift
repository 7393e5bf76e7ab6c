// What an encoder says of one recording: the input of every statistic of latents.

/// One recording: what is known and what was extracted.
public struct ExtractedLatents: Codable, Hashable, Sendable {
  /// Index in the data file.
  public var recording: Int
  /// μ_z of every latent.
  public var mean: [Double]
  /// σ_z of every latent.
  public var standardDeviation: [Double]
  /// Known parameters; empty when the file has none.
  public var parameters: [Double]

  /// Creates the latents of one recording.
  public init(
    recording: Int, mean: [Double], standardDeviation: [Double], parameters: [Double]
  ) {
    self.recording = recording
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.parameters = parameters
  }
}

extension [ExtractedLatents] {
  /// μ_z of the given latents, one list for each latent.
  func columns(of latents: [Int]) -> [[Double]] {
    latents.map { latent in map { $0.mean[latent] } }
  }
}
