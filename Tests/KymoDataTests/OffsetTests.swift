// A large mean is subtracted in Double before numbers become Float.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("Offsets that cost digits") struct OffsetTests {
  private let bench: Workbench
  /// 0.01 sin(…) as the files below hold it beside 101325.
  private let plain: HostArray<Double>

  init() throws {
    bench = try Workbench()
    try bench.python(
      """
      n, c, t, i = np.meshgrid(*map(np.arange, (3, 2, 20, 16)), indexing='ij')
      d = 0.01 * np.sin(np.pi * i / 8 - 0.2 * t + n + c)
      np.save('plain.npy', d)
      x = d + np.array([101325, 0.1])[None, :, None, None]
      b = np.array(['periodic'])
      np.savez('mapped.npz', x=x, boundary=b)
      np.savez('big.npz', x=x.astype('>f8'), boundary=b)
      np.savez_compressed('packed.npz', x=x, boundary=b)
      np.savez('fortran.npz', x=np.asfortranarray(x), boundary=b)
      np.savez('swapped.npz', x=np.swapaxes(x, 1, 2).copy(), boundary=b)
      k = np.round(1000 * d)
      np.savez('ints.npz', x=(k + np.array([10**12, 0])[None, :, None, None]).astype('i8'))
      np.save('steps.npy', k)
      np.savez('small.npz', x=99 * d.std() + d); np.savez('float.npz', x=x.astype('f4'))
      np.savez('constant.npz', x=np.full((2, 1, 4, 4), 7.0))
      """)
    plain = try NPYFile(bench.url("plain.npy")).doubles("x")
  }

  private func loaded(_ name: String, axes: String? = nil) throws -> Recordings {
    let file = try Recordings.load(bench.url(name), axes: axes)
    return file.less(file.largeOffset())
  }

  /// Numbers of file order, less the mean of the channel in `offset`.
  private func expected(_ d: HostArray<Double>, _ means: [Double], _ offset: [Double]) -> [Double] {
    let inner = d.shape[2...].reduce(1, *)
    return d.elements.enumerated().map { index, value in
      let channel = index / inner % d.shape[1]
      return value + (means[channel] - offset[channel])
    }
  }

  private func all(_ recordings: Recordings) -> [Double] {
    (0..<recordings.count).flatMap { index in
      unsafe recordings.withRecording(index) { unsafe $0.map(Double.init) }
    }
  }

  @Test("keep their digits, mapped, big-endian, packed, in another order, or read in parts")
  func digits() throws {
    var sources = try ["mapped", "big", "packed", "fortran"].map { try loaded("\($0).npz") }
    sources.append(try loaded("swapped.npz", axes: "N,T,C,X"))
    let wide = try NPZFile(bench.url("mapped.npz")).doubles("x")
    let parts = try Recordings.load(MemoryFile(wide: ["x": wide], boundary: "periodic"))
    sources.append(parts.less(parts.largeOffset()))
    for recordings in sources {
      let offset = try #require(recordings.offset)
      #expect(abs(offset[0] - 101_325) < 0.01 && offset[1] == 0)
      // 101325 in Double has steps of 1.5e-11; Float of 0.02 has steps of 2e-9.
      let found = all(recordings)
      let differences = zip(found, expected(plain, [101_325, 0.1], offset)).map { abs($0 - $1) }
      #expect(differences.prefix(320).max() ?? 1 < 2e-9 && differences.max() ?? 1 < 1e-8)
      // Crops that wrap, frames and parts see the same numbers.
      let crop = recordings.crop(
        CropPlace(recording: 1, timeOffset: 3, spaceOffsets: [10], size: [2, 12]))
      let frame = FrameSet(recordings).states([20 + 3])
      for i in 0..<12 {
        #expect(crop[0, 0, i] == frame[0, 0, (10 + i) % 16])
        #expect(Double(crop[0, 1, i]) == found[((1 * 2 + 1) * 20 + 3) * 16 + (10 + i) % 16])
      }
      #expect(recordings.subset(1..<2)[0] == recordings[1])
      let every = try recordings.every(frames: 2, points: [2])
      #expect(every.offset == offset && every[2][1, 0, 1] == recordings[2][2, 0, 2])
      let left = recordings.leavingOut([0])
      #expect(left.offset == offset && left[0] == recordings[1])
      // A copy is not reduced twice, and can be measured anew.
      #expect(left.less(offset)[0] == left[0])
      #expect(abs(left.less([0, 0])[0][0, 0, 0] - 101_325) < 0.02)
    }
  }

  @Test("of whole numbers keep them") func integers() throws {
    let recordings = try loaded("ints.npz")
    let offset = try #require(recordings.offset)
    let steps = try NPYFile(bench.url("steps.npy")).doubles("x")
    let found = all(recordings)
    let differences = zip(found, expected(steps, [1e12, 0], offset)).map { abs($0 - $1) }
    #expect(differences.max() ?? 1 < 1e-4)
  }

  @Test("are left alone below 100 deviations, in Float and in constant channels: bits as before")
  func untouched() throws {
    for name in ["small", "float", "constant"] {
      let recordings = try Recordings.load(bench.url("\(name).npz"))
      #expect(recordings.largeOffset() == nil)
      let values = try NPZFile(bench.url("\(name).npz")).floats("x")
      #expect(all(recordings.less(nil)) == values.elements.map(Double.init))
    }
  }

  @Test("pass every check, have their own units in an inspection, and stay in data.json")
  func inspection() throws {
    let recordings = try loaded("mapped.npz")
    let findings = recordings.check(
      inputCrop: [8, 8], targetCrop: [4, 8], isNormalized: true)
    #expect(findings.isEmpty, "\(findings)")
    let found = try Inspection(bench.url("mapped.npz"))
    #expect(abs((found.channels[0].mean ?? 0) - 101_325) < 0.01)
    let deviation = try #require(found.channels[0].standardDeviation)
    #expect(abs(deviation / (0.01 * 0.5.squareRoot()) - 1) < 0.05)
    let trained = TrainedData(recordings)
    try trained.write(to: bench.folder)
    let read = try #require(try TrainedData.read(from: bench.folder))
    #expect(read.offset == recordings.offset, "to the last bit")
    #expect(abs(read.channels[0].range[0] - 101_324.99) < 1e-3)
    #expect(read.unusual(try loaded("packed.npz")).isEmpty)
    // Without double precision the digits are gone, and that is said.
    let single = try loaded("float.npz").check(
      inputCrop: [8, 8], targetCrop: [4, 8], isNormalized: true)
    #expect(single.first?.remedy.contains("astype('float64')") == true, "\(single)")
  }
}
