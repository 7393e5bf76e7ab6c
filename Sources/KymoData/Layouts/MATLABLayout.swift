// MATLAB 7.3: HDF5 with a block of 512 bytes before it, variables at the root with the attribute
// MATLAB_class. MATLAB's first axis is the last one in the file, so axes are turned round: a
// variable is what size() says.
import Foundation
import KymoNumerics

enum MATLABLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    var (arrays, names, unread): (PresentedArrays, [String], [String]) = (
      PresentedArrays(), [], []
    )
    for path in file.paths where !path.contains("/") {
      guard case .texts(let kinds) = try file.attributes(of: path)["MATLAB_class"],
        let kind = kinds.first
      else { continue }
      names.append(path)
      guard ["single", "double"].contains(kind) || kind.contains("int") else { continue }
      let array: any StoredArray
      do { array = try file.open(path) } catch {
        // Complex, or packed by a filter that is not here.
        unread.append(path)
        continue
      }
      // A variable without numbers, such as zeros(1, 0).
      guard !array.shape.contains(0) else {
        unread.append(path)
        continue
      }
      let rank = array.shape.count
      // Numbers and rows have two axes in MATLAB.
      let isSmall = rank == 2 && array.shape.contains(1) && path != RecordingKey.field
      let kept = isSmall ? (0..<rank).filter { array.shape[$0] > 1 } : Array((0..<rank).reversed())
      arrays[path] = ComposedArray(
        shape: kept.map { array.shape[$0] },
        [
          ComposedArray.Member(
            array: array, origin: kept.map { _ in 0 }, lengths: kept.map { array.shape[$0] },
            axes: kept)
        ])
    }
    guard !names.isEmpty else { return nil }
    arrays.reading =
      "MATLAB 7.3, axes as size() has them"
      + (unread.isEmpty
        ? "" : "; without \(unread.joined(separator: ", ")), which cannot be read")
    return arrays
  }
}
