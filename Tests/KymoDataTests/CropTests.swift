// Crops against a loop over single entries; offsets against the uniform distribution.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("Crops") struct CropTests {
  /// The crop entry by entry, straight from its definition.
  static func naive(_ x: HostArray<Float>, _ place: CropPlace) -> HostArray<Float> {
    var values: [Float] = []
    let (offsets, size) = (place.spaceOffsets, place.size)
    for channel in 0..<x.shape[1] {
      for time in 0..<size[0] {
        for first in 0..<size[1] {
          let i = (offsets[0] + first) % x.shape[3]
          if x.rank == 4 {
            values.append(x[place.recording, channel, place.timeOffset + time, i])
            continue
          }
          for second in 0..<size[2] {
            let j = (offsets[1] + second) % x.shape[4]
            values.append(x[place.recording, channel, place.timeOffset + time, i, j])
          }
        }
      }
    }
    return HostArray(values, shape: [x.shape[1]] + size).exchanged(0)
  }

  @Test(
    "are what single entries say, wrapped or not, in memory or mapped, in every type",
    arguments: [[3, 2, 7, 11], [3, 2, 7, 11, 5], [1, 1, 1, 1], [2, 3, 4, 9, 8]])
  func equalsNaive(_ shape: [Int]) throws {
    let bench = try Workbench()
    let x = ramp(shape)
    var metadata = RecordingsMetadata()
    metadata.boundary = Array(repeating: .periodic, count: shape.count - 3)
    var sources = [Recordings(x: x, metadata: metadata)]
    let list = shape.map(String.init).joined(separator: ", ")
    try bench.python(
      pythonRamp
        + """
        x = r(\(list)).astype('f4')
        b = np.array(['periodic'])
        np.savez('0.npz', x=x, boundary=b); np.savez('1.npz', x=x.astype('>f8'), boundary=b)
        np.savez_compressed('2.npz', x=x.astype('f8'), boundary=b)
        np.savez('3.npz', x=np.asfortranarray(x), boundary=b)
        np.savez('4.npz', x=np.swapaxes(x, 1, 2).copy(), boundary=b)
        """)
    for index in 0...3 { sources.append(try Recordings.load(bench.url("\(index).npz"))) }
    let axes = shape.count == 4 ? "N,T,C,X" : "N,T,C,X,Y"
    sources.append(try Recordings.load(bench.url("4.npz"), axes: axes))
    // A format of another kind: it hands out parts, in its own order of axes.
    let file = MemoryFile(arrays: ["u": x.exchanged(1)], boundary: "periodic")
    sources.append(try Recordings.load(file, key: "u", axes: axes))
    #expect(sources[6].isMapped == false && sources[6].contentHash() == sources[0].contentHash())
    sources.append(contentsOf: sources.map { $0.subset(0..<$0.count) })

    var stream = RandomStream(seed: 11, purpose: .testing)
    for _ in 0..<40 {
      // Up to two and a half times around every space axis.
      let size =
        [1 + stream.index(below: shape[2])]
        + shape[3...].map { 1 + stream.index(below: 5 * $0 / 2) }
      let sampler = CropSampler(sources[0])
      let place = sampler.draw(
        recording: stream.index(below: shape[0]), size: size, using: &stream)
      let expected = CropTests.naive(x, place)
      for source in sources { #expect(source.crop(place) == expected, "\(place)") }
    }
  }

  @Test("that wrap differ from crops shifted by one: the oracle can tell") func control() {
    let x = ramp([1, 1, 3, 7])
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let recordings = Recordings(x: x, metadata: metadata)
    let place = CropPlace(recording: 0, timeOffset: 1, spaceOffsets: [5], size: [2, 4])
    let shifted = CropPlace(recording: 0, timeOffset: 1, spaceOffsets: [6], size: [2, 4])
    // Frame 1 holds entries 7 … 13, frame 2 entries 14 … 20; points 5, 6, 0, 1 of each.
    let entries = [12, 13, 7, 8, 19, 20, 14, 15]
    #expect(recordings.crop(place).elements == entries.map { x.elements[$0] })
    #expect(recordings.crop(place) != CropTests.naive(x, shifted))
  }

  @Test("of a field that is not periodic must lie inside") func inside() async {
    await #expect(processExitsWith: .failure) {
      let recordings = Recordings(x: HostArray(repeating: 0, shape: [1, 1, 3, 7]))
      _ = recordings.crop(
        CropPlace(recording: 0, timeOffset: 0, spaceOffsets: [5], size: [2, 3]))
    }
    await #expect(processExitsWith: .failure) {
      let recordings = Recordings(x: HostArray(repeating: 0, shape: [1, 1, 3, 7]))
      _ = recordings.crop(
        CropPlace(recording: 0, timeOffset: 2, spaceOffsets: [0], size: [2, 3]))
    }
  }

  @Test(
    "are drawn uniformly from all places there are",
    arguments: [Grid.Ends.periodic, .wall, .open, .unknown])
  func uniform(_ kind: Grid.Ends) {
    var metadata = RecordingsMetadata()
    metadata.boundary = [kind, .periodic]
    let recordings = Recordings(
      x: HostArray(repeating: 0, shape: [1, 1, 9, 12, 5]), metadata: metadata)
    let sampler = CropSampler(recordings)
    var stream = RandomStream(seed: 3, purpose: .crops)
    let drawCount = 40_000
    let places = [6, kind == .periodic ? 12 : 9, 5]
    var counts = places.map { [Int](repeating: 0, count: $0) }
    var pairs = [Int](repeating: 0, count: places[0] * places[1])
    for _ in 0..<drawCount {
      let place = sampler.draw(recording: 0, size: [4, 4, 2], using: &stream)
      counts[0][place.timeOffset] += 1
      counts[1][place.spaceOffsets[0]] += 1
      counts[2][place.spaceOffsets[1]] += 1
      pairs[place.timeOffset * places[1] + place.spaceOffsets[0]] += 1
    }
    for cells in counts + [pairs] {
      let expected = Double(drawCount) / Double(cells.count)
      let chiSquare = cells.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
      let freedom = Double(cells.count - 1)
      // Five standard deviations of the χ² distribution: one false alarm in some 10⁵ seeds.
      #expect(chiSquare < freedom + 5 * (2 * freedom).squareRoot(), "\(cells)")
    }
  }

  @Test("of input and target are independent draws, the same for the same seed") func draws() {
    let recordings = Recordings(x: HostArray(repeating: 0, shape: [1, 1, 64, 64]))
    let sampler = CropSampler(recordings)
    func pair(_ seed: UInt64) -> [CropPlace] {
      var stream = RandomStream(seed: seed, purpose: .crops)
      return [[32, 31], [16, 20]].map { sampler.draw(recording: 0, size: $0, using: &stream) }
    }
    #expect(pair(1) == pair(1))
    #expect(pair(1) != pair(2))
  }
}

