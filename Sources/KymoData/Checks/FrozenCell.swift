// One sensor of many that is frozen: a cell that repeats its number over many frames while its
// neighbours go on.
//
// Nodes of standing waves, ends of an axis, levels of a coarse sensor and its limits repeat numbers
// too. A cell counts when it repeats far longer than others do, has neighbours on both sides along
// every axis that change meanwhile, and does not follow them: in a smooth field its distance from
// their mean changes two and a half times as much as that of others; in a rough one its neighbours'
// mean moves.
import KymoNumerics

/// A cell of a recording that is frozen for some frames.
struct FrozenCell: Hashable, Sendable {
  var channel: Int
  var cell: Int
  /// The first frame that repeats, and how many do.
  var frame: Int
  var count: Int
}

/// The longest run of frames over which every cell of a channel repeats its number.
struct RepeatRuns {
  private var current: [Int32]
  private var longest: [Int32]
  private var end: [Int32]

  init(cells: Int) {
    current = [Int32](repeating: 0, count: cells)
    (longest, end) = (current, current)
  }

  mutating func restart() {
    for cell in current.indices { (current[cell], longest[cell], end[cell]) = (0, 0, 0) }
  }

  /// Takes a frame and the one before; returns how many cells differ.
  mutating func add(
    _ before: UnsafePointer<Float>, _ frame: UnsafePointer<Float>, _ time: Int
  ) -> Int {
    let (count, time) = (current.count, Int32(time))
    var changed = 0
    unsafe current.withUnsafeMutableBufferPointer { current in
      unsafe longest.withUnsafeMutableBufferPointer { longest in
        unsafe end.withUnsafeMutableBufferPointer { end in
          for cell in 0..<count {
            let isSame = unsafe before[cell] == frame[cell]
            let run = unsafe isSame ? current[cell] &+ 1 : 0
            let isLonger = unsafe run > longest[cell]
            changed &+= isSame ? 0 : 1
            unsafe current[cell] = run
            unsafe longest[cell] = isLonger ? run : longest[cell]
            unsafe end[cell] = isLonger ? time : end[cell]
          }
        }
      }
    }
    return changed
  }

  /// Cells that repeat far longer than nine of ten do; none where they are many.
  var outlying: [(cell: Int, frames: Range<Int>)] {
    guard let most = longest.max(), most >= 8 else { return [] }
    let usual = longest.sorted()[longest.count * 9 / 10]
    let cells = longest.indices.filter { longest[$0] >= max(8, 4 * (1 + usual)) }
    return 20 * cells.count > longest.count + 20
      ? [] : cells.map { ($0, Int(end[$0] - longest[$0] + 1)..<Int(end[$0]) + 1) }
  }
}

extension Recordings {
  /// Those of some cells of a channel of a recording, whose numbers are given, that are frozen, not at
  /// rest.
  func frozenCells(
    _ outlying: [(cell: Int, frames: Range<Int>)], _ channel: Int,
    _ numbers: UnsafeBufferPointer<Float>
  ) -> [FrozenCell] {
    let cells = spaceShape.reduce(1, *)
    func value(_ cell: Int, _ frame: Int) -> Double {
      unsafe Double(numbers[(channel * frameCount + frame) * cells + cell])
    }
    var usual: (residual: Double, motion: Double)?
    return outlying.compactMap { cell, frames in
      guard let neighbours = neighbours(on: cell) else { return nil }
      func mean(_ frame: Int) -> Double {
        neighbours.reduce(0) { $0 + value($1, frame) } / Double(neighbours.count)
      }
      let window = frames.lowerBound - 1..<frames.upperBound
      let goOn = neighbours.allSatisfy { neighbour in
        2 * frames.count { value(neighbour, $0) != value(neighbour, $0 - 1) } > frames.count
      }
      let moved = Statistics.populationVariance(window.map(mean))
      guard goOn, moved > 0 else { return nil }
      let all = usual ?? residuals(channel, value)
      usual = all
      let isFollowed =
        all.residual > 0.3 * all.motion
        ? moved < 0.09
          * Statistics.mean(
            neighbours.map { neighbour in
              Statistics.populationVariance(window.map { value(neighbour, $0) })
            })
        : moved < 6 * all.residual * all.residual
      guard !isFollowed,
        unsafe !isLimit(value(cell, frames.lowerBound), of: cell, channel, numbers)
      else { return nil }
      return FrozenCell(
        channel: channel, cell: cell, frame: frames.lowerBound, count: frames.count)
    }
  }

  /// Both neighbours along every axis; nil at an end that is not periodic.
  private func neighbours(on cell: Int) -> [Int]? {
    var found: [Int] = []
    for axis in spaceShape.indices {
      let (stride, length) = (spaceShape[(axis + 1)...].reduce(1, *), spaceShape[axis])
      let place = cell / stride % length
      guard length > 2 else { return nil }
      guard boundary[axis] == .periodic || (1..<length - 1).contains(place) else { return nil }
      let start = cell - place * stride
      found += [-1, 1].map { start + (place + $0 + length) % length * stride }
    }
    return found
  }

  /// By how much a cell of the middle of the order changes beside the mean of its neighbours, and by
  /// itself: medians of standard deviations over time, of at most a thousand cells.
  private func residuals(
    _ channel: Int, _ value: (Int, Int) -> Double
  ) -> (residual: Double, motion: Double) {
    let cells = spaceShape.reduce(1, *)
    let sample = stride(from: 0, to: cells, by: max(1, cells / 1000))
    let pairs = sample.compactMap { cell -> (Double, Double)? in
      guard let around = neighbours(on: cell) else { return nil }
      let own = (0..<frameCount).map { value(cell, $0) }
      let rest = own.enumerated().map { frame, number in
        number - around.reduce(0) { $0 + value($1, frame) } / Double(around.count)
      }
      return (
        Statistics.populationVariance(rest).squareRoot(),
        Statistics.populationVariance(own).squareRoot()
      )
    }
    guard !pairs.isEmpty else { return (.infinity, 0) }
    return (
      Statistics.quantiles(pairs.map(\.0), [0.5])[0], Statistics.quantiles(pairs.map(\.1), [0.5])[0]
    )
  }

  /// Whether a number is the least or the largest of a channel and other cells have it too: the
  /// limit of a sensor, or rest.
  private func isLimit(
    _ number: Double, of cell: Int, _ channel: Int, _ numbers: UnsafeBufferPointer<Float>
  ) -> Bool {
    let cells = spaceShape.reduce(1, *)
    var (isLeast, isMost, isShared) = (true, true, false)
    for index in channel * frameCount * cells..<(channel + 1) * frameCount * cells {
      let other = unsafe Double(numbers[index])
      if other < number { isLeast = false }
      if other > number { isMost = false }
      if other == number, index % cells != cell { isShared = true }
    }
    return (isLeast || isMost) && isShared
  }
}
