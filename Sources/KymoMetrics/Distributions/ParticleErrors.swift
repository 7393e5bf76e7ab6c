// How far the distribution of forecast particles is from the true one, frame by frame (Vlachas et al.
// 2022, SI): the mean over coordinates of the Wasserstein distance of the marginals, the L1 distance
// of histograms by Rice's rule, and the first two moments. The same numbers of two true runs are the
// floor that no forecast falls below but by chance.
public import KymoNumerics

/// Distances of two particle sets at every frame.
public struct ParticleErrors: Hashable, Sendable {
  /// Mean over coordinates of W₁.
  public var wasserstein: [Double] = []
  /// L1 distance of the joint histograms, from 0 to 2.
  public var histogram: [Double] = []
  /// Mean over coordinates of the distance of means.
  public var mean: [Double] = []
  /// Mean over coordinates of the distance of variances.
  public var variance: [Double] = []

  /// Compares particles `[T, C, P]` and `[T, C, Q]`.
  public init(_ prediction: HostArray<Double>, _ truth: HostArray<Double>) {
    precondition(
      prediction.rank == 3 && truth.rank == 3 && prediction.shape[..<2] == truth.shape[..<2],
      "ParticleErrors: \(prediction.shape) and \(truth.shape), expected [T, C, P]")
    let axes = truth.shape[1]
    for frame in 0..<truth.shape[0] {
      let (forecast, actual) = (prediction.slice(frame), truth.slice(frame))
      let pairs = (0..<axes).map { (forecast.slice($0).elements, actual.slice($0).elements) }
      func mean(_ distance: ([Double], [Double]) -> Double) -> Double {
        Statistics.mean(pairs.map(distance))
      }
      wasserstein.append(mean { wassersteinDistance($0, $1) })
      self.mean.append(mean { (Statistics.mean($0) - Statistics.mean($1)).magnitude })
      variance.append(
        mean { (Statistics.populationVariance($0) - Statistics.populationVariance($1)).magnitude })
      histogram.append(histogramDistance(forecast.exchanged(0), actual.exchanged(0)))
    }
  }
}
