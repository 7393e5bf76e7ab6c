// Arrays that are made of others without being copied: parts of several data sets side by side, axes
// in another order, values scaled. And small arrays that are only in memory.
import KymoNumerics

/// An array whose parts lie in other arrays.
struct ComposedArray: StoredArray {
  /// A block of the whole that comes from one array.
  struct Member: Sendable {
    /// Where the numbers are.
    var array: any StoredArray
    /// First index of the block along every axis of the whole.
    var origin: [Int]
    /// Length of the block along every axis of the whole.
    var lengths: [Int]
    /// The axis of `array` that each axis of the whole runs along; nil where the block has length 1.
    var axes: [Int?]
    /// Indices along the axes of `array` that no axis of the whole runs along.
    var fixed: [Int: Int] = [:]
    /// How its numbers are packed.
    var packing = Packing()

    fileprivate var isPlain: Bool { packing == Packing() }
  }

  /// How numbers are packed: the value is `factor` times the number plus `offset`, NaN where the
  /// number is `fill`; `span` is added to negative numbers that stand for ones without a sign.
  struct Packing: Hashable, Sendable {
    var factor = 1.0
    var offset = 0.0
    var fill: Double?
    var span: Double?
  }

  let shape: [Int]
  let element: ElementType
  private let members: [Member]

  /// Composes an array; the blocks fill it.
  init(shape: [Int], _ members: [Member]) {
    (self.shape, self.members) = (shape, members)
    let types = members.compactMap { member in
      if case .number(let type) = member.array.element { type } else { nil }
    }
    // The widest of its parts.
    let widest = types.max { $0.width < $1.width } ?? .float32
    element = .number(members.allSatisfy(\.isPlain) ? widest : .float64)
  }

  /// Nil, since the blocks have places of their own; one that is a plain array is mapped as it is.
  var mapping: ArrayMapping? {
    guard members.count == 1, let one = members.first, one.isPlain, one.lengths == shape,
      let whole = one.array.mapping
    else { return nil }
    // Fixed indices would begin the block elsewhere.
    guard one.fixed.values.allSatisfy({ $0 == 0 }),
      one.fixed.keys.allSatisfy({
        one.array.shape[$0] == 1
      })
    else { return nil }
    return ArrayMapping(
      whole.file, whole.range, whole.type,
      strides: one.axes.map { $0.map { whole.strides[$0] } ?? 1 })
  }

  var readsParts: Bool { true }
  func verify() throws(FormatError) {}
  func strings() throws(FormatError) -> [String] { [] }

  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
    let counts = part.map(\.count)
    let strides = NPYHeader(element: .number(.float32), shape: counts).strides
    for member in members {
      // The part of the block that is wanted, in indices of the whole.
      let wanted = part.indices.map { axis in
        part[axis].clamped(
          to: member.origin[axis]..<member.origin[axis] + member.lengths[axis])
      }
      guard !wanted.contains(where: \.isEmpty) else { continue }
      var source = member.array.shape.map { 0..<min(1, $0) }
      for (axis, index) in member.fixed { source[axis] = index..<index + 1 }
      for (axis, own) in member.axes.enumerated() {
        guard let own else { continue }
        let shift = member.origin[axis]
        source[own] = wanted[axis].lowerBound - shift..<wanted[axis].upperBound - shift
      }
      let numbers = try unsafe filled(count: source.reduce(1) { $0 * $1.count }) {
        (target: UnsafeMutablePointer<Number>) throws(FormatError) in
        try unsafe member.array.read(source, into: target)
      }
      let own = NPYHeader(element: .number(.float32), shape: source.map(\.count)).strides
      let steps = member.axes.map { $0.map { own[$0] } ?? 0 }
      let first = part.indices.reduce(0) {
        $0 + (wanted[$1].lowerBound - part[$1].lowerBound) * strides[$1]
      }
      func copy(_ axis: Int, from: Int, to: Int) {
        guard !part.isEmpty else { return unsafe output[0] = member.value(numbers[0]) }
        let isLast = axis == part.count - 1
        for index in 0..<wanted[axis].count {
          let (from, to) = (from + index * steps[axis], to + index * strides[axis])
          if isLast {
            // In bounds: `wanted` lies in `part` and in the block.
            unsafe output[to] = member.value(numbers[from])
          } else {
            copy(axis + 1, from: from, to: to)
          }
        }
      }
      copy(0, from: 0, to: first)
    }
  }
}

extension ComposedArray.Member {
  fileprivate func value<Number: ArrayNumber>(_ number: Number) -> Number {
    if isPlain { return number }
    // In the precision that the number has.
    if let fill = packing.fill, number == Number(fill) { return .nan }
    let raw = Double(number)
    let value = if let span = packing.span, raw < 0 { raw + span } else { raw }
    return Number(value * packing.factor + packing.offset)
  }
}

/// A small array in memory.
struct HeldArray: StoredArray {
  let shape: [Int]
  private let numbers: [Double]
  private let texts: [String]?

  /// Numbers.
  init(_ numbers: [Double], shape: [Int]? = nil) {
    (self.numbers, self.shape, texts) = (numbers, shape ?? [numbers.count], nil)
  }

  /// Texts along one axis.
  init(_ texts: [String]) {
    (self.texts, shape, numbers) = (texts, [texts.count], [])
  }

  var element: ElementType {
    texts == nil ? .number(.float64) : .bytes(length: texts?.map(\.utf8.count).max() ?? 0)
  }
  var mapping: ArrayMapping? { nil }
  var readsParts: Bool { false }
  func verify() throws(FormatError) {}
  func strings() throws(FormatError) -> [String] { texts ?? [] }

  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
    let strides = NPYHeader(element: .number(.float64), shape: shape).strides
    var target = 0
    func copy(_ axis: Int, _ from: Int) {
      guard axis < part.count else {
        unsafe output[target] = Number(numbers[from])
        target += 1
        return
      }
      for index in part[axis] { copy(axis + 1, from + index * strides[axis]) }
    }
    copy(0, 0)
  }
}

/// Arrays with names that a layout presents, and how they were read.
struct PresentedArrays: Sendable {
  private(set) var names: [String] = []
  private var arrays: [String: any StoredArray] = [:]
  /// In words: which layout, from what.
  var reading: String?

  subscript(name: String) -> (any StoredArray)? {
    get { arrays[name] }
    set {
      if arrays[name] == nil, newValue != nil { names.append(name) }
      arrays[name] = newValue
    }
  }
}
