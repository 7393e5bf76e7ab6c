// Using a trained model: latents with error bars for every recording, and rollouts from the first
// frame (Lu, Kim and Soljacic 2020, section IV).
import Foundation
public import KymoData
public import KymoMetrics
import KymoNN
public import KymoNumerics
import KymoTensor

extension ParameterVAE {
  /// Latents of recordings, each seen whole.
  ///
  /// Periodic axes are continued around, so that every mesh point counts; time is not padded. Large
  /// recordings are evaluated in tiles, which gives the same sums in bounded memory.
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
  ) throws -> [ExtractedLatents] {
    try checkFit(recordings)
    let recordings = inModelUnits(recordings)
    let lattice = EncoderLattice(rawValue: encoderStride) ?? .dense
    let tile = encoderTile(recordings, lattice: lattice)
    let seen = tile.map { $0 + DynamicsEncoder.shrinkage }
    // The fused encoders work on one recording a thread and keep no maps.
    let least = path == .operations ? 1 : field.spaceAxes == 1 ? 4 * threadCount : threadCount
    let block = max(
      least, Self.encoderMemory / encoder.workingSize(input: seen, lattice: lattice))
    var result: [ExtractedLatents] = []
    for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
      let part = start..<min(start + block, range.upperBound)
      let (means, deviations) = withoutGradients {
        let latents = wholeDistribution(recordings, part, lattice: lattice, tile: tile)
        return (latents.mean.doubles, (latents.logVariance * 0.5).exp().doubles)
      }
      for (row, index) in part.enumerated() {
        let entries = row * configuration.latents..<(row + 1) * configuration.latents
        result.append(
          ExtractedLatents(
            recording: index, mean: Array(means[entries]),
            standardDeviation: Array(deviations[entries]),
            parameters: recordings.parameters(of: index)))
      }
      try progress(result.count)
    }
    return result
  }

  /// σ_z² that a latent which carries nothing has on whole recordings of this shape: it was 1 on
  /// training crops, and the number of independent patches grew (Appendix E).
  public func collapsedVariance(for recordings: Recordings) -> Double {
    guard !trainedMap.isEmpty else { return 1 }
    return KymoMetrics.collapsedVariance(
      mapShape: encoderInputShape(recordings).map { $0 - DynamicsEncoder.shrinkage },
      trainingMapShape: trainedMap)
  }

  /// Predicted frames of recordings from their first frame, `[recordings, frames, C, X…]`.
  ///
  /// The outermost ``givenCells(_:)`` are the recording's.
  ///
  /// - Parameters:
  ///   - recordings: Recordings of the model's kind; only first frames are used, unless the halo
  ///     is the ground truth.
  ///   - range: Which of them.
  ///   - latents: Latents of every recording in `range`, such as the means that ``extract`` found.
  ///   - frames: Number of frames to predict.
  ///   - halo: Where the cells beyond the last one come from; `Halo(recordings.boundary)` suits.
  /// - Returns: The predicted frames, in the units of `recordings`.
  /// - Throws: ``ModelError`` when the recordings do not fit the model.
  public func rollout(
    _ recordings: Recordings, range: Range<Int>, latents: [[Double]], frames: Int,
    halo: Halo
  ) throws -> HostArray<Float> {
    try checkFit(recordings)
    let givenUnits = recordings.scaling
    let recordings = inModelUnits(recordings)
    precondition(latents.count == range.count, "rollout: \(latents.count) latents for \(range)")
    // Other halos than the truth need no more than the first frame.
    let size = [halo == .groundTruth ? recordings.frameCount : 1] + recordings.spaceShape
    let origin = [Int](repeating: 0, count: recordings.spaceRank)
    let truth = recordings.batch(
      range.map { CropPlace(recording: $0, timeOffset: 0, spaceOffsets: origin, size: size) })
    let z = Tensor(latents.flatMap { $0.map(Float.init) }, shape: [range.count, latents[0].count])
    var predicted = withoutGradients {
      let inner = self.rollout(
        latents: z.to(device), truth: truth.to(device), steps: frames, halo: halo)
      let given = givenCells(halo)
      guard given > 0 else { return inner.hostArray }
      let whole = truth.to(device).sliced(axis: 2, from: 1, to: frames + 1).clone()
      let cells = recordings.spaceShape.indices.reduce(whole) {
        $0.sliced(axis: 3 + $1, from: given, to: recordings.spaceShape[$1] - given)
      }
      cells.copyInPlace(from: inner)
      return whole.hostArray
    }
    if givenUnits == nil {
      field.scaling?.unscale(&predicted, cells: predicted.shape[2...].reduce(1, *))
    }
    return predicted.exchanged(1)
  }

  /// Cells at each end of every space axis that a rollout takes from its recording, so that no
  /// error can be in them.
  public func givenCells(_ halo: Halo) -> Int {
    halo == .groundTruth ? kernelNetwork.layout.halo : 0
  }

  /// The recordings as the model saw those that it was trained on.
  func inModelUnits(_ recordings: Recordings) -> Recordings {
    guard let scaling = field.scaling, recordings.scaling == nil else { return recordings }
    return recordings.scaled(by: scaling)
  }

  private func checkFit(_ recordings: Recordings) throws {
    guard recordings.channelCount == field.channels, recordings.spaceRank == field.spaceAxes else {
      throw ModelError(
        """
        The recordings have \(counted(recordings.channelCount, "channel")) in \
        \(recordings.spaceRank)D, but the model was trained on \
        \(counted(field.channels, "channel")) in \(field.spaceAxes)D. Use a file of the same kind \
        as the training data.
        """)
    }
    let seen = encoderInputShape(recordings)
    guard seen.allSatisfy({ $0 > DynamicsEncoder.shrinkage }) else {
      throw ModelError(
        """
        The recordings have \(counted(recordings.frameCount, "frame")) of \
        \(recordings.spaceShape) points; the encoder \
        needs at least 31 frames, and 31 points along axes that are not periodic.
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

  /// Floats of features that an evaluation may hold at a time: 160 MB.
  private static let encoderMemory = 40_000_000

  /// Positions of the output map along every axis that are evaluated at a time: the whole map,
  /// halved along its longest axis until its features fit.
  func encoderTile(
    _ recordings: Recordings, lattice: EncoderLattice, memory: Int = encoderMemory
  ) -> [Int] {
    var tile = encoderInputShape(recordings).map { $0 - DynamicsEncoder.shrinkage }
    // Shorter tiles would compute little but their surroundings.
    while let longest = tile.indices.max(by: { tile[$0] < tile[$1] }), tile[longest] >= 16 {
      let seen = tile.map { $0 + DynamicsEncoder.shrinkage }
      if encoder.workingSize(input: seen, lattice: lattice) <= memory { break }
      // A whole number of lattice cells, so that all tiles lie on the same lattice.
      let spacing = lattice.rawValue
      tile[longest] = (tile[longest] / 2 + spacing - 1) / spacing * spacing
    }
    return tile
  }

  /// The distribution of the latents over whole recordings, evaluated tile by tile.
  func wholeDistribution(
    _ recordings: Recordings, _ range: Range<Int>, lattice: EncoderLattice, tile: [Int]
  ) -> LatentDistribution {
    let seen = encoderInputShape(recordings)
    let map = seen.map { $0 - DynamicsEncoder.shrinkage }
    var corners: [[Int]] = [[]]
    for axis in map.indices {
      corners = corners.flatMap { corner in
        stride(from: 0, to: map[axis], by: tile[axis]).map { corner + [$0] }
      }
    }
    if tile == map, encoder.isFused {
      let input = encoderInput(recordings, range, corner: [0, 0], size: seen)
      return normalizing(encoder.encode(input, lattice: lattice))
    }
    let parts = corners.map { corner in
      let size = corner.indices.map {
        min(tile[$0], map[$0] - corner[$0]) + DynamicsEncoder.shrinkage
      }
      let input = encoderInput(recordings, range, corner: corner, size: size)
      return encoder.pool(input.to(device), lattice: lattice)
    }
    return normalizing(DynamicsEncoder.combine(parts, inputShape: seen))
  }

  /// A part of what the encoder sees of whole recordings, which are continued around periodic axes
  /// by half the receptive field on both sides; `corner` counts from the first cell seen.
  private func encoderInput(
    _ recordings: Recordings, _ range: Range<Int>, corner: [Int], size: [Int]
  ) -> Tensor {
    let offsets = recordings.boundary.indices.map { axis in
      let points = recordings.spaceShape[axis]
      let first = recordings.boundary[axis] == .periodic ? DynamicsEncoder.shrinkage / 2 : 0
      return ((corner[1 + axis] - first) % points + points) % points
    }
    return recordings.batch(
      range.map {
        CropPlace(recording: $0, timeOffset: corner[0], spaceOffsets: offsets, size: size)
      })
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
