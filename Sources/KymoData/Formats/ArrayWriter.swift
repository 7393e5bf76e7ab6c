// What every writer of a file with arrays can do, and which one a name asks for.
public import Foundation
public import KymoNumerics

/// Writes arrays into a new file, which appears under its name only when it is complete.
public protocol ArrayWriter: AnyObject {
  /// Adds single-precision numbers.
  func add(_ name: String, _ array: HostArray<Float>) throws(FileError)
  /// Adds double-precision numbers.
  func add(_ name: String, _ array: HostArray<Double>) throws(FileError)
  /// Adds texts, one axis.
  func add(_ name: String, _ texts: [String]) throws(FileError)
  /// Adds one text, an array without axes.
  func add(_ name: String, _ text: String) throws(FileError)
  /// Starts an array of single-precision numbers that follow in blocks.
  func beginArray(_ name: String, shape: [Int]) throws(FileError)
  /// Adds the next bytes of the array; with the last ones the array is complete.
  func appendBlock(_ bytes: UnsafeRawBufferPointer) throws(FileError)
  /// The next bytes of the array come as `count` parts of one length that grow side by side.
  func beginParts(_ count: Int, bytes size: Int) throws(FileError)
  /// Adds the next bytes of a part; with the last ones of all parts the array goes on behind them.
  func appendBlock(_ bytes: UnsafeRawBufferPointer, toPart part: Int) throws(FileError)
  /// Gives the file its name.
  func finish() throws(FileError)
}

extension ArrayWriter {
  /// Adds one number, an array without axes.
  public func add(_ name: String, _ value: Double) throws(FileError) {
    try add(name, HostArray([value], shape: []))
  }
}

extension ArrayFiles {
  /// Endings of names that ask for HDF5; all others are NPZ.
  static let endingsOfHDF5: Set = ["h5", "hdf5", "hdf", "he5"]

  /// Whether a name asks for HDF5.
  package static func isHDF5(_ url: URL) -> Bool {
    endingsOfHDF5.contains(url.pathExtension.lowercased())
  }

  /// A writer of the format that a name asks for by its ending.
  ///
  /// - Throws: `FileError` when the file cannot be made, or the disk has no room for it.
  public static func writer(
    _ url: URL, expectedBytes: Int = 0
  ) throws(FileError) -> any ArrayWriter {
    isHDF5(url)
      ? try HDF5Writer(url, expectedBytes: expectedBytes)
      : try NPZWriter(url, expectedBytes: expectedBytes)
  }
}
