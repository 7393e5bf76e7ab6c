// The autocorrelation in time of the components of a field,
//
//   ρ(ℓ) = ⟨(u_i(t) − m_i)(u_i(t + ℓ) − m_i)⟩ / ⟨(u_i(t) − m_i)²⟩,
//
// where ⟨ ⟩ is the mean over the pairs of times that there are, over components and initial
// conditions, and m_i the mean of a component.
public import KymoNumerics

/// The autocorrelation at several lags.
///
/// - Parameters:
///   - states: `[B, T, C, X…]`.
///   - lags: Numbers of coarse steps, 0 … T − 1.
/// - Returns: One number for each lag, 1 at lag 0.
///
/// **Good values.** Kuramoto–Sivashinsky, L = 22, Δt = 0.25, lags 1, 8, 20, 40: 0.9986, 0.917,
/// 0.634, 0.288.
public func autocorrelation(of states: HostArray<Double>, lags: [Int]) -> [Double] {
  let shape = ForecastShape(states)
  precondition(
    lags.allSatisfy { (0..<shape.frames).contains($0) },
    "autocorrelation: lags \(lags) in \(shape.frames) frames")
  let length = shape.stateCount
  var means = [Double](repeating: 0, count: length)
  for index in states.elements.indices {
    means[index % length] += states.elements[index] / Double(shape.batch * shape.frames)
  }
  var centred = states.elements
  for index in centred.indices { centred[index] -= means[index % length] }
  func product(_ lag: Int) -> Double {
    var sum = 0.0
    let pairs = (shape.frames - lag) * length
    for item in 0..<shape.batch {
      let start = item * shape.frames * length
      for index in start..<start + pairs { sum += centred[index] * centred[index + lag * length] }
    }
    return sum / Double(shape.batch * pairs)
  }
  let variance = product(0)
  return lags.map { product($0) / variance }
}
