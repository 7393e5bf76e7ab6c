// Parts of the time axis of `[B, T, …]`, and rows that are finite.
package import KymoNumerics

extension HostArray where Element: BinaryFloatingPoint {
  /// Entries of one row of the first two axes.
  private var cellCount: Int { shape.dropFirst(2).reduce(1, *) }

  /// A range of the second axis: `[B, T, …]` to `[B, n, …]`.
  package func steps(_ range: Range<Int>) -> HostArray {
    let cells = cellCount
    var values: [Element] = []
    values.reserveCapacity(shape[0] * range.count * cells)
    for item in 0..<shape[0] {
      let first = (item * shape[1] + range.lowerBound) * cells
      values += elements[first..<first + range.count * cells]
    }
    return HostArray(values, shape: [shape[0], range.count] + shape.dropFirst(2))
  }

  /// Puts `[B, n, …]` at entry `first` of the second axis.
  mutating func setSteps(from first: Int, to part: HostArray) {
    let (cells, count) = (cellCount, part.shape[1])
    for item in 0..<shape[0] {
      let place = (item * shape[1] + first) * cells
      elements.replaceSubrange(
        place..<place + count * cells,
        with: part.elements[item * count * cells..<(item + 1) * count * cells])
    }
  }

  /// Axes one and two as one, and back.
  func joined() -> HostArray { reshaped([shape[0] * shape[1]] + shape.dropFirst(2)) }
  func split(_ batch: Int) -> HostArray {
    reshaped([batch, batch == 0 ? 0 : shape[0] / batch] + shape.dropFirst())
  }

  /// One more axis of length 1 behind the first.
  func asOneStep() -> HostArray { reshaped([shape[0], 1] + shape.dropFirst()) }

  /// Parts of the second axis, one after the other.
  static func concatenating(_ parts: [HostArray]) -> HostArray {
    guard parts.count > 1 else { return parts[0] }
    let total = parts.reduce(0) { $0 + $1.shape[1] }
    var result = HostArray(
      repeating: 0, shape: [parts[0].shape[0], total] + parts[0].shape.dropFirst(2))
    var place = 0
    for part in parts {
      result.setSteps(from: place, to: part)
      place += part.shape[1]
    }
    return result
  }

  /// Rows of the first axis without a value that is not finite.
  var finiteRows: [Int] {
    let length = shape.dropFirst().reduce(1, *)
    return (0..<shape[0]).filter { row in
      elements[row * length..<(row + 1) * length].allSatisfy(\.isFinite)
    }
  }

  /// Some rows of the first axis.
  func rows(_ indices: [Int]) -> HostArray {
    let length = shape.dropFirst().reduce(1, *)
    var values: [Element] = []
    values.reserveCapacity(indices.count * length)
    for row in indices { values += elements[row * length..<(row + 1) * length] }
    return HostArray(values, shape: [indices.count] + shape.dropFirst())
  }

  /// These rows at their places among `count`, NaN elsewhere.
  func scattered(to indices: [Int], of count: Int) -> HostArray {
    let length = shape.dropFirst().reduce(1, *)
    var result = HostArray(repeating: .nan, shape: [count] + shape.dropFirst())
    for (position, row) in indices.enumerated() {
      result.elements.replaceSubrange(
        row * length..<(row + 1) * length,
        with: elements[position * length..<(position + 1) * length])
    }
    return result
  }
}
