// The grid: where points lie, what cannot be, and the words of files.
import Foundation
import KymoNumerics
import Testing

@Suite("A grid") struct GridTests {
  private let channel = Grid(
    [.init(5, extent: 9, .init(.inflow, .outflow)), .init(4, extent: 2, .wall)],
    obstacles: (0..<20).map { $0 == 9 })

  @Test("has points on a periodic axis, inside walls, and at every other end") func coordinates() {
    #expect(Grid.Axis(4, extent: 2, .periodic).coordinates == [0, 0.5, 1, 1.5])
    #expect(Grid.Axis(4, extent: 2, .wall).coordinates == [0.25, 0.75, 1.25, 1.75])
    for ends in [Grid.Ends.open, .unknown, .init(.inflow, .outflow)] {
      #expect(Grid.Axis(5, extent: 2, ends).coordinates == [0, 0.5, 1, 1.5, 2])
    }
    // Half a cell behind the wall, one point at the open end: 3½ spacings.
    #expect(Grid.Axis(4, extent: 7, .init(.wall, .open)).coordinates == [1, 3, 5, 7])
    #expect(Grid.Axis(1, extent: 3, .open).spacing == 3)
  }

  @Test("is made from the distance of points", arguments: [Grid.Ends.periodic, .wall, .open])
  func spacing(_ ends: Grid.Ends) {
    let axis = Grid.Axis(8, spacing: 0.25, ends)
    #expect(axis.spacing == 0.25)
    #expect(axis.extent == (ends == .open ? 1.75 : 2))
  }

  @Test("says its shape, lengths and whether it is a torus") func properties() {
    #expect(channel.shape == [5, 4] && channel.pointCount == 20)
    #expect(channel.extents == [9, 2] && channel.spacings == [2.25, 0.5])
    #expect(!channel.isPeriodic)
    #expect(Grid([.init(4, extent: 1, .periodic), .init(6, extent: 1, .periodic)]).isPeriodic)
  }

  @Test("comes back from JSON, with words for its ends") func coding() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = try encoder.encode(channel)
    #expect(try JSONDecoder().decode(Grid.self, from: json) == channel)
    let words = String(decoding: json, as: UTF8.self)
    #expect(words.contains(#""ends":"inflow outflow""#) && words.contains(#""ends":"dirichlet""#))
  }

  @Test(
    "reads and writes the words of files",
    arguments: [
      ("periodic", Grid.Ends.periodic), ("dirichlet", .wall), ("open", .open),
      ("unknown", .unknown), ("inflow outflow", .init(.inflow, .outflow)),
    ])
  func words(_ word: String, _ ends: Grid.Ends) {
    #expect(Grid.Ends(rawValue: word) == ends)
    #expect(ends.rawValue == word)
  }

  @Test(
    "does not read other words", arguments: ["", "Periodic", "periodic open", "open open open"])
  func otherWords(_ word: String) { #expect(Grid.Ends(rawValue: word) == nil) }

  @Test("names the entry that cannot be") func validation() throws {
    try channel.validate()
    func wrong(_ change: (inout Grid) -> Void) throws -> ConfigurationError {
      var grid = channel
      change(&grid)
      return try #require(throws: ConfigurationError.self) { try grid.validate(at: "space") }
    }
    #expect(try wrong { $0.axes = [] }.path == "space.axes")
    #expect(try wrong { $0.axes[1].points = 0 }.path == "space.axes[1].points")
    let length = try wrong { $0.axes[0].extent = -.infinity }
    #expect(length.path == "space.axes[0].extent" && length.found == "-inf")
    #expect(try wrong { $0.axes[1].ends.lower = .periodic }.found == "periodic dirichlet")
    #expect(try wrong { $0.obstacles = [true] }.path == "space.obstacles")
    let full = try wrong { $0.obstacles = [Bool](repeating: true, count: 20) }
    #expect(full.found == "20 entries, 20 of them inside")
  }
}
