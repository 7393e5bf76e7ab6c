// A fitted model on disk: model.safetensors with its arrays, model.json with everything else in words.
public import Foundation
import KymoNumerics

/// Reads and writes the folder of a model that is described by one `Codable` value and some tensors.
public enum ModelFolder {
  private struct Content<Description: Codable>: Codable {
    var format: String
    var version: Int
    var model: Description
  }

  private struct Head: Decodable {
    var format: String
    var version: Int
  }

  /// Writes a model into a folder, which is made when absent.
  ///
  /// - Parameters:
  ///   - folder: Where `model.json` and `model.safetensors` shall be.
  ///   - format: What kind of model it is, such as "kymo reservoir"; reading asks for the same words.
  ///   - version: Version of the description; reading refuses any other.
  ///   - description: Everything that is not a tensor.
  ///   - tensors: The model's arrays, by name.
  /// - Throws: `FileError` when the disk refuses.
  public static func write<Description: Codable>(
    to folder: URL, format: String, version: Int = 1, description: Description,
    tensors: [NamedTensor]
  ) throws {
    try AtomicFolder.make(folder)
    try SafeTensors.write(tensors, to: folder.appending(path: "model.safetensors"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let content = Content(format: format, version: version, model: description)
    try AtomicFile.write(encoder.encode(content), to: folder.appending(path: "model.json"))
  }

  /// The format that a folder's `model.json` names; nil when there is none to read.
  public static func format(of folder: URL) -> String? {
    let file = folder.appending(path: "model.json")
    return (try? Data(contentsOf: file)).flatMap {
      try? JSONDecoder().decode(Head.self, from: $0).format
    }
  }

  /// Reads a model from a folder that ``write(to:format:version:description:tensors:)`` filled.
  ///
  /// - Throws: ``TensorError`` that names the file and what is wrong with it.
  public static func read<Description: Codable>(
    _ folder: URL, format: String, version: Int = 1, as type: Description.Type
  ) throws -> (description: Description, tensors: SafeTensors.Contents) {
    let file = folder.appending(path: "model.json")
    func fail(_ message: String, _ remedy: String) -> TensorError {
      TensorError(operation: "reading \(file.path)", message: message, remedy: remedy)
    }
    let content: Content<Description>
    do {
      let data = try Data(contentsOf: file)
      let head = try JSONDecoder().decode(Head.self, from: data)
      guard head.format == format else {
        throw fail("it describes a '\(head.format)', not a '\(format)'", "Give another folder.")
      }
      guard head.version == version else {
        throw fail("format version \(head.version); this Kymo reads \(version)", "Update Kymo.")
      }
      content = try JSONDecoder().decode(Content<Description>.self, from: data)
    } catch let error as TensorError {
      throw error
    } catch {
      throw fail("no readable model description (\(error))", "Give the folder of a saved model.")
    }
    return (content.model, try SafeTensors.read(folder.appending(path: "model.safetensors")))
  }
}

extension SafeTensors.Contents {
  /// The entries of a tensor that must be there with the given shape.
  ///
  /// - Throws: ``TensorError`` that names the tensor.
  public func require(_ name: String, shape: [Int]) throws -> Tensor {
    guard let tensor = self[name], tensor.shape == shape else {
      throw TensorError(
        operation: "reading a model",
        message: self[name].map { "'\(name)' has shape \($0.shape), expected \(shape)" }
          ?? "there is no '\(name)' in it",
        remedy: "model.json and model.safetensors belong together: copy both again.")
    }
    return tensor
  }
}
