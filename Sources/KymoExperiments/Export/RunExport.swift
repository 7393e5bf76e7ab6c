// A trained run as files of ONNX, one for each of its networks.
package import Foundation
import KymoData
import KymoNumerics
package import KymoRuns

/// Writes the networks of a run for other programs.
package enum RunExport {
  /// Writes a file for each network: NAME-encoder.onnx and NAME-decoder.onnx, and NAME-propagator.onnx
  /// of effective dynamics, or one for each member of an ensemble.
  ///
  /// - Parameters:
  ///   - directory: A finished run.
  ///   - file: NAME.onnx.
  ///   - check: Throws where a file must not be written.
  /// - Returns: The files.
  /// - Throws: ``ConfigurationError`` for models that are no networks.
  package static func write(
    _ directory: RunDirectory, to file: URL, check: (URL) throws -> Void
  ) throws -> [URL] {
    let folder = try directory.finishedModel
    let offset = try TrainedData.read(from: folder)?.offset
    let graphs = try graphs(folder, offset)
    let stem = file.deletingPathExtension()
    let urls = graphs.map { name, _ in
      stem.deletingLastPathComponent().appending(path: "\(stem.lastPathComponent)-\(name).onnx")
    }
    for url in urls { try check(url) }
    for (url, (name, graph)) in zip(urls, graphs) {
      let words = "\(name) of \(directory.name), in the units of its training recordings"
      try AtomicFile.write(graph.file(producer: Software.version, about: words), to: url)
    }
    return urls
  }

  private static func graphs(
    _ folder: URL, _ offset: [Double]?
  ) throws -> [(name: String, graph: ONNXGraph)] {
    let network = try StoredNetwork(folder)
    switch network.format {
    case "kymo parameter VAE":
      let export = try ParameterExport(network, offset: offset)
      return [("encoder", try export.encoder()), ("decoder", try export.decoder())]
    case "kymo autoencoder":
      let export = try AutoencoderExport(network, offset: offset)
      // The nearest field is searched for, which is no graph.
      return (export.isProjected ? [] : [("encoder", try export.encoder())])
        + [("decoder", try export.decoder())]
    case "kymo recurrent propagator", "kymo MLP propagator":
      return [("propagator", try PropagatorExport(network).step())]
    case "kymo forecasting models":
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("propagator-") }
        .sorted { ($0.count, $0) < ($1.count, $1) }
      var all = try graphs(folder.appending(path: "reduction"), offset)
      for name in names {
        let step = try graphs(folder.appending(path: name), nil)
        all += step.map { (names.count == 1 ? "propagator" : name, $0.graph) }
      }
      return all
    default:
      throw ConfigurationError(
        "RUN", found: "a '\(network.format)'",
        allowed: "parameter VAEs, autoencoders, and recurrent or MLP propagators",
        remedy: "Principal components, diffusion maps, reservoirs, SINDy and dynamic mode "
          + "decomposition are no networks; model.json and model.safetensors hold their numbers.")
    }
  }
}
