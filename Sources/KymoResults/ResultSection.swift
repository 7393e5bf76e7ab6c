// One thing that was found, of one of a few kinds, with where it is shown.

/// One thing that was found.
public struct ResultSection: Sendable {
  /// Where a section is shown.
  public enum Place: String, Codable, Hashable, Sendable {
    /// On the page of the run.
    case report
    /// In the text of `kymo evaluate`.
    case terminal
    /// On the page over several experiments.
    case overview
  }

  /// A name of its own in a run, the same in every version: the name of the figure's file.
  public var id: String
  /// Begins a part of the page with this heading; nil goes on with the part before.
  public var heading: String?
  /// What is shown and how to read it.
  public var caption: String?
  /// Where it is shown.
  public var places: [Place]
  /// Whether a figure needs half the page, with its caption beside it.
  public var isNarrow: Bool
  /// What was found.
  public var content: ResultContent

  /// Creates a section.
  public init(
    _ id: String, heading: String? = nil, caption: String? = nil, places: [Place] = [.report],
    isNarrow: Bool = false, _ content: ResultContent
  ) {
    (self.id, self.heading, self.caption) = (id, heading, caption)
    (self.places, self.isNarrow, self.content) = (places, isNarrow, content)
  }
}

/// What a section shows.
public enum ResultContent: Sendable {
  /// Numbers with spread, count and published value.
  case scores(ScoreTable)
  /// A table of text.
  case table(ResultTable)
  /// Curves with bands, points with error bars, paths: whatever lies in a plane of two quantities.
  case plot(Plot)
  /// Bars with a name each.
  case bars(Bars)
  /// Fields beside what was predicted of them.
  case fields(FieldComparison)
  /// Fields that move.
  case film(Film)
  /// How often values occur.
  case histograms([Histogram])
  /// How often pairs of values occur.
  case densities(DensityComparison)
  /// Sentences.
  case text(ResultText)
}

/// Sentences, and how much they matter.
public struct ResultText: Codable, Hashable, Sendable {
  /// How much a text matters.
  public enum Severity: String, Codable, Hashable, Sendable {
    /// Good to know.
    case note
    /// Casts doubt on the result.
    case caution
  }

  /// How much it matters.
  public var severity: Severity
  /// The sentences.
  public var text: String

  /// Creates a text.
  public init(_ text: String, severity: Severity = .note) {
    (self.text, self.severity) = (text, severity)
  }
}

/// A kind of content.
protocol ResultPart: Codable {
  /// Throws where lengths contradict each other.
  func check(_ check: ShapeCheck) throws(ResultsError)
}

extension ResultPart {
  func check(_ check: ShapeCheck) throws(ResultsError) {}
}

extension ResultText: ResultPart {}
extension [Histogram]: ResultPart {}
extension ScoreTable: ResultPart {}
extension ResultTable: ResultPart {}
extension Plot: ResultPart {}
extension Bars: ResultPart {}
extension FieldComparison: ResultPart {}
extension Film: ResultPart {}
extension DensityComparison: ResultPart {}

extension ResultContent {
  private enum Kind: String, Codable {
    case scores, table, plot, bars, fields, film, histograms, densities, text
  }

  private var parts: (kind: Kind, value: any ResultPart) {
    switch self {
    case .scores(let value): (.scores, value)
    case .table(let value): (.table, value)
    case .plot(let value): (.plot, value)
    case .bars(let value): (.bars, value)
    case .fields(let value): (.fields, value)
    case .film(let value): (.film, value)
    case .histograms(let value): (.histograms, value)
    case .densities(let value): (.densities, value)
    case .text(let value): (.text, value)
    }
  }

  /// Whether it is drawn, not written.
  public var isFigure: Bool { ![.scores, .table, .text].contains(parts.kind) }

  func check(_ check: ShapeCheck) throws(ResultsError) { try parts.value.check(check) }

  fileprivate init(from values: KeyedDecodingContainer<ResultSection.CodingKeys>) throws {
    func content<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try values.decode(type, forKey: .content)
    }
    self =
      switch try values.decode(Kind.self, forKey: .kind) {
      case .scores: .scores(try content(ScoreTable.self))
      case .table: .table(try content(ResultTable.self))
      case .plot: .plot(try content(Plot.self))
      case .bars: .bars(try content(Bars.self))
      case .fields: .fields(try content(FieldComparison.self))
      case .film: .film(try content(Film.self))
      case .histograms: .histograms(try content([Histogram].self))
      case .densities: .densities(try content(DensityComparison.self))
      case .text: .text(try content(ResultText.self))
      }
  }

  fileprivate func encode(
    to values: inout KeyedEncodingContainer<ResultSection.CodingKeys>
  ) throws {
    let (kind, value) = parts
    try values.encode(kind, forKey: .kind)
    try values.encode(value, forKey: .content)
  }
}

extension ResultSection: Codable {
  fileprivate enum CodingKeys: String, CodingKey {
    case id, heading, caption, places, isNarrow, kind, content
  }

  /// Decodes a section by its kind.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try values.decode(String.self, forKey: .id),
      heading: try values.decodeIfPresent(String.self, forKey: .heading),
      caption: try values.decodeIfPresent(String.self, forKey: .caption),
      places: try values.decode([Place].self, forKey: .places),
      isNarrow: try values.decode(Bool.self, forKey: .isNarrow), try ResultContent(from: values))
  }

  /// Encodes a section with its kind.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(id, forKey: .id)
    try values.encodeIfPresent(heading, forKey: .heading)
    try values.encodeIfPresent(caption, forKey: .caption)
    try values.encode(places, forKey: .places)
    try values.encode(isNarrow, forKey: .isNarrow)
    try content.encode(to: &values)
  }
}
