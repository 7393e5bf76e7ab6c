// Random crops, as a training draws them, from a mapped NPZ file, from HDF5 in one piece and from gzip
// chunks, the last against h5py; and the training step on each of them.
import Foundation
import KymoData
import KymoNumerics
import KymoTensor

/// Crops that every reader reads.
private func places(of recordings: Recordings, count: Int) -> [CropPlace] {
  let sampler = CropSampler(recordings)
  var stream = RandomStream(seed: 4, purpose: .evaluation)
  return (0..<count).map { _ in
    let recording = stream.index(below: recordings.count)
    return sampler.draw(recording: recording, size: [31, 64], using: &stream)
  }
}

/// Seconds for a crop, the fastest of several rounds, and the sum of all numbers.
private func cropSeconds(
  _ recordings: Recordings, _ places: [CropPlace], threads: Int
) -> (Double, Double) {
  let count = 31 * 64
  var sum = 0.0
  let timing = Timing(5, warmUp: 1) {
    let sums = parallelMap(places.count, threads: threads) { index in
      let place = places[index]
      return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { crop in
        guard let start = crop.baseAddress else { return 0.0 }
        unsafe recordings.copyCrop(
          recording: place.recording, timeOffset: place.timeOffset,
          spaceOffsets: place.spaceOffsets, size: place.size, into: start)
        return (0..<count).reduce(0.0) { unsafe $0 + Double(crop[$1]) }
      }
    }
    sum = sums.reduce(0, +)
  }
  return (timing.fastest / Double(places.count), sum)
}

func benchmarkFiles() throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let script = "Benchmarks/peers/files_h5py.py"
  _ = try peer([script, folder.path, "make"])
  func open(_ name: String) throws -> Recordings {
    try Recordings.load(folder.appending(path: name))
  }
  let (mapped, plain, packed) = (try open("x.npz"), try open("x.h5"), try open("packed.h5"))
  let crops = places(of: mapped, count: 4000)
  let writer = try NPZWriter(folder.appending(path: "places.npz"))
  try writer.add(
    "places",
    HostArray(
      crops.flatMap { [$0.recording, $0.timeOffset, $0.spaceOffsets[0]] + $0.size }.map {
        Double($0)
      }, shape: [crops.count, 5]))
  try writer.finish()
  let theirs = try peer([script, folder.path, "crops"])
  let (first, sum) = cropSeconds(mapped, crops, threads: 1)
  line("crops of 31 × 64, mapped NPZ", "\(format(first * 1e6)) µs")
  for (name, file, recordings) in [
    ("HDF5 in one piece", "x.h5", plain), ("gzip chunks of 64 × 256", "packed.h5", packed),
  ] {
    let (seconds, found) = cropSeconds(recordings, crops, threads: 1)
    let reference = try number(theirs, "\(file).seconds") / Double(crops.count)
    line(
      "  \(name)",
      """
      \(format(seconds * 1e6)) µs, \(format(first / seconds, 2)) of the mapped NPZ's speed; h5py \
      \(format(reference * 1e6)) µs: \(format(reference / seconds))× faster
      """)
    // As the batches of a training are read.
    let (together, all) = cropSeconds(recordings, crops, threads: threadCount)
    line(
      "  the same, \(threadCount) threads",
      "\(format(together * 1e6)) µs, \(format(reference / together))× faster than h5py")
    try difference("sums of all", abs(found - sum) + abs(all - sum), atMost: 0)
    let their = try number(theirs, "\(file).sum")
    try difference("h5py's", abs(their - sum) / abs(sum), atMost: 1e-9)
  }
}
