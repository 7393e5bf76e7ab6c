// Frames of a flow: pressure, velocities and vorticity in the middles of cells, and back.
//
// Velocities are interpolated with fourth order both ways. That smooths what a few cells hold, such
// as the layer at the body, so a start puts back what its flow misses of the frame, some times (van
// Cittert, Z. Phys. 69, 298 (1931)), each time free of divergence and at rest in the body.

extension CylinderFlow {
  /// A frame `[4, rows, columns]`: p relative to its mean at the inlet, u, v, ω.
  public func frame() -> [Float] {
    var numbers = [Float](repeating: 0, count: 4 * configuration.rows * configuration.columns)
    unsafe numbers.withUnsafeMutableBufferPointer { unsafe writeFrame(to: $0) }
    return numbers
  }

  /// Writes a frame `[4, rows, columns]`: p relative to its mean at the inlet, u, v, ω.
  func writeFrame<Number: BinaryFloatingPoint>(to frame: UnsafeMutableBufferPointer<Number>) {
    let (columns, rows, state) = (configuration.columns, configuration.rows, state)
    let cells = rows * columns
    precondition(frame.count == 4 * cells, "CylinderFlow: \(frame.count) numbers for a frame")
    var inlet = 0.0
    for j in 0..<rows { inlet += state.p[j * columns] / Double(rows) }
    let (u, v, turns) = (alongMiddles(state.u), acrossMiddles(state.v), vorticity(state))
    for cell in 0..<cells {
      unsafe frame[cell] = Number(state.p[cell] - inlet)
      unsafe frame[cells + cell] = Number(u[cell])
      unsafe frame[2 * cells + cell] = Number(v[cell])
      unsafe frame[3 * cells + cell] = Number(turns[cell])
    }
  }

  /// Starts from a frame `[4, rows, columns]`; its vorticity is not used.
  func start(from frame: ArraySlice<Double>, time: Double, corrections: Int = 10) {
    let cells = configuration.rows * configuration.columns
    func channel(_ index: Int) -> [Double] {
      Array(frame[frame.startIndex + index * cells..<frame.startIndex + (index + 1) * cells])
    }
    let (u, v) = (channel(1), channel(2))
    var state = State(
      u: alongFaces(u, inlet: configuration.speed), v: acrossFaces(v), p: channel(0))
    start(from: state, time: time)
    for _ in 0..<corrections {
      state = self.state
      add(alongFaces(difference(u, alongMiddles(state.u)), inlet: 0), to: &state.u)
      add(acrossFaces(difference(v, acrossMiddles(state.v))), to: &state.v)
      start(from: state, time: time)
    }
  }

  // MARK: Between faces and middles

  /// u in cells from u on faces; beyond the ends it stays.
  private func alongMiddles(_ faces: [Double]) -> [Double] {
    lines(of: configuration.columns + 1, in: faces) { [$0[0]] + $0 + [$0[$0.count - 1]] }
  }

  /// u on faces from u in cells: the mean of both sides of the inlet is given, and beyond the
  /// outlet it stays.
  private func alongFaces(_ cells: [Double], inlet: Double) -> [Double] {
    lines(of: configuration.columns, in: cells) {
      let last = $0[$0.count - 1]
      return [2 * inlet - $0[1], 2 * inlet - $0[0]] + $0 + [last, last]
    }
  }

  /// Midpoints along lines that get values beyond their ends.
  private func lines(
    of length: Int, in values: [Double], extended: ([Double]) -> [Double]
  ) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(values.count + configuration.rows)
    for row in 0..<configuration.rows {
      let line = extended(Array(values[row * length..<(row + 1) * length]))
      for i in 0..<line.count - 3 {
        result.append(midpoint(line[i], line[i + 1], line[i + 2], line[i + 3]))
      }
    }
    return result
  }

  /// v in cells from v on faces, which changes its sign at the sides.
  private func acrossMiddles(_ faces: [Double]) -> [Double] {
    let rows = configuration.rows
    return columns(rows, from: -1, in: faces) { $0 < 0 ? -$0 : $0 > rows ? 2 * rows - $0 : $0 }
  }

  /// v on faces from v in cells, which changes its sign at the sides.
  private func acrossFaces(_ cells: [Double]) -> [Double] {
    let rows = configuration.rows
    return columns(rows + 1, from: -2, in: cells) {
      $0 < 0 ? -1 - $0 : $0 >= rows ? 2 * rows - 1 - $0 : $0
    }
  }

  /// Midpoints of four rows each, whose first is `first` beside; `mirror` says which row of another
  /// sign stands for one outside.
  private func columns(
    _ count: Int, from first: Int, in values: [Double], mirror: (Int) -> Int
  ) -> [Double] {
    let width = configuration.columns
    var result: [Double] = []
    result.reserveCapacity(count * width)
    for j in 0..<count {
      let rows = (0..<4).map { j + first + $0 }
      let places = rows.map { mirror($0) * width }
      let signs = rows.map { mirror($0) == $0 ? 1.0 : -1.0 }
      let (a, b, c, d) = (places[0], places[1], places[2], places[3])
      let (s, t, y, z) = (signs[0], signs[1], signs[2], signs[3])
      for i in 0..<width {
        result.append(
          midpoint(s * values[a + i], t * values[b + i], y * values[c + i], z * values[d + i]))
      }
    }
    return result
  }

  /// ω in cells, by differences over two cells.
  private func vorticity(_ state: State) -> [Double] {
    let (columns, rows) = (configuration.columns, configuration.rows)
    let (wide, slope) = (columns + 1, 1 / (4 * configuration.spacing))
    var result: [Double] = []
    result.reserveCapacity(rows * columns)
    var (sums, steps) = (
      [Double](repeating: 0, count: columns + 2), [Double](repeating: 0, count: wide)
    )
    // Rows outside the box, as the solver closes it.
    func u(_ row: Int, _ i: Int) -> Double {
      let value = state.u[min(max(row, 0), rows - 1) * wide + i]
      let isInside = row >= 0 && row < rows || configuration.sides == .slip
      return isInside ? value : 2 * configuration.speed - value
    }
    for j in 0..<rows {
      for i in 0..<columns {
        sums[i + 1] = state.v[j * columns + i] + state.v[(j + 1) * columns + i]
      }
      (sums[0], sums[columns + 1]) = (-sums[1], sums[columns])
      if j == 0 || j == rows - 1 {
        for i in 0..<wide { steps[i] = u(j + 1, i) - u(j - 1, i) }
      } else {
        for i in 0..<wide { steps[i] = state.u[(j + 1) * wide + i] - state.u[(j - 1) * wide + i] }
      }
      for i in 0..<columns {
        result.append(slope * (sums[i + 2] - sums[i] - (steps[i] + steps[i + 1])))
      }
    }
    return result
  }
}

/// The value between b and c.
private func midpoint(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
  (9 * (b + c) - (a + d)) / 16
}

private func difference(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }

private func add(_ change: [Double], to values: inout [Double]) {
  for index in values.indices { values[index] += change[index] }
}
