import KymoNumerics
import KymoReduction
import Testing

/// Doubles one number.
private struct Doubling: Restriction, DeterministicLifting {
  let stateShape = [1, 1]
  let latentCount = 1
  func encode(_ states: HostArray<Float>) -> HostArray<Double> {
    HostArray(states.elements.map { 2 * Double($0) }, shape: [states.shape[0], 1])
  }
  func decode(_ latents: HostArray<Double>) -> HostArray<Float> {
    HostArray(latents.elements.map { Float($0) / 2 }, shape: [latents.shape[0], 1, 1])
  }
}

@Suite("Reductions") struct ReductionTests {
  @Test("a deterministic lifting leaves the random stream alone") func deterministicLifting() throws
  {
    let reduction: any Reduction = Doubling()
    var random = RandomStream(seed: 1, purpose: .testing)
    let field = try reduction.decode(HostArray([6.0], shape: [1, 1]), using: &random)
    #expect(field.elements == [3])
    var fresh = RandomStream(seed: 1, purpose: .testing)
    #expect(random.next() == fresh.next())
  }
}
