// What a run folder says about itself. Every file may be missing: a report is made of what is there.
import Foundation
import KymoMetrics

/// The files of a run, read.
struct RunFolder: Sendable {
  /// Name of the folder.
  var name: String
  /// Of a run that extracts parameters.
  var results: ExtractionResults?
  /// Of a run that forecasts.
  var forecast: ForecastResults?
  /// Training records in the order of the file.
  var training: [TrainingRecord] = []
  /// Lines of the training record that could not be read, such as one cut off by a kill.
  var unreadableTrainingLines = 0
  var recipe: String?
  var environment: [String: EnvironmentValue] = [:]
  /// Whether several models were trained one after the other.
  var isStaged: Bool { training.contains { $0.stage != nil } }

  /// Reads the run in `folder`.
  init(_ folder: URL) throws(ReportError) {
    guard (try? folder.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else {
      throw .noRun(path: folder.path)
    }
    name = folder.standardizedFileURL.lastPathComponent

    if let data = try Self.contents(of: "results.json", in: folder) {
      if (try? Self.decoder().decode(ResultKind.self, from: data))?.method
        == ForecastResults.methodName
      {
        forecast = try Self.decode(
          ForecastResults.self, from: data, file: "results.json",
          remedy: "Write it anew with 'kymo evaluate'.")
        try forecast?.checkShapes(file: "results.json")
      } else {
        let results = try Self.decode(
          ExtractionResults.self, from: data, file: "results.json",
          remedy: "Write it anew with 'kymo evaluate'.")
        try results.checkShapes(file: "results.json")
        self.results = results
      }
    }
    if let data = try Self.contents(of: "environment.json", in: folder) {
      environment = try Self.decode(
        [String: EnvironmentValue].self, from: data, file: "environment.json",
        remedy: "It is written when a training starts; restore it, or delete it to go without.")
    }
    if let data = try Self.contents(of: "recipe.yaml", in: folder) {
      recipe = String(decoding: data, as: UTF8.self)
    }
    if let data = try Self.contents(of: "metrics.jsonl", in: folder) {
      let decoder = Self.decoder()
      for line in data.split(separator: UInt8(ascii: "\n")) {
        if let record = try? decoder.decode(TrainingRecord.self, from: Data(line)) {
          training.append(record)
        } else {
          unreadableTrainingLines += 1
        }
      }
    }
  }

  /// The bytes of a file; nil when there is none.
  private static func contents(of file: String, in folder: URL) throws(ReportError) -> Data? {
    let url = folder.appending(path: file)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    do { return try Data(contentsOf: url) } catch {
      throw .unreadable(
        file: file, reason: error.localizedDescription, remedy: "May you read the file?")
    }
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, file: String, remedy: String
  ) throws(ReportError) -> Value {
    do { return try decoder().decode(type, from: data) } catch {
      throw .unreadable(file: file, reason: reason(of: error), remedy: remedy)
    }
  }

  private static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }

  private static func reason(of error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the whole file" : "'\(path.map(\.stringValue).joined(separator: "."))'"
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context):
      "'\((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))' is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      "\(place(context.codingPath)) is not what it should be (\(context.debugDescription))"
    default: error.localizedDescription
    }
  }
}

/// The one entry that tells kinds of results apart.
private struct ResultKind: Decodable { var method: String? }

/// One line of metrics.jsonl.
struct TrainingRecord: Codable, Sendable {
  var step: Int
  var seconds: Double?
  var loss: Double?
  var reconstruction: Double?
  var divergence: Double?
  var learningRate: Double?
  var gradientNorm: Double?
  /// Variance of μ over the batch, one entry for each latent.
  var latentVariance: [Double]?
  /// Mean of σ² over the batch, one entry for each latent.
  var latentSigma2: [Double]?
  /// What is trained, where several models are trained one after the other.
  var stage: String?
  /// Loss on validation data.
  var validation: Double?
}

