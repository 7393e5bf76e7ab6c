// HDF5 files: those of h5py and PyTables, netCDF-4 (.nc) and MATLAB 7.3 (.mat), which are HDF5
// inside. Read through libhdf5; parts are read when they are asked for.
import CHDF5
public import Foundation
import KymoNumerics

/// An HDF5 file that is open for reading.
///
/// Its data sets have their paths as names, such as "tasks/u". Where the file has a layout that is
/// known (see `Layouts`), the arrays of docs/data.md stand beside them: x, t, params and so on.
/// Nothing outside the file is read unless links are to be followed.
public struct HDF5File: ArrayFile, LayoutFile {
  /// Keeps the file open while an array of it is used.
  @safe final class Handle: @unchecked Sendable {
    // libhdf5 is called under one lock.
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe kh_close(pointer) }
  }

  let handle: Handle
  private let mapped: MappedFile
  private let followsLinks: Bool
  let paths: [String]
  let groups: Set<String>
  /// Paths that lead to other files and are not followed, or whose file is not there.
  public let linksElsewhere: [String]
  private var presented = PresentedArrays()

  /// HDF5's signature, or the words of MATLAB 7.3 before it.
  public static func recognizes(_ start: [UInt8]) -> Bool {
    start.starts(with: [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A])
      || start.starts(with: Array("MATLAB 7.3".utf8))
  }

  /// Opens a file, reads the names in it and recognises its layout.
  public init(_ url: URL) throws(FormatError) { try self.init(url, followsLinks: false) }

  /// Opens a file, whose links to other files and virtual data sets are followed where that is
  /// said.
  public init(_ url: URL, followsLinks: Bool) throws(FormatError) {
    try self.init(plain: url, followsLinks)
    presented = try HDF5Layouts.arrays(of: self, beside: url)
  }

  /// A file whose layout is not looked at.
  private init(plain url: URL, _ follows: Bool) throws(FormatError) {
    (mapped, followsLinks) = (try MappedFile(url), follows)
    let place = FormatPlace(file: mapped.name)
    var reason = [CChar](repeating: 0, count: 256)
    let probed = unsafe kh_probe(
      url.path, follows ? 1 : 0, Int64(mapped.count), 16 << 20, 5, &reason, reason.count)
    switch probed {
    case 0: break
    case 1: throw place.damaged("libhdf5 crashes on it", allowed: "a whole HDF5 file")
    case 2:
      throw place.damaged("libhdf5 does not come to an end with it", allowed: "a whole HDF5 file")
    default: throw place.damaged(text(reason), allowed: "an HDF5 file")
    }
    guard let pointer = unsafe kh_open(url.path, follows ? 1 : 0, &reason, reason.count) else {
      throw place.damaged("it is no whole HDF5 file (\(text(reason)))", allowed: "an HDF5 file")
    }
    handle = unsafe Handle(pointer)
    let found = Found()
    let status = unsafe kh_list(
      pointer,
      { context, path, kind in
        guard let context = unsafe context, let path = unsafe path else { return 1 }
        let found = unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
        let words = unsafe String(cString: path)
        switch kind {
        case KH_SET: found.sets.append(words)
        case KH_GROUP: found.groups.insert(words)
        default: found.links.append(words)
        }
        return found.count < Found.most ? 0 : 1
      }, Unmanaged.passUnretained(found).toOpaque())
    guard status == 0 else {
      throw place.damaged("its directory cannot be read", allowed: "an HDF5 file")
    }
    guard found.count < Found.most else {
      throw place.error(
        .tooLarge, found: "\(Found.most) objects or more", allowed: "fewer",
        remedy: "Split it into several files.")
    }
    (paths, groups, linksElsewhere) = (found.sets, found.groups, found.links)
  }

  private final class Found {
    static let most = 200_000
    var sets: [String] = []
    var groups: Set<String> = []
    var links: [String] = []
    var count: Int { sets.count + groups.count + links.count }
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

  /// The file for a field of this name: with what its own attributes say, and without the arrays of
  /// a layout that has another one, since what it says of times and lengths is of that.
  func reading(_ key: String?) throws(FormatError) -> HDF5File {
    guard let key, paths.contains(key), presented[key] == nil else { return self }
    var file = self
    file.presented = try HDF5Layouts.attributes(of: self, key)
    return file
  }

  /// The array of a name that is there.
  public func open(_ name: String) throws(FormatError) -> any StoredArray {
    if let array = presented[name] { return array }
    return try unpacked(
      HDF5Array(handle, mapped, path: name, followsLinks: followsLinks), name)
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
  private let chunks: HDF5Chunks?

  init(
    _ handle: HDF5File.Handle, _ file: MappedFile, path: String, followsLinks: Bool
  ) throws(FormatError) {
    (self.handle, self.path) = (handle, path)
    place = FormatPlace(file: file.name, place: "data set '\(path)'")
    var (description, reason) = (kh_description(), [CChar](repeating: 0, count: 256))
    switch unsafe kh_describe(handle.pointer, path, &description, &reason, reason.count) {
    case 0: break
    case -2:
      throw place.error(
        .unsupported, found: "it cannot be read: \(text(reason))", allowed: "numbers or texts",
        remedy: "Name another data set; where numbers lie in another file, bring that too.")
    default: throw place.damaged("it cannot be opened (\(text(reason)))", allowed: "a data set")
    }
    guard description.is_elsewhere == 0 || followsLinks else {
      throw place.error(
        .unsafeContent, found: "numbers that lie in other files",
        allowed: "numbers in the file itself",
        remedy: "If you trust the file, follow its links: --follow-links "
          + "(in a recipe data.followLinks: true); or copy all into one: h5repack IN.h5 OUT.h5")
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
    if case .number(let type) = element, description.is_simply_packed != 0 {
      let packing = HDF5Chunks.Packing(
        chunk: chunk, type: type, isShuffled: description.is_shuffled != 0,
        isGzipped: description.is_gzipped != 0)
      chunks = HDF5Chunks(packing, handle, path: path)
    } else {
      chunks = nil
    }
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
    guard let chunks else { return try unsafe readByLibrary(part, into: output) }
    try unsafe chunks.read(part, into: output, place) {
      (part, output: UnsafeMutablePointer<Number>) throws(FormatError) in
      try unsafe readByLibrary(part, into: output)
    }
  }

  /// Copies the numbers of a part by libhdf5.
  private func readByLibrary<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
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
