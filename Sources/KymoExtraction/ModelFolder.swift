// A model on disk: model.safetensors with the weights, model.json with everything else in words.
public import Foundation
import KymoNN
import KymoNumerics
public import KymoTensor

extension ParameterVAE {
  /// What model.json holds.
  private struct Description: Codable {
    var format = "kymo parameter VAE"
    /// 2 since the linear path has a factor of its own.
    static let presentVersion = 2
    var version = presentVersion
    var paper = "Lu, Kim, Soljacic, Phys. Rev. X 10, 031056 (2020)"
    var model: ModelConfiguration
    var data: FieldDescription
    var trainedFrames: Int
    var trainedMap: [Int]
    /// Order of axes in tensors of data.
    var axes = "batch, channel, time, space"
    var parameterCount: Int
  }

  /// Writes the model into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    precondition(!normalizes, "save: fold the normalisation first")
    try AtomicFolder.make(folder)
    try SafeTensors.write(namedParameters, to: folder.appending(path: "model.safetensors"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let description = Description(
      model: configuration, data: field, trainedFrames: trainedFrames, trainedMap: trainedMap,
      parameterCount: parameterCount)
    try AtomicFile.write(encoder.encode(description), to: folder.appending(path: "model.json"))
  }

  /// Reads a model from a folder that ``save(to:)`` wrote, onto any device.
  ///
  /// - Throws: ``ModelError`` or `TensorError`, which name the file and what is wrong with it, or a device
  ///   that is not here.
  public static func load(from folder: URL, device: Device = .cpu) throws -> ParameterVAE {
    try device.checkAvailable()
    let file = folder.appending(path: "model.json")
    let description: Description
    do {
      description = try JSONDecoder().decode(Description.self, from: Data(contentsOf: file))
    } catch {
      throw ModelError(
        """
        \(file.path): no readable model description (\(error)). Give the folder of a finished run, \
        or finish the run with kymo train --resume.
        """)
    }
    guard description.version == Description.presentVersion else {
      let isOlder = description.version < Description.presentVersion
      throw ModelError(
        """
        \(file.path): format version \(description.version); this Kymo reads version \
        \(Description.presentVersion). \(isOlder ? "Train the model anew." : "Update Kymo.")
        """)
    }
    let model = try ParameterVAE(
      configuration: description.model, field: description.data, seed: 0, device: device)
    model.normalizes = false
    model.trainedFrames = description.trainedFrames
    model.trainedMap = description.trainedMap
    let weights = folder.appending(path: "model.safetensors")
    try model.namedParameters.load(SafeTensors.read(weights).tensors, from: weights.path)
    return model
  }
}
