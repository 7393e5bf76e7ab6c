// Recordings of any files into a new one: read one by one into a part beside it, so that a
// conversion that was interrupted goes on where it ended, then put into the layout that is wanted.
package import Foundation
import KymoNumerics

/// The layout of a new file.
package enum RecordingsLayout: String, CaseIterable, Sendable {
  /// Our own names (docs/data.md), in HDF5 or NPZ by the ending of the file's name.
  case kymo
  /// The Well, in HDF5.
  case theWell = "the-well"
}

/// Writes a part of recordings into a new file.
package struct Conversion: Sendable {
  /// What is written.
  package var source: SelectedRecordings
  /// The file.
  package var url: URL
  /// Its layout.
  package var layout: RecordingsLayout

  /// Describes a conversion.
  package init(_ source: SelectedRecordings, to url: URL, layout: RecordingsLayout) {
    (self.source, self.url, self.layout) = (source, url, layout)
  }

  private var recordingBytes: Int { 4 * source.shape.dropFirst().reduce(1, *) }

  /// Where recordings are collected; its name says of which data and which part.
  private func collected(threads: Int) -> URL {
    var hash = ContentHash()
    hash.add(source.recordings.contentHash(threads: threads))
    unsafe [UInt8]("\(source.selection)".utf8).withBytes { unsafe hash.add($0) }
    let name = ".\(url.lastPathComponent).part-\(String(hash.value, radix: 16))"
    return url.absoluteURL.deletingLastPathComponent().appending(path: name)
  }

  /// Converts; goes on with what an interrupted conversion of the same has left.
  ///
  /// - Parameters:
  ///   - threads: Threads of the hash that tells data sets apart.
  ///   - progress: Is told how many recordings are read, and how many were there before.
  ///   - stop: Throws to end it; what is read stays for the next time.
  /// - Throws: What `stop` throws, `FileError`, `FormatError` for numbers that cannot be read.
  package func run(
    threads: Int, progress: (_ done: Int, _ before: Int) -> Void, stop: () throws -> Void
  ) throws {
    let part = collected(threads: threads)
    let descriptor = unsafe open(part.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644 as mode_t)
    guard descriptor >= 0 else { throw FileError(writing: part) }
    defer { close(descriptor) }
    let (count, size) = (source.recordings.count, recordingBytes)
    let before = min(count, Int(lseek(descriptor, 0, SEEK_END)) / size)
    // A recording that was written by half is written anew.
    guard ftruncate(descriptor, off_t(before * size)) == 0, lseek(descriptor, 0, SEEK_END) >= 0
    else { throw FileError(writing: part) }
    // What is read stays beside the new file until that is whole.
    let (need, free) = (
      (2 * count - before) * size, freeBytes(in: part.deletingLastPathComponent().path)
    )
    guard need <= free else {
      throw FormatPlace(file: url.lastPathComponent).error(
        .tooLarge,
        found: "it needs \(describeBytes(need)) of disk, with what is read before it is whole",
        allowed: "at most \(describeBytes(free)), which are free",
        remedy: "Free some, or write to another disk.")
    }
    for index in before..<count {
      try stop()
      progress(index, before)
      let numbers = source.recording(index).elements
      if let failure = source.recordings.readFailure { throw failure }
      // In bounds: all bytes of the recording.
      let data = unsafe numbers.withBytes { unsafe Data($0) }
      try appendAll(data, to: descriptor, of: part)
      source.recordings.letGo(of: index)
    }
    let mapped = try MappedFile(part)
    func withRecording(
      _ index: Int, _ body: (UnsafeBufferPointer<Float>) throws(FileError) -> Void
    ) throws(FileError) {
      try unsafe mapped.withBytes(index * size..<(index + 1) * size) { bytes throws(FileError) in
        // A mapping begins with a page, and recordings are whole numbers of floats.
        try unsafe body(bytes.assumingMemoryBound(to: Float.self))
      }
      mapped.letGo(index * size..<(index + 1) * size)
    }
    switch layout {
    case .kymo:
      let writer = try RecordingsWriter(
        url, shape: source.shape, parameterCount: source.recordings.parameterCount,
        metadata: source.metadata)
      for index in 0..<count {
        try stop()
        try unsafe withRecording(index) { numbers throws(FileError) in
          try unsafe writer.append(numbers, parameters: source.parameters(index))
        }
      }
      try writer.finish()
    case .theWell:
      let writer = try TheWellWriter(
        url, shape: source.shape, metadata: source.metadata,
        parameters: (0..<count).map { source.parameters($0) })
      for index in 0..<count {
        try stop()
        try unsafe withRecording(index) { numbers throws(FileError) in
          try unsafe writer.write(numbers, recording: index)
        }
      }
      try writer.finish()
    }
    unsafe unlink(part.path)
  }
}
