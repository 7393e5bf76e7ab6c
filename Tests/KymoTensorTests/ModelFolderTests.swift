// The folder of a model: what comes back, and the sentence for everything that can be wrong.
import Foundation
import KymoTensor
import Testing

@Suite("A model's folder") struct ModelFolderTests {
  private struct Toy: Codable, Equatable {
    var width: Int
    var note: String
  }

  private let kind = ModelFolder<Toy>("kymo toy", version: 3, axes: "batch, latent")
  private let toy = Toy(width: 2, note: "two")

  private func save(to folder: URL) throws {
    try kind.write(toy, [("weight", Tensor([1, 2, 3, 4], shape: [2, 2]))], to: folder)
  }

  private func message(_ read: () throws -> Void) throws -> String {
    "\(try #require(throws: TensorError.self) { try read() })"
  }

  @Test("comes back, with its axes and its version in words") func roundTrip() throws {
    try withFolder { folder in
      let place = folder.appending(path: "deep/model")
      try save(to: place)
      let (description, tensors) = try kind.read(place)
      #expect(description == toy)
      #expect(try tensors.require("weight", shape: [2, 2]).floats == [1, 2, 3, 4])
      let words = try String(contentsOf: place.appending(path: "model.json"), encoding: .utf8)
      for part in [#""axes" : "batch, latent""#, #""format" : "kymo toy""#, #""version" : 3"#] {
        #expect(words.contains(part), "\(words)")
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
      #expect(names.sorted() == ["model.json", "model.safetensors"])
    }
  }

  @Test("of another kind or version is refused; an earlier version may be read") func kinds() throws
  {
    try withFolder { folder in
      try save(to: folder)
      let other = ModelFolder<Toy>("kymo other", axes: "")
      #expect(try message { _ = try other.read(folder) }.contains("'kymo toy', not a 'kymo other'"))
      let newer = ModelFolder<Toy>("kymo toy", version: 4, axes: "")
      let words = try message { _ = try newer.read(folder) }
      #expect(words.contains("version 3; this Kymo reads 4. Train the model anew."))
      let older = ModelFolder<Toy>("kymo toy", version: 2, axes: "")
      #expect(try message { _ = try older.read(folder) }.contains("reads 2. Update Kymo."))
      let (upgraded, _) = try newer.read(folder) { version, json in
        #expect(version == 3 && !json.isEmpty)
        return Toy(width: 5, note: "upgraded")
      }
      #expect(upgraded.width == 5)
    }
  }

  @Test("that is damaged or incomplete is refused, with the file's name") func damage() throws {
    try withFolder { folder in
      try save(to: folder)
      let (json, weights) = (
        folder.appending(path: "model.json"), folder.appending(path: "model.safetensors")
      )
      let (words, numbers) = (try Data(contentsOf: json), try Data(contentsOf: weights))
      try numbers.dropLast(3).write(to: weights)
      #expect(try message { _ = try kind.read(folder) }.contains(weights.path))
      try FileManager.default.removeItem(at: weights)
      #expect(try message { _ = try kind.read(folder) }.contains(weights.path))
      try numbers.write(to: weights)
      try words.prefix(20).write(to: json)
      #expect(try message { _ = try kind.read(folder) }.contains("no readable model description"))
      try Data(#"{"format": "kymo toy", "version": 3, "model": {"width": 2}}"#.utf8).write(to: json)
      let missing = try message { _ = try kind.read(folder) }
      #expect(missing.contains(json.path) && missing.contains("note"))
      try FileManager.default.removeItem(at: json)
      #expect(try message { _ = try kind.read(folder) }.contains(json.path))
    }
  }

  @Test("without a tensor, or with one of another shape, is refused") func tensors() throws {
    try withFolder { folder in
      try save(to: folder)
      let (_, tensors) = try kind.read(folder)
      let missing = try message { _ = try tensors.require("bias", shape: [2]) }
      #expect(missing.contains("there is no 'bias'") && missing.contains("model.safetensors"))
      let shape = try message { _ = try tensors.require("weight", shape: [4]) }
      #expect(shape.contains("shape [2, 2], expected [4]"))
    }
  }

  @Test("is not read to a device that is not there, or that the model does not know")
  func devices() throws {
    try withFolder { folder in
      try save(to: folder)
      let absent = Device.cuda(Device.cudaCount)
      let words = try message { _ = try kind.read(folder, device: absent) }
      #expect(words.contains("'\(absent)' is not here"))
      let onlyHere = ModelFolder<Toy>("kymo toy", version: 3, axes: "", needsProcessor: true)
      _ = try onlyHere.read(folder, device: .cpu)
      let refused = try message { _ = try onlyHere.read(folder, device: .cuda(0)) }
      #expect(refused.contains("computes on the processor, not on cuda:0. Use the device cpu."))
    }
  }
}
