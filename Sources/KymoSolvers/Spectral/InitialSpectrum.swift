// Random initial fields with a Gaussian spectrum of random width, as in the data sets of Lu, Kim
// and Soljačić (2020): v(k) = exp(-k²/(2κ₀²)) (g₁ + i g₂), real part (or the complex field itself),
// scaled to a given mean square.
import Foundation
import KymoNumerics

/// Spectra of random fields.
///
/// Amplitudes are drawn for the modes 0, 1, −1, 2, −2 and so on, in this order. The number of modes
/// is fixed by the data, so a field does not depend on the mesh on which the equation is solved.
enum InitialSpectrum {
  /// A real field with unit mean square.
  ///
  /// Every wavevector has an amplitude of its own; taking the real part makes the spectrum
  /// Hermitian.
  ///
  /// - Returns: Modes 0 to `highestMode`, real and imaginary parts alternating.
  static func draw(
    width: Double, length: Double, highestMode: Int, using stream: inout RandomStream
  ) -> [Double] {
    var spectrum = [Double](repeating: 0, count: 2 * (highestMode + 1))
    spectrum[0] = stream.normal()
    _ = stream.normal()  // the imaginary part of mode 0, which taking the real part removes
    var meanSquare = spectrum[0] * spectrum[0]
    drawPairs(width, length, highestMode, &stream) { mode, envelope, a, b, c, d in
      let (real, imaginary) = (envelope * (a + c) / 2, envelope * (b - d) / 2)
      spectrum[2 * mode] = real
      spectrum[2 * mode + 1] = imaginary
      meanSquare += 2 * (real * real + imaginary * imaginary)
    }
    let scale = 1 / meanSquare.squareRoot()
    for index in spectrum.indices { spectrum[index] *= scale }
    return spectrum
  }

  /// A complex field ψ with mean |ψ|² = 2, which is unit mean square of each component.
  ///
  /// - Returns: Modes 0 to `highestMode`, then −`highestMode` to −1, real and imaginary parts
  ///   alternating.
  static func drawComplex(
    width: Double, length: Double, highestMode: Int, using stream: inout RandomStream
  ) -> [Double] {
    let count = 2 * highestMode + 1
    var spectrum = [Double](repeating: 0, count: 2 * count)
    (spectrum[0], spectrum[1]) = (stream.normal(), stream.normal())
    drawPairs(width, length, highestMode, &stream) { mode, envelope, a, b, c, d in
      (spectrum[2 * mode], spectrum[2 * mode + 1]) = (envelope * a, envelope * b)
      let mirror = 2 * (count - mode)
      (spectrum[mirror], spectrum[mirror + 1]) = (envelope * c, envelope * d)
    }
    let scale = (2 / spectrum.reduce(0) { $0 + $1 * $1 }).squareRoot()
    for index in spectrum.indices { spectrum[index] *= scale }
    return spectrum
  }

  /// A real 2D field with unit mean square, rounded to Float.
  ///
  /// Every wavevector of the mesh has an amplitude of its own, drawn row by row; the real part is
  /// taken.
  ///
  /// - Returns: The half plane of modes, shape `[X, Y/2 + 1, 2]`, real and imaginary parts
  ///   alternating.
  static func drawPlane(
    width: Double, grid: Grid, using stream: inout RandomStream
  ) -> [Float] {
    let (rows, columns) = (grid.shape[0], grid.shape[1])
    let envelopes = grid.axes.map { axis in
      (0..<axis.points).map { index in
        let mode = 2 * index <= axis.points ? index : index - axis.points
        let k = 2 * Double.pi * Double(mode) / axis.extent
        return exp(-k * k / (2 * width * width))
      }
    }
    var plane = [Double](repeating: 0, count: 2 * rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let envelope = envelopes[0][row] * envelopes[1][column]
        let place = 2 * (row * columns + column)
        (plane[place], plane[place + 1]) = (envelope * stream.normal(), envelope * stream.normal())
      }
    }
    let modes = columns / 2 + 1
    var spectrum = [Double](repeating: 0, count: 2 * rows * modes)
    var meanSquare = 0.0
    for row in 0..<rows {
      for mode in 0..<modes {
        let here = 2 * (row * columns + mode)
        let mirror = 2 * ((rows - row) % rows * columns + (columns - mode) % columns)
        let real = (plane[here] + plane[mirror]) / 2
        let imaginary = (plane[here + 1] - plane[mirror + 1]) / 2
        spectrum[2 * (row * modes + mode)] = real
        spectrum[2 * (row * modes + mode) + 1] = imaginary
        // The other half plane holds the conjugates of all but the first and the last column.
        let weight: Double = mode == 0 || mode == modes - 1 ? 1 : 2
        meanSquare += weight * (real * real + imaginary * imaginary)
      }
    }
    let scale = 1 / meanSquare.squareRoot()
    return spectrum.map { Float(scale * $0) }
  }

  /// Draws a + bi for mode k and c + di for −k, k = 1 to `highestMode`, with their envelope.
  private static func drawPairs(
    _ width: Double, _ length: Double, _ highestMode: Int, _ stream: inout RandomStream,
    _ body: (Int, _ envelope: Double, Double, Double, Double, Double) -> Void
  ) {
    for mode in stride(from: 1, through: highestMode, by: 1) {
      let wavenumber = 2 * Double.pi * Double(mode) / length
      let envelope = exp(-wavenumber * wavenumber / (2 * width * width))
      let (a, b) = (stream.normal(), stream.normal())
      let (c, d) = (stream.normal(), stream.normal())
      body(mode, envelope, a, b, c, d)
    }
  }
}
