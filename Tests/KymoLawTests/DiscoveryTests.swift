// The laws of five systems that NumPy made, and what must not be taken for a law.
import Foundation
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

  /// Two pairs of coupled channels on a piece of a line, in closed form: (u, v) turns and diffuses,
  /// (p, q) drifts and diffuses.
  @Test func fourChannelsBetweenOpenEndsHaveALaw() throws {
    let (count, frames, points, length) = (4, 80, 96, 24.0)
    var random = RandomStream(seed: 5, purpose: .testing)
    var (numbers, known): ([Float], [Float]) = ([], [])
    for _ in 0..<count {
      let diffusion = 0.2 + 0.3 * random.uniform()
      known.append(Float(diffusion))
      for isTurning in [true, false] {
        let waves = (0..<12).map { place in
          (0.3 + 0.2 * Double(place), random.normal(), 2 * Double.pi * random.uniform())
        }
        for part in 0..<2 {
          for frame in 0..<frames {
            let time = 0.05 * Double(frame)
            for point in 0..<points {
              let x = length * Double(point) / Double(points - 1)
              let value = waves.reduce(0.0) { sum, wave in
                let (k, size, phase) = wave
                let turned = isTurning ? k * x + phase - 0.8 * time : k * (x - 0.6 * time) + phase
                return sum
                  + size * exp(-diffusion * k * k * time) * (part == 0 ? cos(turned) : sin(turned))
              }
              numbers.append(Float(value))
            }
          }
        }
      }
    }
    var metadata = RecordingsMetadata()
    (metadata.frameInterval, metadata.extents, metadata.boundary) = (0.05, [length], [.open])
    metadata.channelNames = ["u", "v", "p", "q"]
    metadata.parameterNames = ["D"]
    let law = try law(
      Recordings(
        x: HostArray(numbers, shape: [count, 4, frames, points]),
        params: HostArray(known, shape: [count, 1]), metadata: metadata))
    #expect(law.refusal == nil, "\(law.text)")
    #expect(
      law.equations.map { Set($0.terms.map(\.term)) } == [
        ["v", "d2x(u)"], ["u", "d2x(v)"], ["dx(p)", "d2x(p)"], ["dx(q)", "d2x(q)"],
      ], "\(law.text)")
    #expect(law.parameters.count == 1)
    for score in law.scores { #expect(score.rSquared >= 0.9999, "\(score)") }
  }

  @Test func derivedChannelsAreReadFromText() throws {
    var settings = DiscoverySettings()
    settings.derived = ["psi = inverse_laplacian(w)", "a = dy(psi)", "b = -dx(psi)"]
    let law = try Discovery(goldenRecordings("turbulence"), settings).run()
    #expect(law.refusal == nil && law.attempts.isEmpty)
    #expect(law.equations.map { Set($0.terms.map(\.term)) } == [["lap(w)", "dx(w*a)", "dy(w*b)"]])
  }

  /// The law's test functions span more frames than the shorter recordings have.
  @Test func aLawHoldsInShorterRecordings() throws {
    let recordings = try goldenRecordings("allen-cahn")
    var found = try law(recordings)
    found.window = TestWindow(time: 32, space: 16)
    let short = recordings.frames(Array(0..<40))
    let known = try #require(recordings.params)
    for row in try found.parameters(in: short, threads: 1) {
      let miss = abs(row.parameters[0] - Double(known[row.recording, 0]))
      #expect(miss < 1e-3 && row.residuals[0] < 0.01, "\(row)")
    }
    let error = #expect(throws: ConfigurationError.self) {
      try found.parameters(in: recordings.frames(Array(0..<20)), threads: 1)
    }
    #expect(error?.allowed == "of at least 24 frames, and 24 points along every axis")
  }

  @Test func noiseIsSubtracted() throws {
    let law = try law(goldenRecordings("sine-gordon").noisy(0.05, seed: 1), terms: ["sin(u)"])
    #expect(law.refusal == nil, "\(law.text)")
    #expect(law.equations.map { Set($0.terms.map(\.term)) } == [["v"], ["d2x(u)", "sin(u)"]])
    #expect(law.noise.allSatisfy { $0 > 0 })
    for score in law.scores { #expect(score.rSquared >= 0.98, "\(score)") }
  }

  /// True values less those found, in error bars, over draws of noise.
  @Test func errorBarsHoldTheTruth() throws {
    let clean = try goldenRecordings("allen-cahn")
    var distances: [Double] = []
    for seed in 1...8 {
      let law = try law(clean.noisy(0.05, seed: UInt64(seed)))
      let known = try #require(clean.params)
      for recording in law.recordings {
        let truth = Double(known[recording.recording, 0])
        distances.append((recording.parameters[0] - truth) / recording.errors[0])
      }
    }
    try #require(distances.count == 40)
    // 38 of 40 are expected inside; fewer than 33 or a mean square beyond these is chance in 1,000.
    #expect(distances.filter { abs($0) < 1.96 }.count >= 33, "\(distances)")
    let square = Statistics.mean(distances.map { $0 * $0 })
    #expect((0.4...1.9).contains(square), "\(square)")
  }

  // MARK: What must not be taken for a law

  @Test(
    "Without a true term no law is claimed, with noise neither",
    arguments: ["u", "d2x(u)", "u^3"], [0, 0.05, 0.1])
  func aMissingTermIsNoLaw(_ term: String, _ noise: Double) throws {
    let recordings = try goldenRecordings("allen-cahn").noisy(noise, seed: 3)
    var settings = DiscoverySettings()
    settings.without = [term]
    let law = try Discovery(recordings, settings).run()
    #expect(law.refusal != nil, "\(law.text)")
  }

  @Test func aResidualIsTestedAgainstItsErrors() {
    func isComplete(_ residual: Double, error: Double, noise: Double) -> Bool {
      SupportSearch.isComplete(residual, error: error, noise: noise)
    }
    #expect(isComplete(2e-3, error: 1e-3, noise: 0.02))
    #expect(!isComplete(6e-3, error: 1e-3, noise: 0.02))
    // Where a term could hide in the scatter nothing is claimed.
    #expect(!isComplete(0, error: 5e-3, noise: 0.02))
    #expect(!isComplete(1e-4, error: 0, noise: 0))
    // Noise above the rate hides all of the dynamics.
    #expect(!isComplete(0.46, error: 0.01, noise: 5.8))
    #expect(!isComplete(0, error: 0.01, noise: 5.8))
  }

  /// Diffusivity that doubles in the middle of every recording; solutions are sums of waves.
  @Test func aParameterThatVariesWithinRecordingsIsNamed() throws {
    let (points, frames, length, interval) = (64, 120, 20.0, 0.05)
    var random = RandomStream(seed: 8, purpose: .testing)
    var field: [Float] = []
    for _ in 0..<4 {
      let waves = (1...5).map { (Double($0), random.normal(), 2 * Double.pi * random.uniform()) }
      for frame in 0..<frames {
        let time = interval * Double(frame)
        let decay = 0.4 * min(time, 3) + 0.8 * max(0, time - 3)
        for point in 0..<points {
          let value = waves.reduce(0.0) { sum, wave in
            let k = 2 * Double.pi * wave.0 / length
            return sum + wave.1 * exp(-decay * k * k)
              * cos(k * length * Double(point) / Double(points) + wave.2)
          }
          field.append(Float(value))
        }
      }
    }
    var metadata = RecordingsMetadata()
    (metadata.frameInterval, metadata.extents, metadata.boundary) = (
      interval, [length], [.periodic]
    )
    let recordings = Recordings(
      x: HostArray(field, shape: [4, 1, frames, points]), metadata: metadata)
    let refusal = try #require(try law(recordings, order: 2).refusal)
    guard case .variesWithinRecording(let channel, let residual) = refusal else {
      Issue.record("\(refusal)")
      return
    }
    #expect(channel == "u" && residual > 0.01)
    #expect(refusal.description.contains("vary within a recording"))
  }

  /// One wave and a trace of another: u and u_xx are all but the same column.
  @Test func termsThatCannotBeToldApartAreNamed() throws {
    func recordings(_ second: Double) -> Recordings {
      let (points, frames, length) = (64, 64, 20.0)
      let field = (0..<frames * points).map { place -> Float in
        let (time, x) = (0.05 * Double(place / points), 2 * Double.pi * Double(place % points) / 64)
        return Float(exp(-0.1 * time) * cos(x) + second * exp(-0.4 * time) * cos(2 * x))
      }
      var metadata = RecordingsMetadata()
      (metadata.frameInterval, metadata.extents, metadata.boundary) = (0.05, [length], [.periodic])
      return Recordings(x: HostArray(field, shape: [1, 1, frames, points]), metadata: metadata)
    }
    func pair(_ recordings: Recordings) throws -> [String]? {
      let discovery = try Discovery(recordings, DiscoverySettings())
      let form = discovery.form(TestWindow(time: 12, space: 12))
      let equations = [form.equations(recordings, 0, noise: [0], draws: 0)]
      let terms = try ["u", "d2x(u)"].map { try LawTerm($0, channels: ["u"], spaceRank: 1) }
      let support = terms.compactMap(discovery.library.firstIndex)
      return discovery.tradingTerms(form, equations, support)?.map {
        discovery.library[$0].name(["u"])
      }
    }
    #expect(try pair(recordings(0.3)) == nil)
    let found = try #require(try pair(recordings(1e-6)))
    #expect(Set(found) == ["u", "u_xx"])
    let sentence = LawRefusal.indistinguishable(channel: "u", terms: found).description
    #expect(sentence.contains("cannot be told apart") && sentence.contains("--without"))
  }

  /// Heat whose second wave is a trace: u and u_xx would both do, and the search must not choose.
  @Test func whatCannotBeToldApartIsNotClaimed() throws {
    let (points, frames, length) = (64, 80, 2 * Double.pi)
    var random = RandomStream(seed: 2, purpose: .testing)
    func recordings(_ second: Double) -> Recordings {
      var field: [Float] = []
      for _ in 0..<4 {
        let (size, phase) = (1 + 0.3 * random.normal(), 2 * Double.pi * random.uniform())
        for place in 0..<frames * points {
          let (time, x) = (
            0.05 * Double(place / points), length * Double(place % points) / Double(points)
          )
          field.append(
            Float(
              size * exp(-0.3 * time) * cos(x + phase)
                + second * exp(-1.2 * time) * cos(2 * x - phase)))
        }
      }
      var metadata = RecordingsMetadata()
      (metadata.frameInterval, metadata.extents, metadata.boundary) = (0.05, [length], [.periodic])
      return Recordings(x: HostArray(field, shape: [4, 1, frames, points]), metadata: metadata)
    }
    guard case .indistinguishable(let channel, let terms) = try law(recordings(1e-4)).refusal
    else {
      Issue.record("\(try law(recordings(1e-4)).text)")
      return
    }
    #expect(channel == "u" && Set(terms) == ["u", "u_xx"])
    let told = try law(recordings(0.4))
    #expect(told.equations.map { $0.terms.map(\.term) } == [["d2x(u)"]], "\(told.text)")
  }

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

  /// Within pieces of a recording the rest of the library makes up for much of a term that it
  /// lacks; coefficients that vary are not the reason.
  @Test(arguments: ["d2x(u)", "dx(u^2)"])
  func aMissingTermIsNoVaryingCoefficient(_ term: String) throws {
    var settings = DiscoverySettings()
    settings.without = [term]
    let law = try Discovery(burgersRecordings(8), settings).run()
    guard case .incompleteLibrary(let channel, let residual, _) = law.refusal else {
      Issue.record("\(law.text)")
      return
    }
    #expect(channel == "u" && residual > 0.05)
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
