// From fields to a few latent numbers and back: the vocabulary of all reductions.
// Vlachas et al., Nature Machine Intelligence 4, 359 (2022), section "Autoencoders".
//
// Fields are in single precision, as files hold them; latents in double, as propagators that are
// fitted by linear algebra want them.
//
// Letters: B states, C channels, X (Y) space or particles, L latents.
public import KymoNumerics

/// Maps fields to latents.
public protocol Restriction {
  /// Shape of one state, `[C, X…]`.
  var stateShape: [Int] { get }
  /// Number of latents, L.
  var latentCount: Int { get }

  /// The latents of states.
  ///
  /// - Parameter states: Fields in physical units, `[B, C, X…]`; scaling belongs to the
  ///   restriction.
  /// - Throws: An error that names the shape when the states do not fit.
  /// - Returns: Latents, `[B, L]`.
  func encode(_ states: HostArray<Float>) throws -> HostArray<Double>
}

/// Maps latents back to fields.
public protocol Lifting {
  /// Fields whose latents are close to the given ones.
  ///
  /// - Parameters:
  ///   - latents: `[B, L]`.
  ///   - random: Where a stochastic lifting draws from; a deterministic one leaves it alone.
  /// - Throws: An error that names the shape when the latents do not fit.
  /// - Returns: Fields in physical units, `[B, C, X…]`.
  func decode(
    _ latents: HostArray<Double>, using random: inout RandomStream
  ) throws -> HostArray<Float>
}

/// A lifting that gives the same field for the same latents.
public protocol DeterministicLifting: Lifting {
  /// The field of latents, `[B, L]` to `[B, C, X…]`.
  func decode(_ latents: HostArray<Double>) throws -> HostArray<Float>
}

extension DeterministicLifting {
  /// The field of latents; nothing is drawn.
  public func decode(
    _ latents: HostArray<Double>, using random: inout RandomStream
  ) throws -> HostArray<Float> { try decode(latents) }
}

/// A restriction and its lifting, fitted together.
public typealias Reduction = Restriction & Lifting
