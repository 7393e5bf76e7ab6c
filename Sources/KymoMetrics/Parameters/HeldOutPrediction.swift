// How much of one quantity follows from others, by a smooth function or any other: predictions of
// recordings that were held out, by a polynomial and by the mean over nearest neighbours.
import KymoNumerics

/// What other quantities say of one in recordings that were held out, in five folds.
package struct HeldOutPrediction: Sendable {
  /// The better of both predictions for every recording.
  package let values: [Double]
  /// Its R², 0 where the mean is as good.
  package let rSquared: Double

  /// Predictions of fewer recordings say nothing.
  static let fewestRecordings = 20
  private static let foldCount = 5

  /// Predicts `target` from `variables`; from the mean alone where there are none.
  package init(of target: [Double], from variables: [[Double]]) {
    let mean = [Double](repeating: Statistics.mean(target), count: target.count)
    let ways = [Self.polynomial, Self.neighbours]
    let predictions =
      target.count < Self.fewestRecordings || variables.isEmpty
      ? [] : ways.map { Self.fold(target, variables, $0) }
    let identity = LinearFit(intercept: 0, slopes: [1], rSquared: .nan)
    let scored = predictions.map { ($0, identity.score(regressors: [$0], target: target)) }
    let best = scored.max { $0.1 < $1.1 }
    (values, rSquared) = best.flatMap { $0.1 > 0 ? $0 : nil } ?? (mean, 0)
  }

  private typealias Predictor = ([Double]) -> Double

  private static func fold(
    _ target: [Double], _ variables: [[Double]],
    _ fit: (_ target: [Double], _ variables: [[Double]]) -> Predictor
  ) -> [Double] {
    var values = target
    for fold in 0..<foldCount {
      let known = target.indices.filter { $0 % foldCount != fold }
      let predict = fit(
        known.map { target[$0] }, variables.map { variable in known.map { variable[$0] } })
      for index in stride(from: fold, to: target.count, by: foldCount) {
        values[index] = predict(variables.map { $0[index] })
      }
    }
    return values
  }

  private static func polynomial(_ target: [Double], _ variables: [[Double]]) -> Predictor {
    let mean = Statistics.mean(target)
    return PolynomialFit(variables, target: target, highestDegree: 3, valuesPerTerm: 5)
      .map { fit in { fit($0) } } ?? { _ in mean }
  }

  private static func neighbours(_ target: [Double], _ variables: [[Double]]) -> Predictor {
    let count = max(2, Int(Double(target.count).squareRoot() / 2))
    let weights = variables.map {
      1 / max(Statistics.populationVariance($0), .leastNormalMagnitude)
    }
    return { point in
      let distances = target.indices.map { row in
        variables.indices.reduce(0.0) { sum, variable in
          let gap = variables[variable][row] - point[variable]
          return sum + weights[variable] * gap * gap
        }
      }
      let nearest = distances.indices.sorted { distances[$0] < distances[$1] }.prefix(count)
      return Statistics.mean(nearest.map { target[$0] })
    }
  }
}
