// What every file with arrays of numbers can do, whatever its format: say what it holds and read
// parts of it.
public import Foundation
public import KymoNumerics

/// A file of named arrays that is open for reading.
///
/// Opening reads the directory only. Recordings are read through this protocol, so that a format is
/// one more type that conforms to it, and one more entry in ``ArrayFiles``.
public protocol ArrayFile: Sendable {
  /// Whether a file that begins with these bytes is of this format.
  static func recognizes(_ start: [UInt8]) -> Bool
  /// Opens a file and reads its directory.
  init(_ url: URL) throws(FormatError)
  /// The file's name, without its folder.
  var name: String { get }
  /// Bytes of the file.
  var byteCount: Int { get }
  /// Names of the arrays, in the order of the file.
  var names: [String] { get }
  /// Whether there is one array without a name of its own; it is called "x".
  var isBareArray: Bool { get }
  /// The array of a name that is there.
  func open(_ name: String) throws(FormatError) -> any StoredArray
  /// How arrays were put together where the layout of another program was recognised; nil
  /// elsewhere.
  var reading: String? { get }
  /// What the file says beside the arrays; of an array when a name is given.
  func attributes(of name: String?) throws(FormatError) -> [String: ArrayAttribute]
  /// Names that lead to other files which are not read.
  var linksElsewhere: [String] { get }
}

/// A small value beside arrays.
public enum ArrayAttribute: Hashable, Sendable {
  /// Numbers, one or more.
  case numbers([Double])
  /// Texts, one or more.
  case texts([String])
}

/// One array in a file: its shape and type, and its entries when they are asked for.
public protocol StoredArray: Sendable {
  /// Length of every axis.
  var shape: [Int] { get }
  /// What one entry is.
  var element: ElementType { get }
  /// Where the numbers lie in memory without being read; nil when they are packed or in pieces.
  var mapping: ArrayMapping? { get }
  /// Whether a part can be read without the rest.
  var readsParts: Bool { get }
  /// Compares what the file knows of its content, such as a checksum; reads all of it.
  func verify() throws(FormatError)
  /// Copies the numbers of a part, one range for each axis, in C order whatever the order in the
  /// file.
  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError)
  /// The texts of an array with at most one axis.
  func strings() throws(FormatError) -> [String]
  /// The dates or lengths of time of an array with at most one axis, in the unit of its type.
  func timeCounts() throws(FormatError) -> [Int64]
}

/// Numbers that lie in a mapped file.
public struct ArrayMapping: Sendable {
  let file: MappedFile
  let range: Range<Int>
  let type: NumberType
  /// Distance, in entries, between neighbours along every axis.
  let strides: [Int]

  /// The numbers as bytes of a range of a file.
  package init(_ file: MappedFile, _ range: Range<Int>, _ type: NumberType, strides: [Int]) {
    (self.file, self.range, self.type, self.strides) = (file, range, type, strides)
  }
}

/// The formats of files with arrays.
public enum ArrayFiles {
  /// All formats; the last one says what is wrong with a file that is none of them.
  static let formats: [any ArrayFile.Type] = [
    NPZFile.self, HDF5File.self, NetCDFClassicFile.self, NPYFile.self,
  ]

  /// Opens a file of any format; only HDF5 has links to other files.
  public static func open(
    _ url: URL, followsLinks: Bool = false
  ) throws(FormatError) -> any ArrayFile {
    let file = try MappedFile(url)
    let start = unsafe file.withBytes(0..<min(256, file.count)) { unsafe [UInt8]($0) }
    guard let format = formats.first(where: { $0.recognizes(start) }) else {
      if let error = ForeignFormat.refusal(of: start, file: file.name) { throw error }
      return try NPYFile(url)
    }
    if format == HDF5File.self { return try HDF5File(url, followsLinks: followsLinks) }
    return try format.init(url)
  }
}

/// Name, shape and type of one array.
public struct ArrayListing: Hashable, Sendable, CustomStringConvertible {
  /// The array's name.
  public var name: String
  /// Length of every axis.
  public var shape: [Int]
  /// NumPy's name of the type, such as "float32".
  public var type: String
  /// Such as "u (100, 1, 256, 256) float32".
  public var description: String { "\(name) \(describeShape(shape)) \(type)" }
}

extension ArrayFile {
  /// None: the names are ours.
  public var reading: String? { nil }

