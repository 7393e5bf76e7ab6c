// The batched real transforms of CKernels, every instruction set of this machine, against the sum
// that defines them and against NumPy.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

/// Runs a plan on fields given as [lane][point].
@safe private final class Transform {
  let plan: OpaquePointer
  let points: Int
  let lanes: Int

  init?(_ points: Int, _ level: kk_level) {
    guard let plan = unsafe kk_fft_create(Int32(points), level) else { return nil }
    unsafe self.plan = plan
    self.points = points
    lanes = unsafe Int(kk_fft_lanes(plan))
  }

  deinit { unsafe kk_fft_release(plan) }

  typealias Kernel = (
    OpaquePointer, UnsafePointer<Double>, UnsafeMutablePointer<Double>,
    UnsafeMutablePointer<Double>
  ) -> Void

  func run(_ rows: [[Double]], resultCount: Int, forward: Bool) -> [[Double]] {
    unsafe run(rows, resultCount: resultCount) { plan, input, output, scratch in
      if forward {
        unsafe kk_fft_forward(plan, input, output, scratch)
      } else {
        unsafe kk_fft_inverse(plan, input, output, scratch)
      }
    }
  }

  func run(_ rows: [[Double]], resultCount: Int, kernel: Kernel) -> [[Double]] {
    func aligned(_ count: Int) -> UnsafeMutablePointer<Double> {
      unsafe UnsafeMutableRawPointer.allocate(byteCount: 8 * count, alignment: 64)
        .bindMemory(to: Double.self, capacity: count)
    }
    let input = unsafe aligned(lanes * rows[0].count)
    let output = unsafe aligned(lanes * resultCount)
    let scratch = unsafe aligned(Int(kk_fft_scratch_count(plan)))
    defer {
      unsafe input.deallocate()
      unsafe output.deallocate()
      unsafe scratch.deallocate()
    }
    for lane in 0..<lanes {
      for (index, value) in rows[lane % rows.count].enumerated() {
        unsafe input[index * lanes + lane] = value
      }
    }
    unsafe kernel(plan, input, output, scratch)
    return (0..<lanes).map { lane in
      (0..<resultCount).map { unsafe output[$0 * lanes + lane] }
    }
  }

  /// Complex transforms of half as many points, real and imaginary parts alternating.
  func complex(_ rows: [[Double]], forward: Bool) -> [[Double]] {
    unsafe run(rows, resultCount: points) { plan, input, output, scratch in
      if forward {
        unsafe kk_fft_complex_forward(plan, input, output, scratch)
      } else {
        unsafe kk_fft_complex_inverse(plan, input, output, scratch)
      }
    }
  }

  func forward(_ rows: [[Double]]) -> [[Double]] {
    run(rows, resultCount: points + 2, forward: true)
  }
  func inverse(_ rows: [[Double]]) -> [[Double]] { run(rows, resultCount: points, forward: false) }
}

/// The definition, with angles reduced exactly.
private func plainTransform(_ field: [Double]) -> [Double] {
  let count = field.count
  let angles = (0..<count).map { 2 * Double.pi * Double($0) / Double(count) }
  let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
  return (0...count / 2).flatMap { k in
    var (real, imaginary) = (0.0, 0.0)
    for (n, value) in field.enumerated() {
      real += value * cosines[k * n % count]
      imaginary -= value * sines[k * n % count]
    }
    return [real, imaginary]
  }
}

