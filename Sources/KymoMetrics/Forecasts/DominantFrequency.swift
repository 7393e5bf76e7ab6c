// The frequency at which a series oscillates most: the peak of its amplitude spectrum, such as that of
// lift or of a latent, from which the Strouhal number f D / U follows.
import Foundation
import KymoNumerics

/// The frequency of the largest peak in the spectrum of a series less its mean.
///
/// The series is multiplied by a Hann window and padded with zeros to four times its length or more; the
/// peak is that of the parabola through the logarithms of three amplitudes. Frequencies below two
/// periods in the series are not looked at.
///
/// - Parameters:
///   - series: Values at equal distances of time.
///   - interval: That distance.
/// - Returns: The frequency, in inverse units of the interval; nil for fewer than 16 values, values that
///   are not finite, or none that change.
///
/// **Accuracy.** For one oscillation of more than ten periods a thousandth of the frequency or better;
/// a bin, 1 / (count × interval), is how far apart two oscillations must be to be told apart.
public func dominantFrequency(of series: [Double], interval: Double) -> Double? {
  let count = series.count
  guard count >= 16, series.allSatisfy(\.isFinite) else { return nil }
  let mean = Statistics.mean(series)
  var padded = 4
  while padded < 4 * count { padded *= 2 }
  guard FourierTransform.exists(realPoints: padded) else { return nil }
  var values = [Double](repeating: 0, count: padded)
  for (index, value) in series.enumerated() {
    let window = 0.5 - 0.5 * cos(2 * Double.pi * Double(index) / Double(count))
    values[index] = window * (value - mean)
  }
  let spectrum = FourierTransform(realPoints: padded).forward(values)
  let amplitudes = (0...padded / 2).map { hypot(spectrum[2 * $0], spectrum[2 * $0 + 1]) }
  let first = 2 * padded / count
  guard
    let peak = (first..<padded / 2).max(by: { amplitudes[$0] < amplitudes[$1] }),
    amplitudes[peak] > 1e-12 * max(1, mean.magnitude) * Double(count)
  else { return nil }
  let logarithms = (peak - 1...peak + 1).map { log(max(amplitudes[$0], .leastNormalMagnitude)) }
  let bend = logarithms[0] - 2 * logarithms[1] + logarithms[2]
  let shift = bend < 0 ? 0.5 * (logarithms[0] - logarithms[2]) / bend : 0
  return (Double(peak) + min(max(shift, -0.5), 0.5)) / (Double(padded) * interval)
}
