// A training of the parameter VAE as a session of the training loop.
import Foundation
import KymoData
import KymoExtraction
import KymoNumerics
import KymoRuns
import KymoTensor

extension ParameterRecipe {
  /// Bytes that kernels and a batch need at least, by the setting that they grow with.
  private func leastMemory(on recordings: Recordings) -> (kernels: Double, batch: Double) {
    let (hidden, channels) = (Double(model.hiddenChannels), Double(recordings.channelCount))
    let kernels =
      12 * hidden * Double(max(model.hiddenChannels, model.kernelUnits))
      * Double(model.middleLayers)
    let crop = training.inputCrop.reduce(hidden + channels) { $0 * Double($1) }
    return (kernels, 4 * Double(training.batchSize) * crop)
  }

  /// Throws where a training cannot fit into memory.
  ///
  /// - Returns: Bytes that it needs at least.
  @discardableResult func checkMemory(on recordings: Recordings) throws -> Double {
    let least = leastMemory(on: recordings)
    try MemoryLimit.require(
      least.kernels, "model.hiddenChannels", found: model.hiddenChannels,
      remedy: "Take fewer channels, kernel units or layers; the paper has 16 channels.")
    try MemoryLimit.require(
      least.batch, "training.batchSize", found: training.batchSize,
      remedy: "Take a smaller batch or training.inputCrop; the paper has 50.")
    return least.kernels + least.batch
  }

  /// Prepares a training on recordings, with a record of every step; the path of a run to start
  /// from is looked up from `base` where it is not found from the current folder.
  func session(
    on recordings: Recordings, device: Device, base: URL? = nil
  ) throws -> ModelSession {
    try checkMemory(on: recordings)
    var recordings = recordings
    func model(_ path: String) throws -> ParameterVAE {
      let folder = try RunDirectory.finished(at: located(path, base: base)).finishedModel
      // A model that goes on sees fields as it did before.
      if let trained = try TrainedData.read(from: folder),
        trained.channels.count == recordings.channelCount
      {
        recordings = recordings.less(trained.offset)
      }
      return try ParameterVAE.load(from: folder, device: device)
    }
    let start: TrainingStart? =
      if let path = encoderFrom {
        .frozenEncoder(try model(path))
      } else if let path = startFrom {
        .model(try model(path))
      } else {
        nil
      }
    let seen =
      switch start {
      case .frozenEncoder(let model), .model(let model):
        recordings.scaled(by: model.field.scaling)
      case nil: recordings
      }
    let trainer = try ExtractionTrainer(
      configuration: extraction, recordings: seen, seed: seed, device: device, start: start)
    let (stride, threads) = (evaluation.encoderStride, threads ?? 1)
    return ModelSession(trainer.trainer) { folder in
      let model = trainer.finishedModel()
      try model.save(to: folder)
      try TrainedData(recordings, threads: threads).write(to: folder)
      try ParameterReference(model, seen, encoderStride: stride).write(to: folder)
    }
  }
}
