// Centres of clusters: a start that spreads them over the data (k-means++: D. Arthur and
// S. Vassilvitskii, SODA 2007), then Lloyd's iterations.

/// Centres of clusters of points, and which cluster each point is of.
public struct ClusterCentres: Hashable, Sendable {
  /// `[K, D]`.
  public private(set) var centres: [Double]
  /// The nearest centre of every point.
  public private(set) var members: [Int]

  /// Finds centres.
  ///
  /// - Parameters:
  ///   - points: `[n, D]`, at least one point.
  ///   - dimensions: D.
  ///   - count: K; with fewer different points than that some centres are the same.
  ///   - iterations: Most iterations after the start.
  ///   - random: Draws the start.
  public init(
    of points: [Double], dimensions: Int, count: Int, iterations: Int = 30,
    using random: inout RandomStream
  ) {
    let total = points.count / dimensions
    precondition(total >= 1 && count >= 1, "ClusterCentres: \(count) of \(total) points")
    func distance(_ point: Int, _ centre: ArraySlice<Double>) -> Double {
      zip(points[point * dimensions..<(point + 1) * dimensions], centre).reduce(0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
    }
    func point(_ index: Int) -> ArraySlice<Double> {
      points[index * dimensions..<(index + 1) * dimensions]
    }
    centres = Array(point(random.index(below: total)))
    members = [Int](repeating: 0, count: total)
    var nearest = (0..<total).map { distance($0, centres[...]) }
    while centres.count < count * dimensions {
      // A point is taken with a probability that grows with its distance from the centres so far.
      var left = random.uniform() * nearest.reduce(0, +)
      var chosen = 0
      while chosen < total - 1, left >= nearest[chosen] {
        left -= nearest[chosen]
        chosen += 1
      }
      let next = point(chosen)
      centres += next
      for index in nearest.indices { nearest[index] = min(nearest[index], distance(index, next)) }
    }
    for _ in 0..<iterations {
      let before = members
      for index in members.indices {
        var best = Double.infinity
        for centre in 0..<count {
          let own = distance(index, centres[centre * dimensions..<(centre + 1) * dimensions])
          if own < best { (best, members[index]) = (own, centre) }
        }
      }
      for centre in 0..<count {
        let own = members.indices.filter { members[$0] == centre }
        guard !own.isEmpty else { continue }
        for axis in 0..<dimensions {
          let sum = own.reduce(0) { $0 + points[$1 * dimensions + axis] }
          centres[centre * dimensions + axis] = sum / Double(own.count)
        }
      }
      if members == before { break }
    }
  }
}
