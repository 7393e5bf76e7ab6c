// An autoencoder whose first layer is principal components: the fields of large meshes are reduced by
// the method of snapshots to some tens of numbers, and the network maps these to latents and back.
//
// The vectors are orthonormal, so the squared error of a field is that of its components and a rest
// that no network on them can change. A step of the training takes microseconds instead of a
// convolution over the mesh, and a field is decoded by one product with a matrix.
//
// Letters: B states, C channels, X (Y) space, P components, L latents.
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// Principal components and an autoencoder of them, one after the other.
public struct ComponentAutoencoder: Restriction, DeterministicLifting, Observing {
  /// From fields to components.
  public let components: PrincipalComponentReduction
  /// From components, as states `[1, P]`, to latents.
  public let network: AutoencoderReduction

  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { components.stateShape }
  /// Number of latents, L.
  public var latentCount: Int { network.latentCount }

  /// Joins components and a network of them.
  public init(components: PrincipalComponentReduction, network: AutoencoderReduction) {
    precondition(
      network.stateShape == [1, components.latentCount],
      "ComponentAutoencoder: \(components.latentCount) components for \(network.stateShape)")
    (self.components, self.network) = (components, network)
  }

  /// The latents of states, `[B, C, X…]` to `[B, L]`.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    let reduced = HostArray<Float>(try components.encode(states))
    return try network.encode(reduced.reshaped([states.shape[0], 1, components.latentCount]))
  }

  /// The field of latents, `[B, L]` to `[B, C, X…]`.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    let reduced = HostArray<Double>(try network.decode(latents))
    return try components.decode(reduced.reshaped([latents.shape[0], components.latentCount]))
  }
}

extension ComponentAutoencoder {
  /// What is observed.
  public var observableNames: [String] { network.observableNames }

  /// The observables of latents, `[B, L]` to `[B, K]`.
  public func observe(_ latents: HostArray<Double>) throws -> HostArray<Double> {
    try network.observe(latents)
  }
}

extension PrincipalComponentReduction {
  /// The components of frames as states `[1, P]` of as many series, for a network to be trained on.
  public func reduced(_ frames: FrameSet) throws -> FrameSet {
    try FrameSet(
      series: latentSeries(of: frames).map {
        HostArray<Float>($0).reshaped([$0.shape[0], 1, latentCount])
      })
  }
}

// MARK: - On disk

extension ComponentAutoencoder {
  private static func componentFolder(_ folder: URL) -> URL { folder.appending(path: "components") }
  private static func networkFolder(_ folder: URL) -> URL { folder.appending(path: "network") }

  /// Writes the reduction into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try components.save(to: Self.componentFolder(folder))
    try network.save(to: Self.networkFolder(folder))
  }

  /// Reads a reduction from a folder that ``save(to:)`` wrote; the network onto any device.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    components = try PrincipalComponentReduction(from: Self.componentFolder(folder))
    network = try AutoencoderReduction(from: Self.networkFolder(folder), device: device)
    try require(
      network.stateShape == [1, components.latentCount], folder.relativePath,
      found: "a network of \(network.stateShape)",
      allowed: "one of [1, \(components.latentCount)], the number of components",
      remedy: "The files are of different trainings: copy the folder again, or train again.")
  }
}
