// Ordinary least squares with intercept, by orthogonalising centred columns (modified
// Gram-Schmidt, twice): the few columns of a fit of a parameter on latents need no more.

/// A linear function fitted by ordinary least squares.
package struct LeastSquaresFit: Hashable, Sendable {
  /// Value where every predictor is zero.
  package var intercept: Double
  /// One slope for each predictor; 0 for one that adds nothing to those before it.
  package var slopes: [Double]

  /// Intercept, then slopes.
  package var coefficients: [Double] { [intercept] + slopes }

  /// Fits `targets ≈ intercept + Σ slopes · predictors`.
  ///
  /// - Parameters:
  ///   - predictors: One row for each observation, all of the same length; may be empty rows.
  ///   - targets: One value for each observation; at least one.
  package init(predictors: [[Double]], targets: [Double]) {
    precondition(
      !targets.isEmpty && predictors.count == targets.count,
      "LeastSquaresFit: \(predictors.count) rows for \(targets.count) targets")
    let columnCount = predictors[0].count
    let targetMean = mean(of: targets)
    var residual = targets.map { $0 - targetMean }
    var basis: [[Double]] = []
    var means: [Double] = []
    // The triangle R of the factorisation (columns = basis · R), the projections of the target.
    var triangle = [[Double]](
      repeating: [Double](repeating: 0, count: columnCount), count: columnCount)
    var projections = [Double](repeating: 0, count: columnCount)
    for column in 0..<columnCount {
      let values = predictors.map { $0[column] }
      means.append(mean(of: values))
      var direction = values.map { $0 - means[column] }
      for _ in 0..<2 {
        for earlier in basis.indices {
          let overlap = dot(basis[earlier], direction)
          triangle[earlier][column] += overlap
          for row in direction.indices { direction[row] -= overlap * basis[earlier][row] }
        }
      }
      let remaining = norm(of: direction)
      // What rounding leaves of a constant or dependent column is no direction to fit on.
      guard remaining > 1e-12 * norm(of: values) else {
        basis.append([Double](repeating: 0, count: direction.count))
        continue
      }
      direction = direction.map { $0 / remaining }
      triangle[column][column] = remaining
      projections[column] = dot(direction, residual)
      for row in residual.indices { residual[row] -= projections[column] * direction[row] }
      basis.append(direction)
    }
    var slopes = [Double](repeating: 0, count: columnCount)
    for column in (0..<columnCount).reversed() where triangle[column][column] > 0 {
      let known = ((column + 1)..<columnCount).reduce(0) { $0 + triangle[column][$1] * slopes[$1] }
      slopes[column] = (projections[column] - known) / triangle[column][column]
    }
    self.slopes = slopes
    intercept = targetMean - zip(slopes, means).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Creates a fit from its coefficients: the intercept, then the slopes.
  package init(coefficients: [Double]) {
    precondition(!coefficients.isEmpty, "LeastSquaresFit: no intercept")
    (intercept, slopes) = (coefficients[0], Array(coefficients.dropFirst()))
  }

  /// The fitted value of one row of predictors.
  package func callAsFunction(_ row: [Double]) -> Double {
    zip(slopes, row).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  /// `1 − residual / total` on any data; 0 when the targets do not vary.
  ///
  /// On the data of the fit it is the usual R² in [0, 1]; on other data it may be negative.
  package func rSquared(predictors: [[Double]], targets: [Double]) -> Double {
    let targetMean = mean(of: targets)
    var (residual, total) = (0.0, 0.0)
    for (row, target) in zip(predictors, targets) {
      let (miss, deviation) = (target - self(row), target - targetMean)
      residual += miss * miss
      total += deviation * deviation
    }
    // Equal targets leave this much, because their mean is rounded.
    let rounding =
      4 * Double(targets.count) * Double.ulpOfOne * Double.ulpOfOne * dot(targets, targets)
    return total > rounding ? 1 - residual / total : 0
  }

  /// Half the 95 % interval of the fitted value when only the predictors are uncertain: 1.96
  /// standard deviations of the latents, sent through the slopes as independent errors.
  package func halfInterval95(standardDeviations: [Double]) -> Double {
    1.96
      * zip(slopes, standardDeviations).reduce(0) { $0 + ($1.0 * $1.1) * ($1.0 * $1.1) }
      .squareRoot()
  }
}

func mean(of values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// Variance with the divisor n, as NumPy's default.
func variance(of values: [Double]) -> Double {
  let centre = mean(of: values)
  return values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(values.count)
}

private func dot(_ first: [Double], _ second: [Double]) -> Double {
  var sum = 0.0
  for i in first.indices { sum += first[i] * second[i] }
  return sum
}

private func norm(of values: [Double]) -> Double { dot(values, values).squareRoot() }
