// How squared errors of very different size become one loss: as a mean, as the square of the mean
// root, or as a geometric mean.
public import KymoNumerics
package import KymoTensor

/// How the squared errors of several states, or steps, become one loss.
///
/// Where series start far from an attractor their beginnings have errors a hundred times larger,
/// and hide errors that are small and add up, such as that of the speed on a limit cycle.
public enum ErrorAverage: String, SettingChoice {
  /// Their mean.
  case arithmetic
  /// The square of the mean of their roots.
  case root
  /// The exponential of their mean logarithm: improving any of them by a part counts the same, down
  /// to errors of 10⁻⁴ of the data's scale.
  case geometric

  /// Added to errors before root or logarithm.
  private static let floor = 1e-8

  /// The average over all entries.
  package func callAsFunction(_ errors: Tensor) -> Tensor {
    switch self {
    case .arithmetic: errors.mean()
    case .root: (errors + Self.floor).sqrt().mean().square()
    case .geometric: (errors + Self.floor).log().mean().exp()
    }
  }
}
