// How settings are decoded: defaults, strictness, choices, paths of errors, exact numbers.
import Foundation
import KymoNumerics
import Testing

/// A group with every kind of setting.
private struct Oven: Settings {
  enum Mode: String, SettingChoice { case grill, bake }
  enum Heat: Codable, Hashable, Sendable {
    case gas(Gas)
    case electric(Electric)
    case solar

    private enum CodingKeys: CodingKey, CaseIterable { case gas, electric, solar }
  }
  struct Gas: Settings {
    var pressure = 0.02
    var valves = 4
  }
  struct Electric: Settings { var power = 3000.0 }

  var mode = Mode.bake
  var temperature = 180.0
  var trays = 2
  var serial: UInt64 = 7
  var hasFan = true
  var label = "oven"
  var heat = Heat.gas(Oven.coldGas)
  var racks = [1, 2]
  var burners = [Gas()]
  var timer: Gas?
  var limit: Double?
  var notes: [String: String] = [:]

  /// A default that differs from that of its type.
  static let coldGas = {
    var gas = Gas()
    gas.pressure = 0.01
    return gas
  }()
}

@Suite("Settings") struct SettingsTests {
  private func oven(_ json: String) throws -> Oven {
    try SettingsTree(json: Data(json.utf8)).decode(Oven.self, source: "kitchen.yaml")
  }

  private func failure(_ json: String) throws -> ConfigurationError {
    try #require(throws: ConfigurationError.self) { try oven(json) }
  }

  @Test("that are missing take their defaults, also in groups and lists") func defaults() throws {
    #expect(try oven("{}") == Oven())
    #expect(try oven(#"{"trays": null, "heat": null}"#) == Oven())
    var expected = Oven()
    expected.trays = 3
    expected.burners = [Oven.Gas(), Oven.Gas()]
    expected.burners[1].valves = 1
    expected.timer = Oven.Gas()
    expected.limit = 2
    #expect(
      try oven(#"{"trays": 3, "burners": [{}, {"valves": 1}], "timer": {}, "limit": 2}"#)
        == expected)
  }

  @Test("below a key that is given take the defaults of their place, else of their type")
  func placeDefaults() throws {
    // The group around them has gas of 0.01 by default, gas alone 0.02.
    #expect(
      try oven(#"{"heat": {"gas": {"valves": 2}}}"#).heat
        == .gas(.init(pressure: 0.01, valves: 2)))
    #expect(try oven(#"{"timer": {"valves": 2}}"#).timer == .init(pressure: 0.02, valves: 2))
    #expect(try oven(#"{"burners": [{"valves": 2}]}"#).burners == [.init(valves: 2)])
    // Another kind than that of the place has its own.
    #expect(try oven(#"{"heat": {"electric": {}}}"#).heat == .electric(.init()))
  }

  @Test("that are choices have their own settings below them") func choices() throws {
    #expect(try oven(#"{"heat": {"electric": {"power": 1}}}"#).heat == .electric(.init(power: 1)))
    #expect(try oven(#"{"heat": {"electric": {}}}"#).heat == .electric(.init()))
    #expect(try oven(#"{"heat": {"electric": null}}"#).heat == .electric(.init()))
    #expect(try oven(#"{"heat": {"solar": {}}}"#).heat == .solar)
    let tree = try SettingsTree(encoding: Oven.Heat.electric(.init(power: 1)))
    #expect(tree == .group([.init("electric", .group([.init("power", .number("1.0"))]))]))
    #expect(try SettingsTree(encoding: Oven.Heat.solar) == .group([.init("solar", .group([]))]))
  }

