// Recordings with fewer frames and points: every k-th one.
public import KymoNumerics

extension Recordings {
  /// Every k-th frame and every k-th point along the axes of space, from the first one.
  ///
  /// Numbers in memory and in mapped files are shared; those that a file hands out in parts, or
  /// that are made on demand, are copied.
  ///
  /// - Parameters:
  ///   - frames: k of the frames.
  ///   - points: k of every axis of space.
  /// - Throws: ``ConfigurationError`` where k points of a periodic axis do not close it, or points
  ///   between walls would no longer stand for cells.
  /// - Returns: The recordings; step and lengths are those of what is left.
  public func every(frames: Int, points: [Int]) throws(ConfigurationError) -> Recordings {
    precondition(frames >= 1 && points.count == spaceRank, "every: \(frames) frames, \(points)")
    for (axis, step) in points.enumerated() where step > 1 {
      let ends = boundary[axis]
      try require(
        ends == .periodic
          ? spaceShape[axis] % step == 0 : ends.lower != .wall && ends.upper != .wall,
        "points of \(axisNames[1 + axis])", found: "\(spaceShape[axis]) with ends \(ends.rawValue)",
        allowed: ends == .periodic ? "a multiple of \(step)" : "points without walls",
        remedy: "Resample with NumPy.")
    }
    let steps = [1, 1, frames] + points
    let reduced = zip(shape, steps).map { ($0 + $1 - 1) / $1 }
    var metadata = metadata
    metadata.frameInterval = metadata.frameInterval.map { $0 * Double(frames) }
    metadata.extents = extents.map { _ in
      grid.axes.enumerated().map { axis, old in
        Grid.Axis(reduced[3 + axis], spacing: old.spacing * Double(points[axis]), old.ends).extent
      }
    }
    let times = times.map { times in stride(from: 0, to: times.count, by: frames).map { times[$0] }
    }
    if source == nil, !storage.isReadInParts {
      var view = Recordings(
        storage: storage, shape: reduced, strides: zip(strides, steps).map { $0 * $1 },
        firstEntry: firstEntry, params: params, times: times, metadata: metadata)
      view.readAs(self)
      return view
    }
    let strides = NPYHeader(element: .number(.float32), shape: Array(shape[1...])).strides
    let places = zip(reduced[1...], zip(strides, steps[1...])).reduce(into: [0]) { places, axis in
      let (length, (stride, step)) = axis
      places = places.flatMap { start in (0..<length).map { start + $0 * stride * step } }
    }
    let values = (0..<count).flatMap { index in
      unsafe withRecording(index) { all in places.map { unsafe all[$0] } }
    }
    return Recordings(
      storage: .owned(values), shape: reduced,
      strides: NPYHeader(element: .number(.float32), shape: reduced).strides, firstEntry: 0,
      params: params, times: times, metadata: metadata
    ).copied(from: self)
  }
}
