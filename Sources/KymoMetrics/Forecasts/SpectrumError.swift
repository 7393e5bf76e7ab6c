// The error of the amplitude spectrum in time,
//
//   A(f) = ⟨ 2 |X(f)| / T ⟩,    error = Σ_f |A_true − A_predicted| / Σ_f A_true,
//
// where X is the discrete Fourier transform of one component of the state over T frames and ⟨ ⟩ the
// mean over components and initial conditions. (Decibels are not mapped back and forth.)
public import KymoNumerics

/// The mean amplitude spectrum in time of the components of a field.
///
/// - Parameter states: `[B, T, C, X…]`.
/// - Returns: A(f) for the frequencies k / (T Δt), k = 0 … T/2.
public func amplitudeSpectrum(of states: HostArray<Double>) -> [Double] {
  let shape = ForecastShape(states)
  let length = shape.stateCount
  let transform = FourierTransform(complexPoints: shape.frames)
  var amplitudes = [Double](repeating: 0, count: shape.frames / 2 + 1)
  // Two real signals are the parts of one complex signal: X = (Z(k) + Z*(−k)) / 2 and its like.
  let signals = shape.batch * length
  func signal(_ index: Int) -> [Double] {
    let start = index / length * shape.frames * length + index % length
    return (0..<shape.frames).map { states.elements[start + $0 * length] }
  }
  for index in stride(from: 0, to: signals, by: 2) {
    let isPair = index + 1 < signals
    let imaginary = isPair ? signal(index + 1) : [Double](repeating: 0, count: shape.frames)
    let modes = transform.complexForward(zip(signal(index), imaginary).flatMap { [$0, $1] })
    for k in amplitudes.indices {
      let mirror = (shape.frames - k) % shape.frames
      let (re, im) = (modes[2 * k], modes[2 * k + 1])
      let (mirrorRe, mirrorIm) = (modes[2 * mirror], modes[2 * mirror + 1])
      let first = modulus(re + mirrorRe, im - mirrorIm) / 2
      let second = modulus(im + mirrorIm, mirrorRe - re) / 2
      amplitudes[k] += isPair ? first + second : first
    }
  }
  return amplitudes.map { 2 * $0 / Double(shape.frames * signals) }
}

/// The error of a forecast's amplitude spectrum, relative to the true one.
///
/// - Parameters:
///   - prediction: `[B, T, C, X…]`.
///   - truth: Same number of frames; the other lengths may differ.
/// - Returns: The error; 0 for equal spectra, whatever the phases are.
public func spectrumError(prediction: HostArray<Double>, truth: HostArray<Double>) -> Double {
  precondition(
    prediction.rank >= 3 && truth.rank >= 3 && prediction.shape[1] == truth.shape[1],
    "spectrumError: prediction \(prediction.shape), truth \(truth.shape)")
  let (predicted, recorded) = (amplitudeSpectrum(of: prediction), amplitudeSpectrum(of: truth))
  let miss = zip(predicted, recorded).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
  return miss / recorded.reduce(0, +)
}

private func modulus(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
