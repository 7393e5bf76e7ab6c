// A dense array in host memory, last axis fastest: what solvers, files, metrics and reports
// exchange.

/// A dense array in host memory in C order (last axis fastest).
public struct HostArray<Element: Sendable>: Sendable {
  /// Length of every axis.
  public let shape: [Int]
  /// The entries, last axis fastest; `shape.reduce(1, *)` of them.
  public var elements: [Element]

  /// Creates an array from its entries.
  ///
  /// - Parameters:
  ///   - elements: The entries, last axis fastest.
  ///   - shape: Length of every axis; their product must be the number of entries.
  public init(_ elements: [Element], shape: [Int]) {
    precondition(
      shape.reduce(1, *) == elements.count,
      "HostArray: \(elements.count) entries do not fill the shape \(shape)")
    (self.shape, self.elements) = (shape, elements)
  }

  /// Creates an array with the same value everywhere.
  public init(repeating value: Element, shape: [Int]) {
    self.init([Element](repeating: value, count: shape.reduce(1, *)), shape: shape)
  }

  /// Number of entries.
  public var count: Int { elements.count }
  /// Number of axes.
  public var rank: Int { shape.count }

  /// The entry at `indices`, one for each axis.
  public subscript(_ indices: Int...) -> Element {
    get { elements[offset(indices)] }
    set { elements[offset(indices)] = newValue }
  }

  /// The same entries under another shape with as many entries.
  public func reshaped(_ shape: [Int]) -> HostArray { HostArray(elements, shape: shape) }

  /// The same array with an axis and the one behind it exchanged, such as time and channels.
  public func exchanged(_ axis: Int) -> HostArray {
    let (rows, columns) = (shape[axis], shape[axis + 1])
    var exchanged = shape
    exchanged.swapAt(axis, axis + 1)
    if rows == 1 || columns == 1 { return reshaped(exchanged) }
    let cells = shape.dropFirst(axis + 2).reduce(1, *)
    var entries = [Element]()
    entries.reserveCapacity(count)
    for block in Swift.stride(from: 0, to: count, by: max(1, rows * columns * cells)) {
      for column in 0..<columns {
        for row in 0..<rows {
          let first = block + (row * columns + column) * cells
          entries += elements[first..<first + cells]
        }
      }
    }
    return HostArray(entries, shape: exchanged)
  }

  /// The part at `index` of the first axis.
  public func slice(_ index: Int) -> HostArray {
    let stride = shape.dropFirst().reduce(1, *)
    return HostArray(
      Array(elements[index * stride..<(index + 1) * stride]), shape: Array(shape.dropFirst()))
  }

  /// The inside of every axis from number `axis` on: without its first and last `margin` entries.
  public func trimmed(_ margin: Int, from axis: Int) -> HostArray {
    guard margin > 0, axis < rank else { return self }
    precondition(shape[axis] >= 2 * margin, "HostArray: no margin of \(margin) in \(shape)")
    let below = shape.dropFirst(axis + 1).reduce(1, *)
    let (row, edge) = (shape[axis] * below, margin * below)
    var inner = [Element]()
    for start in stride(from: 0, to: count, by: max(row, 1)) {
      inner += elements[start + edge..<start + row - edge]
    }
    var shape = shape
    shape[axis] -= 2 * margin
    return HostArray(inner, shape: shape).trimmed(margin, from: axis + 1)
  }

  private func offset(_ indices: [Int]) -> Int {
    precondition(indices.count == shape.count, "HostArray: \(indices.count) indices for \(shape)")
    var offset = 0
    for (index, length) in zip(indices, shape) {
      precondition(index >= 0 && index < length, "HostArray: index \(indices) outside \(shape)")
      offset = offset * length + index
    }
    return offset
  }
}

extension HostArray where Element == Float {
  /// Rounds to single precision.
  public init(_ other: HostArray<Double>) {
    self.init(other.elements.map { Float($0) }, shape: other.shape)
  }
}

extension HostArray where Element == Double {
  /// The same numbers in double precision.
  public init(_ other: HostArray<Float>) {
    self.init(other.elements.map { Double($0) }, shape: other.shape)
  }
}

extension HostArray: Equatable where Element: Equatable {}
