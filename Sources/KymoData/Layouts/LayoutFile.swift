// Files whose arrays have attributes and named axes: HDF5 and netCDF.
import Foundation
import KymoNumerics

/// A file that a layout is looked for in.
protocol LayoutFile: ArrayFile {
  /// Paths of all data sets.
  var paths: [String] { get }
  /// The name of every axis of a data set that has one: the path of its dimension scale.
  func scales(of name: String, rank: Int) -> [String?]
}

extension LayoutFile {
  /// Where errors are.
  var filePlace: FormatPlace { FormatPlace(file: name) }

  /// An attribute's first number.
  func number(_ attribute: String, of name: String? = nil) throws(FormatError) -> Double? {
    guard case .numbers(let values) = try attributes(of: name)[attribute] else { return nil }
    return values.first
  }

  /// The numbers of a small data set along one axis; nil where there is none.
  func coordinates(_ name: String) throws(FormatError) -> [Double]? {
    guard paths.contains(name) else { return nil }
    let array = try open(name)
    guard array.shape.count == 1, array.count <= 10_000_000, case .number = array.element else {
      return nil
    }
    let values: HostArray<Double> = try array.hostArray(place(of: name))
    return values.elements
  }

  /// Names of components, of which a damaged file may have more than memory holds.
  func names(_ count: Int, _ name: (Int) -> String) throws(FormatError) -> [String] {
    guard count <= 100_000 else {
      throw filePlace.error(
        .tooLarge, found: "\(count) channels", allowed: "at most 100,000",
        remedy: "Name a data set and say what its axes are: --key NAME --axes …")
    }
    return (0..<count).map(name)
  }

  /// Throws where an axis that nothing says to be space has so few points that it may be channels.
  func requireSpace(_ length: Int, _ axis: String) throws(FormatError) {
    guard length > AxisOrder.fewPoints else {
      throw filePlace.error(
        .ambiguous, found: "\(axis) of length \(length), which may be space or channels",
        allowed: "more than \(AxisOrder.fewPoints) points, or an axis whose name says what it is",
        remedy: "Say what the axes are: --key NAME --axes …")
    }
  }

  /// Length of an axis of points at equal distances, as docs/data.md counts it: from the first
  /// point to the last one, and half a step more at an end that is a wall or periodic.
  ///
  /// - Throws: `FormatError` where they are not at equal distances.
  func extent(
    _ coordinates: [Double], axis: String, ends: Grid.Ends = .unknown
  ) throws(FormatError) -> Double? {
    guard coordinates.count > 1, let first = coordinates.first, let last = coordinates.last else {
      return nil
    }
    let step = (last - first) / Double(coordinates.count - 1)
    let isUniform = zip(coordinates, coordinates.dropFirst()).allSatisfy {
      abs($1 - $0 - step) <= 0.01 * abs(step)
    }
    guard isUniform, step != 0, step.isFinite else {
      throw filePlace.error(
        .unsupported, found: "points of \(axis) that are not at equal distances",
        allowed: "a uniform mesh",
        remedy:
          "Interpolate onto one, for example: xarray.DataArray.interp or numpy.interp; or name a "
          + "data set to read it as if it were uniform: --key NAME --axes …")
    }
    return abs(step) * (Double(coordinates.count - 1) + ends.halfSteps)
  }

  /// The numbers that are meant, where the attributes of netCDF say how they are packed:
  /// `scale_factor`, `add_offset`, `_FillValue`, `missing_value`, `_Unsigned`.
  func unpacked(
    _ array: some StoredArray, _ name: String
  ) throws(FormatError) -> any StoredArray {
    guard case .number(let type) = array.element else { return array }
    let attributes = try attributes(of: name)
    func number(_ key: String) -> Double? {
      guard case .numbers(let values) = attributes[key], let value = values.first,
        value.isFinite
      else { return nil }
      return value
    }
    var packing = ComposedArray.Packing()
    packing.factor = number("scale_factor") ?? 1
    packing.offset = number("add_offset") ?? 0
    packing.fill = number("_FillValue") ?? number("missing_value")
    if type.kind == .int, case .texts(let words) = attributes["_Unsigned"],
      words.first?.lowercased() == "true"
    {
      packing.span = exp2(8 * Double(type.width))
    }
    guard packing != ComposedArray.Packing() else { return array }
    return ComposedArray(
      shape: array.shape,
      [
        ComposedArray.Member(
          array: array, origin: array.shape.map { _ in 0 }, lengths: array.shape,
          axes: Array(array.shape.indices), packing: packing)
      ])
  }
}
