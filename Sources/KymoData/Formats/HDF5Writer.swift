// Writes HDF5 files: libhdf5 makes the directory, small data sets and room for large ones, whose
// numbers are then written at their place.
import CHDF5
public import Foundation
public import KymoNumerics

/// Writes arrays into a new HDF5 file, which appears under its name only when it is complete.
///
/// Fields lie in one piece, so that readers can map them.
@safe public final class HDF5Writer: ArrayWriter {
  private let file: AtomicFile
  private let pointer: OpaquePointer
  private var isOpen = true
  /// Where the next bytes of the array in blocks go, and where its parts go.
  private var next = 0
  private var parts: [Int] = []
  private var partEnd = 0
  /// The name by which libhdf5 opens the file, where it has none yet, and a lock that says that the
  /// file is being written.
  private var hidden: (path: String, lock: Int32)?

  /// Starts a file; throws when the disk has no room for `expectedBytes`.
  public init(_ url: URL, expectedBytes: Int = 0) throws(FileError) {
    file = try AtomicFile(url, expectedBytes: expectedBytes + 65_536)
    var path = file.openPath
    if path.hasPrefix("/proc/") {
      // libhdf5 follows the link there, which leads nowhere.
      let name = ".\(url.lastPathComponent).unfinished-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      let place = url.absoluteURL.deletingLastPathComponent().appending(path: name).path
      guard unsafe linkat(AT_FDCWD, path, AT_FDCWD, place, AT_SYMLINK_FOLLOW) == 0 else {
        throw FileError(writing: url)
      }
      let lock = unsafe open(place, O_RDONLY | O_CLOEXEC)
      flock(lock, LOCK_EX)
      (hidden, path) = ((place, lock), place)
    }
    var reason = [CChar](repeating: 0, count: 256)
    guard let made = unsafe kh_create(path, &reason, reason.count) else {
      let error = FileError(writing: url)
      if let hidden { unsafe unlink(hidden.path) }
      throw error
    }
    unsafe pointer = made
  }

  deinit {
    var reason = [CChar](repeating: 0, count: 256)
    if isOpen { _ = unsafe kh_finish(pointer, &reason, reason.count) }
    unlock()
    removeHiddenName()
  }

  private func removeHiddenName() {
    if let hidden { unsafe unlink(hidden.path) }
    hidden = nil
  }

  private func unlock() {
    guard let lock = hidden?.lock, lock >= 0 else { return }
    close(lock)
    hidden?.lock = -1
  }

  /// Adds single-precision numbers.
  public func add(_ name: String, _ array: HostArray<Float>) throws(FileError) {
    try beginArray(name, shape: array.shape)
    try unsafe array.elements.withBytes { bytes throws(FileError) in
      try unsafe appendBlock(bytes)
    }
  }

  /// Adds double-precision numbers.
  public func add(_ name: String, _ array: HostArray<Double>) throws(FileError) {
    numbers(name, width: 8, array)
  }

  /// Adds texts, one axis.
  public func add(_ name: String, _ texts: [String]) throws(FileError) {
    unsafe withTexts(texts) { unsafe kh_write_texts(pointer, name, Int64(texts.count), $0) }
  }

  /// Adds one text, an array without axes.
  public func add(_ name: String, _ text: String) throws(FileError) {
    unsafe withTexts([text]) { unsafe kh_write_texts(pointer, name, -1, $0) }
  }

  /// Adds truth values.
  func add(_ name: String, _ truths: [Bool]) {
    numbers(name, width: 1, HostArray(truths.map { $0 ? 1.0 : 0 }, shape: [truths.count]))
  }

  /// Adds single-precision numbers that are there in double precision.
  func addAsFloat(_ name: String, _ array: HostArray<Double>) { numbers(name, width: 4, array) }

  private func numbers(_ name: String, width: Int32, _ array: HostArray<Double>) {
    let shape = array.shape.map(Int64.init)
    unsafe array.elements.withUnsafeBufferPointer { values in
      _ = unsafe kh_write_numbers(
        pointer, name, width, Int32(shape.count), shape, values.baseAddress)
    }
  }

  // MARK: Groups and attributes

