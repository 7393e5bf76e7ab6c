// Numbers of any NumPy type at any address and distance, as Float or Double.

/// The floating-point types that arrays are converted to.
package protocol ArrayNumber: BinaryFloatingPoint, Sendable {
  /// How a file stores this type without conversion.
  static var numberType: NumberType { get }
}

extension Float: ArrayNumber { package static var numberType: NumberType { .float32 } }
extension Double: ArrayNumber { package static var numberType: NumberType { .float64 } }

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

  /// Puts entries that stand `strides` apart in `values` into C order of `shape`.
  static func rearrange<Number: ArrayNumber>(
    _ values: [Number], shape: [Int], strides: [Int]
  ) -> [Number] {
    guard let rowLength = shape.last, let rowStride = strides.last, !values.isEmpty else {
      return values
    }
    return unsafe [Number](unsafeUninitializedCapacity: values.count) { output, count in
      var index = [Int](repeating: 0, count: shape.count - 1)
      var source = 0
      // In bounds: shape and strides describe the same entries in another order.
      while count < values.count {
        for position in 0..<rowLength {
          unsafe output.initializeElement(at: count, to: values[source + position * rowStride])
          count += 1
        }
        advance(&index, &source, shape, strides)
      }
    }
  }

  /// Moves to the next row of all axes but the last.
  private static func advance(
    _ index: inout [Int], _ source: inout Int, _ shape: [Int], _ strides: [Int]
  ) {
    for axis in index.indices.reversed() {
      index[axis] += 1
      source += strides[axis]
      if index[axis] < shape[axis] { return }
      source -= index[axis] * strides[axis]
      index[axis] = 0
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
