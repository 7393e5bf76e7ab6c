// The one Fourier transform. Its plan, and the arithmetic for many fields side by side, is in
// CKernels (kymo_fft.h); solvers hand the plan to kernels that fuse transforms with other work. The
// methods here transform single fields. Complex transforms of lengths with other prime factors than
// 2, 3 and 5 are convolutions of such a length (Bluestein 1970).
package import CKernels
import Foundation

/// Discrete Fourier transforms of one length: `X(k) = Σ_n x(n) exp(−2πi kn/N)` and back.
@safe public final class FourierTransform: @unchecked Sendable {
  // Unchecked: the plan is written once, before any other thread can see the object.
  /// The plan for kernels.
  package let plan: OpaquePointer
  /// Fields that the kernels of this plan's instruction set take side by side.
  package let laneCount: Int
  /// Real points of the plan; complex transforms have half as many.
  private let pointCount: Int
  private let chirp: Chirp?

  /// Prepares transforms of so many real points.
  ///
  /// - Parameters:
  ///   - points: A number for which ``exists(realPoints:)`` is true.
  ///   - level: The best instruction set that may be used; results differ by rounding.
  package init(realPoints points: Int, level: kk_level = KK_LEVEL_PORTABLE) {
    guard let plan = unsafe kk_fft_create(Int32(points), level) else {
      preconditionFailure("FourierTransform: no transform of \(points) points, or no memory for it")
    }
    unsafe self.plan = plan
    laneCount = unsafe Int(kk_fft_lanes(plan))
    (pointCount, chirp) = (points, nil)
  }

  /// Prepares transforms of so many complex points, at least 1.
  package init(complexPoints count: Int, level: kk_level = KK_LEVEL_PORTABLE) {
    let direct = count > 1 ? unsafe kk_fft_create(Int32(2 * count), level) : nil
    // A power of two that holds a convolution.
    var padded = 2
    while padded < 2 * count - 1 { padded *= 2 }
    guard count >= 1, let plan = unsafe direct ?? kk_fft_create(Int32(2 * padded), level) else {
      preconditionFailure("FourierTransform: no transform of \(count) complex points")
    }
    unsafe self.plan = plan
    laneCount = unsafe Int(kk_fft_lanes(plan))
    pointCount = unsafe 2 * (direct == nil ? padded : count)
    chirp = unsafe direct == nil ? Chirp(count, padded: padded) : nil
  }

  deinit { unsafe kk_fft_release(plan) }

  /// Whether so many real points have a transform: even, from 4 to 2²⁰, no prime factor above 5.
  package static func exists(realPoints points: Int) -> Bool {
    guard points >= 4, points % 2 == 0, points <= 1 << 20 else { return false }
    var rest = points
    for factor in [2, 3, 5] { while rest % factor == 0 { rest /= factor } }
    return rest == 1
  }

  /// Modes 0 to N/2 of N real numbers, real and imaginary parts alternating.
  package func forward(_ field: [Double]) -> [Double] {
    precondition(chirp == nil && field.count == pointCount)
    return unsafe transform(field, resultCount: pointCount + 2, with: kk_fft_forward)
  }

  /// N real numbers from modes 0 to N/2, negative modes being the conjugates; no factor 1/N.
  package func inverse(_ spectrum: [Double]) -> [Double] {
    precondition(chirp == nil && spectrum.count == pointCount + 2)
    return unsafe transform(spectrum, resultCount: pointCount, with: kk_fft_inverse)
  }

  /// The transform of complex numbers, real and imaginary parts alternating on both sides.
  package func complexForward(_ field: [Double]) -> [Double] {
    func direct(_ values: [Double]) -> [Double] {
      precondition(values.count == pointCount)
      return unsafe transform(values, resultCount: pointCount, with: kk_fft_complex_forward)
    }
    return chirp?.convolve(field, by: direct) ?? direct(field)
  }

