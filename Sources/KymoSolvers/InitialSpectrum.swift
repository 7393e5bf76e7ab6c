// Random initial fields with a Gaussian spectrum of random width, as in the data sets of Lu, Kim and
// Soljačić (2020): v(k) = exp(-k²/(2κ₀²)) (g₁ + i g₂), real part, unit mean square.
import Foundation
import KymoNumerics

/// The spectrum of a random real field with unit mean square.
enum InitialSpectrum {
  /// Draws amplitudes for the modes 0, 1, −1, 2, −2 and so on, in this order.
  ///
  /// Every wavevector has an amplitude of its own; taking the real part makes the spectrum
  /// Hermitian. The number of modes is fixed by the data, so the field does not depend on the mesh
  /// on which the equation is solved.
  ///
  /// - Returns: Modes 0 to `highestMode`, real and imaginary parts alternating.
  static func draw(
    width: Double, length: Double, highestMode: Int, using stream: inout RandomStream
  ) -> [Double] {
    var spectrum = [Double](repeating: 0, count: 2 * (highestMode + 1))
    spectrum[0] = stream.normal()
    _ = stream.normal()  // the imaginary part of mode 0, which taking the real part removes
    var meanSquare = spectrum[0] * spectrum[0]
    for mode in stride(from: 1, through: highestMode, by: 1) {
      let wavenumber = 2 * Double.pi * Double(mode) / length
      let envelope = exp(-wavenumber * wavenumber / (2 * width * width))
      let (a, b) = (stream.normal(), stream.normal())  // of +k
      let (c, d) = (stream.normal(), stream.normal())  // of −k
      let (real, imaginary) = (envelope * (a + c) / 2, envelope * (b - d) / 2)
      spectrum[2 * mode] = real
      spectrum[2 * mode + 1] = imaginary
      meanSquare += 2 * (real * real + imaginary * imaginary)
    }
    let scale = 1 / meanSquare.squareRoot()
    for index in spectrum.indices { spectrum[index] *= scale }
    return spectrum
  }
}
