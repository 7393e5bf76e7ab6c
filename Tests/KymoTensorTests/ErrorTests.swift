// Failures stop the process, or are thrown at the end of an error scope.
import KymoTensor
import Testing

@Suite("Failures of tensor operations") struct ErrorTests {
  private let a = Tensor([1, 2], shape: [2])
  private let b = Tensor([1, 2, 3], shape: [3])

  @Test("stop the process outside an error scope") func trap() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([1, 2], shape: [2]) + Tensor([1, 2, 3], shape: [3])
    }
    let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(words.contains("must match the size"), "libtorch's words, got: \(words)")
  }

  @Test("are thrown inside one: the first, and what follows is harmless") func scope() throws {
    var reached = false
    let error = try #require(throws: TensorError.self) {
      try catchingTensorErrors {
        let poisoned = a + b
        #expect(poisoned.shape == [] && poisoned.floats == [] && poisoned.item.isNaN)
        #expect(poisoned.count == 0 && !poisoned.isFinite && poisoned.gradient == nil)
        #expect(!poisoned.requiresGradient && poisoned.size(2) == 0)
        let later = Tensor.concatenated([poisoned.exp().matmul(a), a], axis: 0)
        later.addInPlace(a)
        later.sum().backward()
        unsafe later.withUnsafeFloatPointer { _ in Issue.record("there is nothing to point to") }
        Tensor.custom(inputs: [later], outputs: [later]) { $0 }[0].zeroGradient()
        reached = true
      }
    }
    #expect(reached)
    #expect(error.operation == "+" && error.message.contains("must match the size"), "\(error)")
    #expect(!error.message.contains("frame #"), "no backtrace: \(error)")
    #expect((a + a).floats == [2, 4], "outside the scope all is as before")
  }

  @Test("nest; the error of the body itself comes second") func nesting() throws {
    struct Own: Error {}
    #expect(throws: Own.self) { try catchingTensorErrors { throw Own() } }
    #expect(throws: TensorError.self) {
      try catchingTensorErrors {
        _ = a + b
        throw Own()
      }
    }
    let outer = try catchingTensorErrors {
      #expect(throws: TensorError.self) { try catchingTensorErrors { a + b } }
      return a + a
    }
    #expect(outer.floats == [2, 4])
  }

  @Test("too little memory says what to do") func memory() throws {
    for length in [1 << 46, Int.max / 2] {
      let error = try #require(throws: TensorError.self) {
        try catchingTensorErrors { Tensor.zeros([length]) }
      }
      #expect(error.remedy.contains("smaller batch"), "\(error)")
    }
  }

  @Test("direct access takes the right type and layout") func directAccess() throws {
    let t = Tensor.zeros([2, 3]).transposed(0, 1)
    for wrong in [t, t.contiguous().cast(to: .float64)] {
      let error = try #require(throws: TensorError.self) {
        try catchingTensorErrors {
          unsafe wrong.withUnsafeMutablePointer { _ in Issue.record("must not be called") }
        }
      }
      #expect(error.message.contains("direct access takes a contiguous Float tensor"), "\(error)")
    }
  }

  @Test("names of devices") func devices() throws {
    #expect(try Device(parsing: "CPU") == .cpu)
    #expect("\(Device.cuda(1))" == "cuda:1")
    for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:0:1", "cpu:0", "cuda:x"] {
      let error = #expect(throws: TensorError.self) { try Device(parsing: wrong) }
      #expect(error?.remedy.contains("cuda:0") == true)
    }
    if Device.cudaCount == 0 {
      let error = #expect(throws: TensorError.self) { try Device(parsing: "cuda") }
      #expect(error?.message.contains("finds no CUDA device") == true)
    } else {
      #expect(try Device(parsing: "cuda") == .cuda(0))
      #expect(throws: TensorError.self) { try Device(parsing: "cuda:99") }
    }
  }
}
