// How a recipe makes its own data when the files are absent.
import Foundation
import KymoNumerics

/// Built-in systems.
package enum SimulatedSystem: String, SettingChoice {
  /// Kuramoto–Sivashinsky with damping γ.
  case ks
}

/// How the files of a recipe are made when they are absent.
package struct SimulationSettings: Codable, Hashable, Sendable {
  /// The system.
  package var system = SimulatedSystem.ks
  /// Number of training recordings.
  package var trainRecordings = 1000
  /// Number of test recordings.
  package var testRecordings = 1000
  /// Seed of the training recordings; the test recordings take the next one.
  package var seed: UInt64 = 1

  /// Creates the default settings.
  package init() {}

  /// Decodes onto the defaults; an unknown key is an error.
  package init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    system = try values.decodeIfPresent(SimulatedSystem.self, forKey: .system) ?? system
    trainRecordings =
      try values.decodeIfPresent(Int.self, forKey: .trainRecordings) ?? trainRecordings
    testRecordings = try values.decodeIfPresent(Int.self, forKey: .testRecordings) ?? testRecordings
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case system, trainRecordings, testRecordings, seed
  }

  /// Throws the first setting that cannot work.
  package func validate() throws {
    for (key, value) in [
      ("trainRecordings", trainRecordings), ("testRecordings", testRecordings),
    ] {
      try require(
        value >= 1, "data.simulate.\(key)", found: value, allowed: "at least 1",
        remedy: "The papers use thousands; 1000 is enough for a good fit.")
    }
  }
}
