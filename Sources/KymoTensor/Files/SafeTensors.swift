// The safetensors file format (github.com/huggingface/safetensors, format description): eight bytes
// with the length of a JSON header, the header, the entries. Nothing in it is ever executed.
public import Foundation
import KymoNumerics

/// A tensor and its name in a model or file.
public typealias NamedTensor = (name: String, tensor: Tensor)

/// Reads and writes named tensors in the safetensors format.
public enum SafeTensors {
  /// What a file holds.
  public struct Contents {
    /// The tensors, in the order of their entries in the file.
    public var tensors: [NamedTensor]
    /// The texts that were stored beside them.
    public var metadata: [String: String]
    /// The file, for messages.
    public var path: String

    /// The tensor of a name.
    public subscript(_ name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
  }

  /// Writes named tensors to a file, which is there in full or not at all.
  ///
  /// - Parameters:
  ///   - tensors: Tensors with different names.
  ///   - metadata: Texts to store beside them.
  ///   - url: The file; an older one is replaced.
  /// - Throws: ``TensorError`` when a name occurs twice, `FileError` when the disk refuses.
  public static func write(
    _ tensors: [NamedTensor], metadata: [String: String] = [:], to url: URL
  ) throws {
    // Wide entries first, so that all of them are aligned in a mapped file.
    let ordered = tensors.sorted { $0.tensor.dtype.byteCount > $1.tensor.dtype.byteCount }
    let header = try header(of: ordered, metadata: metadata, url: url)
    let file = try AtomicFile(url)
    unsafe try withUnsafeBytes(of: UInt64(header.count).littleEndian) { unsafe try file.write($0) }
    try file.write(header)
    for (_, tensor) in ordered {
      let host = tensor.detached().to(.cpu).contiguous()
      unsafe try host.withUnsafeMutableBytes {
        unsafe try file.write(UnsafeRawBufferPointer($0))
      }
    }
    try file.commit()
  }

  private static func header(
    of tensors: [NamedTensor], metadata: [String: String], url: URL
  ) throws -> Data {
    var entries: [String: SafeTensorsHeader.Entry] = [:]
    var offset = 0
    for (name, tensor) in tensors {
      guard entries[name] == nil, name != SafeTensorsHeader.metadataKey else {
        throw TensorError(
          operation: "writing \(url.path)", message: "two tensors are called '\(name)'",
          remedy: "Give every tensor a name of its own, other than __metadata__.")
      }
      let end = offset + tensor.count * tensor.dtype.byteCount
      entries[name] = .init(
        dtype: tensor.dtype.safeTensorsName, shape: tensor.shape, data_offsets: [offset, end])
      offset = end
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var header = try encoder.encode(SafeTensorsHeader(entries: entries, metadata: metadata))
    // Spaces up to a multiple of eight keep the entries aligned.
    header.append(contentsOf: [UInt8](repeating: 0x20, count: -header.count & 7))
    return header
  }

  /// Reads all tensors of a file.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - device: Where they shall be.
  /// - Returns: The tensors and texts.
  /// - Throws: ``TensorError`` when the file cannot be read or is not what the format demands.
  public static func read(_ url: URL, device: Device = .cpu) throws -> Contents {
    func fail(_ message: String, _ remedy: String = SafeTensorsHeader.remedy) -> TensorError {
      TensorError(operation: "reading \(url.path)", message: message, remedy: remedy)
    }
    let file: Data
    do { file = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
      throw fail(
        "the file cannot be opened (\(error.localizedDescription))",
        "Check the path and the rights.")
    }
    let start = try SafeTensorsHeader.dataOffset(of: file, fail)
    let header = try SafeTensorsHeader(file[8..<start], fail)
    let places = try header.places(dataCount: file.count - start, fail)
    let tensors = try places.map { place in
      let bytes = file[(start + place.range.lowerBound)..<(start + place.range.upperBound)]
      if place.dtype == .bool, bytes.contains(where: { $0 > 1 }) {
        throw fail("'\(place.name)' is of type BOOL but has a byte other than 0 and 1")
      }
      let tensor = try catchingTensorErrors { Tensor.empty(place.shape, dtype: place.dtype) }
      unsafe try tensor.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
      }
      return (name: place.name, tensor: tensor.to(device))
    }
    return Contents(tensors: tensors, metadata: header.metadata, path: url.path)
  }
}

extension Tensor {
  /// Calls `body` with the bytes of a contiguous CPU tensor.
  func withUnsafeMutableBytes(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    try withExtendedLifetime(storage) { _ in
      guard let address = unsafe rawAddress(of: dtype) else {
        throw TensorError(
          operation: "direct access", message: "the tensor has no value",
          remedy: "Look for the failed operation before it.")
      }
      unsafe try body(
        UnsafeMutableRawBufferPointer(start: address, count: count * dtype.byteCount))
    }
  }
}
