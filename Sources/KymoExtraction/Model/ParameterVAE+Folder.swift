// A model on disk: model.safetensors with the weights, model.json with everything else in words.
public import Foundation
import KymoData
import KymoNN
import KymoNumerics
public import KymoTensor

extension ParameterVAE {
  /// 3 since the description stands under one key; 2 since the linear path has a factor of its own.
  private static let folder = ModelFolder<Description>(
    "kymo parameter VAE", version: 3, axes: "batch, channel, time, space")

  /// What model.json says.
  private struct Description: Codable {
    var paper: String? = "Lu, Kim, Soljacic, Phys. Rev. X 10, 031056 (2020)"
    var configuration: ParameterModelConfiguration
    var data: FieldDescription
    var trainedFrames: Int
    var trainedMap: [Int]
    var parameterCount: Int
  }

  /// What version 2 said, at the top of model.json.
  private struct Earlier: Decodable {
    var model: ParameterModelConfiguration
    var data: FieldDescription
    var trainedFrames: Int
    var trainedMap: [Int]
    var parameterCount: Int
  }

  /// Writes the model into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    precondition(!normalizes, "save: fold the normalisation first")
    try Self.folder.write(
      Description(
        configuration: configuration, data: field, trainedFrames: trainedFrames,
        trainedMap: trainedMap,
        parameterCount: parameterCount), namedParameters, to: folder)
  }

  /// Reads a model from a folder that ``save(to:)`` wrote, onto any device.
  ///
  /// - Throws: `TensorError`, which names the file and what is wrong with it, or a device that is
  ///   not here.
  public static func load(from folder: URL, device: Device = .cpu) throws -> ParameterVAE {
    let (description, contents) = try Self.folder.read(folder, device: device) { version, json in
      guard version == 2 else { return nil }
      let old = try SettingsTree(json: json).decode(Earlier.self, source: "model.json")
      return Description(
        configuration: old.model, data: old.data, trainedFrames: old.trainedFrames,
        trainedMap: old.trainedMap, parameterCount: old.parameterCount)
    }
    let data = description.data
    // Edited files: kernels grow with the square of the channels, and so do the weights.
    let weights = contents.tensors.reduce(0) { $0 + $1.tensor.count }
    guard (1...max(1, Int(8 * Double(weights).squareRoot()))).contains(data.channels),
      (1...2).contains(data.spaceAxes)
    else {
      throw ModelDataError(
        folder.relativePath, found: "\(data.channels) channels on \(data.spaceAxes) axes",
        allowed: "those of its weights",
        remedy: "The file is damaged: copy it again, or train again.")
    }
    try data.scaling?.check(channels: data.channels, in: folder)
    let model = try ParameterVAE(
      configuration: description.configuration, field: description.data, seed: 0, device: device)
    model.normalizes = false
    model.trainedFrames = description.trainedFrames
    model.trainedMap = description.trainedMap
    try model.namedParameters.load(contents.tensors, from: contents.path)
    return model
  }
}
