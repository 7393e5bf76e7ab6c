// The laws of five systems that NumPy made, and what must not be taken for a law.
import KymoData
import KymoNumerics
import Testing

@testable import KymoLaw

struct DiscoveryTests {
  private func law(
    _ recordings: Recordings, order: Int? = nil, terms: [String] = []
  ) throws -> Law {
    var settings = DiscoverySettings()
    (settings.order, settings.terms) = (order, terms)
    return try Discovery(recordings, settings).run()
  }

  /// A system: its file, the settings that it needs, its terms, and its number of parameters.
  struct System: Sendable {
    let name: String
    var terms: [String] = []
    let law: [Set<String>]
    let rank: Int
  }

  static let systems = [
    System(name: "fisher", law: [["u", "d2x(u)", "u^2"]], rank: 2),
    System(name: "allen-cahn", law: [["u", "d2x(u)", "u^3"]], rank: 1),
    System(name: "kawahara", law: [["d3x(u)", "d5x(u)", "dx(u^2)"]], rank: 2),
    System(name: "sine-gordon", terms: ["sin(u)"], law: [["v"], ["d2x(u)", "sin(u)"]], rank: 1),
    System(
      name: "brusselator", law: [["1", "u", "lap(u)", "u^2*v"], ["u", "lap(v)", "u^2*v"]],
      rank: 1),
    // Vorticity alone: the velocity is derived.
    System(name: "turbulence", law: [["lap(w)", "dx(w*u)", "dy(w*v)"]], rank: 1),
  ]

  @Test("Support, rank and parameters of clean recordings are exact", arguments: systems)
  func clean(_ system: System) throws {
    let law = try law(goldenRecordings(system.name), terms: system.terms)
    #expect(law.refusal == nil)
    #expect(law.equations.map { Set($0.terms.map(\.term)) } == system.law)
    #expect(law.parameters.count == system.rank)
    for score in law.scores { #expect(score.rSquared >= 0.9999, "\(score)") }
  }

  @Test func coefficientsAreThoseOfTheEquation() throws {
    let law = try law(goldenRecordings("brusselator"))
    #expect(
      law.equations.map { $0.text(law.parameters) } == [
        "u_t = 1.0000 + (−1.0000 − θ₁) u + 0.5000 ∇²u + 1.0000 u² v",
        "v_t = θ₁ u + 1.0000 ∇²v − 1.0000 u² v",
      ])
  }

  @Test func noiseIsSubtracted() throws {
    let law = try law(goldenRecordings("sine-gordon").noisy(0.05, seed: 1), terms: ["sin(u)"])
    #expect(law.refusal == nil, "\(law.text)")
    #expect(law.equations.map { Set($0.terms.map(\.term)) } == [["v"], ["d2x(u)", "sin(u)"]])
    #expect(law.noise.allSatisfy { $0 > 0 })
    for score in law.scores { #expect(score.rSquared >= 0.98, "\(score)") }
  }

  // MARK: What must not be taken for a law

  @Test func aLawWhoseSolutionsLeaveTheRecordingsIsNone() throws {
    let recordings = try goldenRecordings("allen-cahn")
    var found = try law(recordings)
    try found.verify(on: recordings)
    #expect(found.refusal == nil)
    #expect(try #require(found.rollout?.errors.last) < 1e-3)
    for place in found.equations[0].terms.indices {
      found.equations[0].terms[place].offset += 30
    }
    try found.verify(on: recordings)
    guard case .doesNotFollow = found.refusal else {
      Issue.record("\(found.text)")
      return
    }
    #expect(found.parameters.isEmpty && found.equations[0].terms.isEmpty)
  }

  @Test func aForceFromOutsideIsNoLaw() throws {
    let law = try law(goldenRecordings("forced"), terms: ["sin(u)"])
    // The force depends on the place, as a constant term that varies within a recording would.
    switch law.refusal {
    case .variesWithinRecording(let channel, let residual),
      .incompleteLibrary(let channel, let residual, _):
      #expect(channel == "v" && residual > 0.1)
    default: Issue.record("\(law.text)")
    }
    #expect(law.equations.allSatisfy { $0.terms.isEmpty } && law.recordings.isEmpty)
  }

  @Test func aMissingDerivativeIsNoLaw() throws {
    let law = try law(goldenRecordings("kawahara"), order: 3)
    guard case .incompleteLibrary = law.refusal else {
      Issue.record("\(law.text)")
      return
    }
  }

  @Test func aHiddenChannelIsNoLaw() throws {
    let law = try law(goldenRecordings("sine-gordon").channels([0]))
    guard case .incompleteLibrary = law.refusal else {
      Issue.record("\(law.text)")
      return
    }
  }

  @Test func shuffledFramesAreNoLaw() throws {
    let recordings = try goldenRecordings("fisher")
    var random = RandomStream(seed: 4, purpose: .testing)
    let shuffled = recordings.frames(Array(0..<recordings.frameCount).shuffled(using: &random))
    let law = try law(shuffled)
    #expect(law.refusal == .framesTooFarApart(channel: "u"))
  }

  @Test func framesFarApartAreNoLaw() throws {
    let recordings = try goldenRecordings("kawahara")
    let rare = recordings.frames(
      Array(stride(from: 0, to: recordings.frameCount, by: 5)), interval: 0.2)
    let law = try law(rare, order: 6)
    #expect(law.refusal != nil, "\(law.text)")
  }

  @Test func aFieldAtRestHasNoLaw() throws {
    let recordings = try goldenRecordings("fisher")
    let law = try law(recordings.frames([Int](repeating: 3, count: 40)))
    #expect(law.refusal == .noRate(channel: "u"))
  }

  // MARK: Degenerate columns

  @Test func columnsThatDependOnOthersAreNamed() throws {
    let recordings = try goldenRecordings("allen-cahn")
    // u and its negative: every term of the second channel is one of the first.
    let twice = HostArray(
      (0..<recordings.count).flatMap { index -> [Float] in
        let field = recordings[index].elements
        return field + field.map { -$0 }
      }, shape: [recordings.count, 2] + recordings.shape[2...])
    let law = try law(Recordings(x: twice, metadata: recordings.metadata))
    #expect(law.degenerate.contains("v") && law.degenerate.contains("v_xx"))
    #expect(!law.degenerate.contains("u"))
  }
}
