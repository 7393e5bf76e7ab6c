// Dense arrays: parts of them.
import KymoNumerics
import Testing

@Suite("Host arrays") struct HostArrayTests {
  @Test("without a margin hold the inside of every axis from one on") func trimmed() {
    let array = HostArray((0..<2 * 3 * 5).map { $0 }, shape: [2, 3, 5])
    #expect(array.trimmed(1, from: 1) == HostArray([6, 7, 8, 21, 22, 23], shape: [2, 1, 3]))
    #expect(array.trimmed(2, from: 2).elements == [2, 7, 12, 17, 22, 27])
    #expect(array.trimmed(0, from: 0) == array)
    #expect(array.trimmed(1, from: 3) == array)
    #expect(array.trimmed(1, from: 0).shape == [0, 1, 3])
  }
}
