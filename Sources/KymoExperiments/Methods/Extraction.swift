// Parameters that a run has read from recordings, as tables: text, CSV, NPZ, JSON.
package import Foundation
package import KymoData
package import KymoMetrics
import KymoNumerics

/// How parameters are to be extracted.
package struct ExtractionOrder: Hashable, Sendable {
  /// Crops of each recording that its latents are fitted on; nil means as the recipe says.
  package var fitCrops: Int?
  /// Recordings that are known to lie outside what the run was trained on, with what is unlike; nil
  /// where they are still to be found.
  package var unusual: [Int: String] = [:]

  /// Orders what the recipe says.
  package init() {}
}

/// A physical parameter that latents stand for, with its value in every recording.
package struct NamedParameter: Encodable, Sendable {
  /// Its name, θ₁.
  package let name: String
  /// What it multiplies, such as "u_xxxx in u_t".
  package let meaning: String
  /// Its value in every recording.
  package fileprivate(set) var values: [Double]
  /// The standard deviation of all values.
  package let error: Double
}

/// The latents of recordings with their error bars, ready to be written.
package struct Extraction: Encodable, Sendable {
  /// The latents of every recording.
  package private(set) var latents: [ExtractedLatents]
  /// Which latents carry a parameter.
  package let relevant: [Bool]
  /// Names of the known parameters.
  package let parameterNames: [String]
  /// How well the model follows each recording, as the percentile of its one-crop error among the
  /// training recordings; nil when the model does not know their errors.
  package var fit: [Double]?
  /// Why the model, and the error bar with it, does not hold for a recording; empty where it may.
  package var doubts: [String]
  /// Parameters of the law that was found beside the model; none without a law.
  package var named: [NamedParameter] = []

  /// Collects what was extracted; every row has as many latents as `relevant`.
  package init(latents: [ExtractedLatents], relevant: [Bool], parameterNames: [String]) {
    (self.latents, self.relevant, self.parameterNames) = (latents, relevant, parameterNames)
    doubts = latents.map { _ in "" }
  }

  private var latentCount: Int { relevant.count }

  /// Puts back the rows of recordings that were left out, without numbers.
  package mutating func putBack(_ gaps: [Int], of recordings: Recordings) {
    guard !gaps.isEmpty else { return }
    let kept = Set(0..<recordings.count).subtracting(gaps).sorted()
    let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let width = recordings.parameterCount
    let none = [Double](repeating: .nan, count: latentCount)
    func all<Value>(_ values: [Value], or missing: Value) -> [Value] {
      (0..<recordings.count).map { index in places[index].map { values[$0] } ?? missing }
    }
    latents = (0..<recordings.count).map { index in
      let known = recordings.params.map {
        $0.elements[index * width..<(index + 1) * width].map(Double.init)
      }
      guard let place = places[index] else {
        return ExtractedLatents(
          recording: index, mean: none, standardDeviation: none, parameters: known ?? [])
      }
      var row = latents[place]
      row.recording = index
      return row
    }
    fit = fit.map { all($0, or: .nan) }
    doubts = all(doubts, or: "left out, since it holds values that are NaN or infinite")
    for place in named.indices { named[place].values = all(named[place].values, or: .nan) }
  }

  /// One line for each recording: means, standard deviations, whether a latent is relevant (1) or not
  /// (0), known parameters; all digits.
  package var csv: String {
    let header =
      ["recording"] + (1...latentCount).map { "mu_\($0)" }
      + (1...latentCount).map { "sigma_\($0)" } + (1...latentCount).map { "relevant_\($0)" }
      + parameterNames.map(Self.quoted)
      + named.indices.flatMap { ["theta_\($0 + 1)", "theta_\($0 + 1)_sigma"] } + ["fit", "doubt"]
    let rows = latents.enumerated().map { place, row in
      (["\(row.recording)"] + (row.mean + row.standardDeviation).map { "\($0)" }
        + relevant.map { $0 ? "1" : "0" } + row.parameters.map { "\($0)" }
        + named.flatMap { ["\($0.values[place])", "\($0.error)"] }
        + [fit.map { "\($0[place])" } ?? "", Self.quoted(doubts[place])])
        .joined(separator: ",")
    }
    return ([header.joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
  }

  /// Arrays mu, sigma (recordings, latents), relevant (latents), fit, in_doubt (recordings) and,
  /// where known, params; theta (recordings, parameters) and theta_sigma (parameters) with a law; and
  /// what is known of the recordings: step, lengths, ends, names and units.
  package func write(to file: URL, of recordings: RecordingsMetadata) throws {
    let count = latents.count
    let writer = try NPZWriter(file)
    try writer.add("mu", HostArray(latents.flatMap(\.mean), shape: [count, latentCount]))
    try writer.add(
      "sigma", HostArray(latents.flatMap(\.standardDeviation), shape: [count, latentCount]))
    try writer.add("relevant", HostArray(relevant.map { $0 ? 1.0 : 0 }, shape: [latentCount]))
    if !parameterNames.isEmpty {
      try writer.add(
        "params", HostArray(latents.flatMap(\.parameters), shape: [count, parameterNames.count]))
      try writer.add("param_names", parameterNames)
    }
    if !named.isEmpty {
      try writer.add(
        "theta",
        HostArray(
          (0..<count).flatMap { row in named.map { $0.values[row] } }, shape: [count, named.count]))
      try writer.add("theta_sigma", HostArray(named.map(\.error), shape: [named.count]))
      try writer.add("theta_names", named.map { "\($0.name): \($0.meaning)" })
    }
    if let fit { try writer.add("fit", HostArray(fit, shape: [count])) }
    try writer.add(
      "in_doubt", HostArray(doubts.map { $0.isEmpty ? 0.0 : 1 }, shape: [count]))
    var metadata = recordings
    (metadata.parameterNames, metadata.provenance) = ([], "")
    if parameterNames.isEmpty { metadata.parameterUnits = [] }
    try writer.add(metadata)
    try writer.finish()
  }

  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }
}
