// Checkpoints of a training: folders named by step, each complete as soon as it has its name.
public import Foundation
public import KymoTensor

/// A folder of checkpoints, of which the newest few are kept.
///
/// A checkpoint is a folder `step-000001200` with tensors in safetensors files and a record in
/// `record.json`. It is written under another name and renamed when it is on the disk, so a process
/// killed at any moment leaves the last good checkpoint.
public struct Checkpoints: Sendable {
  /// Where they are.
  public let folder: URL
  /// How many are kept.
  public let keptCount: Int

  /// Looks at or will make checkpoints in `folder`.
  public init(in folder: URL, keeping keptCount: Int = 2) {
    (self.folder, self.keptCount) = (folder, max(keptCount, 1))
  }

  /// Writes a checkpoint and removes older ones than are to be kept.
  ///
  /// - Parameters:
  ///   - step: The number of finished steps.
  ///   - tensors: Named tensors for each file, such as `model` and `optimizer`.
  ///   - record: Everything else that a continuation needs.
  /// - Returns: The checkpoint's folder.
  /// - Throws: ``TensorError`` when the disk refuses.
  @discardableResult
  public func write(
    step: Int, tensors: [String: [NamedTensor]], record: some Encodable
  ) throws -> URL {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let target = folder.appendingPathComponent(Self.name(of: step))
    try writeFolderAtomically(to: target) { partial in
      for (name, tensors) in tensors {
        try SafeTensors.write(
          tensors, to: partial.appendingPathComponent("\(name).safetensors"))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try writeAtomically(
        encoder.encode(record), to: partial.appendingPathComponent("record.json"))
    }
    try removeOldOnes()
    return target
  }

  /// Removes all but the newest few, and what a killed process left behind.
  private func removeOldOnes() throws {
    let files = FileManager.default
    for old in try all().dropLast(keptCount) { try files.removeItem(at: old.folder) }
    for name in try files.contentsOfDirectory(atPath: folder.path)
    where name.hasPrefix("." + Self.prefix) {
      try files.removeItem(at: folder.appendingPathComponent(name))
    }
  }

  /// A complete checkpoint.
  public struct Checkpoint: Sendable {
    /// The number of finished steps.
    public let step: Int
    /// Its folder.
    public let folder: URL

    /// The tensors of one of its files.
    public func tensors(_ name: String) throws -> [NamedTensor] {
      try SafeTensors.read(folder.appendingPathComponent("\(name).safetensors")).tensors
    }

    /// What was recorded beside the tensors.
    public func record<Record: Decodable>(_ type: Record.Type) throws -> Record {
      let url = folder.appendingPathComponent("record.json")
      do { return try JSONDecoder().decode(type, from: Data(contentsOf: url)) } catch {
        throw TensorError(
          operation: "reading \(url.path)", message: "it is damaged or missing (\(error))",
          remedy: "Remove \(folder.path) to continue from the checkpoint before it.")
      }
    }
  }

  /// The newest complete checkpoint; nil when there is none.
  public func latest() throws -> Checkpoint? { try all().last }

  /// All complete checkpoints, oldest first.
  public func all() throws -> [Checkpoint] {
    guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .compactMap { name in
        guard name.hasPrefix(Self.prefix), let step = Int(name.dropFirst(Self.prefix.count))
        else { return nil }
        return Checkpoint(step: step, folder: folder.appendingPathComponent(name))
      }.sorted { $0.step < $1.step }
  }

  private static let prefix = "step-"
  private static func name(of step: Int) -> String {
    let digits = String(step)
    return prefix + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
  }
}