/// A value of environment.json in words.
struct EnvironmentValue: Decodable, Sendable {
  var text: String
  var number: Double?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      text = "unknown"
    } else if let value = try? container.decode(Bool.self) {
      text = value ? "yes" : "no"
    } else if let value = try? container.decode(Int.self) {
      (text, number) = (String(value), Double(value))
    } else if let value = try? container.decode(Double.self) {
      (text, number) = (NumberText.significant(value, digits: 4), value)
    } else if let value = try? container.decode(String.self) {
      text = value
    } else if let values = try? container.decode([EnvironmentValue].self) {
      text = values.map(\.text).joined(separator: ", ")
    } else {
      let values = try container.decode([String: EnvironmentValue].self)
      text = values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
        .joined(separator: ", ")
    }
  }
}

extension ExtractionResults {
  /// Throws the first entry whose length contradicts another.
  func checkShapes(file: String) throws(ReportError) {
    func require(_ found: Int, _ expected: Int, _ entry: String) throws(ReportError) {
      guard found == expected else {
        throw .inconsistent(
          file: file, entry: entry, found: "\(found) values", expected: "\(expected)")
      }
    }
    try require(scores.count, parameterNames.count, "scores")
    for (index, score) in scores.enumerated() {
      try require(score.coefficients.count, score.latents.count + 1, "scores.\(index).coefficients")
      try require(
        score.rSquaredOfSingleLatents.count, latents.count,
        "scores.\(index).rSquaredOfSingleLatents")
    }
    for (index, recording) in recordings.enumerated() {
      try require(recording.mean.count, latents.count, "recordings.\(index).mean")
      try require(
        recording.standardDeviation.count, latents.count, "recordings.\(index).standardDeviation")
      try require(
        recording.parameters.count, parameterNames.count, "recordings.\(index).parameters")
    }
    for (index, curve) in errorCurves.enumerated() {
      try require(curve.lowerDecile.count, curve.mean.count, "errorCurves.\(index).lowerDecile")
      try require(curve.upperDecile.count, curve.mean.count, "errorCurves.\(index).upperDecile")
    }
    for (index, field) in fields.enumerated() {
      for (picture, name) in [(field.truth, "truth"), (field.prediction, "prediction")] {
        try require(picture.count, field.times.count, "fields.\(index).\(name)")
        for row in picture {
          try require(row.count, field.positions.count, "fields.\(index).\(name) (row)")
        }
      }
    }
  }
}

extension ForecastResults {
  /// Throws the first entry whose length contradicts another.
  func checkShapes(file: String) throws(ReportError) {
    func require(_ found: Int, _ expected: Int, _ entry: String) throws(ReportError) {
      guard found == expected else {
        throw .inconsistent(
          file: file, entry: entry, found: "\(found) values", expected: "\(expected)")
      }
    }
    for (name, scores) in [
      ("propagators", propagators), ("schedules", schedules), ("adaptive", adaptive),
      ("fullState", fullState), ("ensembleSchedules", ensembleSchedules),
    ] {
      for (index, score) in scores.enumerated() {
        try require(
          score.normalizedDifference.count, channelNames.count,
          "\(name).\(index).normalizedDifference")
      }
    }
    for (index, comparison) in equationFree.enumerated() {
      try require(
        comparison.normalizedDifference.count, channelNames.count,
        "equationFree.\(index).normalizedDifference")
    }
    for (index, density) in densities.enumerated() {
      for (grid, name) in [(density.truth, "truth"), (density.forecast, "forecast")] {
        try require(grid.count, density.truth.count, "densities.\(index).\(name)")
        for row in grid {
          try require(
            row.count, density.truth.first?.count ?? 0, "densities.\(index).\(name) (row)")
        }
      }
      try require(density.axes.count, 2, "densities.\(index).axes")
      try require(density.low.count, 2, "densities.\(index).low")
      try require(density.high.count, 2, "densities.\(index).high")
    }
    for (index, path) in paths.enumerated() {
      try require(path.latents.count, 2, "paths.\(index).latents")
      for point in path.truth + path.forecast {
        try require(point.count, 2, "paths.\(index) (point)")
      }
    }
    for (index, field) in fields.enumerated() {
      for (picture, name) in [(field.truth, "truth"), (field.prediction, "prediction")] {
        try require(picture.count, field.times.count, "fields.\(index).\(name)")
        for row in picture {
          try require(row.count, field.positions.count, "fields.\(index).\(name) (row)")
        }
      }
    }
  }
}
