// Errors and counts in words.
import Foundation
import KymoNumerics
import Testing

@Suite("Words") struct WordsTests {
  @Test("one of a thing is no plural") func counts() {
    #expect(counted(1, "thread") == "1 thread" && counted(2, "thread") == "2 threads")
    #expect(counted(0, "recording") == "0 recordings")
  }

  @Test("Swift's own errors are sentences that name the entry")
  func sentences() throws {
    struct Progress: Decodable {
      struct Part: Decodable { var seed: Int }
      var part: Part
    }
    func sentence(_ json: String) -> String {
      do {
        _ = try JSONDecoder().decode(Progress.self, from: Data(json.utf8))
        return ""
      } catch { return Words.sentence(for: error) }
    }
    let mend = "Copy the file again, or make it anew."
    #expect(sentence("{\"part\": {}}") == "The entry 'part.seed' is missing. \(mend)")
    #expect(
      sentence("{\"part\": {\"seed\": \"a\"}}")
        == "The entry 'part.seed' is not what it should be. \(mend)")
    #expect(sentence("{") == "The file is not what it should be. \(mend)")
    do { _ = try Data(contentsOf: URL(filePath: "/nowhere/at/all")) } catch {
      let words = Words.sentence(for: error)
      #expect(words.contains("/nowhere/at/all") && !words.contains("NSCocoaErrorDomain"))
    }
    #expect(
      Words.sentence(
        for: ConfigurationError("a", found: 1, allowed: "2", remedy: "Mend."))
        == "'a' is 1, but must be 2. Mend.")
  }
}