  /// Makes a group.
  func addGroup(_ path: String) { unsafe kh_write_group(pointer, path) }

  /// An attribute of an object: one value, or several along one axis.
  enum Attribute {
    case text(String)
    case texts([String])
    case number(Double)
    case whole(Int)
    case truth(Bool)
    case truths([Bool])
  }

  /// Adds an attribute to the object at a path, "/" for the root.
  func addAttribute(_ name: String, of path: String, _ value: Attribute) {
    func write(_ kind: kh_kind, _ count: Int, numbers: [Double] = [], texts: [String] = []) {
      unsafe name.withCString { name in
        unsafe numbers.withUnsafeBufferPointer { numbers in
          unsafe withTexts(texts) { texts in
            var attribute = unsafe kh_attribute(
              name: name, kind: kind, count: Int64(count), numbers: numbers.baseAddress,
              texts: texts)
            unsafe kh_write_attribute(pointer, path, &attribute)
          }
        }
      }
    }
    switch value {
    case .text(let text): write(KH_TEXT, -1, texts: [text])
    case .texts(let texts): write(KH_TEXT, texts.count, texts: texts)
    case .number(let number): write(KH_FLOAT, -1, numbers: [number])
    case .whole(let number): write(KH_INT, -1, numbers: [Double(number)])
    case .truth(let truth): write(KH_BOOL, -1, numbers: [truth ? 1 : 0])
    case .truths(let truths):
      write(KH_BOOL, truths.count, numbers: truths.map { $0 ? 1 : 0 })
    }
  }

  /// Hands texts out as C does; never empty, so that there is a place to point to.
  private func withTexts(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Void
  ) {
    var copies = unsafe (texts + [""]).map { unsafe UnsafePointer<CChar>(strdup($0)) }
    unsafe copies.withUnsafeMutableBufferPointer { copies in
      if let start = copies.baseAddress { unsafe body(UnsafePointer(start)) }
    }
    unsafe copies.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
  }

  // MARK: An array in blocks

  /// Makes room for single-precision numbers that are written at their place; gives its first byte.
  func makeRoom(_ name: String, shape: [Int]) throws(FileError) -> Int {
    let lengths = shape.map(Int64.init)
    let first = unsafe Int(
      kh_write_numbers(pointer, name, 4, Int32(shape.count), lengths, nil))
    guard first >= 0 else { throw FileError(writing: file.url) }
    file.hasGrown(to: first + 4 * shape.reduce(1, *))
    return first
  }

  /// Writes bytes into room.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    try unsafe file.replace(at: offset, with: bytes)
  }

  /// Starts an array of single-precision numbers that follow in blocks.
  public func beginArray(_ name: String, shape: [Int]) throws(FileError) {
    next = try makeRoom(name, shape: shape)
  }

  /// Adds the next bytes of the array.
  public func appendBlock(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try unsafe write(bytes, at: next)
    next += bytes.count
  }

  /// The next bytes of the array come as `count` parts of one length that grow side by side.
  public func beginParts(_ count: Int, bytes size: Int) throws(FileError) {
    precondition(parts.isEmpty && count > 0 && size > 0)
    parts = (0..<count).map { next + $0 * size }
    next += count * size
    partEnd = size
  }

  /// Adds the next bytes of a part; with the last ones of all parts the array goes on behind them.
  public func appendBlock(_ bytes: UnsafeRawBufferPointer, toPart part: Int) throws(FileError) {
    try unsafe write(bytes, at: parts[part])
    parts[part] += bytes.count
    let ends = parts.indices.map { next - (parts.count - 1 - $0) * partEnd }
    if parts == ends { parts = [] }
  }

  /// Closes the file and gives it its name.
  public func finish() throws(FileError) {
    precondition(isOpen && parts.isEmpty, "HDF5Writer: finished twice, or inside an array")
    isOpen = false
    var reason = [CChar](repeating: 0, count: 256)
    guard unsafe kh_finish(pointer, &reason, reason.count) == 0 else {
      throw FileError(writing: file.url)
    }
    unlock()
    defer { removeHiddenName() }
    try file.commit()
  }
}