  /// None.
  public func attributes(of name: String?) throws(FormatError) -> [String: ArrayAttribute] { [:] }

  /// None.
  public var linksElsewhere: [String] { [] }

  /// A sentence on links that are not followed, and how they are; empty where there are none.
  var linkWords: String {
    guard let first = linksElsewhere.first else { return "" }
    let more = linksElsewhere.count - 1
    return
      "'\(first)'\(more > 0 ? " and \(counted(more, "more path"))" : "") "
      + "\(more > 0 ? "lead" : "leads") to other files, which are read only with --follow-links "
      + "(in a recipe data.followLinks: true), and only where they are there."
  }

  /// Shapes and types of all arrays that can be read; a damaged one is left out.
  public var listing: [ArrayListing] {
    names.compactMap { name in
      (try? open(name)).map { ArrayListing(name: name, shape: $0.shape, type: $0.element.name) }
    }
  }

  /// Whether there is an array of this name.
  public func contains(_ name: String) -> Bool { names.contains(name) }

  /// The array of a name; throws when there is none.
  public func array(_ name: String) throws(FormatError) -> any StoredArray {
    guard contains(name) else {
      let listing = listing
      throw FormatError(
        .missing, file: self.name, found: "there is no array '\(name)'",
        allowed: listing.isEmpty
          ? "at least one array" : "one of: " + listing.map(\.description).joined(separator: "; "),
        remedy: !linkWords.isEmpty
          ? linkWords
          : names.first { $0.hasPrefix(name + "/") }.map {
            "It is a group: name an array in it, such as '\($0)'."
          }
            ?? nearestName(to: name, among: names).map { "Did you mean '\($0)'?" }
            ?? "Save the array under that name, or give the name of one that is there.")
    }
    return try open(name)
  }

  /// The numbers of one array as Float, in C order whatever the order in the file.
  public func floats(_ name: String) throws(FormatError) -> HostArray<Float> {
    try array(name).hostArray(place(of: name))
  }

  /// The numbers of one array as Double, in C order whatever the order in the file.
  public func doubles(_ name: String) throws(FormatError) -> HostArray<Double> {
    try array(name).hostArray(place(of: name))
  }

  /// The texts of one array with at most one axis.
  public func strings(_ name: String) throws(FormatError) -> [String] {
    try array(name).strings()
  }

  /// Where errors about an array are.
  func place(of name: String) -> FormatPlace {
    FormatPlace(file: self.name, place: isBareArray ? "" : "array '\(name)'")
  }
}

extension StoredArray {
  /// None: most formats have numbers and texts only.
  public func timeCounts() throws(FormatError) -> [Int64] { [] }

  /// Number of entries.
  var count: Int { shape.reduce(1, *) }

  /// The type of the numbers; throws for texts.
  func numberType(_ place: FormatPlace) throws(FormatError) -> NumberType {
    guard case .number(let type) = element else {
      let isTime = if case .time = element { true } else { false }
      throw place.error(
        .wrongContent, found: "an array of \(isTime ? "dates or times" : "texts")",
        allowed: "numbers",
        remedy: "Save numbers: a.astype(numpy.float32).")
    }
    return type
  }

  /// All numbers in C order, compared with the file's checksum.
  func hostArray<Number: ArrayNumber>(
    _ place: FormatPlace
  ) throws(FormatError) -> HostArray<Number> {
    _ = try numberType(place)
    try MemoryLimit.require(count * MemoryLayout<Number>.stride, place)
    try verify()
    let values = try unsafe filled(count: count) {
      (output: UnsafeMutablePointer<Number>)
        throws(FormatError) in
      try unsafe read(shape.map { 0..<$0 }, into: output)
    }
    return HostArray(values, shape: shape)
  }
}

/// An array of `count` numbers that `fill` writes.
func filled<Number, Failure: Error>(
  count: Int, _ fill: (UnsafeMutablePointer<Number>) throws(Failure) -> Void
) throws(Failure) -> [Number] {
  var failure: Failure?
  let values = unsafe [Number](unsafeUninitializedCapacity: count) { output, written in
    if let target = output.baseAddress {
      do throws(Failure) { try unsafe fill(target) } catch {
        failure = error
        return
      }
    }
    written = count
  }
  if let failure { throw failure }
  return values
}
