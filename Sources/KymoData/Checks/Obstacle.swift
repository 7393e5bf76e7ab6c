// Cells that never change in any recording, inside of a field that does.
//
// Single cells and lines of cells are nodes of standing waves or ends of an axis; a region that
// nothing has reached yet is surrounded by cells that hardly change; one that is at its limit, such
// as behind a front, by cells that have the same value at other times. None is an obstacle: its
// cells have neighbours of their kind along every axis, and the cells around it move and are seldom
// as it is.
import KymoNumerics

/// Cells of a channel that never change.
struct Obstacle: Hashable, Sendable {
  var channel: Int
  var count: Int
  /// The first of them.
  var cell: Int
}

extension Recordings {
  /// Frames from which on a cell that does not change is worth a word.
  private static let leastFrames = 8
  /// Root mean square of the change around an obstacle, as a part of that of all cells that change.
  private static let leastMotion = 0.05
  /// The part of the frames in which the cells around an obstacle may have its value.
  private static let mostLikeness = 0.05

  /// The obstacles among some recordings.
  ///
  /// Costs little where there are none: all cells of an ordinary field change within a few frames.
  func obstacles(in sample: [Int], threads: Int) -> [Obstacle] {
    guard frameCount >= Self.leastFrames, let first = sample.first else { return [] }
    let all = Array(0..<spaceShape.reduce(1, *))
    var still = unchanging([[Int]](repeating: all, count: channelCount), in: first)
    guard still.contains(where: { !$0.isEmpty && $0.count < all.count }) else { return [] }
    let start = still
    for part in parallelMap(
      sample.count - 1, threads: threads, { unchanging(start, in: sample[1 + $0]) })
    {
      still = zip(still, part).map { Array(Set($0).intersection($1)) }
    }
    return still.indices.compactMap { channel in
      let solid = solidCells(still[channel])
      guard let cell = solid.min(), solid.count < all.count,
        moves(around: solid, but: Set(still[channel]), channel, in: first)
      else { return nil }
      return Obstacle(channel: channel, count: solid.count, cell: cell)
    }
  }

  /// Those of some cells of every channel that do not change in a recording.
  private func unchanging(_ cells: [[Int]], in recording: Int) -> [[Int]] {
    guard cells.contains(where: { !$0.isEmpty }) else { return cells }
    let size = spaceShape.reduce(1, *)
    // Of a file larger than memory only what is looked at stays.
    defer { letGo(of: recording) }
    return unsafe withRecording(recording) { numbers in
      cells.enumerated().map { channel, cells in
        // In bounds: channels · frames · cells numbers.
        let first = channel * frameCount * size
        var left = cells
        for frame in 1..<frameCount where !left.isEmpty {
          left = left.filter { cell in
            unsafe numbers[first + cell] == numbers[first + frame * size + cell]
          }
        }
        return left
      }
    }
  }

  /// Those with a neighbour among them along every axis.
  private func solidCells(_ cells: [Int]) -> Set<Int> {
    let all = Set(cells)
    return all.filter { cell in
      spaceShape.indices.allSatisfy { axis in
        neighbours(of: cell, along: axis).contains(where: all.contains)
      }
    }
  }

  private func neighbours(of cell: Int, along axis: Int) -> [Int] {
    let stride = spaceShape[(axis + 1)...].reduce(1, *)
    let place = cell / stride % spaceShape[axis]
    return (place > 0 ? [cell - stride] : [])
      + (place + 1 < spaceShape[axis] ? [cell + stride] : [])
  }

  /// Whether the cells around some move like others that do.
  private func moves(
    around solid: Set<Int>, but still: Set<Int>, _ channel: Int, in recording: Int
  ) -> Bool {
    let size = spaceShape.reduce(1, *)
    let around = Set(
      solid.flatMap { cell in
        spaceShape.indices.flatMap { neighbours(of: cell, along: $0) }
      }
    ).subtracting(still)
    let moving = Set(0..<size).subtracting(still)
    return unsafe withRecording(recording) { numbers in
      func motion(_ cells: Set<Int>) -> Double {
        var sum = 0.0
        for cell in cells {
          let first = unsafe numbers[channel * frameCount * size + cell]
          for frame in 1..<frameCount {
            let change = unsafe numbers[(channel * frameCount + frame) * size + cell] - first
            sum += Double(change) * Double(change)
          }
        }
        return cells.isEmpty ? 0 : sum / Double(cells.count)
      }
      let values = Set(solid.map { unsafe numbers[channel * frameCount * size + $0] })
      let like = around.reduce(0) { sum, cell in
        sum
          + (0..<frameCount).count {
            values.contains(unsafe numbers[(channel * frameCount + $0) * size + cell])
          }
      }
      guard Double(like) <= Self.mostLikeness * Double(around.count * frameCount) else {
        return false
      }
      return motion(around) > Self.leastMotion * Self.leastMotion * motion(moving)
    }
  }
}
