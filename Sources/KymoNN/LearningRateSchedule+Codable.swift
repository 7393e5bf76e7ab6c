// The settings file's form of a schedule: one key with the kind, its settings below. Unknown keys
// are errors; missing ones take the defaults.
import KymoNumerics

extension LearningRateSchedule: Codable {
  private enum Kind: String, CodingKey, CaseIterable {
    case constant, oneCycle, cosine, exponential
  }

  /// Decodes one kind with its settings.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(Kind.self)
    let container = try decoder.container(keyedBy: Kind.self)
    let kinds = container.allKeys
    guard kinds.count == 1, let kind = kinds.first else {
      throw ConfigurationError(
        decoder.codingPath.map(\.stringValue).joined(separator: "."),
        found: kinds.isEmpty
          ? "no schedule" : kinds.map(\.rawValue).sorted().joined(separator: " and "),
        allowed: "one of: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))",
        remedy: "Keep one of them.")
    }
    switch kind {
    case .constant: self = .constant(try container.decode(Constant.self, forKey: kind))
    case .oneCycle: self = .oneCycle(try container.decode(OneCycle.self, forKey: kind))
    case .cosine: self = .cosine(try container.decode(Cosine.self, forKey: kind))
    case .exponential: self = .exponential(try container.decode(Exponential.self, forKey: kind))
    }
  }

  /// Encodes the kind with its settings.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .constant(let settings): try container.encode(settings, forKey: .constant)
    case .oneCycle(let settings): try container.encode(settings, forKey: .oneCycle)
    case .cosine(let settings): try container.encode(settings, forKey: .cosine)
    case .exponential(let settings): try container.encode(settings, forKey: .exponential)
    }
  }
}

extension LearningRateSchedule.Constant: Decodable {
  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    rate = try settings.decodeIfPresent(Double.self, forKey: .rate) ?? rate
  }
}

extension LearningRateSchedule.OneCycle: Decodable {
  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    peak = try settings.decodeIfPresent(Double.self, forKey: .peak) ?? peak
    warmupFraction =
      try settings.decodeIfPresent(Double.self, forKey: .warmupFraction) ?? warmupFraction
    startFraction =
      try settings.decodeIfPresent(Double.self, forKey: .startFraction) ?? startFraction
    final =
      try settings.decodeIfPresent(Double.self, forKey: .final) ?? peak * startFraction * 1e-4
  }
}

extension LearningRateSchedule.Cosine: Decodable {
  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    peak = try settings.decodeIfPresent(Double.self, forKey: .peak) ?? peak
    warmupFraction =
      try settings.decodeIfPresent(Double.self, forKey: .warmupFraction) ?? warmupFraction
    final = try settings.decodeIfPresent(Double.self, forKey: .final) ?? final
  }
}

extension LearningRateSchedule.Exponential: Decodable {
  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    start = try settings.decodeIfPresent(Double.self, forKey: .start) ?? start
    factor = try settings.decodeIfPresent(Double.self, forKey: .factor) ?? factor
    period = try settings.decodeIfPresent(Int.self, forKey: .period) ?? period
  }
}
