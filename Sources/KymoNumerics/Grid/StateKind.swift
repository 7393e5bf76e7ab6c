// What one state of a system is: a field over space, a set of particles, or a vector.

/// What one state of a system is.
///
/// Inside, every state is `[C, X…]`: a particle set has its coordinates as channels and its particles
/// as points, a vector has its components as channels and one point.
public enum StateKind: String, Codable, Hashable, Sendable, CaseIterable {
  /// Values at the points of a mesh.
  case field
  /// Particles whose order means nothing.
  case particles
  /// Components without a place.
  case vector

  /// What the axes of an array in a file are: N recordings, C channels, coordinates or components, T
  /// time, P particles; nil for fields, which have axes of space.
  package var axes: String? {
    switch self {
    case .field: nil
    case .particles: "N,T,P,C"
    case .vector: "N,T,C"
    }
  }

  /// Frames `[N, T, C, X…]` as files have them: fields `[N, C, T, X…]`, particles `[N, T, P, C]`,
  /// vectors `[N, T, C]`.
  package func arrangedForFiles(_ frames: HostArray<Float>) -> HostArray<Float> {
    switch self {
    case .field: frames.exchanged(1)
    case .particles: frames.exchanged(2)
    case .vector: frames.reshaped(Array(frames.shape[..<3]))
    }
  }
}
