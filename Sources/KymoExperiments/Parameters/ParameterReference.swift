// How well a decoder follows recordings, and where their latents lie, in training: what an
// extracted parameter of another recording is measured against.
import Foundation
import KymoData
import KymoExtraction
import KymoMetrics
import KymoNumerics

/// Latents and errors of at most 100 training recordings, in `reference.json` of a model.
struct ParameterReference: Codable, Hashable, Sendable {
  /// The least and the largest mean of every latent.
  var latentRanges: [[Double]]
  /// One-crop errors, the least first.
  var errors: [Double]

  private static let fileName = "reference.json"
  private static let sample = 100

  /// Measures a trained model on its training recordings.
  init(_ model: ParameterVAE, _ recordings: Recordings, encoderStride: Int) throws {
    let count = min(recordings.count, Self.sample)
    var read: [ExtractedLatents] = []
    for place in 0..<count {
      let index = place * recordings.count / count
      read += try model.extract(recordings, range: index..<index + 1, encoderStride: encoderStride)
    }
    latentRanges = (0..<model.configuration.latents).map { latent in
      let means = read.map { $0.mean[latent] }.filter(\.isFinite)
      return [means.min() ?? 0, means.max() ?? 0]
    }
    errors = try model.oneCropErrors(recordings, read).filter(\.isFinite).sorted()
  }

  func write(to folder: URL) throws {
    try AtomicFile.write(
      JSONEncoder().encode(self), to: folder.appending(path: Self.fileName))
  }

  /// Reads it; nil for models of before, which have none.
  static func read(from folder: URL, latents: Int) throws -> ParameterReference? {
    let file = folder.appending(path: fileName)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let reference = try SettingsTree(json: Data(contentsOf: file))
      .decode(ParameterReference.self, source: file.relativePath)
    guard reference.latentRanges.count == latents,
      reference.latentRanges.allSatisfy({ $0.count == 2 })
    else {
      throw ModelDataError(
        file.relativePath, found: "ranges of \(reference.latentRanges.count) latents",
        allowed: "two ends of the ranges of \(latents)",
        remedy: "Restore the file or train again.")
    }
    return reference
  }

  /// The part of the training recordings that have a smaller error, in percent.
  func percentile(of error: Double) -> Double {
    guard error.isFinite, !errors.isEmpty else { return 100 }
    return 100 * Double(errors.count { $0 < error }) / Double(errors.count)
  }

  /// Why the model does not hold for a recording; nil when nothing speaks against it.
  ///
  /// Rules: an error above twice the largest of training, or a relevant latent beyond the range of
  /// training by more than a tenth of its width.
  func doubt(_ latents: ExtractedLatents, error: Double, relevant: [Bool]) -> String? {
    if let largest = errors.last, !(error <= 2 * largest) {
      return "the decoder's error is \(Words.number(error)), in training at most "
        + Words.number(largest)
    }
    for (latent, range) in latentRanges.enumerated() where relevant[latent] {
      let (value, margin) = (latents.mean[latent], (range[1] - range[0]) / 10)
      if !(value >= range[0] - margin && value <= range[1] + margin) {
        return "latent \(latent + 1) is \(Words.number(value)), in training from "
          + "\(Words.number(range[0])) to \(Words.number(range[1]))"
      }
    }
    return nil
  }
}

extension ParameterVAE {
  /// The error of one crop of each recording: that of the rollout from the first frame over the
  /// frames that training rolled out, ‖û − u‖ / ‖u − ū‖ over frames, channels and points.
  func oneCropErrors(
    _ recordings: Recordings, _ latents: [ExtractedLatents]
  ) throws -> [Double] {
    let frames = min(max(1, trainedFrames), recordings.frameCount - 1)
    guard frames >= 1 else { return latents.map { _ in .nan } }
    return try latents.map { latents in
      let index = latents.recording
      let predicted = try rollout(
        recordings, range: index..<index + 1, latents: [latents.mean], frames: frames,
        halo: Halo(recordings.boundary)
      ).elements
      let state = predicted.count / frames
      let truth = recordings[index].elements[state..<(frames + 1) * state]
      // Channel by channel: each has a size of its own.
      let cells = state / recordings.channelCount
      var (errors, variances) = (0.0, 0.0)
      for channel in 0..<recordings.channelCount {
        var (error, sum, squares, count) = (0.0, 0.0, 0.0, 0.0)
        for frame in 0..<frames {
          for cell in 0..<cells {
            let place = frame * state + channel * cells + cell
            let (value, guess) = (Double(truth[truth.startIndex + place]), Double(predicted[place]))
            error += (guess - value) * (guess - value)
            sum += value
            squares += value * value
            count += 1
          }
        }
        let variance = squares / count - (sum / count) * (sum / count)
        errors += error / count / max(variance, 1e-30)
        variances += 1
      }
      return (errors / variances).squareRoot()
    }
  }
}
