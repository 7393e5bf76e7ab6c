// Recordings that take minutes to days each. What is simulated is kept in a folder beside the file,
// `NAME.unfinished`, so that a simulation that was stopped or killed goes on: frames are appended to
// `frames-N` as they come, and once a minute `recording-N` says how many of them count and in which
// state the simulation was after them. One process at a time holds the folder's `lock`. A state that
// is damaged, or of other settings, is an error: what took days is not begun anew without a word.
import Foundation
import KymoData
import KymoNumerics

/// What a simulation has made so far of a file, recording by recording.
final class UnfinishedRecordings<Configuration: Codable & Equatable, Progress: Codable> {
  private let folder: URL
  private let configuration: Configuration
  private let frameLength: Int
  private let lock: RunLock
  private var saved = ContinuousClock.now
  /// Seconds between two states that are kept.
  private let interval = 60.0

  /// Makes the folder, or finds that of an earlier simulation.
  ///
  /// - Parameters:
  ///   - file: The file that is simulated.
  ///   - configuration: The settings, which must be those of an earlier simulation.
  ///   - frameLength: Numbers of a frame.
  ///   - expectedBytes: What the disk must have room for.
  /// - Throws: `FileError` when the disk refuses; ``RunDirectoryError`` while another process
  ///   simulates the file.
  init(
    of file: URL, _ configuration: Configuration, frameLength: Int, expectedBytes: Int = 0
  ) throws {
    (self.configuration, self.frameLength) = (configuration, frameLength)
    folder = file.deletingLastPathComponent()
      .appending(path: file.lastPathComponent + ".unfinished", directoryHint: .isDirectory)
    try AtomicFolder.make(folder)
    lock = try RunLock(folder.appending(path: "lock"), of: folder.lastPathComponent)
    guard try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["lock"] else {
      return
    }
    // Only looks whether there is room.
    try AtomicFile(folder.appending(path: "frames-0"), expectedBytes: expectedBytes).abandon()
  }

  /// A recording as far as it is simulated.
  func recording(_ number: Int) throws -> Recording {
    try Recording(folder, number, configuration, frameLength: frameLength)
  }

  /// Keeps states when that is due, when a minute has gone, or when a signal asks to stop; throws
  /// ``Interrupted`` after a signal.
  func keep(_ isDue: Bool, signal: Int32?, _ keep: () throws -> Void) throws {
    guard isDue || signal != nil || saved.duration(to: .now).seconds > interval else { return }
    try keep()
    saved = .now
    guard let signal else { return }
    throw Interrupted(
      signal: signal,
      advice: "What was simulated is kept in \(folder.lastPathComponent): the same command goes on "
        + "from there.")
  }

  /// Removes the folder.
  func remove() throws { try FileManager.default.removeItem(at: folder) }

  /// One recording: its frames, and the state after them.
  final class Recording {
    private struct State: Codable {
      var configuration: Configuration
      var frames: Int
      var progress: Progress
    }

    /// The progress that was kept last; nil where nothing was.
    private(set) var progress: Progress?
    /// Frames that were appended.
    private(set) var frameCount = 0
    private let configuration: Configuration
    private let frameLength: Int
    private let stateFile: URL
    private let framesFile: URL
    private let handle: FileHandle

    fileprivate init(
      _ folder: URL, _ number: Int, _ configuration: Configuration, frameLength: Int
    ) throws {
      (self.configuration, self.frameLength) = (configuration, frameLength)
      stateFile = folder.appending(path: "recording-\(number)")
      framesFile = folder.appending(path: "frames-\(number)")
      if FileManager.default.fileExists(atPath: stateFile.path) {
        // Frames are cut back to what the state says: one that cannot be read is not one that is not
        // there.
        guard let content = try? Data(contentsOf: stateFile),
          let state = try? PropertyListDecoder().decode(State.self, from: content),
          (0...Int.max / (4 * frameLength)).contains(state.frames)
        else { throw Self.error(stateFile, "it cannot be read", "what a simulation has kept") }
        guard state.configuration == configuration else {
          throw Self.error(stateFile, "what other settings have simulated", "the same settings")
        }
        (progress, frameCount) = (state.progress, state.frames)
      }
      if !FileManager.default.fileExists(atPath: framesFile.path) {
        guard frameCount == 0 else {
          throw Self.error(framesFile, "it is not there", "\(frameCount) frames")
        }
        try AtomicFile(framesFile).commit()
      }
      handle = try FileHandle(forUpdating: framesFile)
      let (size, need) = (try handle.seekToEnd(), UInt64(frameCount * frameLength * 4))
      guard size >= need else {
        throw Self.error(
          framesFile, "\(size) bytes", "\(frameCount) frames of \(frameLength) numbers")
      }
      // Frames after the state that was kept are simulated again.
      try handle.truncate(atOffset: need)
    }

    /// What cannot be gone on from, and what to do about it.
    private static func error(_ file: URL, _ found: String, _ allowed: String) -> FormatError {
      let folder = file.deletingLastPathComponent().lastPathComponent
      return FormatPlace(file: "\(folder)/\(file.lastPathComponent)").error(
        .damaged, found: found, allowed: allowed,
        remedy: "Remove \(folder) to begin anew, or repeat the command that began it.")
    }

    /// What is said of a progress that does not fit its simulation.
    func isDamaged(_ found: String) -> FormatError {
      Self.error(stateFile, found, "what a simulation has kept")
    }

    /// Appends frames, a whole number of them.
    func append(_ numbers: [Float]) throws(FileError) {
      precondition(numbers.count % frameLength == 0, "UnfinishedRecordings: part of a frame")
      let bytes = unsafe numbers.withUnsafeBytes { unsafe Data($0) }
      try appendAll(bytes, to: handle.fileDescriptor, of: framesFile)
      frameCount += numbers.count / frameLength
    }

    /// Keeps a progress together with the frames that were appended before.
    func keep(_ progress: Progress) throws {
      try handle.synchronize()
      let encoder = PropertyListEncoder()
      encoder.outputFormat = .binary
      let state = State(configuration: configuration, frames: frameCount, progress: progress)
      try AtomicFile.write(encoder.encode(state), to: stateFile)
      self.progress = progress
    }

    /// Forgets all frames.
    func restart() throws {
      if FileManager.default.fileExists(atPath: stateFile.path) {
        try FileManager.default.removeItem(at: stateFile)
      }
      try handle.truncate(atOffset: 0)
      (progress, frameCount) = (nil, 0)
    }

    /// The numbers of a frame.
    func frame(_ index: Int) throws -> [Float] {
      try handle.seek(toOffset: UInt64(4 * index * frameLength))
      guard let bytes = try handle.read(upToCount: 4 * frameLength),
        bytes.count == 4 * frameLength
      else { throw Self.error(framesFile, "no frame \(index)", "\(frameCount) frames") }
      return unsafe bytes.withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) }
    }
  }
}