private func distance(_ first: [Double], _ second: [Double]) -> Double {
  let gap = zip(first, second).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return (gap / second.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

private let levels = [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512].filter {
  $0.rawValue <= kk_processor_level().rawValue
}.map(\.rawValue)

@Suite("Batched real transforms") struct FourierTransformTests {
  static let lengths = [
    4, 6, 8, 10, 12, 16, 18, 20, 24, 30, 32, 36, 50, 54, 60, 64, 90, 96, 100, 128, 150, 192, 250,
    256, 270, 288, 300, 320, 384, 400, 480, 500, 512, 640, 768, 960, 1024, 1536, 2048,
  ]

  private func rows(_ count: Int, _ length: Int, seed: UInt64) -> [[Double]] {
    (0..<count).map { lane in
      var stream = RandomStream(seed: seed, purpose: .testing, index: UInt64(lane))
      return (0..<length).map { _ in stream.normal() }
    }
  }

  @Test("of complex fields agree with the definition", arguments: levels)
  func complex(_ level: UInt32) throws {
    for count in [2, 3, 8, 15, 48, 60, 100, 256] {
      let transform = try #require(Transform(2 * count, kk_level(level)))
      let fields = rows(transform.lanes, 2 * count, seed: UInt64(count))
      let spectra = transform.complex(fields, forward: true)
      let lane = transform.lanes - 1
      var expected: [Double] = []
      for k in 0..<count {
        var (real, imaginary) = (0.0, 0.0)
        for n in 0..<count {
          let angle = -2 * Double.pi * Double(k * n % count) / Double(count)
          let (a, b) = (fields[lane][2 * n], fields[lane][2 * n + 1])
          real += a * cos(angle) - b * sin(angle)
          imaginary += a * sin(angle) + b * cos(angle)
        }
        expected += [real, imaginary]
      }
      #expect(distance(spectra[lane], expected) < 1e-14, "\(count) points")
      let back = transform.complex(spectra, forward: false)[lane].map { $0 / Double(count) }
      #expect(distance(back, fields[lane]) < 2e-15, "\(count) points")
    }
  }

  @Test("agree with the definition, every lane with its own field", arguments: levels)
  func definition(_ level: UInt32) throws {
    for length in Self.lengths {
      let transform = try #require(Transform(length, kk_level(level)))
      let fields = rows(transform.lanes, length, seed: UInt64(length))
      let spectra = transform.forward(fields)
      // The definition's own rounding grows like the root of the length; measured 2e-15 at 2048.
      let allowed = 2e-16 * Double(length).squareRoot() + 1e-15
      // The long sums for a few lanes only.
      for lane in Set([0, transform.lanes - 1]) {
        let error = distance(spectra[lane], plainTransform(fields[lane]))
        #expect(error < allowed, "\(length) points, lane \(lane): \(error)")
      }
      let back = transform.inverse(spectra)
      for lane in 0..<transform.lanes {
        let error = distance(back[lane].map { $0 / Double(length) }, fields[lane])
        #expect(error < allowed, "\(length) points and back, lane \(lane): \(error)")
      }
      // Negative control: the field of a neighbouring lane is not this one's.
      #expect(distance(spectra[0], plainTransform(fields[1])) > 0.1)
    }
  }

  @Test("of any number of complex points agree with the definition, and come back")
  func anyLength() {
    for count in [1, 2, 3, 4, 7, 8, 9, 14, 31, 64, 65, 451] {
      let field = rows(1, 2 * count, seed: UInt64(count))[0]
      let transform = FourierTransform(complexPoints: count)
      let spectrum = transform.complexForward(field)
      var expected: [Double] = []
      for k in 0..<count {
        var (real, imaginary) = (0.0, 0.0)
        for n in 0..<count {
          let angle = -2 * Double.pi * Double(k * n % count) / Double(count)
          real += field[2 * n] * cos(angle) - field[2 * n + 1] * sin(angle)
          imaginary += field[2 * n] * sin(angle) + field[2 * n + 1] * cos(angle)
        }
        expected += [real, imaginary]
      }
      // A convolution of twice the length adds its rounding: measured 1.5e-15 at 451.
      #expect(distance(spectrum, expected) < 4e-15, "\(count) points")
      let back = transform.complexInverse(spectrum).map { $0 / Double(count) }
      #expect(distance(back, field) < 4e-15, "\(count) points and back")
    }
  }

  @Test("of a real field and back, and which lengths there are") func real() {
    let field = rows(1, 60, seed: 8)[0]
    let transform = FourierTransform(realPoints: 60)
    #expect(distance(transform.forward(field), plainTransform(field)) < 4e-15)
    let back = transform.inverse(transform.forward(field)).map { $0 / 60 }
    #expect(distance(back, field) < 4e-15)
    for (points, exists) in [
      (4, true), (2, false), (15, false), (60, true), (14, false), (1 << 20, true),
      (1 << 21, false),
    ] {
      #expect(FourierTransform.exists(realPoints: points) == exists)
    }
  }

  @Test("give a lane the same bits wherever it lies", arguments: levels)
  func lanes(_ level: UInt32) throws {
    let transform = try #require(Transform(96, kk_level(level)))
    var fields = rows(transform.lanes, 96, seed: 3)
    let first = transform.forward(fields)[0]
    fields.swapAt(0, transform.lanes - 1)
    #expect(transform.forward(fields)[transform.lanes - 1] == first)
  }

  @Test("agree with NumPy", arguments: levels) func golden(_ level: UInt32) throws {
    for golden in try GoldenNumerics.load().transforms {
      let transform = try #require(Transform(golden.field.count, kk_level(level)))
      let expected = zip(golden.real, golden.imaginary).flatMap { [$0, $1] }
      #expect(distance(transform.forward([golden.field])[0], expected) < 1e-15)
    }
  }

  @Test("refuse lengths that they cannot do", arguments: [-2, 0, 2, 7, 9, 14, 22, 98, 255])
  func refusals(_ length: Int) {
    #expect(Transform(length, KK_LEVEL_AVX512) == nil)
  }
}
