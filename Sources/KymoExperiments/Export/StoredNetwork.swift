// A trained model as its folder has it, model.json and model.safetensors, without the types that train
// it: what other programs are given of it.
import Foundation
import KymoData
import KymoNumerics
import KymoTensor

/// The description and the arrays of a model's folder.
struct StoredNetwork {
  /// What kind of model it is, such as "kymo autoencoder".
  let format: String
  private let model: SettingsTree
  private let folder: URL
  private let arrays: [String: HostArray<Float>]

  /// Reads the files of a folder.
  init(_ folder: URL) throws {
    let file = folder.appending(path: "model.json")
    let json = try SettingsTree(json: Data(contentsOf: file))
    struct Head: Decodable {
      var format: String
    }
    format = try JSONDecoder().decode(Head.self, from: Data(contentsOf: file)).format
    model = json["model"] ?? json
    self.folder = folder
    let weights = folder.appending(path: "model.safetensors")
    arrays =
      FileManager.default.fileExists(atPath: weights.path)
      ? Dictionary(
        uniqueKeysWithValues: try SafeTensors.read(weights).tensors.map {
          ($0.name, $0.tensor.hostArray)
        }) : [:]
  }

  /// The description as a type that has some of its entries.
  func description<Description: Decodable>(_ type: Description.Type) throws -> Description {
    do { return try JSONDecoder().decode(type, from: model.json()) } catch {
      throw missing("a description of this kind of model")
    }
  }

  /// The array of a name.
  func array(_ name: String) throws -> HostArray<Float> {
    guard let array = arrays[name] else { throw missing("the array '\(name)'") }
    return array
  }

  /// Whether there is an array of a name.
  func has(_ name: String) -> Bool { arrays[name] != nil }

  private func missing(_ what: String) -> ModelDataError {
    ModelDataError(
      folder.relativePath, found: "a model without \(what)", allowed: "a whole model",
      remedy: "model.json and model.safetensors belong together: copy both again.")
  }
}
