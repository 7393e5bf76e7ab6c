// An encoder whose latents are informative from the first step: its μ head reads the leading
// principal components of the features that its random layers make of the recordings.
import Foundation
import KymoData
import KymoNumerics
import KymoTensor

extension ParameterVAE {
  /// Sets the μ head to the leading principal components of pooled features, whitened, and the
  /// variance head to σ² = 0.1 on a crop.
  ///
  /// Probes are the crops to look at.
  func start(from recordings: Recordings, _ probes: [CropPlaces]) {
    let pooled = pooledFeatures(recordings, probes)
    let features = DynamicsEncoder.features
    let count = Double(pooled.count)
    let center = (0..<features).map { f in pooled.reduce(0) { $0 + $1[f] } / count }
    var covariance = [Double](repeating: 0, count: features * features)
    for row in pooled {
      let d = zip(row, center).map { $0 - $1 }
      for i in 0..<features {
        for j in 0..<features { covariance[i * features + j] += d[i] * d[j] / count }
      }
    }
    let (values, vectors) = symmetricEigen(covariance, size: features)
    let latents = configuration.latents
    var weight: [Float] = []
    var bias: [Float] = []
    for latent in 0..<latents {
      // More latents than components: the surplus ones repeat the last with less weight.
      let component = min(latent, features - 1)
      let deviation = max(values[component], 1e-12 * max(values[0], 1e-300)).squareRoot()
      let row = vectors[component].map { $0 / deviation }
      weight += row.map(Float.init)
      bias.append(Float(-zip(row, center).reduce(0) { $0 + $1.0 * $1.1 }))
    }
    let patches = trainedMap.reduce(1.0) { $0 * Double(min(31, $1)) }
    let local = log(0.1 * Double(trainedMap.reduce(1, *)) / patches)
    let device = lambda.device
    withoutGradients {
      encoder.meanHead.weight.copyInPlace(
        from: Tensor(weight, shape: [latents, features], device: device))
      encoder.meanHead.bias.copyInPlace(from: Tensor(bias, shape: [latents], device: device))
      encoder.varianceHead.weight.mulInPlace(0.1)
      encoder.varianceHead.bias.fillInPlace(local)
    }
  }

  /// The encoder's features of every crop, averaged over positions.
  private func pooledFeatures(_ recordings: Recordings, _ probes: [CropPlaces]) -> [[Double]] {
    let features = DynamicsEncoder.features
    return withoutGradients {
      probes.flatMap { probe -> [[Double]] in
        let maps = encoder.features(
          recordings.batch(probe.inputs).to(lambda.device), lattice: lattice)
        let means = maps.mean(axes: [1]).doubles
        return probe.inputs.indices.map { Array(means[$0 * features..<($0 + 1) * features]) }
      }
    }
  }
}
