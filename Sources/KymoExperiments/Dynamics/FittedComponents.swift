// Principal components of the training frames, fitted once for all models of a run that want some:
// the first few of many are those of few.
import KymoData
import KymoReduction

/// The principal components that were fitted last.
final class FittedComponents {
  private var kept: PrincipalComponentReduction?

  /// The components of frames, always the same ones: those kept where they are enough, else fitted.
  func fit(
    _ frames: FrameSet, _ configuration: PrincipalComponentConfiguration
  ) throws -> PrincipalComponentReduction {
    if let kept {
      var same = kept.configuration
      same.latentCount = configuration.latentCount
      if same == configuration, configuration.latentCount <= kept.latentCount {
        return kept.first(configuration.latentCount)
      }
    }
    let fitted = try PrincipalComponentReduction(fitting: frames, configuration: configuration)
    kept = fitted
    return fitted
  }
}
