// Loss weights in space: errors around a place count more, such as those at a body, where a force comes
// from and the error concentrates.
import Foundation
public import KymoNumerics

/// A part of space whose errors count more.
///
/// The weight is 1 + (factor − 1) exp(−r² / 2w²), r from the centre, over its mean.
public struct SpaceEmphasis: Settings {
  /// The centre along every axis of space, in the units and the order of the recordings.
  public var centre: [Double] = []
  /// Its width, w.
  public var width = 0.1
  /// Weight at the centre beside that far away.
  public var factor = 4.0

  /// Creates an emphasis without a place.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "emphasis") throws(ConfigurationError) {
    try require(
      (1...2).contains(centre.count) && centre.allSatisfy(\.isFinite), "\(path).centre",
      found: "\(centre)", allowed: "a number for each of one or two axes of space",
      remedy: "Give the place of the body, such as [0.25, 0.2].")
    try require(
      width, .above(0), "\(path).width", remedy: "A diameter of the body is a good start.")
    try require(factor, .above(0), "\(path).factor", remedy: "4 is the default, 1 changes nothing.")
  }

  /// The weight of every point of a grid; their mean is 1.
  ///
  /// - Throws: ``ConfigurationError`` for a grid of another number of axes.
  public func weights(on grid: Grid, at path: String) throws(ConfigurationError) -> [Double] {
    try require(
      grid.axes.count == centre.count, "\(path).centre", found: "\(centre)",
      allowed: "\(grid.axes.count) numbers, as the recordings have axes of space",
      remedy: "Give one for each.")
    let squares = zip(grid.axes, centre).map { axis, place in
      axis.coordinates.map { ($0 - place) * ($0 - place) }
    }
    let distances = squares.dropFirst().reduce(squares[0]) { rows, columns in
      rows.flatMap { row in columns.map { row + $0 } }
    }
    let weights = distances.map { 1 + (factor - 1) * exp(-$0 / (2 * width * width)) }
    let mean = Statistics.mean(weights)
    return weights.map { $0 / mean }
  }
}
