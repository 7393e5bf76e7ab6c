// The page of settings beside the settings themselves: docs/settings.md is made by a script that
// reads the sources, so what it understood is compared with what the types encode.
import Foundation
import KymoNumerics
import KymoRuns
import Testing

@testable import KymoExperiments

@Suite("The page of settings") struct SettingsPageTests {
  /// Defaults by key, of every table, by the heading above it; the same heading may come twice.
  private func tables() throws -> [String: [[String: String]]] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../docs/settings.md")
    var tables: [String: [[String: String]]] = [:]
    var heading = ""
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      let cells = line.split(separator: "|").map {
        $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
      }
      if line.hasPrefix("#") {
        heading = line.trimmingCharacters(in: CharacterSet(charactersIn: "# `"))
        tables[heading, default: []].append([:])
      } else if line.hasPrefix("| `"), let last = tables[heading]?.indices.last {
        tables[heading]?[last][cells[0]] = cells[1]
      }
    }
    return tables
  }

  /// Compares a group with a table, then the groups below it with theirs.
  private func compare(
    _ tree: SettingsTree, _ heading: String, at path: String,
    _ tables: [String: [[String: String]]], numbers: Bool = true
  ) {
    guard case .group(let entries) = tree, !entries.isEmpty else { return }
    let keys = Set(entries.map(\.key))
    // Groups that several places share are described once; elsewhere the page says where.
    guard let described = tables[heading], described != [[:]] else { return }
    guard let table = described.first(where: { keys.isSubset(of: $0.keys) }) else {
      Issue.record("\(heading): \(keys) in \(described)")
      return
    }
    for entry in entries {
      let said = table[entry.key] ?? ""
      if numbers, case .number(let text) = entry.value, let said = Double(said) {
        #expect(said == Double(text), "\(heading).\(entry.key)")
      }
      // A default that names settings differs from what the table below says.
      let inner = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      compare(
        entry.value, inner, at: inner, tables, numbers: said.hasPrefix("[group]") || said == "{}")
    }
  }

  @Test("has every key of every recipe with its default") func complete() throws {
    let tables = try tables()
    compare(
      try SettingsTree(encoding: ParameterRecipe()), "Recipes that extract parameters", at: "",
      tables)
    compare(
      try SettingsTree(encoding: DynamicsRecipe()), "Recipes that forecast", at: "", tables)
    compare(try SettingsTree(encoding: LawRecipe()), "Recipes that find a law", at: "", tables)
    for system in SimulatedSystem.allCases {
      // A recipe gives training recordings another seed than the default.
      var tree = try #require(SettingsTree(encoding: SimulationSettings(system))["train"])
      try tree.set(.number("0"), at: ["seed"])
      compare(tree, system.rawValue, at: system.rawValue, tables)
      compare(tree, "solver.\(system.rawValue)", at: system.rawValue, tables)
    }
    for heading in [
      "training", "model", "data", "evaluation", "forecast", "propagator.reservoir",
      "propagator.network.training", "reduction.autoencoder.training", "ks", "cd", "solver.fhn",
    ] {
      #expect(tables[heading] != nil, "\(heading)")
    }
  }
}
