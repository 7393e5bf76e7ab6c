// Fourier transforms of real fields over one or two periodic axes, many fields side by side in the
// lanes of a vector.
//
// Layout: fields [row][column][lane], spectra [row mode][column mode 0…N/2][re, im][lane]; one axis
// is a single row.
import CKernels
import KymoNumerics

/// Transforms of one mesh, with the room that they need.
@safe final class LaneTransform {
  let rows: Int
  let columns: Int
  let lanes: Int
  private let rowPlan: FourierTransform
  private let columnPlan: FourierTransform?
  private let scratch: UnsafeMutableBufferPointer<Double>
  private let line: UnsafeMutableBufferPointer<Double>
  private let plane: UnsafeMutableBufferPointer<Double>

  /// Numbers of a field, all lanes.
  var fieldCount: Int { rows * columns * lanes }
  /// Numbers of a spectrum, all lanes.
  var spectrumCount: Int { rows * (columns / 2 + 1) * 2 * lanes }

  /// Prepares transforms of a mesh for which ``exists(rows:columns:)`` is true.
  init(rows: Int, columns: Int, level: kk_level) {
    (self.rows, self.columns) = (rows, columns)
    rowPlan = FourierTransform(realPoints: columns, level: level)
    columnPlan = rows > 1 ? FourierTransform(realPoints: 2 * rows, level: level) : nil
    lanes = rowPlan.laneCount
    let most = unsafe max(
      kk_fft_scratch_count(rowPlan.plan),
      columnPlan.map { unsafe kk_fft_scratch_count($0.plan) } ?? 0)
    unsafe scratch = allocateAligned(most)
    unsafe line = allocateAligned(2 * rows * lanes)
    unsafe plane = allocateAligned(rows > 1 ? rows * (columns / 2 + 1) * 2 * lanes : 0)
  }

  deinit {
    unsafe scratch.deallocate()
    unsafe line.deallocate()
    unsafe plane.deallocate()
  }

  /// Whether a mesh has a transform.
  static func exists(rows: Int, columns: Int) -> Bool {
    FourierTransform.exists(realPoints: columns)
      && (rows == 1 || rows % 2 == 0 && FourierTransform.exists(realPoints: 2 * rows))
  }

  /// Spectrum of a field, with the factor 1/(rows · columns).
  func forward(_ field: UnsafePointer<Double>, _ spectrum: UnsafeMutablePointer<Double>) {
    let width = (columns / 2 + 1) * 2 * lanes
    // In bounds: all buffers have the counts above.
    for row in 0..<rows {
      unsafe kk_fft_forward(
        rowPlan.plan, field + row * columns * lanes, spectrum + row * width, scratch.baseAddress)
    }
    if let columnPlan {
      for mode in 0...columns / 2 {
        unsafe gather(UnsafePointer(spectrum), mode)
        unsafe kk_fft_complex_forward(
          columnPlan.plan, line.baseAddress, line.baseAddress, scratch.baseAddress)
        unsafe scatter(spectrum, mode)
      }
    }
    let factor = 1 / Double(rows * columns)
    for index in 0..<rows * width { unsafe spectrum[index] *= factor }
  }

  /// Field of a spectrum.
  func inverse(_ spectrum: UnsafePointer<Double>, _ field: UnsafeMutablePointer<Double>) {
    let width = (columns / 2 + 1) * 2 * lanes
    guard let columnPlan, let modes = unsafe plane.baseAddress else {
      unsafe kk_fft_inverse(rowPlan.plan, spectrum, field, scratch.baseAddress)
      return
    }
    // In bounds: as above.
    for mode in 0...columns / 2 {
      unsafe gather(spectrum, mode)
      unsafe kk_fft_complex_inverse(
        columnPlan.plan, line.baseAddress, line.baseAddress, scratch.baseAddress)
      unsafe scatter(modes, mode)
    }
    for row in 0..<rows {
      unsafe kk_fft_inverse(
        rowPlan.plan, modes + row * width, field + row * columns * lanes, scratch.baseAddress)
    }
  }

  /// One column mode of all rows, into a line.
  private func gather(_ spectrum: UnsafePointer<Double>, _ mode: Int) {
    let width = (columns / 2 + 1) * 2 * lanes
    for row in 0..<rows {
      for index in 0..<2 * lanes {
        unsafe line[row * 2 * lanes + index] = spectrum[row * width + mode * 2 * lanes + index]
      }
    }
  }

  private func scatter(_ spectrum: UnsafeMutablePointer<Double>, _ mode: Int) {
    let width = (columns / 2 + 1) * 2 * lanes
    for row in 0..<rows {
      for index in 0..<2 * lanes {
        unsafe spectrum[row * width + mode * 2 * lanes + index] = line[row * 2 * lanes + index]
      }
    }
  }
}

/// Copies the modes that two meshes share, without the highest of the smaller one; others become
/// zero.
func copyModes(
  _ from: UnsafePointer<Double>, of source: LaneTransform,
  to target: LaneTransform, _ into: UnsafeMutablePointer<Double>
) {
  let lanes = source.lanes
  let (own, other) = ((source.columns / 2 + 1) * 2 * lanes, (target.columns / 2 + 1) * 2 * lanes)
  for index in 0..<target.spectrumCount { unsafe into[index] = 0 }
  let (rows, columns) = (min(source.rows, target.rows), min(source.columns, target.columns))
  for row in 0..<rows where rows == 1 || row != rows / 2 {
    // Negative modes lie at the end.
    let isNegative = row > rows / 2
    let (first, second) = (
      isNegative ? source.rows - rows + row : row, isNegative ? target.rows - rows + row : row
    )
    for index in 0..<(columns / 2) * 2 * lanes {
      unsafe into[second * other + index] = from[first * own + index]
    }
  }
}
