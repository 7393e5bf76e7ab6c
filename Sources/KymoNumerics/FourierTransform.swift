// Discrete Fourier transforms of any length for metrics: X(k) = Σ_n x(n) exp(−2π i k n / N). Powers of
// two by the radix-2 algorithm of Cooley and Tukey (1965), other lengths as a convolution of such a
// length (Bluestein 1970). Solvers use the fused transforms of CKernels, which take many fields at once.
import Foundation

/// A plan for complex transforms of one length.
public struct FourierTransform: Sendable {
  private let count: Int
  /// Length of the radix-2 transforms: `count` itself or the padded length of the convolution.
  private let padded: Int
  private let twiddle: (re: [Double], im: [Double])
  /// exp(−π i n² / N) and the transform of its conjugate, for lengths that are no power of two.
  private let chirp: (re: [Double], im: [Double])?
  private let filter: (re: [Double], im: [Double])

  /// Prepares transforms of `count` points, at least 1.
  public init(count: Int) {
    precondition(count >= 1, "FourierTransform: \(count) points")
    self.count = count
    var padded = 1
    let isPower = count & (count - 1) == 0
    while padded < (isPower ? count : 2 * count - 1) { padded *= 2 }
    self.padded = padded
    let angles = (0..<max(1, padded / 2)).map { -2 * Double.pi * Double($0) / Double(padded) }
    twiddle = (angles.map(cos), angles.map(sin))
    guard !isPower else {
      (chirp, filter) = (nil, ([], []))
      return
    }
    // n² modulo 2N keeps the angle small and exact.
    let turns = (0..<count).map { -Double.pi * Double($0 * $0 % (2 * count)) / Double(count) }
    let wave = (re: turns.map(cos), im: turns.map(sin))
    chirp = wave
    var (re, im) = ([Double](repeating: 0, count: padded), [Double](repeating: 0, count: padded))
    for n in 0..<count {
      for place in [n, (padded - n) % padded] { (re[place], im[place]) = (wave.re[n], -wave.im[n]) }
    }
    FourierTransform.transform(&re, &im, twiddle)
    filter = (re, im)
  }

  /// The transform of complex values, given and returned as real and imaginary parts.
  public func forward(re: [Double], im: [Double]) -> (re: [Double], im: [Double]) {
    precondition(
      re.count == count && im.count == count,
      "FourierTransform: \(re.count) and \(im.count) values for \(count) points")
    guard let chirp else {
      var (re, im) = (re, im)
      FourierTransform.transform(&re, &im, twiddle)
      return (re, im)
    }
    var (a, b) = ([Double](repeating: 0, count: padded), [Double](repeating: 0, count: padded))
    for n in 0..<count {
      a[n] = re[n] * chirp.re[n] - im[n] * chirp.im[n]
      b[n] = re[n] * chirp.im[n] + im[n] * chirp.re[n]
    }
    FourierTransform.transform(&a, &b, twiddle)
    for k in 0..<padded {
      // The conjugate, so that a forward transform takes the place of the inverse one.
      (a[k], b[k]) = (
        a[k] * filter.re[k] - b[k] * filter.im[k], -(a[k] * filter.im[k] + b[k] * filter.re[k])
      )
    }
    FourierTransform.transform(&a, &b, twiddle)
    var result = (
      re: [Double](repeating: 0, count: count), im: [Double](repeating: 0, count: count)
    )
    for n in 0..<count {
      let (x, y) = (a[n] / Double(padded), -b[n] / Double(padded))
      result.re[n] = x * chirp.re[n] - y * chirp.im[n]
      result.im[n] = x * chirp.im[n] + y * chirp.re[n]
    }
    return result
  }

  private static func transform(
    _ re: inout [Double], _ im: inout [Double], _ twiddle: (re: [Double], im: [Double])
  ) {
    let count = re.count
    var reversed = 0
    for index in 1..<max(1, count) {
      var bit = count >> 1
      while reversed & bit != 0 {
        reversed ^= bit
        bit >>= 1
      }
      reversed |= bit
      if index < reversed {
        re.swapAt(index, reversed)
        im.swapAt(index, reversed)
      }
    }
    var half = 1
    while half < count {
      let step = count / (2 * half)
      for start in stride(from: 0, to: count, by: 2 * half) {
        for offset in 0..<half {
          let (c, s) = (twiddle.re[offset * step], twiddle.im[offset * step])
          let (low, high) = (start + offset, start + offset + half)
          let (x, y) = (c * re[high] - s * im[high], c * im[high] + s * re[high])
          (re[high], im[high]) = (re[low] - x, im[low] - y)
          (re[low], im[low]) = (re[low] + x, im[low] + y)
        }
      }
      half *= 2
    }
  }
}
