// Threads and random generators.
import Foundation
import KymoNumerics
import KymoTensor
import Testing

@Suite("Loops on libtorch's threads") struct ParallelLoopTests {
  @Test(
    "run every index once, each worker alone", arguments: [0, 1, 2, 3, 100, 1001], [1, 7, 5000])
  func everyIndexOnce(_ count: Int, _ grain: Int) {
    let visits = UnsafeMutableBufferPointer<Int>.allocate(capacity: count)
    let busy = UnsafeMutableBufferPointer<Int>.allocate(capacity: threadCount)
    unsafe visits.initialize(repeating: 0)
    unsafe busy.initialize(repeating: 0)
    defer {
      unsafe visits.deallocate()
      unsafe busy.deallocate()
    }
    torchParallelFor(count, grain: grain) { index, worker in
      unsafe visits[index] += 1
      unsafe busy[worker] += 1
    }
    #expect(unsafe visits.allSatisfy { $0 == 1 })
    #expect(unsafe busy.reduce(0, +) == count)
  }

  /// Such numbers are slow, and moments of an optimizer are full of them.
  @Test("take numbers below the least normal one for zero") func denormals() {
    let small = [Float](repeating: .leastNormalMagnitude, count: 64)
    var halves = small
    unsafe halves.withUnsafeMutableBufferPointer { halves in
      torchParallelFor(64) {
        usleep(100)
        unsafe halves[$0] = small[$0] / 2
      }
    }
    #expect(halves.allSatisfy { $0 == 0 && $0.bitPattern == 0 })
    #expect((Tensor(small, shape: [64]) / 2).floats.allSatisfy { $0.bitPattern == 0 })
  }

  @Test("use the threads that operations use, and no more") func noSecondPool() throws {
    var stream = RandomStream(seed: 1, purpose: .testing)
    let t = Tensor.normal([400, 400], using: &stream)
    _ = t.matmul(t).exp().sum().item
    torchParallelFor(64) { _ in usleep(100) }
    let before = try threads()
    for _ in 0..<10 {
      _ = t.matmul(t).exp().sum().item
      torchParallelFor(64) { _ in usleep(100) }
    }
    let busy = UnsafeMutableBufferPointer<Int>.allocate(capacity: threadCount)
    unsafe busy.initialize(repeating: 0)
    defer { unsafe busy.deallocate() }
    torchParallelFor(1000) { _, worker in
      usleep(20)
      unsafe busy[worker] += 1
    }
    #expect(unsafe busy.allSatisfy { $0 > 0 }, "all workers take part")
    // Other tests run meanwhile and have threads of their own, hence not equality.
    #expect(try threads() <= before + 8)
    #expect(threadCount >= 1)
  }

  private func threads() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
  }

  @Test("the library says what it is") func names() {
    #expect(libtorchVersion.hasPrefix("2."))
    #expect(!libtorchCapability.isEmpty)
  }
}

@Suite("Random tensors are reproducible") struct RandomTests {
  @Test("from streams on the host") func streams() {
    func draw(_ seed: UInt64) -> [Float] {
      var stream = RandomStream(seed: seed, purpose: .testing)
      let normal = Tensor.normal([3, 5], using: &stream)
      #expect(normal.shape == [3, 5])
      return normal.floats + Tensor.uniform([7], in: -2...3, using: &stream).floats
    }
    #expect(draw(1) == draw(1))
    #expect(draw(1) != draw(2))
  }

  @Test("uniform numbers fill their range") func uniform() {
    var stream = RandomStream(seed: 3, purpose: .testing)
    let values = Tensor.uniform([10_000], in: -2...3, using: &stream)
    #expect((-values).max().item <= 2 && values.max().item <= 3)
    // Mean 0.5 and standard deviation 5/√12; five standard errors of 10,000 draws are 0.072.
    #expect(abs(values.mean().item - 0.5) < 0.072)
  }
}
