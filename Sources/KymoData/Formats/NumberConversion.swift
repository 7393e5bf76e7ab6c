// Numbers of any NumPy type at any address and distance, as Float or Double.

/// The floating-point types that arrays are converted to.
public protocol ArrayNumber: BinaryFloatingPoint, Sendable {
  /// How a file stores this type without conversion.
  static var numberType: NumberType { get }
}

extension Float: ArrayNumber {
  /// Single precision.
  public static var numberType: NumberType { .float32 }
}
extension Double: ArrayNumber {
  /// Double precision.
  public static var numberType: NumberType { .float64 }
}

enum NumberConversion {
  /// Converts `count` numbers that stand `stride` numbers apart from `source` on.
  ///
  /// The caller has checked that all of them lie in their buffer; no alignment is needed.
  static func convert<Number: ArrayNumber>(
    _ type: NumberType, at source: UnsafeRawPointer, stride: Int, count: Int,
    to output: UnsafeMutablePointer<Number>
  ) {
    let step = stride * type.width
    if type == Number.numberType, stride == 1 {
      unsafe UnsafeMutableRawPointer(output).copyMemory(
        from: source, byteCount: count * type.width)
      return
    }
    switch (type.kind, type.width) {
    case (.float, 2):
      unsafe each(UInt16.self, type, source, step, count, output) { Number(half: $0) }
    case (.float, 4):
      unsafe each(UInt32.self, type, source, step, count, output) { Number(Float(bitPattern: $0)) }
    case (.float, _):
      unsafe each(UInt64.self, type, source, step, count, output) { Number(Double(bitPattern: $0)) }
    case (.int, 1): unsafe each(Int8.self, type, source, step, count, output) { Number($0) }
    case (.int, 2): unsafe each(Int16.self, type, source, step, count, output) { Number($0) }
    case (.int, 4): unsafe each(Int32.self, type, source, step, count, output) { Number($0) }
    case (.int, _): unsafe each(Int64.self, type, source, step, count, output) { Number($0) }
    case (.uint, 2): unsafe each(UInt16.self, type, source, step, count, output) { Number($0) }
    case (.uint, 4): unsafe each(UInt32.self, type, source, step, count, output) { Number($0) }
    case (.uint, 8): unsafe each(UInt64.self, type, source, step, count, output) { Number($0) }
    case (.bool, _):
      unsafe each(UInt8.self, type, source, step, count, output) { $0 == 0 ? 0 : 1 }
    case (.uint, _): unsafe each(UInt8.self, type, source, step, count, output) { Number($0) }
    }
  }

  @inline(__always)
  private static func each<Raw: FixedWidthInteger, Number: ArrayNumber>(
    _ raw: Raw.Type, _ type: NumberType, _ source: UnsafeRawPointer, _ step: Int, _ count: Int,
    _ output: UnsafeMutablePointer<Number>, _ number: (Raw) -> Number
  ) {
    for index in 0..<count {
      let bits = unsafe source.loadUnaligned(fromByteOffset: index * step, as: Raw.self)
      unsafe output[index] = number(type.isBigEndian ? bits.byteSwapped : bits)
    }
  }

  /// Converts numbers as above, less an offset that is subtracted in Double before they are rounded
  /// to Float: 101325 ± 0.01 of a file in double precision keeps its digits.
  static func convert(
    _ type: NumberType, at source: UnsafeRawPointer, stride: Int, count: Int, less offset: Double,
    to output: UnsafeMutablePointer<Float>
  ) {
    guard offset != 0 else {
      return unsafe convert(type, at: source, stride: stride, count: count, to: output)
    }
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: blockLength) { block in
      guard let wide = block.baseAddress else { return }
      for start in Swift.stride(from: 0, to: count, by: blockLength) {
        let length = min(blockLength, count - start)
        unsafe convert(
          type, at: source + start * stride * type.width, stride: stride, count: length, to: wide)
        // In bounds: `length` numbers from `start` on, of `count`.
        for index in 0..<length {
          unsafe output[start + index] = Float(wide[index] - offset)
        }
      }
    }
  }

  private static let blockLength = 512

  /// Copies a part of numbers that stand `strides` apart along their axes, in C order of the part.
  ///
  /// The caller has checked that the part lies in the array.
  static func copy<Number: ArrayNumber>(
    _ part: [Range<Int>], of type: NumberType, at base: UnsafeRawPointer, strides: [Int],
    to output: UnsafeMutablePointer<Number>
  ) {
    guard !part.contains(where: \.isEmpty) else { return }
    // Axes that follow each other without a gap are read as one.
    var (counts, steps): ([Int], [Int]) = ([], [])
    for (range, stride) in zip(part, strides) {
      if let step = steps.last, let count = counts.last, step == stride * range.count {
        (counts[counts.count - 1], steps[steps.count - 1]) = (count * range.count, stride)
      } else {
        counts.append(range.count)
        steps.append(stride)
      }
    }
    let (rowLength, rowStride) = (counts.popLast() ?? 1, steps.popLast() ?? 1)
    var source = zip(part, strides).reduce(0) { $0 + $1.0.lowerBound * $1.1 }
    var index = [Int](repeating: 0, count: counts.count)
    var target = unsafe output
    for _ in 0..<counts.reduce(1, *) {
      unsafe convert(
        type, at: base + source * type.width, stride: rowStride, count: rowLength, to: target)
      unsafe target += rowLength
      for axis in index.indices.reversed() {
        index[axis] += 1
        source += steps[axis]
        if index[axis] < counts[axis] { break }
        source -= index[axis] * steps[axis]
        index[axis] = 0
      }
    }
  }
}

extension ArrayNumber {
  /// The value of a half-precision number: 1 sign, 5 exponent and 10 fraction bits.
  fileprivate init(half bits: UInt16) {
    let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 1023))
    let magnitude: Float =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
      }
    self = Self(bits & 0x8000 == 0 ? magnitude : -magnitude)
  }
}
