// Frames of a flow: pressure, velocities and vorticity in the middles of cells, and back. Velocities
// are interpolated with fourth order both ways, so that a start from a frame loses little.

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
    let (cells, wide) = (rows * columns, columns + 1)
    precondition(frame.count == 4 * cells, "CylinderFlow: \(frame.count) numbers for a frame")
    var inlet = 0.0
    for j in 0..<rows { inlet += state.p[j * columns] / Double(rows) }
    let slope = 1 / (4 * configuration.spacing)
    // Faces outside the box, as the solver closes it.
    func u(_ i: Int, _ j: Int) -> Double {
      let value = state.u[min(max(j, 0), rows - 1) * wide + min(max(i, 0), columns)]
      if j >= 0 && j < rows || configuration.sides == .slip { return value }
      return 2 * configuration.speed - value
    }
    func v(_ i: Int, _ j: Int) -> Double {
      let row = j < 0 ? -j : j > rows ? 2 * rows - j : j
      let value = state.v[row * columns + min(max(i, 0), columns - 1)]
      return (i < 0) != (row != j) ? -value : value
    }
    for j in 0..<rows {
      for i in 0..<columns {
        let cell = j * columns + i
        unsafe frame[cell] = Number(state.p[cell] - inlet)
        unsafe frame[cells + cell] = Number(
          midpoint(u(i - 1, j), u(i, j), u(i + 1, j), u(i + 2, j)))
        unsafe frame[2 * cells + cell] = Number(
          midpoint(v(i, j - 1), v(i, j), v(i, j + 1), v(i, j + 2)))
        let turn =
          v(i + 1, j) - v(i - 1, j) + v(i + 1, j + 1) - v(i - 1, j + 1)
          - (u(i, j + 1) - u(i, j - 1) + u(i + 1, j + 1) - u(i + 1, j - 1))
        unsafe frame[3 * cells + cell] = Number(slope * turn)
      }
    }
  }

  /// Starts from a frame `[4, rows, columns]`; its vorticity is not used.
  func start(from frame: ArraySlice<Double>, time: Double) {
    let (columns, rows) = (configuration.columns, configuration.rows)
    let (cells, first, speed) = (rows * columns, frame.startIndex, configuration.speed)
    func u(_ i: Int, _ j: Int) -> Double {
      if i < 0 { return 2 * speed - frame[first + cells + j * columns - 1 - i] }
      return frame[first + cells + j * columns + min(i, columns - 1)]
    }
    func v(_ i: Int, _ j: Int) -> Double {
      if j < 0 { return -frame[first + 2 * cells + (-1 - j) * columns + i] }
      if j >= rows { return -frame[first + 2 * cells + (2 * rows - 1 - j) * columns + i] }
      return frame[first + 2 * cells + j * columns + i]
    }
    var state = State(u: [], v: [], p: Array(frame[first..<first + cells]))
    for j in 0..<rows {
      for i in 0...columns {
        state.u.append(midpoint(u(i - 2, j), u(i - 1, j), u(i, j), u(i + 1, j)))
      }
    }
    for j in 0...rows {
      for i in 0..<columns {
        state.v.append(midpoint(v(i, j - 2), v(i, j - 1), v(i, j), v(i, j + 1)))
      }
    }
    start(from: state, time: time)
  }
}

/// The value between b and c.
private func midpoint(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
  (9 * (b + c) - (a + d)) / 16
}
