// The rollout that every propagator inherits, on a propagator that counts.
import KymoNumerics
import KymoPropagation
import Testing

/// z ← z + 1 + number of steps before.
private struct Counter: Propagator {
  let latentCount = 2
  func initialMemory(batchCount: Int) -> Int { 0 }
  func step(_ latents: HostArray<Double>, memory: inout Int) -> HostArray<Double> {
    memory += 1
    return HostArray(latents.elements.map { $0 + Double(memory) }, shape: latents.shape)
  }
}

@Suite("Propagators") struct PropagatorTests {
  @Test("feed predictions back in a rollout") func rollout() throws {
    var memory = Counter().initialMemory(batchCount: 2)
    let start = HostArray([0.0, 1, 2, 3], shape: [2, 2])
    let steps = try Counter().rollout(from: start, stepCount: 3, memory: &memory)
    #expect(steps.shape == [2, 3, 2])
    #expect(steps.elements == [1, 2, 3, 4, 6, 7, 3, 4, 5, 6, 8, 9])
    #expect(memory == 3)
  }

  @Test("take known latents in teacher forcing") func teacherForcing() throws {
    var memory = 0
    let known = HostArray([0.0, 0, 10, 10], shape: [1, 2, 2])
    let next = try Counter().oneStepPredictions(known, memory: &memory)
    #expect(next.elements == [1, 1, 12, 12])
  }
}
