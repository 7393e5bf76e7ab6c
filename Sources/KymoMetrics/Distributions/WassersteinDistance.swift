// The Wasserstein distance of first order between two samples of one variable,
//
//   W₁ = ∫₀¹ |F⁻¹(p) − G⁻¹(p)| dp = ∫ |F(x) − G(x)| dx,
//
// with F and G their empirical distribution functions; for several variables the mean over the
// marginal distances (Vlachas et al. 2022).
public import KymoNumerics

/// W₁ between two samples of one variable; they may differ in size.
///
/// - Parameters:
///   - first: Finite numbers, at least one, in the variable's unit; so is the distance.
///   - second: Likewise.
/// - Returns: The distance; NaN for an empty sample or one with NaN.
public func wassersteinDistance(_ first: [Double], _ second: [Double]) -> Double {
  guard !first.isEmpty, !second.isEmpty, !(first + second).contains(where: \.isNaN) else {
    return .nan
  }
  let (x, y) = (first.sorted(), second.sorted())
  if x.count == y.count {
    return zip(x, y).reduce(0) { $0 + ($1.0 - $1.1).magnitude } / Double(x.count)
  }
  // Between two quantile steps both inverse functions are constant.
  var (i, j, reached, distance) = (0, 0, 0.0, 0.0)
  while i < x.count, j < y.count {
    let (nextX, nextY) = (Double(i + 1) / Double(x.count), Double(j + 1) / Double(y.count))
    let next = min(nextX, nextY)
    distance += (next - reached) * (x[i] - y[j]).magnitude
    reached = next
    // Whole numbers decide which steps coincide: (i + 1) / n = (j + 1) / m.
    let order = (i + 1) * y.count - (j + 1) * x.count
    if order <= 0 { i += 1 }
    if order >= 0 { j += 1 }
  }
  return distance
}

/// The mean over variables of the marginal W₁ between samples `[n, d]` and `[m, d]`.
public func wassersteinDistance(
  _ first: HostArray<Double>, _ second: HostArray<Double>
) -> Double {
  precondition(
    first.rank == 2 && second.rank == 2 && first.shape[1] == second.shape[1],
    "wassersteinDistance: \(first.shape) and \(second.shape), expected [n, d] and [m, d]")
  let variables = first.shape[1]
  func column(_ array: HostArray<Double>, _ index: Int) -> [Double] {
    stride(from: index, to: array.count, by: variables).map { array.elements[$0] }
  }
  let sum = (0..<variables).reduce(0.0) {
    $0 + wassersteinDistance(column(first, $1), column(second, $1))
  }
  return sum / Double(variables)
}
