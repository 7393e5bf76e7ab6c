// Headers of arrays that lie or are damaged.
@testable import KymoData

let hostileHeaders: [HostileCase] = [
  HostileCase("empty file", .truncated) { [] },
  HostileCase("wrong magic", .wrongFormat) { Array("PNG, or anything else".utf8) },
  HostileCase("text file", .wrongFormat) { Array("1.0, 2.0\n".utf8) },
  HostileCase("HDF5 file without more", .damaged) { [0x89] + Array("HDF\r\n\u{1a}\n".utf8) },
  HostileCase("magic alone", .truncated) { Array(goodArray.prefix(6)) },
  HostileCase("version 9", .unsupported) { npy("{}", version: [9, 0]) },
  HostileCase("version 1.7", .unsupported) { npy("{}", version: [1, 7]) },
  HostileCase("header of 4 GB", .tooLarge) {
    npy("{}", version: [2, 0], length: 0xFFFF_FFFF)
  },
  HostileCase("header longer than the file", .truncated) { npy("{}", length: 500) },
  HostileCase("empty header", .damaged) { npy("") },
  HostileCase("header that is code", .damaged) { npy("__import__('os').system('true')\n") },
  HostileCase("header that computes its shape", .damaged) { npy(shape: "(2, 1, 3, 2 + 2)") },
  HostileCase("header that calls", .damaged) { npy(shape: "tuple([2, 1, 3, 4])") },
  HostileCase("deeply nested header", .damaged) {
    npy(shape: String(repeating: "(", count: 60_000))
  },
  HostileCase("header with an unknown key", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}")
  },
  HostileCase("header with a key twice", .damaged) {
    npy("{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}")
  },
  HostileCase("header without shape", .damaged) { npy("{'descr': '<f4', 'fortran_order': False}") },
  HostileCase("header without end", .damaged) { npy("{'descr': '<f4', ") },
  HostileCase("quoted word without end", .damaged) { npy("{'descr") },
  HostileCase("order that is no Boolean", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}")
  },
  HostileCase("text behind the header", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", data: 4)
  },
  HostileCase("header that is not ASCII", .damaged) { npy("{'descr\u{0}': '<f4'}") },
  HostileCase("negative length", .damaged) { npy(shape: "(2, -1, 3, 4)", data: 96) },
  HostileCase("fractional length", .damaged) { npy(shape: "(2, 1.5, 3, 4)", data: 96) },
  HostileCase("length beyond 64 bits", .tooLarge) { npy(shape: "(99999999999999999999, 1, 1, 1)") },
  HostileCase("product beyond 64 bits", .tooLarge) {
    npy(shape: "(4294967296, 4294967296, 1, 1)")
  },
  HostileCase("product that wraps round to the right size", .tooLarge) {
    npy(shape: "(2305843009213693953, 8, 1, 3)", data: 96)
  },
  HostileCase("absurd length beside a zero", .tooLarge) {
    npy(shape: "(0, 9223372036854775807, 9223372036854775807, 1)")
  },
  HostileCase("a million axes", .damaged) {
    npy(shape: "(" + String(repeating: "1,", count: 30_000) + ")", data: 4)
  },
  HostileCase("shape larger than the data", .truncated) { npy(shape: "(2000000, 1, 64, 64)") },
  HostileCase("data larger than the shape", .damaged) { npy(shape: "(2, 1, 3, 4)", data: 97) },
  HostileCase("pickled objects", .unsafeContent) { npy(shape: "(2,)", type: "'|O'", data: 64) },
  HostileCase("structured array", .unsupported) {
    npy(shape: "(2,)", type: "[('u', '<f4'), ('v', '<f4')]", data: 16)
  },
  HostileCase("structured array with objects", .unsupported) {
    npy(shape: "(2,)", type: "[('u', '|O')]", data: 16)
  },
  HostileCase("complex array", .unsupported) {
    npy(shape: "(2, 1, 3, 4)", type: "'<c8'", data: 192)
  },
  HostileCase("dates as a field", .wrongContent) {
    npy(shape: "(1, 1, 2, 1)", type: "'<M8[ns]'", data: 16)
  },
  HostileCase("dates in months", .unsupported) { npy(shape: "(2,)", type: "'<M8[M]'", data: 16) },
  HostileCase("dates in no unit", .unsupported) { npy(shape: "(2,)", type: "'<M8'", data: 16) },
  HostileCase("dates in steps of nothing", .unsupported) {
    npy(shape: "(2,)", type: "'<M8[0s]'", data: 16)
  },
  HostileCase("raw bytes", .unsupported) { npy(shape: "(2,)", type: "'|V4'", data: 8) },
  HostileCase("extended precision", .unsupported) { npy(shape: "(2,)", type: "'<f16'", data: 32) },
  HostileCase("type with an absurd width", .unsupported) {
    npy(shape: "(1,)", type: "'<U99999999999999999999'")
  },
  HostileCase("texts as a field", .wrongContent) {
    npy(shape: "(1, 1, 1, 1)", type: "'<U2'", data: 8)
  },
  HostileCase("empty field", .wrongShape) { npy(shape: "(0, 1, 3, 4)") },
  HostileCase("single number", .wrongShape) { npy(shape: "()", data: 4) },
  HostileCase("seven axes", .wrongShape) { npy(shape: "(1, 1, 1, 1, 1, 1, 1)", data: 4) },
]
