// Using a trained model: latents with error bars for every recording, and rollouts from the first
// frame (Lu, Kim and Soljacic 2020, section III; the protocol of specification 6.1).
import Foundation
public import KymoData
public import KymoMetrics
public import KymoNumerics
import KymoTensor

extension ParameterVAE {
  /// Latents of recordings, each seen whole.
  ///
  /// Periodic axes are continued around, so that every mesh point counts; time is not padded.
  ///
  /// - Parameters:
  ///   - recordings: Recordings of the model's kind.
  ///   - range: Which of them.
  ///   - encoderStride: Spacing of the positions that are evaluated: 1 (all, the paper), 2 or 4.
  ///   - progress: Called with the number of finished recordings.
  /// - Returns: Mean and standard deviation of every latent, one entry a recording.
  /// - Throws: ``ModelError`` when the recordings do not fit the model.
  public func extract(
    _ recordings: Recordings, range: Range<Int>, encoderStride: Int = 1,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> [ExtractionResults.RecordingLatents] {
    try checkFit(recordings)
    let lattice = EncoderLattice(rawValue: encoderStride) ?? .dense
    // Some tens of megabytes of features at a time.
    let block = max(1, 2_000_000 * encoderStride * encoderStride / recordings.recordingLength / 16)
    var result: [ExtractionResults.RecordingLatents] = []
    for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
      let part = start..<min(start + block, range.upperBound)
      let (means, deviations) = withoutGradients {
        let latents = distribution(encoderInput(recordings, part).to(device), lattice: lattice)
        return (latents.mean.doubles, (latents.logVariance * 0.5).exp().doubles)
      }
      for (row, index) in part.enumerated() {
        let entries = row * configuration.latents..<(row + 1) * configuration.latents
        result.append(
          ExtractionResults.RecordingLatents(
            recording: index, mean: Array(means[entries]),
            standardDeviation: Array(deviations[entries]),
            parameters: recordings.parameters(of: index)))
      }
      try progress(result.count)
    }
    return result
  }

  /// σ_z² that a latent which carries nothing has on whole recordings of this shape: it was 1 on
  /// training crops, and the number of independent patches grew (specification 2.7).
  public func collapsedVariance(for recordings: Recordings) -> Double {
    guard !trainedMap.isEmpty else { return 1 }
    return KymoMetrics.collapsedVariance(
      mapShape: encoderInputShape(recordings).map { $0 - DynamicsEncoder.shrinkage },
      trainingMapShape: trainedMap)
  }

  /// Predicted frames of recordings from their first frame, `[recordings, C, frames, X]`.
  ///
  /// - Parameters:
  ///   - recordings: Recordings of the model's kind; only first frames are used, unless the border
  ///     is the truth.
  ///   - range: Which of them.
  ///   - latents: Latents of every recording in `range`, such as the means that ``extract`` found.
  ///   - frames: Number of frames to predict.
  ///   - border: What lies beyond the last cell; periodic data take `.periodic`.
  /// - Returns: The predicted frames.
  /// - Throws: ``ModelError`` when the recordings do not fit the model.
  public func rollout(
    _ recordings: Recordings, range: Range<Int>, latents: [[Double]], frames: Int,
    border: RolloutBorder
  ) throws -> HostArray<Float> {
    try checkFit(recordings)
    precondition(latents.count == range.count, "rollout: \(latents.count) latents for \(range)")
    let shape = [range.count] + recordings.shape.dropFirst()
    let truth = Tensor.zeros(shape)
    // In bounds: one whole recording for each item.
    unsafe truth.withUnsafeMutablePointer { (start: UnsafeMutablePointer<Float>) in
      for (item, index) in range.enumerated() {
        unsafe recordings.copyCrop(
          recording: index, timeOffset: 0,
          spaceOffsets: [Int](repeating: 0, count: recordings.spaceRank),
          size: Array(recordings.shape[2...]), into: start + item * recordings.recordingLength)
      }
    }
    let z = Tensor(latents.flatMap { $0.map(Float.init) }, shape: [range.count, latents[0].count])
    return withoutGradients {
      self.rollout(
        latents: z.to(device), truth: truth.to(device), steps: frames, border: border
      ).hostArray
    }
  }

  private func checkFit(_ recordings: Recordings) throws {
    guard recordings.channelCount == field.channels, recordings.spaceRank == field.spaceAxes else {
      throw ModelError(
        """
        The recordings have \(recordings.channelCount) channels and \(recordings.spaceRank) space \
        axes, but the model was trained on \(field.channels) and \(field.spaceAxes). Use a file of \
        the same kind as the training data.
        """)
    }
    let seen = encoderInputShape(recordings)
    guard seen.allSatisfy({ $0 > DynamicsEncoder.shrinkage }) else {
      throw ModelError(
        """
        The recordings have \(recordings.frameCount) frames of \(recordings.spaceShape) points; the \
        encoder needs at least 31 frames, and 31 points along axes that are not periodic.
        """)
    }
  }

  /// Frames and cells that the encoder sees of a whole recording.
  private func encoderInputShape(_ recordings: Recordings) -> [Int] {
    [recordings.frameCount]
      + zip(recordings.spaceShape, recordings.boundary).map {
        $1 == .periodic ? $0 + DynamicsEncoder.shrinkage : $0
      }
  }

  /// Whole recordings, continued around periodic axes by half the receptive field on both sides.
  private func encoderInput(_ recordings: Recordings, _ range: Range<Int>) -> Tensor {
    let size = encoderInputShape(recordings)
    let offsets = zip(recordings.spaceShape, recordings.boundary).map { points, kind in
      kind == .periodic
        ? (points - DynamicsEncoder.shrinkage / 2 % points) % points : 0
    }
    let batch = Tensor.zeros([range.count, recordings.channelCount] + size)
    let length = recordings.channelCount * size.reduce(1, *)
    // In bounds: one crop's length for each item.
    unsafe batch.withUnsafeMutablePointer { (start: UnsafeMutablePointer<Float>) in
      for (item, index) in range.enumerated() {
        unsafe recordings.copyCrop(
          recording: index, timeOffset: 0, spaceOffsets: offsets, size: size,
          into: start + item * length)
      }
    }
    return batch
  }
}

extension Recordings {
  /// Known parameters of a recording; empty when the file has none.
  func parameters(of index: Int) -> [Double] {
    guard let params else { return [] }
    let width = params.shape[1]
    return params.elements[index * width..<(index + 1) * width].map(Double.init)
  }
}
