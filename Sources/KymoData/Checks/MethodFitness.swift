// Which methods can be trained on a data set, and what keeps the others from it.
import KymoNumerics

/// Whether a method can be trained on a data set.
public struct MethodFitness: Codable, Hashable, Sendable {
  /// The method, as recipes name it.
  public var method: String
  /// What it does.
  public var purpose: String
  /// What keeps it from being trained; empty when nothing does.
  public var hindrances: [Finding]

  /// Whether it can be trained.
  public var isPossible: Bool { hindrances.isEmpty }

  /// Why it cannot be trained, in sentences.
  var words: String {
    hindrances.enumerated().map { index, hindrance in
      let message = hindrance.message
      let sentence = index == 0 ? message : message.prefix(1).uppercased() + message.dropFirst()
      return "\(sentence). \(hindrance.remedy)"
    }.joined(separator: " ")
  }
}

extension MethodFitness {
  /// Parameters that differ between recordings.
  static let parameters = "parameters"
  /// Effective dynamics.
  static let dynamics = "dynamics"

  /// What every method makes of a data set.
  static func all(_ inspection: Inspection) -> [MethodFitness] {
    [
      MethodFitness(
        method: parameters, purpose: "finds hidden parameters that differ between recordings",
        hindrances: StarterCrops(inspection).hindrances),
      MethodFitness(
        method: dynamics, purpose: "learns effective dynamics and forecasts",
        hindrances: StarterForecast(inspection).hindrances),
    ]
  }

  /// An error where no method can be trained.
  static func finding(_ methods: [MethodFitness]) -> Finding? {
    guard methods.allSatisfy({ !$0.isPossible }) else { return nil }
    let reasons = methods.map { method in
      "\(method.method): \(method.hindrances.map(\.message).joined(separator: ", "))"
    }
    var remedies: [String] = []
    for remedy in methods.flatMap(\.hindrances).map(\.remedy) where !remedies.contains(remedy) {
      remedies.append(remedy)
    }
    return Finding(
      .error, "no method can be trained on these data (\(reasons.joined(separator: "; ")))",
      remedy: remedies.joined(separator: " "))
  }
}
