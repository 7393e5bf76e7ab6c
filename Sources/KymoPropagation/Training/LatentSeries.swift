// What every propagator that is fitted to latent series asks of them.
import KymoData
import KymoNumerics

/// Throws unless these are series `[T, L]` of one L, each of at least `frames` frames, all finite.
func requireSeries(
  _ series: [HostArray<Double>], frames: Int, because reason: String, _ operation: String
) throws(ModelDataError) {
  guard let first = series.first else {
    throw ModelDataError(
      operation, found: "no series", allowed: "at least one", remedy: "Give a training series.")
  }
  for (index, one) in series.enumerated() {
    guard one.rank == 2, one.shape[1] >= 1, one.shape[1] == first.shape.last else {
      throw ModelDataError(
        operation, found: "of shape \(one.shape) in series \(index)",
        allowed: "of shape [time, latents] with as many latents in every series",
        remedy: "Encode all series with one reduction.")
    }
    guard one.shape[0] >= frames else {
      throw ModelDataError(
        operation, found: "\(one.shape[0]) frames long in series \(index)",
        allowed: "at least \(frames) frames long (\(reason))",
        remedy: "Leave the series out, or record it for longer.")
    }
    try requireFinite(one, "\(operation), series \(index)")
  }
}

/// All frames of several series below each other, `[ΣT, L]`.
func stacked(_ series: [HostArray<Double>]) -> HostArray<Double> {
  HostArray(
    series.flatMap(\.elements),
    shape: [series.reduce(0) { $0 + $1.shape[0] }, series.first?.shape[1] ?? 0])
}
