// Packed chunks that are unpacked apart from libhdf5, against the same numbers unpacked.
import Foundation
import KymoNumerics
import KymoTestSupport
import Synchronization
import Testing

@testable import KymoData

@Suite("Packed chunks of HDF5 files") struct HDF5ChunkTests {
  static let script = """
    import h5py
    random = np.random.default_rng(3)
    x = random.integers(-100, 100, (3, 2, 37, 50))
    with h5py.File("a.h5", "w") as f:
      for type in ["<f4", ">f4", "<f8", ">i2", "u1", "<i8"]:
        for name, options in [
          ("plain", {}), ("gzip", dict(compression="gzip")), ("shuffle", dict(shuffle=True)),
          ("both", dict(compression=9, shuffle=True)),
          ("checked", dict(compression="gzip", shuffle=True, fletcher32=True)),
        ]:
          chunks = dict(chunks=(1, 2, 16, 24)) if options else {}
          f.create_dataset(f"{type}/{name}", data=x.astype(type), **chunks, **options)
      # Chunks that were never written, and one that its writer did not pack.
      few = f.create_dataset("few", x.shape, "<f4", chunks=(1, 1, 37, 50), compression="gzip",
                             shuffle=True, fillvalue=7)
      few[1, 0] = x[1, 0]
      few.id.write_direct_chunk((2, 1, 0, 0), x[2, 1].astype("<f4").tobytes(), filter_mask=3)
      expected = np.full(x.shape, 7, "<f4")
      expected[1, 0], expected[2, 1] = x[1, 0], x[2, 1]
      f["few-expected"] = expected
      import zlib
      whole = zlib.compress(x[0, 0].astype("<f4").tobytes())
      for name, bytes_ in [("torn", whole[:-9]), ("short", zlib.compress(bytes(8))), ("long", zlib.compress(bytes(9000)))]:
        one = f.create_dataset(name, (1, 1, 37, 50), "<f4", chunks=(1, 1, 37, 50), compression="gzip")
        one.id.write_direct_chunk((0, 0, 0, 0), bytes_)
      # More than is kept at a time.
      large = f.create_dataset("large", (6, 1, 2048, 2048), "<f4", chunks=(1, 1, 2048, 2048),
                               compression=1, shuffle=True)
      for i in range(6): large[i] = i
    """

  @Test("All types, packings and parts read as unpacked numbers, by several threads at a time")
  func parts() throws {
    let bench = try Workbench()
    try bench.python(Self.script)
    let file = try HDF5File(bench.url("a.h5"))
    let parts = [
      [0..<3, 0..<2, 0..<37, 0..<50], [2..<3, 1..<2, 36..<37, 49..<50],
      [0..<1, 0..<2, 15..<17, 23..<25], [1..<3, 0..<1, 3..<30, 24..<48],
    ]
    var pairs = [("few", "few-expected")]
    for type in ["<f4", ">f4", "<f8", ">i2", "u1", "<i8"] {
      for name in ["gzip", "shuffle", "both", "checked"] {
        pairs.append(("\(type)/\(name)", "\(type)/plain"))
      }
    }
    for (packed, plain) in pairs {
      let (array, expected) = (try file.open(packed), try file.open(plain))
      let differing = Mutex(0)
      parallelFor(4 * parts.count, threads: 4) { index in
        let part = parts[index % parts.count]
        func read(_ array: any StoredArray) -> [Double]? {
          try? unsafe filled(count: part.reduce(1) { $0 * $1.count }) {
            (output: UnsafeMutablePointer<Double>) throws(FormatError) in
            try unsafe array.read(part, into: output)
          }
        }
        let found = read(array)
        if found == nil || found != read(expected) { differing.withLock { $0 += 1 } }
      }
      #expect(differing.withLock { $0 } == 0, "\(packed)")
    }
    // Where more chunks are read than are kept, the first ones are unpacked again.
    let large = try file.open("large")
    for index in (0..<12).map({ $0 % 6 }) {
      let part = [index..<index + 1, 0..<1, 2047..<2048, 2040..<2048]
      let row = try unsafe filled(count: 8) {
        (output: UnsafeMutablePointer<Float>) throws(FormatError) in
        try unsafe large.read(part, into: output)
      }
      #expect(row == [Float](repeating: Float(index), count: 8))
    }
    for name in ["torn", "short", "long"] {
      let error = #expect(throws: FormatError.self) { try file.floats(name) }
      #expect(error?.found.contains("a chunk is damaged") == true, "\(name)")
    }
  }
}
