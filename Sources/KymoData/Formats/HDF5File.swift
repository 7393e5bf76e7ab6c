// HDF5 files: those of h5py and PyTables, netCDF-4 (.nc) and MATLAB 7.3 (.mat), which are HDF5
// inside. Read through libhdf5; parts are read when they are asked for.
import CHDF5
public import Foundation
import KymoNumerics

/// An HDF5 file that is open for reading.
///
/// Its data sets have their paths as names, such as "tasks/u". Where the file has a layout that is
/// known (see `Layouts`), the arrays of docs/data.md stand beside them: x, t, params and so on.
/// Nothing outside the file is read: external links are not followed.
public struct HDF5File: ArrayFile {
  /// Keeps the file open while an array of it is used.
  @safe final class Handle: @unchecked Sendable {
    // libhdf5 is called under one lock.
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe kh_close(pointer) }
  }

  let handle: Handle
  private let mapped: MappedFile
  /// Paths of all data sets, and of all groups.
  let paths: [String]
  let groups: Set<String>
  private var presented = PresentedArrays()

  /// HDF5's signature, or the words of MATLAB 7.3 before it.
  public static func recognizes(_ start: [UInt8]) -> Bool {
    start.starts(with: [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A])
      || start.starts(with: Array("MATLAB 7.3".utf8))
  }

  /// Opens a file, reads the names in it and recognises its layout.
  public init(_ url: URL) throws(FormatError) {
    try self.init(plain: url)
    presented = try HDF5Layouts.arrays(of: self, beside: url)
  }

  /// A file whose layout is not looked at.
  private init(plain url: URL) throws(FormatError) {
    mapped = try MappedFile(url)
    let place = FormatPlace(file: mapped.name)
    let probed = unsafe kh_probe(url.path, Int64(mapped.count), 16 << 20, 5)
    guard probed == 0 else {
      throw place.damaged(
        probed == 1 ? "libhdf5 crashes on it" : "libhdf5 does not come to an end with it",
        allowed: "a whole HDF5 file")
    }
    var reason = [CChar](repeating: 0, count: 256)
    guard let pointer = unsafe kh_open(url.path, &reason, reason.count) else {
      throw place.damaged("it is no whole HDF5 file (\(text(reason)))", allowed: "an HDF5 file")
    }
    handle = unsafe Handle(pointer)
    let found = Found()
    let status = unsafe kh_list(
      pointer,
      { context, path, isGroup in
        guard let context = unsafe context, let path = unsafe path else { return 1 }
        let found = unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
        let words = unsafe String(cString: path)
        if isGroup == 0 { found.sets.append(words) } else { found.groups.insert(words) }
        return found.sets.count + found.groups.count < Found.most ? 0 : 1
      }, Unmanaged.passUnretained(found).toOpaque())
    guard status == 0 else {
      throw place.damaged("its directory cannot be read", allowed: "an HDF5 file")
    }
    guard found.sets.count + found.groups.count < Found.most else {
      throw place.error(
        .tooLarge, found: "\(Found.most) objects or more", allowed: "fewer",
        remedy: "Split it into several files.")
    }
    (paths, groups) = (found.sets, found.groups)
  }

  private final class Found {
    static let most = 200_000
    var sets: [String] = []
    var groups: Set<String> = []
  }

  /// The file's name, without its folder.
  public var name: String { mapped.name }
  /// Bytes of the file.
  public var byteCount: Int { mapped.count }
  /// Data sets have names.
  public var isBareArray: Bool { false }
  /// The arrays of a known layout, then all data sets.
  public var names: [String] {
    presented.names + paths.filter { !presented.names.contains($0) }
  }
  /// How the arrays of a known layout were read; nil where none was recognised.
  public var reading: String? { presented.reading }

  /// The file for a field of this name: without the arrays of its layout when it is another one than
  /// theirs, since what the layout says of times and lengths is of its own field.
  func reading(_ key: String?) -> HDF5File {
    guard let key, presented[RecordingKey.field] != nil, presented[key] == nil else { return self }
    var file = self
    file.presented = PresentedArrays()
    return file
  }

  /// The array of a name that is there.
  public func open(_ name: String) throws(FormatError) -> any StoredArray {
    if let array = presented[name] { return array }
    return try unpacked(HDF5Array(handle, mapped, path: name), name)
  }

  /// The numbers that are meant, where the attributes of netCDF say how they are packed:
  /// `scale_factor`, `add_offset`, `_FillValue`, `missing_value`, `_Unsigned`.
  private func unpacked(
    _ array: HDF5Array, _ name: String
  ) throws(FormatError) -> any StoredArray {
    guard case .number(let type) = array.element else { return array }
    let attributes = try attributes(of: name)
    func number(_ key: String) -> Double? {
      guard case .numbers(let values) = attributes[key], let value = values.first,
        value.isFinite
      else { return nil }
      return value
    }
    var packing = ComposedArray.Packing()
    packing.factor = number("scale_factor") ?? 1
    packing.offset = number("add_offset") ?? 0
    packing.fill = number("_FillValue") ?? number("missing_value")
    if type.kind == .int, case .texts(let words) = attributes["_Unsigned"],
      words.first?.lowercased() == "true"
    {
      packing.span = exp2(8 * Double(type.width))
    }
    guard packing != ComposedArray.Packing() else { return array }
    return ComposedArray(
      shape: array.shape,
      [
        ComposedArray.Member(
          array: array, origin: array.shape.map { _ in 0 }, lengths: array.shape,
          axes: Array(array.shape.indices), packing: packing)
      ])
  }

  /// The attributes of a data set or group; of the root when nil.
  public func attributes(of name: String?) throws(FormatError) -> [String: ArrayAttribute] {
    let found = Attributes()
    unsafe kh_attributes(
      handle.pointer, name ?? "/",
      { context, attribute in
        guard let context = unsafe context, let attribute = unsafe attribute?.pointee else {
          return
        }
        let found = unsafe Unmanaged<Attributes>.fromOpaque(context).takeUnretainedValue()
        let key = unsafe String(cString: attribute.name)
        let count = unsafe Int(attribute.count)
        if let texts = unsafe attribute.texts {
          found.all[key] = .texts(
            (0..<count).map { unsafe texts[$0].map { unsafe String(cString: $0) } ?? "" })
        } else if let numbers = unsafe attribute.numbers {
          found.all[key] = .numbers((0..<count).map { unsafe numbers[$0] })
        }
      }, Unmanaged.passUnretained(found).toOpaque())
    return found.all
  }

  private final class Attributes {
    var all: [String: ArrayAttribute] = [:]
  }

  /// The dimension scale of every axis of a data set, by its path; nil where none is attached.
  func scales(of name: String, rank: Int) -> [String?] {
    let found = Scales()
    unsafe kh_scales(
      handle.pointer, name,
      { context, axis, scale in
        guard let context = unsafe context, let scale = unsafe scale else { return }
        unsafe Unmanaged<Scales>.fromOpaque(context).takeUnretainedValue()
          .all[Int(axis)] = unsafe String(String(cString: scale).drop { $0 == "/" })
      }, Unmanaged.passUnretained(found).toOpaque())
    return (0..<rank).map { found.all[$0] }
  }

  private final class Scales {
    var all: [Int: String] = [:]
  }
}

