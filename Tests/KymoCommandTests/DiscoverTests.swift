// kymo discover, through the built program.
import Foundation
import KymoTestSupport
import Testing

@Suite("Discovery of a law", .serialized) struct DiscoverTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  @Test("Burgers: the law is printed and written, and not replaced unasked") func burgers() throws {
    let made = try tool.run("simulate", "burgers", "recordings=6", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "b.npz", "-o", "law")
    #expect(found.status == 0, "\(found.words)")
    #expect(found.output.hasPrefix("u_t = θ₁ u_xx − 0.5000 (u²)_x\n"), "\(found.output)")
    #expect(found.output.contains("1 hidden parameter\n"))
    #expect(found.output.contains("the law differs from 6 recordings by"))
    #expect(try tool.text("law/parameters.csv").split(separator: "\n").count == 7)
    #expect(try tool.text("law/law.json").contains("\"version\" : 1"))
    #expect(tool.has("law/parameters.npz"))
    let again = try tool.run("discover", "b.npz", "-o", "law")
    #expect(again.status == 2 && again.words.contains("--force"), "\(again.words)")
    #expect(try tool.run("discover", "b.npz", "-o", "law", "--force", "-q").status == 0)
  }

  @Test("What holds no law ends with status 1 and the reason") func noLaw() throws {
    let made = try tool.run("simulate", "burgers", "recordings=3", "-q", "-o", "b.npz")
    #expect(made.status == 0, "\(made.words)")
    let found = try tool.run("discover", "b.npz", "--without", "d2x(u)")
    #expect(found.status == 1 && found.output.hasPrefix("No law: "), "\(found.output)")
    let misspelt = try tool.run("discover", "b.npz", "--term", "w^2")
    #expect(misspelt.status == 2 && misspelt.words.contains("channels: u"), "\(misspelt.words)")
  }
}