/// A format of files that exists in memory only: all that a new one has to bring.
struct MemoryFile: ArrayFile {
  struct Stored: StoredArray {
    var array: HostArray<Double>
    var type = NumberType.float32
    var texts: [String] = []
    var shape: [Int] { texts.isEmpty ? array.shape : [texts.count] }
    var element: ElementType {
      texts.isEmpty ? .number(type) : .text(length: 9, isBigEndian: false)
    }
    var mapping: ArrayMapping? { nil }
    var readsParts: Bool { true }
    func verify() throws(FormatError) {}
    func strings() throws(FormatError) -> [String] { texts }
    func read<Number: ArrayNumber>(
      _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
    ) throws(FormatError) {
      var places = [0]
      for (range, length) in zip(part, shape) {
        places = places.flatMap { place in range.map { place * length + $0 } }
      }
      for (index, place) in places.enumerated() {
        unsafe output[index] = Number(array.elements[place])
      }
    }
  }

  var arrays: [String: HostArray<Double>]
  var boundary: String
  var type = NumberType.float32

  init(arrays: [String: HostArray<Float>], boundary: String) {
    (self.arrays, self.boundary) = (arrays.mapValues { HostArray<Double>($0) }, boundary)
  }

  init(wide arrays: [String: HostArray<Double>], boundary: String) {
    (self.arrays, self.boundary, type) = (arrays, boundary, .float64)
  }

  init(_ url: URL) throws(FormatError) { self.init(arrays: [:], boundary: "") }

  static func recognizes(_ start: [UInt8]) -> Bool { false }
  var name: String { "memory" }
  var byteCount: Int { 0 }
  var names: [String] { arrays.keys.sorted() + ["boundary"] }
  var isBareArray: Bool { false }
  func open(_ name: String) throws(FormatError) -> any StoredArray {
    arrays[name].map { Stored(array: $0, type: type) }
      ?? Stored(array: HostArray([], shape: [0]), texts: [boundary])
  }
}