  /// The inverse of ``complexForward(_:)`` without the factor 1/N.
  package func complexInverse(_ spectrum: [Double]) -> [Double] {
    if chirp != nil { return conjugated(complexForward(conjugated(spectrum))) }
    precondition(spectrum.count == pointCount)
    return unsafe transform(spectrum, resultCount: pointCount, with: kk_fft_complex_inverse)
  }

  private typealias Kernel = (
    OpaquePointer?, UnsafePointer<Double>?, UnsafeMutablePointer<Double>?,
    UnsafeMutablePointer<Double>?
  ) -> Void

  private func transform(
    _ values: [Double], resultCount: Int, with kernel: Kernel
  ) -> [Double] {
    let input = unsafe allocateAligned(values.count * laneCount)
    let output = unsafe allocateAligned(resultCount * laneCount)
    let scratch = unsafe allocateAligned(kk_fft_scratch_count(plan))
    defer {
      unsafe input.deallocate()
      unsafe output.deallocate()
      unsafe scratch.deallocate()
    }
    for (index, value) in values.enumerated() { unsafe input[index * laneCount] = value }
    // In bounds: the counts are those of the plan.
    unsafe kernel(plan, input.baseAddress, output.baseAddress, scratch.baseAddress)
    return (0..<resultCount).map { unsafe output[$0 * laneCount] }
  }
}

/// A transform of any length as a convolution: with `c(n) = exp(−πi n²/N)`,
/// `X(k) = c(k) Σ_n x(n) c(n) c̄(k − n)`.
private struct Chirp {
  let count: Int
  let padded: Int
  /// c, real and imaginary parts alternating.
  let wave: [Double]

  init(_ count: Int, padded: Int) {
    (self.count, self.padded) = (count, padded)
    wave = (0..<count).flatMap { n in
      // n² modulo 2N keeps the angle small and exact.
      let angle = -Double.pi * Double(n * n % (2 * count)) / Double(count)
      return [cos(angle), sin(angle)]
    }
  }

  func convolve(_ values: [Double], by transform: ([Double]) -> [Double]) -> [Double] {
    precondition(values.count == 2 * count, "FourierTransform: \(values.count) for \(count) points")
    var filter = [Double](repeating: 0, count: 2 * padded)
    for n in 0..<count {
      for place in [n, (padded - n) % padded] {
        (filter[2 * place], filter[2 * place + 1]) = (wave[2 * n], -wave[2 * n + 1])
      }
    }
    let field = product(values, wave) + [Double](repeating: 0, count: 2 * (padded - count))
    // The conjugate, so that a forward transform takes the place of the inverse one.
    let modes = conjugated(product(transform(field), transform(filter)))
    let sums = conjugated(transform(modes)).prefix(2 * count).map { $0 / Double(padded) }
    return product(sums, wave)
  }
}

/// Complex products entry by entry, real and imaginary parts alternating.
private func product(_ x: [Double], _ y: [Double]) -> [Double] {
  var result = x
  for n in stride(from: 0, to: x.count, by: 2) {
    result[n] = x[n] * y[n] - x[n + 1] * y[n + 1]
    result[n + 1] = x[n] * y[n + 1] + x[n + 1] * y[n]
  }
  return result
}

private func conjugated(_ values: [Double]) -> [Double] {
  var result = values
  for index in stride(from: 1, to: values.count, by: 2) { result[index] = -result[index] }
  return result
}

/// The symbol of central differences at mode `mode` of `count`: that of the first derivative
/// divided by i, sin(kΔx)/Δx, and of the second, (2 cos(kΔx) − 2)/Δx².
package func differenceSymbols(
  mode: Int, count: Int, spacing: Double
) -> (first: Double, second: Double) {
  let angle = 2 * Double.pi * Double(mode) / Double(count)
  // The highest mode of an even mesh has no slope; sin(π) would leave a rounding error.
  let first = 2 * mode == count ? 0 : sin(angle) / spacing
  return (first, (2 * cos(angle) - 2) / (spacing * spacing))
}
