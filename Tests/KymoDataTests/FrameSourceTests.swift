// Frames that are made on demand: crops of them, their noise, and the files that hold their
// spectra.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Frames made on demand") struct FrameSourceTests {
  private let folder: TemporaryFolder
  private let shape = [3, 1, 9, 24, 32]
  private let laws: [[Float]] = [[0.02, 0.3, -0.2], [0, 0.5, 0], [0.1, 0, 0.1]]

  init() throws { folder = try TemporaryFolder() }

  private var metadata: RecordingsMetadata {
    var metadata = RecordingsMetadata()
    (metadata.frameInterval, metadata.extents) = (0.25, [6, 8])
    metadata.boundary = [.periodic, .periodic]
    metadata.systemName = "convection–diffusion"
    return metadata
  }

  /// A file of random spectra.
  private func write(_ name: String = "spectra.npz") throws -> URL {
    let url = folder.path(name)
    let writer = try RecordingsWriter(url, spectraOf: shape, metadata: metadata)
    for (index, law) in laws.enumerated() {
      var stream = RandomStream(seed: 4, purpose: .testing, index: UInt64(index))
      let modes = 24 * 17 * 2
      var spectrum = (0..<modes).map { _ in Float(0.05 * stream.normal()) }
      // Columns 0 and 16 belong to real fields only with conjugate pairs; zeros are. Row 12 is the
      // highest mode, which does not move.
      for (row, column) in (0..<24).flatMap({ [($0, 0), ($0, 16)] }) + (0..<17).map({ (12, $0) }) {
        for part in 0..<2 { spectrum[(row * 17 + column) * 2 + part] = 0 }
      }
      try writer.append(spectrum, parameters: law)
    }
    try writer.finish()
    return url
  }

  @Test("are the same in a crop as in the whole recording, around the edges too")
  func crops() throws {
    let recordings = try Recordings.load(write())
    #expect(recordings.isMadeOnDemand && !recordings.isMapped)
    #expect(recordings.shape == shape && recordings.parameterCount == 3)
    #expect(recordings.boundary == [.periodic, .periodic] && recordings.frameInterval == 0.25)
    // Stored frames of the same recordings are the oracle of the wrapping.
    let whole = (0..<3).flatMap { recordings[$0].elements }
    let stored = Recordings(
      x: HostArray(whole, shape: shape), params: recordings.params, metadata: metadata)
    for place in [
      CropPlace(recording: 0, timeOffset: 0, spaceOffsets: [0, 0], size: [9, 24, 32]),
      CropPlace(recording: 1, timeOffset: 4, spaceOffsets: [20, 29], size: [5, 11, 13]),
      CropPlace(recording: 2, timeOffset: 8, spaceOffsets: [7, 3], size: [1, 1, 40]),
    ] {
      expectClose(
        recordings.crop(place).elements, stored.crop(place).elements,
        Tolerance(absolute: 2e-7, because: "Float's rounding; factors are built up from frame 0"))
    }
    let part = recordings.subset(1..<3)
    #expect(part[0].elements == recordings[1].elements)
    #expect(part[0].elements != recordings[0].elements)
  }

  @Test("are those of the equation") func equation() throws {
    let recordings = try Recordings.load(write())
    // Without diffusion a frame is the first one, moved: 0.5 × 0.25 × 2 is one of 24 steps of 6/24.
    let place = CropPlace(recording: 1, timeOffset: 2, spaceOffsets: [1, 0], size: [1, 24, 32])
    let first = CropPlace(recording: 1, timeOffset: 0, spaceOffsets: [0, 0], size: [1, 24, 32])
    expectClose(
      recordings.crop(place).elements, recordings.crop(first).elements,
      Tolerance(absolute: 1e-6, because: "rounding of Float"))
    let size = recordings[0].elements.prefix(24 * 32).reduce(0) { $0 + $1 * $1 }
    let later = recordings[0].elements.suffix(24 * 32).reduce(0) { $0 + $1 * $1 }
    #expect(later < size, "diffusion makes fields smaller")
  }

  @Test("have noise that belongs to the place, not to the crop") func noise() throws {
    let clean = try Recordings.load(write())
    let noisy = try #require(clean.noisyOnDemand(deviation: 0.1, seed: 5))
    let whole = zip(noisy[2].elements, clean[2].elements).map { Double($0 - $1) }
    let spread = 0.1 / Double(whole.count).squareRoot()
    #expect(Statistics.mean(whole).magnitude < 5 * spread)
    #expect((Statistics.sampleStandardDeviation(whole) - 0.1).magnitude < 5 * spread)
    let place = CropPlace(recording: 2, timeOffset: 3, spaceOffsets: [22, 27], size: [2, 5, 9])
    let (ours, base) = (noisy.crop(place).elements, clean.crop(place).elements)
    for frame in 0..<2 {
      for row in 0..<5 {
        for column in 0..<9 {
          let cell = (22 + row) % 24 * 32 + (27 + column) % 32
          let here = (frame * 5 + row) * 9 + column
          let expected = whole[(3 + frame) * 24 * 32 + cell]
          #expect((Double(ours[here] - base[here]) - expected).magnitude < 1e-6)
        }
      }
    }
    // Other recordings, frames and seeds have other noise; a part of the set has the same.
    let other = try #require(clean.noisyOnDemand(deviation: 0.1, seed: 6))
    #expect(other.crop(place).elements != ours)
    let part = try #require(clean.subset(2..<3).noisyOnDemand(deviation: 0.1, seed: 5))
    #expect(part[0].elements == noisy[2].elements)
    #expect(noisy.contentHash() != clean.contentHash())
    let stored = Recordings(x: clean[0].reshaped([1] + shape[1...]), metadata: metadata)
    #expect(stored.noisyOnDemand(deviation: 0.1, seed: 5) == nil)
  }

  @Test("are inspected like others") func inspection() throws {
    let inspection = try Inspection(write())
    #expect(inspection.isMadeOnDemand && inspection.key == "spectra")
    #expect(inspection.text.contains("made on demand"))
    // Nine frames are too few for a training; the numbers are in order.
    #expect(!inspection.text.contains("NaN") && inspection.text.contains("hash"))
    let recordings = try Recordings.load(write())
    let findings = recordings.check(
      inputCrop: [9, 40, 40], targetCrop: [4, 20, 20], isNormalized: false)
    #expect(findings.allSatisfy { $0.severity != .error })
    #expect(recordings.contentHash(threads: 1) == recordings.contentHash(threads: 2))
  }

  @Test("are found out when they are made from numbers that are not finite") func notFinite() throws
  {
    let url = folder.path("nan.npz")
    let writer = try RecordingsWriter(url, spectraOf: [1, 1, 2, 24, 32], metadata: metadata)
    try writer.append([Float](repeating: .nan, count: 24 * 17 * 2), parameters: [0.1, 0, 0])
    try writer.finish()
    let findings = try Recordings.load(url).check(
      inputCrop: [2, 24, 32], targetCrop: [2, 24, 32], isNormalized: false)
    #expect(findings.contains { $0.severity == .error && $0.message.contains("made from") })
  }

  @Test("are refused where the file does not say enough") func refusals() throws {
    func file(_ change: (NPZWriter) throws -> Void) throws -> URL {
      let url = folder.path("bad-\(UUID().uuidString).npz")
      let writer = try NPZWriter(url)
      try writer.add(
        "spectra", HostArray([Float](repeating: 0, count: 816), shape: [1, 24, 17, 2]))
      try change(writer)
      try writer.finish()
      return url
    }
    func message(_ change: (NPZWriter) throws -> Void) throws -> String {
      let error = #expect(throws: FormatError.self) { try Recordings.load(file(change)) }
      return error?.description ?? ""
    }
    #expect(try message { _ in }.contains("law"))
    #expect(
      try message {
        try $0.add("law", "heat")
        try $0.add("frames", 4)
      }.contains("'heat'"))
    #expect(
      try message {
        try $0.add("law", "convection-diffusion")
        try $0.add("frames", 4)
      }.contains("params"))
    #expect(
      try message {
        try $0.add("law", "convection-diffusion")
        try $0.add("frames", 4)
        try $0.add("params", HostArray([Float](repeating: 0.1, count: 3), shape: [1, 3]))
      }.contains("dt and extent"))
    #expect(
      try message {
        try $0.add("law", "convection-diffusion")
        try $0.add("frames", -1)
      }.contains("from 1 to"))
  }
}
