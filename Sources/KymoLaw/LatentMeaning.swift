// What the latents of a trained model multiply: the parameters of a law as functions of them. Two
// independent ways to the same numbers, one without a library, one without a network.
import Foundation
public import KymoNumerics

/// A parameter of a law as a polynomial of latents.
public struct LatentMeaning: Codable, Hashable, Sendable {
  /// The parameter, θ₁.
  public var parameter: String
  /// What it multiplies, such as "u_xxxx in u_t".
  public var meaning: String
  /// The products of latents in it, each as the numbers of its latents from 1: [1] is z₁, [1, 2] is
  /// z₁ z₂.
  public var products: [[Int]]
  /// The value where all latents are 0.
  public var intercept: Double
  /// What each product adds.
  public var slopes: [Double]
  /// Coefficient of determination over the recordings.
  public var rSquared: Double
  /// Root mean square of the parameter minus the polynomial, on recordings that it was not fitted to
  /// (ten parts in turn).
  public var error: Double
  /// Smallest and largest value of every latent where it was fitted.
  public var ranges: [[Double]]
  /// The polynomial in every recording of the law.
  public var fitted: [Double]
}

extension LatentMeaning {
  /// The parameter at latents.
  public func value(_ latents: [Double]) -> Double {
    zip(slopes, products).reduce(intercept) { sum, term in
      sum + term.0 * Self.product(term.1, latents)
    }
  }

  /// Whether latents lie where the polynomial was fitted, or within a tenth of that range beside it.
  public func holds(_ latents: [Double]) -> Bool {
    Set(products.flatMap(\.self)).allSatisfy { latent in
      let (low, high) = (ranges[latent - 1][0], ranges[latent - 1][1])
      let beside = 0.1 * (high - low)
      return latents[latent - 1] >= low - beside && latents[latent - 1] <= high + beside
    }
  }

  /// Whether the numbers fit together and to a model of so many latents.
  public func isSound(latents count: Int) -> Bool {
    slopes.count == products.count && ranges.count == count
      && ranges.allSatisfy { $0.count == 2 }
      && products.allSatisfy { $0.allSatisfy { (1...max(1, count)).contains($0) && count > 0 } }
  }

  fileprivate static func product(_ latents: [Int], _ values: [Double]) -> Double {
    latents.reduce(1) { $0 * values[$1 - 1] }
  }
}

extension Law {
  /// Fits every parameter by the latents of the same recordings.
  ///
  /// A latent counts where without it a thousandth of the variance more is left. Squares and products
  /// of those that count are taken where they make the error on recordings left out at least a
  /// twentieth smaller.
  ///
  /// - Parameters:
  ///   - means: Latents, a row for each of the law's recordings.
  ///   - relevant: Which of them carry a parameter; the others are left out.
  /// - Throws: `ConfigurationError` for rows of other recordings.
  /// - Returns: A fit for each parameter; none without a relevant latent.
  public func meanings(
    ofLatents means: [[Double]], relevant: [Bool]
  ) throws(ConfigurationError) -> [LatentMeaning] {
    let used = relevant.indices.filter { relevant[$0] }
    try require(
      means.count == recordings.count && means.allSatisfy { $0.count == relevant.count },
      "latents", found: "of \(counted(means.count, "recording"))",
      allowed: "of the \(recordings.count) that the law was found in",
      remedy: "Extract them from the same file: kymo extract RUN FILE")
    guard !used.isEmpty, means.count > used.count + 1 else { return [] }
    let columns = used.map { latent in means.map { $0[latent] } }
    let ranges = relevant.indices.map { latent in
      let values = means.map { $0[latent] }
      return [values.min() ?? 0, values.max() ?? 0]
    }
    return parameters.indices.map { k in
      let target = recordings.map { $0.parameters[k] }
      let whole = LinearFit(regressors: columns, target: target).rSquared
      let needed = columns.indices.filter { place in
        let others = columns.indices.filter { $0 != place }.map { columns[$0] }
        return whole - LinearFit(regressors: others, target: target).rSquared > 1e-3
      }.map { used[$0] + 1 }
      let linear = needed.map { [$0] }
      let quadratic = linear + needed.flatMap { a in needed.filter { $0 >= a }.map { [a, $0] } }
      func regressors(_ products: [[Int]]) -> [[Double]] {
        products.map { product in means.map { LatentMeaning.product(product, $0) } }
      }
      let errors = [linear, quadratic].map { heldOutError(regressors($0), target) }
      let products =
        means.count > 4 * quadratic.count && errors[1] < 0.95 * errors[0] ? quadratic : linear
      let fit = LinearFit(regressors: regressors(products), target: target)
      var meaning = LatentMeaning(
        parameter: parameters[k].name, meaning: parameters[k].meaning, products: products,
        intercept: fit.intercept, slopes: fit.slopes, rSquared: fit.rSquared,
        error: products == linear ? errors[0] : errors[1], ranges: ranges, fitted: [])
      meaning.fitted = means.map(meaning.value)
      return meaning
    }
  }
}

/// Root mean square error of linear fits on the tenth of the values that each leaves out.
private func heldOutError(_ regressors: [[Double]], _ target: [Double]) -> Double {
  let parts = min(10, target.count)
  var sum = 0.0
  for part in 0..<parts {
    let fitted = target.indices.filter { $0 % parts != part }
    let fit = LinearFit(
      regressors: regressors.map { column in fitted.map { column[$0] } },
      target: fitted.map { target[$0] })
    for index in target.indices where index % parts == part {
      let difference = target[index] - fit(regressors.map { $0[index] })
      sum += difference * difference
    }
  }
  return (sum / Double(target.count)).squareRoot()
}

extension LatentMeaning {
  /// Such as "0.992 − 0.139 z₁ + 0.002 z₁²".
  var formula: String {
    let terms = zip(slopes, products).map { slope, product in
      let factors =
        product.count == 2 && product[0] == product[1]
        ? "z\(subscriptText(product[0]))²"
        : product.map { "z" + subscriptText($0) }.joined(separator: " ")
      return (slope < 0 ? " − " : " + ") + Words.number(abs(slope)) + " " + factors
    }
    return Words.number(intercept) + terms.joined()
  }

  /// Such as "θ₁ = 0.992 − 0.139 z₁ (R² 0.9998, ± 0.0024)", with the 95 % interval of recordings that
  /// were left out.
  public var text: String {
    products.isEmpty
      ? "\(parameter) is in none of them"
      : "\(parameter) = \(formula) "
        + "(R² \(String(format: "%.4f", rSquared)), ± \(Words.number(1.96 * error)))"
  }
}
