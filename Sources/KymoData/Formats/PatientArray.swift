// Reading of parts while a model trains, where there is no place for an error: numbers that cannot be
// read are NaN, which every check and every training refuses, and the first reason is kept for it.
import KymoNumerics
import Synchronization

/// An array whose numbers are NaN where the file cannot be read.
final class PatientArray: Sendable {
  private let array: any StoredArray
  private let first = Mutex<FormatError?>(nil)

  /// Reads from a stored array.
  init(_ array: any StoredArray) { self.array = array }

  /// Length of every axis.
  var shape: [Int] { array.shape }
  /// What one entry is.
  var element: ElementType { array.element }
  /// Why numbers could not be read; nil where all could.
  var failure: FormatError? { first.withLock { $0 } }

  /// Copies the numbers of a part, as `StoredArray.read` does.
  func fill<Number: ArrayNumber>(_ part: [Range<Int>], _ output: UnsafeMutablePointer<Number>) {
    do throws(FormatError) { try unsafe array.read(part, into: output) } catch {
      first.withLock { $0 = $0 ?? error }
      unsafe output.update(repeating: .nan, count: part.reduce(1) { $0 * $1.count })
    }
  }
}

extension Recordings {
  /// Why some of the numbers could not be read; nil where all could.
  var readFailure: FormatError? {
    switch storage {
    case .parts(let array, _): array.failure
    case .composed(let composition): composition.members.lazy.compactMap(\.readFailure).first
    case .mapped, .owned, .wide, .onDemand: nil
    }
  }
}
