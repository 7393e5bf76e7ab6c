// Creation, host copies, views and padding against hand-worked small integers.
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Tensors hold what they were given") struct TensorTests {
  @Test("shape, type, entries") func basics() {
    let t = counting([2, 3])
    #expect(t.shape == [2, 3] && t.rank == 2 && t.count == 6)
    #expect(t.dtype == .float32 && t.device == .cpu)
    #expect(t.floats == [0, 1, 2, 3, 4, 5])
    #expect(t.doubles == [0, 1, 2, 3, 4, 5])
    #expect(Tensor(integers: [3, -1], shape: [2]).integers == [3, -1])
    #expect(Tensor(booleans: [true, false], shape: [2]).booleans == [true, false])
    #expect(Tensor.full([], 2.5).item == 2.5 && Tensor.full([], 2.5).shape == [])
    #expect(Tensor([], shape: [0, 3]).floats == [])
    #expect(
      Tensor(HostArray([1, 2], shape: [2, 1])).hostArray == HostArray([1, 2], shape: [2, 1]))
    #expect(t.size(-1) == 3)
  }

  @Test("a tensor's own entries are staged without a new allocation") func staging() {
    let t = Tensor.zeros([2, 2])
    var before = 0
    unsafe t.withUnsafeFloatPointer { before = Int(bitPattern: $0) }
    t.copy(from: [1, 2, 3, 4])
    #expect(t.floats == [1, 2, 3, 4])
    unsafe t.withUnsafeMutablePointer { p in
      #expect(Int(bitPattern: p) == before)
      unsafe p[3] = 9
    }
    #expect(t.floats == [1, 2, 3, 9])
    // A transposed view is staged in its own C order.
    t.transposed(0, 1).copy(from: [1, 2, 3, 4])
    #expect(t.floats == [1, 3, 2, 4])
  }

  @Test("views") func views() {
    let t = counting([2, 3, 2])
    #expect(t.reshaped([3, -1]).shape == [3, 4])
    #expect(t.permuted([2, 0, 1]).floats == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])
    #expect(t.transposed(0, 1).shape == [3, 2, 2])
    #expect(t.sliced(axis: 1, from: 0, to: 3, step: 2).floats == [0, 1, 4, 5, 6, 7, 10, 11])
    #expect(t.sliced(axis: 1, from: -1).floats == [4, 5, 10, 11])
    #expect(t.selected(axis: 1, index: 2).floats == [4, 5, 10, 11])
    #expect(t.unsqueezed(0).shape == [1, 2, 3, 2])
    #expect(Tensor([1, 2], shape: [2, 1]).expanded([2, 3]).floats == [1, 1, 1, 2, 2, 2])
    #expect(t.flipped([0, 2]).floats == [7, 6, 9, 8, 11, 10, 1, 0, 3, 2, 5, 4])
    let picked = t.indexSelected(1, Tensor(integers: [2, 0], shape: [2]))
    #expect(picked.floats == [4, 5, 0, 1, 10, 11, 6, 7])
    let (a, b) = (counting([1, 2]), counting([2, 2]))
    #expect(Tensor.concatenated([a, b], axis: 0).floats == [0, 1, 0, 1, 2, 3])
    #expect(Tensor.stacked([a, a], axis: 1).shape == [1, 2, 2])
    #expect(!t.permuted([2, 0, 1]).isContiguous())
    #expect(t.permuted([2, 0, 1]).contiguous().isContiguous())
  }

  @Test("channels-last keeps entries and changes their order in memory", arguments: [4, 5])
  func channelsLast(_ rank: Int) {
    let t = counting([2, 3] + [Int](repeating: 2, count: rank - 2))
    let last = t.contiguous(.channelsLast)
    #expect(last.isContiguous(.channelsLast) && !last.isContiguous())
    #expect(last.floats == t.floats)
    #expect(!counting([2, 2]).isContiguous(.channelsLast))
  }

  @Test("padding") func padding() {
    let t = counting([2, 3])
    #expect(
      t.padded(.constant(7), axis: 0, before: 1, after: 0).floats == [7, 7, 7, 0, 1, 2, 3, 4, 5])
    #expect(
      t.padded(.circular, axis: 1, before: 2, after: 1).floats
        == [1, 2, 0, 1, 2, 0, 4, 5, 3, 4, 5, 3])
    #expect(
      t.padded(.reflect, axis: -1, before: 1, after: 2).floats
        == [1, 0, 1, 2, 1, 0, 4, 3, 4, 5, 4, 3])
    #expect(throws: TensorError.self) {
      try catchingTensorErrors { t.padded(.circular, axis: 0, before: 3, after: 0) }
    }
  }

  @Test("conversion to bfloat16 rounds to eight bits, to nearest even") func bfloat16() {
    let t = Tensor([1, 1.00390625, 1.01171875, 3.14159274, -65504], shape: [5])
    let rounded = t.cast(to: .bfloat16)
    #expect(rounded.dtype == .bfloat16)
    #expect(rounded.floats == [1, 1, 1.015625, 3.140625, -65536])
    #expect(t.cast(to: .float32).floats == t.floats)
  }
}
