// How work on all parameters is shared by threads.

/// A part of one of several arrays.
struct Piece {
  var array: Int
  var first: Int
  var count: Int
}

/// Pieces of arrays of these lengths, whatever the number of threads.
///
/// A large array is shared by the threads, and many small ones do not wait for each other.
func pieces(of lengths: [Int]) -> [Piece] {
  let most = 1 << 14
  return lengths.enumerated().flatMap { array, length in
    stride(from: 0, to: length, by: most).map { first in
      Piece(array: array, first: first, count: min(most, length - first))
    }
  }
}

extension Array {
  /// The elements that fulfil `condition`, and the others.
  func partitioned(_ condition: (Element) -> Bool) -> ([Element], [Element]) {
    (filter(condition), filter { !condition($0) })
  }
}
