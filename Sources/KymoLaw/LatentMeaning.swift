// What the latents of a trained model multiply: the parameters of a law as functions of them. Two
// independent ways to the same numbers, one without a library, one without a network.
import Foundation
public import KymoNumerics

/// A parameter of a law as a linear function of latents.
public struct LatentMeaning: Codable, Hashable, Sendable {
  /// The parameter, θ₁.
  public var parameter: String
  /// The latents in it, counted from 1.
  public var latents: [Int]
  /// The value where all of them are 0.
  public var intercept: Double
  /// What each adds.
  public var slopes: [Double]
  /// Coefficient of determination over the recordings.
  public var rSquared: Double
}

extension Law {
  /// Fits every parameter by the latents of the same recordings.
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
    return parameters.indices.map { k in
      let target = recordings.map { $0.parameters[k] }
      let whole = LinearFit(regressors: columns, target: target).rSquared
      // A latent counts where without it a thousandth of the variance more is left.
      let needed = columns.indices.filter { place in
        let others = columns.indices.filter { $0 != place }.map { columns[$0] }
        return whole - LinearFit(regressors: others, target: target).rSquared > 1e-3
      }
      let fit = LinearFit(regressors: needed.map { columns[$0] }, target: target)
      return LatentMeaning(
        parameter: parameters[k].name, latents: needed.map { used[$0] + 1 },
        intercept: fit.intercept, slopes: fit.slopes, rSquared: fit.rSquared)
    }
  }
}

extension LatentMeaning {
  /// Such as "θ₁ = 0.992 − 0.139 z₁ (R² 0.9998)".
  public var text: String {
    let terms = zip(slopes, latents).map { slope, latent in
      (slope < 0 ? " − " : " + ") + Words.number(abs(slope)) + " z" + subscriptText(latent)
    }
    return terms.isEmpty
      ? "\(parameter) is in none of them"
      : "\(parameter) = \(Words.number(intercept))\(terms.joined()) (R² \(String(format: "%.4f", rSquared)))"
  }
}
