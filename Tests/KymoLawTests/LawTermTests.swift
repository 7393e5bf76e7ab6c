// Terms as text, and the libraries.
import KymoNumerics
import Testing

@testable import KymoLaw

struct LawTermTests {
  @Test(
    "A term is read, and written as the field writes it",
    arguments: [
      ("u*v^2", "u v²"), ("dx(u^2)", "(u²)_x"), ("d2x(u^3)", "(u³)_xx"), ("d4x(u)", "u_xxxx"),
      ("lap(u)", "∇²u"), ("lap2(u*v)", "∇⁴(u v)"), ("sin(u)", "sin(u)"), ("dx(dy(v))", "v_xy"),
      ("1", "1"),
    ])
  func readsAndWrites(_ text: String, _ name: String) throws {
    let term = try LawTerm(text, channels: ["u", "v"], spaceRank: 2)
    #expect(term.name(["u", "v"]) == name)
    let again = try LawTerm(term.formula(["u", "v"]), channels: ["u", "v"], spaceRank: 2)
    #expect(again == term)
  }

  @Test(
    "What is no term is refused with examples",
    arguments: ["w", "u^", "u^-1", "dz(u)", "dx(u", "u**v", "d9x(u)", "", "tan(u)"])
  func refuses(_ text: String) {
    #expect {
      try LawTerm(text, channels: ["u", "v"], spaceRank: 2)
    } throws: { ($0 as? ConfigurationError)?.description.contains("Examples: u^3") == true }
  }

  @Test func aLineHasNoLaplacian() {
    #expect(throws: ConfigurationError.self) {
      try LawTerm("lap(u)", channels: ["u"], spaceRank: 1)
    }
  }

  @Test func librariesHaveTheStatedSizes() {
    #expect(LawTerm.library(channels: 1, spaceRank: 1).count == 12)
    #expect(LawTerm.library(channels: 2, spaceRank: 1).count == 30)
    #expect(LawTerm.library(channels: 2, spaceRank: 2).count == 30)
    let terms = LawTerm.library(channels: 2, spaceRank: 2)
    #expect(Set(terms).count == terms.count)
  }
}
