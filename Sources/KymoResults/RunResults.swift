// What an evaluation found, as plain values: results.json of a run. A method fills it; report,
// terminal and records draw it without knowing the method.
public import Foundation

/// All that an evaluation found.
public struct RunResults: Codable, Sendable {
  /// The version of the schema that this program reads and writes.
  public static let schemaVersion = 1

  /// The version of the schema.
  public private(set) var schema = RunResults.schemaVersion
  /// The name of the method, as recipes have it.
  public var method: String
  /// What was evaluated on.
  public var data: DataProvenance
  /// The result in a few sentences, the most important one first.
  public var headline: [String]
  /// What was found, in the order in which a reader asks.
  public var sections: [ResultSection]
  /// How the method works and what to cite.
  public var about: MethodDescription
  /// A few numbers that programs read back; the method knows their type.
  public var values: JSONValue

  /// Collects results.
  ///
  /// - Parameters:
  ///   - method: The name of the method, as recipes have it.
  ///   - data: What was evaluated on.
  ///   - headline: The result in a few sentences.
  ///   - sections: What was found; every section has an id of its own.
  ///   - about: How the method works and what to cite.
  ///   - values: What programs read back, small.
  /// - Throws: What `values` throws when it is encoded.
  public init(
    method: String, data: DataProvenance, headline: [String], sections: [ResultSection],
    about: MethodDescription, values: some Encodable
  ) throws {
    (self.method, self.data, self.headline) = (method, data, headline)
    (self.sections, self.about) = (sections, about)
    self.values = try JSONValue(encoding: values)
  }

  /// The values that the method has for programs.
  ///
  /// - Throws: ``ResultsError`` when they are of another type.
  public func values<Values: Decodable>(_ type: Values.Type) throws(ResultsError) -> Values {
    do { return try values.decode(type) } catch {
      throw .unreadable(file: "results.json", reason: "'values': \(ResultsError.reason(of: error))")
    }
  }

  /// Numbers and words without pictures and curves, for programs and records.
  public var withoutFigures: RunResults {
    var short = self
    short.sections.removeAll { $0.content.isFigure }
    return short
  }

  /// The tables of scores by the ids of their sections.
  public var scores: [String: ScoreTable] {
    var tables: [String: ScoreTable] = [:]
    for section in sections {
      if case .scores(let table) = section.content { tables[section.id] = table }
    }
    return tables
  }
}

/// What was evaluated on.
public struct DataProvenance: Codable, Hashable, Sendable {
  /// The system's name; empty when the file does not say it.
  public var system: String
  /// The file's name.
  public var file: String
  /// Number of recordings.
  public var recordingCount: Int
  /// Whether the model was trained on them, so that the scores say little about others.
  public var isTrainingData: Bool
  /// Whether models were chosen by them, so that the scores flatter; nil where that is not noted.
  public var isValidationData: Bool?

  /// Notes what was evaluated on.
  public init(system: String, file: String, recordingCount: Int, isTrainingData: Bool) {
    (self.system, self.file) = (system, file)
    (self.recordingCount, self.isTrainingData) = (recordingCount, isTrainingData)
  }

  /// What the recordings are to the model: "training", "validation" or "test".
  public var kind: String {
    isTrainingData ? "training" : isValidationData == true ? "validation" : "test"
  }

  /// In words: "1,000 recordings of Burgers (burgers-test.npz)".
  public var description: String {
    NumberText.count(recordingCount, "recording") + (system.isEmpty ? "" : " of \(system)")
      + " (\(file))"
      + (isTrainingData
        ? ", which the model was trained on"
        : isValidationData == true ? ", by which the models were chosen" : "")
  }
}

/// How a method works and what to cite.
public struct MethodDescription: Codable, Hashable, Sendable {
  /// How it works, in a few sentences.
  public var text: String
  /// What the curves of its training show.
  public var training: String
  /// What to cite, as BibTeX.
  public var citation: String

  /// Describes a method.
  public init(text: String, training: String, citation: String) {
    (self.text, self.training, self.citation) = (text, training, citation)
  }
}

// MARK: - Reading and writing

extension RunResults {
  /// Reads results.json.
  ///
  /// - Parameters:
  ///   - json: The file's contents.
  ///   - file: The file's name, for errors.
  /// - Throws: ``ResultsError`` when the file is of another schema, cannot be understood, or has
  ///   entries that contradict each other.
  public init(json: Data, file: String = "results.json") throws(ResultsError) {
    let found: Int?
    do {
      found = try Self.decoder.decode(SchemaOfFile.self, from: json).schema
    } catch {
      throw .unreadable(file: file, reason: ResultsError.reason(of: error))
    }
    guard found == Self.schemaVersion else {
      throw .otherSchema(file: file, found: found, expected: Self.schemaVersion)
    }
    do { self = try Self.decoder.decode(RunResults.self, from: json) } catch {
      throw .unreadable(file: file, reason: ResultsError.reason(of: error))
    }
    var ids: Set<String> = []
    for section in sections {
      // An id is the name of a file.
      let isPlain = section.id.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "-") || Character(UnicodeScalar(byte)).isLetterOrDigit
      }
      guard isPlain, !section.id.isEmpty, ids.insert(section.id).inserted else {
        throw .unreadable(
          file: file,
          reason: """
            the id '\(section.id)' of a section must be of letters, digits and -, and stand once
            """)
      }
      try section.content.check(ShapeCheck(file: file, entry: "sections.\(section.id)"))
    }
  }

  /// The results as JSON, keys sorted; numbers that JSON does not have are words.
  public func json() throws -> Data { try Self.encoder.encode(self) }

  /// Writes numbers that JSON does not have as the words NaN, Infinity and -Infinity.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }

  /// Reads what ``encoder`` writes.
  package static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}

extension Character {
  fileprivate var isLetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}

/// The one entry by which schemas are told apart; files from before have none.
private struct SchemaOfFile: Decodable { var schema: Int? }