  @Test(
    "that are unknown are refused with their path and the nearest name",
    arguments: [
      (#"{"trais": 1}"#, "trais", "Did you mean 'trays'?"),
      (#"{"Label": "x"}"#, "Label", "Did you mean 'label'?"),
      (#"{"zzzzzzzz": 1}"#, "zzzzzzzz", "Remove it."),
      (#"{"heat": {"gas": {"presure": 1}}}"#, "heat.gas.presure", "Did you mean 'pressure'?"),
      (#"{"heat": {"gass": {}}}"#, "heat.gass", "Did you mean 'gas'?"),
      (#"{"heat": {"gas": {}, "fire": {}}}"#, "heat.fire", "Remove it."),
      (#"{"heat": {"solar": {"area": 1}}}"#, "heat.solar.area", "Remove it."),
      (#"{"burners": [{}, {"valfes": 1}]}"#, "burners[1].valfes", "Did you mean 'valves'?"),
      (#"{"timer": {"valve": 1}}"#, "timer.valve", "Did you mean 'valves'?"),
    ])
  func unknown(_ json: String, _ path: String, _ remedy: String) throws {
    let error = try failure(json)
    #expect(error.path == path)
    #expect(error.found == "an unknown setting")
    #expect(error.remedy == remedy)
  }

  @Test("that are unknown are told which there are") func known() throws {
    #expect(try failure(#"{"heat": {"gas": {"x": 1}}}"#).allowed == "one of: pressure, valves")
    #expect(try failure(#"{"heat": {"x": {}}}"#).allowed == "one of: electric, gas, solar")
    #expect(
      try failure(#"{"x": 1}"#).allowed
        == "one of: burners, hasFan, heat, label, limit, mode, notes, racks, serial, temperature, "
        + "timer, trays")
  }

  @Test(
    "of another kind are refused with what is there and what may be",
    arguments: [
      (#"{"trays": 1.5}"#, "trays", "'1.5'", "a whole number below 2147483648"),
      (#"{"trays": "two"}"#, "trays", "'two'", "a whole number below 2147483648"),
      (#"{"serial": -1}"#, "serial", "'-1'", "a whole number, not negative"),
      (#"{"temperature": [1, 2]}"#, "temperature", "a list of 2", "a number"),
      (#"{"temperature": {}}"#, "temperature", "a group of settings", "a number"),
      (#"{"hasFan": 1}"#, "hasFan", "'1'", "true or false"),
      (#"{"label": []}"#, "label", "a list of 0", "a word"),
      (#"{"mode": "boil"}"#, "mode", "'boil'", "one of: grill, bake"),
      (#"{"racks": 3}"#, "racks", "'3'", "a list such as [1, 2]"),
      (#"{"racks": [1, "x"]}"#, "racks[1]", "'x'", "a whole number below 2147483648"),
      (
        #"{"timer": 3}"#, "timer", "'3'", "a group of settings, one in each line below it"
      ),
      (
        #"{"heat": "gas"}"#, "heat", "'gas'", "a group of settings, one in each line below it"
      ),
      (#"{"heat": {}}"#, "heat", "of no kind", "one of: gas, electric, solar"),
      (
        #"{"heat": {"gas": {}, "electric": {}}}"#, "heat", "electric and gas",
        "one of: gas, electric, solar"
      ),
      ("[]", "kitchen.yaml", "a list of 0", "a group of settings, one in each line below it"),
    ])
  func mismatch(_ json: String, _ path: String, _ found: String, _ allowed: String) throws {
    let error = try failure(json)
    #expect(error.path == path)
    #expect(error.found == found)
    #expect(error.allowed == allowed)
  }

  @Test(
    "are written with every digit and read back the same",
    arguments: [0.1, 1.0 / 3, 1e-6, 6.02e23, 3, 2e-300, -0.0, .pi, .infinity])
  func digits(_ value: Double) throws {
    var oven = Oven()
    oven.temperature = value
    oven.serial = .max
    oven.notes = ["door": "left"]
    #expect(try SettingsTree(encoding: oven).decode(Oven.self) == oven)
    guard value.isFinite else { return }
    let json = try SettingsTree(encoding: oven).json()
    #expect(try SettingsTree(json: json).decode(Oven.self) == oven)
  }

  @Test("are whole numbers in any notation") func wholeNumbers() throws {
    for text in ["20000", "2e4", "20000.0"] {
      #expect(try SettingsTree.number(text).decode(Int.self) == 20_000)
    }
  }

  @Test("are written in the order in which they are declared, absent ones left out") func order()
    throws
  {
    guard case .group(let entries) = try SettingsTree(encoding: Oven()) else {
      Issue.record("no group")
      return
    }
    #expect(
      entries.map(\.key) == [
        "mode", "temperature", "trays", "serial", "hasFan", "label", "heat", "racks", "burners",
        "notes",
      ])
  }

  @Test("are laid over others, groups joined") func laying() throws {
    let below = try SettingsTree(json: Data(#"{"a": 1, "b": {"c": 2, "d": [1]}}"#.utf8))
    var above = try SettingsTree(json: Data(#"{"b": {"d": [2, 3]}, "e": "x"}"#.utf8))
    #expect(
      above.laid(over: below)
        == (try SettingsTree(
          json: Data(#"{"a": 1, "b": {"c": 2, "d": [2, 3]}, "e": "x"}"#.utf8))))
    try above.set(.number("5"), at: ["b", "f", "g"])
    #expect(above["b"]?["f"]?["g"] == .number("5"))
    #expect(throws: ConfigurationError.self) { try above.set(.null, at: ["e", "x"]) }
  }

  @Test("of a group of their own may stand in the group around it") func inlined() throws {
    /// An oven of one kind, and what it costs.
    struct Offer: Settings, FormerSettings {
      @Inlined var heat = Oven.Heat.gas(Oven.coldGas)
      var price = 500.0
      static let formerKeys = ["heat": "Leave it out."]
    }
    func offer(_ json: String) throws -> Offer {
      try SettingsTree(json: Data(json.utf8)).decode(Offer.self)
    }
    #expect(try offer("{}") == Offer())
    #expect(try offer(#"{"price": 1}"#).heat == .gas(Oven.coldGas))
    let electric = try offer(#"{"price": 1, "electric": {"power": 2}}"#)
    #expect(electric.heat == .electric(.init(power: 2)) && electric.price == 1)
    guard case .group(let entries) = try SettingsTree(encoding: electric) else {
      Issue.record("no group")
      return
    }
    #expect(entries.map(\.key) == ["electric", "price"])
    #expect(try SettingsTree(encoding: electric).decode(Offer.self) == electric)
    for (json, path, words) in [
      (#"{"gas": {}, "electric": {}, "price": 1}"#, "the settings", "one of: gas, electric, solar"),
      (#"{"price": 1, "elektric": {}}"#, "elektric", "Did you mean 'electric'?"),
      (#"{"electric": {"powr": 1}}"#, "electric.powr", "Did you mean 'power'?"),
      (#"{"heat": {"gas": {}}, "price": 1}"#, "heat", "Leave it out."),
      (#"{"electric": {}, "prize": 1}"#, "prize", "one of: electric, gas, price, solar"),
    ] {
      let error = try #require(throws: ConfigurationError.self) { try offer(json) }
      #expect(error.path == path)
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test("may start from other defaults than those of their type") func otherDefaults() throws {
    /// Two groups that differ unless they are told otherwise.
    struct Pair: Settings {
      var first = Oven.Gas()
      var second = Oven.Gas(valves: 9)
      init() {}
      init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        first = try values.superDecoder(forKey: .first).decode(onto: first)
        second = try values.superDecoder(forKey: .second).decode(onto: second)
      }
    }
    let pair = try SettingsTree(json: Data(#"{"second": {"pressure": 1}}"#.utf8)).decode(Pair.self)
    #expect(pair.first == Oven.Gas() && pair.second == Oven.Gas(pressure: 1, valves: 9))
    let error = #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"second": {"presure": 1}}"#.utf8)).decode(Pair.self)
    }
    #expect(error?.path == "second.presure")
  }

  @Test("of former times are refused with how to rewrite them") func former() throws {
    enum Heat: FormerSettings, Hashable {
      case gas(Oven.Gas)
      private enum CodingKeys: CodingKey, CaseIterable { case gas }
      static let formerKeys = ["coal": "Write gas: {valves: 4}."]
    }
    let error = #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"coal": {}}"#.utf8)).decode(Heat.self)
    }
    #expect(error?.remedy == "Write gas: {valves: 4}.")
  }

  @Test("in a file beside other things ignore what only those do not know") func files() throws {
    /// What a model file holds.
    struct File: Codable {
      var version: Int
      var settings: Oven.Gas
    }
    let old = #"{"version": 1, "paper": "x", "settings": {"valves": 3}}"#
    #expect(
      try SettingsTree(json: Data(old.utf8)).decode(File.self).settings == Oven.Gas(valves: 3))
    let missing = #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"settings": {}}"#.utf8))
        .decode(File.self, source: "model.json")
    }
    #expect(missing?.path == "version" && missing?.found == "missing")
    #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"version": 1, "settings": {"x": 3}}"#.utf8)).decode(File.self)
    }
  }
}
