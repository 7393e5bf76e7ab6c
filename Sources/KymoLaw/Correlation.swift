// Correlation of an axis with a compact kernel at chosen centres, and the two inner loops of the
// weak form.

/// Correlates one axis of an array with a kernel at chosen centres.
struct Correlation {
  private let kernel: [Double]
  private let points: Int
  private let centres: [Int]
  private let wraps: Bool

  init(_ kernel: [Double], points: Int, centres: [Int], wraps: Bool) {
    (self.kernel, self.points, self.centres, self.wraps) = (kernel, points, centres, wraps)
  }

  /// From `[outer, points, inner]` to `[outer, centres, inner]`.
  func callAsFunction(_ field: [Double], outer: Int, inner: Int) -> [Double] {
    precondition(field.count == outer * points * inner, "Correlation: an array of another shape")
    let half = kernel.count / 2
    var result = [Double](repeating: 0, count: outer * centres.count * inner)
    if inner == 1 {
      // Rows with their continuation on both sides, so that the inner loop need not wrap.
      let margin = wraps ? half : 0
      var row = [Double](repeating: 0, count: points + 2 * margin)
      for line in 0..<outer {
        for i in row.indices {
          row[i] = field[line * points + (i - margin + points) % points]
        }
        for (place, centre) in centres.enumerated() {
          result[line * centres.count + place] = dot(
            kernel, 0, row, centre - half + margin, kernel.count)
        }
      }
      return result
    }
    for line in 0..<outer {
      for (place, centre) in centres.enumerated() {
        let target = (line * centres.count + place) * inner
        for tap in kernel.indices where kernel[tap] != 0 {
          let source = (centre - half + tap + points) % points
          axpy(kernel[tap], field, (line * points + source) * inner, &result, target, inner)
        }
      }
    }
    return result
  }
}

/// Adds `factor` times `count` numbers of `source` to those of `target`.
func axpy(
  _ factor: Double, _ source: [Double], _ from: Int, _ target: inout [Double], _ to: Int,
  _ count: Int
) {
  precondition(
    from >= 0 && to >= 0 && from + count <= source.count && to + count <= target.count,
    "axpy: outside an array")
  unsafe source.withUnsafeBufferPointer { source in
    unsafe target.withUnsafeMutableBufferPointer { target in
      // In bounds by the precondition.
      for i in 0..<count { unsafe target[to &+ i] += factor * source[from &+ i] }
    }
  }
}

/// The sum of products of `count` numbers, in four partial sums.
func dot(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int, _ count: Int) -> Double {
  precondition(
    i >= 0 && j >= 0 && i + count <= a.count && j + count <= b.count, "dot: outside an array")
  return unsafe a.withUnsafeBufferPointer { a in
    unsafe b.withUnsafeBufferPointer { b in
      // In bounds by the precondition.
      var (s, k) = (SIMD4<Double>.zero, 0)
      while k &+ 4 <= count {
        let left = unsafe SIMD4(a[i &+ k], a[i &+ k &+ 1], a[i &+ k &+ 2], a[i &+ k &+ 3])
        let right = unsafe SIMD4(b[j &+ k], b[j &+ k &+ 1], b[j &+ k &+ 2], b[j &+ k &+ 3])
        s += left * right
        k &+= 4
      }
      var total = s.sum()
      while k < count {
        unsafe total += a[i &+ k] * b[j &+ k]
        k &+= 1
      }
      return total
    }
  }
}
