// A trained or fitted model on disk: model.safetensors with its arrays, model.json with everything
// else in words. All models of Kymo are written and read here.
public import Foundation
import KymoNumerics

/// The folder of a model that is described by one `Codable` value and some tensors.
///
/// `model.json` has four entries: `format` (what kind of model it is), `version` (of the
/// description), `axes` (their order in the model's arrays) and `model` (architecture, scalers,
/// training record).
public struct ModelFolder<Description: Codable>: Sendable {
  /// What kind of model it is, such as "kymo reservoir"; reading asks for the same words.
  public var format: String
  /// Version of the description.
  public var version: Int
  /// Order of axes in the arrays that the model takes, for readers.
  public var axes: String
  /// Whether the model computes on the processor alone; reading refuses other devices then.
  public var needsProcessor: Bool

  /// Says how a kind of model is stored.
  public init(
    _ format: String, version: Int = 1, axes: String, needsProcessor: Bool = false
  ) {
    (self.format, self.version, self.axes) = (format, version, axes)
    self.needsProcessor = needsProcessor
  }

  private struct Head: Decodable {
    var format: String
    var version: Int
  }

  private struct Content: Codable {
    var format: String
    var version: Int
    var axes: String?
    var model: Description
  }

  /// Writes a model into a folder, which is made when absent.
  ///
  /// - Parameters:
  ///   - description: Everything that is not a tensor.
  ///   - tensors: The model's arrays, by name.
  ///   - folder: Where `model.json` and `model.safetensors` shall be.
  /// - Throws: `FileError` when the disk refuses.
  public func write(
    _ description: Description, _ tensors: [NamedTensor], to folder: URL
  ) throws {
    try AtomicFolder.make(folder)
    try SafeTensors.write(tensors, to: Self.weights(folder))
    let content = Content(format: format, version: version, axes: axes, model: description)
    try AtomicFile.write(SettingsTree(encoding: content).json(), to: Self.description(folder))
  }

  /// Reads a model from a folder that ``write(_:_:to:)`` filled.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - device: Where the arrays shall be.
  ///   - earlier: Reads an earlier version's description from `model.json`; nil when it cannot.
  /// - Throws: ``TensorError`` that names the file and what is wrong with it.
  /// - Returns: The description and the arrays.
  public func read(
    _ folder: URL, device: Device = .cpu,
    earlier: (_ version: Int, _ json: Data) throws -> Description? = { _, _ in nil }
  ) throws -> (description: Description, tensors: SafeTensors.Contents) {
    let file = Self.description(folder)
    func fail(_ message: String, _ remedy: String) -> TensorError {
      TensorError(operation: "reading \(file.path)", message: message, remedy: remedy)
    }
    guard device == .cpu || !needsProcessor else {
      throw fail("a '\(format)' computes on the processor, not on \(device)", "Use the device cpu.")
    }
    try device.checkAvailable()
    let description: Description
    do {
      let data = try Data(contentsOf: file)
      let head = try JSONDecoder().decode(Head.self, from: data)
      guard head.format == format else {
        throw fail("it describes a '\(head.format)', not a '\(format)'", "Give another folder.")
      }
      if head.version == version {
        description = try SettingsTree(json: data)
          .decode(Content.self, source: file.lastPathComponent).model
      } else if let upgraded = try earlier(head.version, data) {
        description = upgraded
      } else {
        throw fail(
          "format version \(head.version); this Kymo reads \(version)",
          head.version < version ? "Train the model anew." : "Update Kymo.")
      }
    } catch let error as TensorError {
      throw error
    } catch {
      throw fail(
        "no readable model description (\(Words.sentence(for: error)))",
        "Give the folder of a saved model, or finish the run with kymo train --resume.")
    }
    return (description, try SafeTensors.read(Self.weights(folder), device: device))
  }

  private static func description(_ folder: URL) -> URL { folder.appending(path: "model.json") }
  private static func weights(_ folder: URL) -> URL { folder.appending(path: "model.safetensors") }
}

extension SafeTensors.Contents {
  /// The entries of a tensor that must be there with the given shape.
  ///
  /// - Throws: ``TensorError`` that names the file and the tensor.
  public func require(_ name: String, shape: [Int]) throws -> Tensor {
    guard let tensor = self[name], tensor.shape == shape else {
      throw TensorError(
        operation: "reading \(path)",
        message: self[name].map { "'\(name)' has shape \($0.shape), expected \(shape)" }
          ?? "there is no '\(name)' in it",
        remedy: "model.json and model.safetensors belong together: copy both again.")
    }
    return tensor
  }
}