/// A message of the C code.
private func text(_ characters: [CChar]) -> String {
  String(
    decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// One data set of an HDF5 file.
struct HDF5Array: StoredArray {
  let shape: [Int]
  let element: ElementType
  let mapping: ArrayMapping?
  /// Entries along every axis of a chunk; empty where the data set is in one piece.
  let chunk: [Int]
  private let handle: HDF5File.Handle
  private let path: String
  private let place: FormatPlace

  init(_ handle: HDF5File.Handle, _ file: MappedFile, path: String) throws(FormatError) {
    (self.handle, self.path) = (handle, path)
    place = FormatPlace(file: file.name, place: "data set '\(path)'")
    var (description, reason) = (kh_description(), [CChar](repeating: 0, count: 256))
    guard unsafe kh_describe(handle.pointer, path, &description, &reason, reason.count) == 0 else {
      throw place.damaged("it cannot be opened (\(text(reason)))", allowed: "a data set")
    }
    guard description.is_elsewhere == 0 else {
      throw place.error(
        .unsafeContent, found: "numbers that lie in other files",
        allowed: "numbers in the file itself",
        remedy: "Copy them into one file, for example: h5repack IN.h5 OUT.h5")
    }
    let filter = unsafe withUnsafeBytes(of: description.missing_filter) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard filter.isEmpty else {
      throw place.error(
        .unsupported, found: "numbers packed by \(filter), which this libhdf5 cannot unpack",
        allowed: "gzip, shuffle, szip, LZF and filters on HDF5_PLUGIN_PATH",
        remedy:
          "Install its plug-in (Python: pip install hdf5plugin, and set "
          + "HDF5_PLUGIN_PATH), or pack it anew: h5repack -f GZIP=4 IN.h5 OUT.h5")
    }
    let rank = Int(description.rank)
    func lengths<Axes>(_ axes: Axes) -> [Int] {
      unsafe withUnsafeBytes(of: axes) { bytes in
        unsafe Array(bytes.bindMemory(to: Int64.self).prefix(rank)).map(Int.init)
      }
    }
    shape = lengths(description.shape)
    let isChunked = lengths(description.chunk).contains { $0 > 0 }
    chunk = isChunked ? lengths(description.chunk) : []
    let (width, isBig) = (Int(description.width), description.big_endian != 0)
    func number(_ kind: NumberType.Kind) -> ElementType {
      .number(NumberType(kind: kind, width: width, isBigEndian: isBig))
    }
    switch description.kind {
    case KH_FLOAT: element = number(.float)
    case KH_INT: element = number(.int)
    case KH_UINT: element = number(.uint)
    case KH_BOOL: element = number(.bool)
    case KH_TEXT: element = .bytes(length: width)
    case KH_COMPLEX:
      throw place.error(
        .unsupported, found: "complex numbers, or pairs", allowed: "real numbers",
        remedy: "Save real and imaginary part as two channels.")
    default:
      throw place.error(
        .unsupported, found: "a type that is neither number nor text", allowed: "numbers or texts",
        remedy: "Save it as numbers.")
    }
    var size = 1
    for length in shape {
      let (product, isTooLarge) = size.multipliedReportingOverflow(by: length)
      guard !isTooLarge, product < 1 << 56 else {
        throw place.damaged("the shape \(describeShape(shape))", allowed: "fewer than 2⁵⁶ entries")
      }
      size = product
    }
    let first = Int(description.offset)
    if first >= 0, case .number(let type) = element, size > 0 {
      guard first + size * width <= file.count else { throw place.truncated("its numbers") }
      mapping = ArrayMapping(
        file, first..<first + size * width, type,
        strides: NPYHeader(element: element, shape: shape).strides)
    } else {
      mapping = nil
    }
  }

  var readsParts: Bool { true }

  /// Chunks have checksums where their writer wanted them; they are compared when they are read.
  func verify() throws(FormatError) {}

  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
    guard !part.contains(where: \.isEmpty) else { return }
    if let mapping {
      unsafe mapping.file.withBytes(mapping.range) { bytes in
        if let base = bytes.baseAddress {
          unsafe NumberConversion.copy(
            part, of: mapping.type, at: base, strides: mapping.strides, to: output)
        }
      }
      return
    }
    var reason = [CChar](repeating: 0, count: 256)
    let status = unsafe kh_read(
      handle.pointer, path, Int32(part.count), part.map { Int64($0.lowerBound) },
      part.map { Int64($0.count) }, Number.self == Double.self ? 1 : 0,
      UnsafeMutableRawPointer(output), &reason, reason.count)
    guard status == 0 else {
      throw place.damaged("it cannot be read (\(text(reason)))", allowed: "whole chunks")
    }
  }

  func strings() throws(FormatError) -> [String] {
    guard case .bytes = element, shape.count <= 1 else {
      throw place.error(
        .wrongContent, found: "numbers, or more than one axis", allowed: "an array of texts",
        remedy: "Save it as texts.")
    }
    final class Found { var all: [String] = [] }
    let found = Found()
    var reason = [CChar](repeating: 0, count: 256)
    let status = unsafe kh_texts(
      handle.pointer, path,
      { context, text, length in
        guard let context = unsafe context, let text = unsafe text else { return }
        let bytes = unsafe UnsafeRawBufferPointer(start: text, count: length)
        unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
          .all.append(String(decoding: bytes, as: UTF8.self))
      }, Unmanaged.passUnretained(found).toOpaque(), &reason, reason.count)
    guard status == 0 else {
      throw place.damaged("its texts cannot be read (\(text(reason)))", allowed: "short texts")
    }
    return found.all
  }
}
