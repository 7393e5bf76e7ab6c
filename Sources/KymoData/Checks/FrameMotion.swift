// How a recording moves from frame to frame, and where it does not: frames that repeat, recordings
// that stop, channels that are held while others go on.
import KymoNumerics

/// What one channel does from frame to frame.
struct ChannelMotion: Sendable {
  /// Frames that are not the same at all points; a field at rest everywhere, such as before a start,
  /// repeats and is none of ours.
  private(set) var varies: [Bool]
  /// Frames of one value to which at least half of the points have jumped, from a motion that had
  /// not faded and to a value at which the field never rested before: filled up.
  private(set) var isFilled: [Bool]
  /// Width of the values of every frame.
  private var widths: [Double] = []
  /// Values at which the field rested.
  private var rests: Set<Float> = []
  /// Points that differ from the frame before.
  private(set) var changed: [Int]
  /// Sum of the squares of the changes.
  private(set) var distances: [Double]
  private let cells: Int

  init(frameCount: Int, cells: Int) {
    self.cells = cells
    (varies, isFilled) = (Array(repeating: false, count: frameCount), [])
    isFilled = varies
    (changed, distances) = (
      Array(repeating: 0, count: frameCount), Array(repeating: 0, count: frameCount)
    )
  }

  /// Notes how a frame differs from the one before, and its least and largest value; the first frame
  /// differs in nothing.
  mutating func add(
    _ time: Int, changed count: Int, distance: Double, minimum: Float, maximum: Float
  ) {
    (changed[time], distances[time]) = (count, distance)
    varies[time] = minimum < maximum
    defer {
      widths.append(varies[time] ? Double(maximum) - Double(minimum) : 0)
      if !varies[time] { rests.insert(minimum) }
    }
    guard !varies[time], 2 * count >= cells, cells > 1, !rests.contains(minimum),
      let last = widths.last, last > 0
    else { return }
    let usual = widths.filter { $0 > 0 }.sorted()
    isFilled[time] = !usual.isEmpty && last >= 0.5 * usual[usual.count / 2]
  }

  /// Whether so few points change from one frame to the next, as among few levels, that none may
  /// change by chance.
  fileprivate var isStepwise: Bool {
    let moving = changed.filter { $0 > 0 }.sorted()
    guard !moving.isEmpty else { return true }
    let usual = moving[moving.count / 2]
    return usual < 16 && 2 * usual < cells
  }

  /// What counts as motion: half of the median change, squared.
  fileprivate var notableDistance: Double {
    let moving = distances.filter { $0 > 0 }.sorted()
    return moving.isEmpty ? .infinity : 0.25 * moving[moving.count / 2]
  }
}

/// How some channels move together.
struct FrameMotion {
  private let channels: [ChannelMotion]
  private let repeats: [Bool]

  init(_ channels: [ChannelMotion]) {
    self.channels = channels
    let frameCount = channels.first?.changed.count ?? 0
    repeats = (0..<frameCount).map { time in
      time > 0 && channels.allSatisfy { $0.changed[time] == 0 }
    }
  }

  private var lastMoving: Int { repeats.lastIndex(of: false) ?? 0 }
  private func varies(_ frame: Int) -> Bool { channels.contains { $0.varies[frame] } }

  /// Frames that repeat though later ones differ, in the middle of a motion: near rest, frames repeat
  /// by rounding, between changes that are small.
  var repeated: [Int] {
    let last = lastMoving
    let candidates = (0..<last).filter { repeats[$0] && varies($0) }
    guard !candidates.isEmpty, !channels.allSatisfy(\.isStepwise) else { return [] }
    let notable = channels.map(\.notableDistance)
    return candidates.filter { frame in
      let before = repeats[..<frame].lastIndex(of: false) ?? 0
      let after = repeats[frame...].firstIndex(of: false) ?? last
      return moves(at: [before, after], notable)
    }
  }

  /// The first of the frames to the end that hold nothing new: a recording that comes to rest moves
  /// less and less; one that is frozen, or filled up with one value, stops in its motion.
  var frozenFrom: Int? {
    let last = lastMoving
    let isFilled = channels.allSatisfy { $0.isFilled[last] }
    guard last + 2 < repeats.count, last >= 3, varies(last) || isFilled,
      !channels.allSatisfy(\.isStepwise), moves(at: [last], channels.map(\.notableDistance))
    else { return nil }
    return isFilled ? last : last + 1
  }

  private func moves(at frames: [Int], _ notable: [Double]) -> Bool {
    zip(channels, notable).contains { channel, least in
      frames.contains { channel.distances[$0] >= least }
    }
  }
}

/// A channel that repeats frames while others go on.
struct HeldChannel: Hashable, Sendable {
  var channel: Int
  /// The first such frame.
  var frame: Int
  var count: Int

  /// Those of a recording whose frames repeat as a whole at `repeated` and from `frozenFrom` on;
  /// more than one frame in a hundred.
  static func all(
    _ channels: [ChannelMotion], repeated: [Int], frozenFrom: Int?
  ) -> [HeldChannel] {
    guard channels.count > 1 else { return [] }
    return channels.enumerated().compactMap { index, channel in
      let own = FrameMotion([channel])
      var frames = Set(own.repeated).subtracting(repeated)
      if let frozen = own.frozenFrom, frozenFrom == nil {
        frames.formUnion(frozen..<channel.changed.count)
      }
      guard let first = frames.min(), 100 * frames.count > channel.changed.count else { return nil }
      return HeldChannel(channel: index, frame: first, count: frames.count)
    }
  }
}
