// The folder of a propagator that is a network, with or without memory.
import Foundation
import KymoData
import KymoNN
import KymoTensor

/// Reads and writes networks between scalings; `Configuration` is the architecture.
struct NetworkFolder<Configuration: Codable>: Sendable {
  struct Description: Codable {
    var configuration: Configuration
    var scaler: ChannelScaler
    var latentCount: Int
  }

  private let folder: ModelFolder<Description>

  init(_ format: String) { folder = ModelFolder(format, axes: "trajectory, time, latent") }

  func write(
    _ configuration: Configuration, _ scaler: ChannelScaler, _ network: some Module, to url: URL
  ) throws {
    try folder.write(
      Description(
        configuration: configuration, scaler: scaler, latentCount: scaler.offset.count),
      network.namedParameters(), to: url)
  }

  /// Reads what ``write(_:_:_:to:)`` wrote; `make` makes a network of the size to take the weights.
  func read<Network: Module>(
    _ url: URL, device: Device,
    make: (_ configuration: Configuration, _ latents: Int) throws -> Network
  ) throws -> (configuration: Configuration, scaler: ChannelScaler, network: Network) {
    let (description, contents) = try folder.read(url, device: device)
    try description.scaler.check(channels: description.latentCount, in: url)
    let network = try make(description.configuration, description.latentCount)
    try network.namedParameters().load(contents.tensors, from: contents.path)
    return (description.configuration, description.scaler, network)
  }
}
