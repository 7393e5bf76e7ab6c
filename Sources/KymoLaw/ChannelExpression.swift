// Channels that are derived from others by text, frame by frame: psi = inverse_laplacian(w),
// u = dy(psi). They make some laws local that are not: the Navier–Stokes equation of vorticity alone.
import Foundation
import KymoNumerics

/// An expression of channels.
indirect enum ChannelExpression: Hashable, Sendable {
  case channel(Int)
  case number(Double)
  case sum(ChannelExpression, ChannelExpression)
  case product(ChannelExpression, ChannelExpression)
  case modulus(ChannelExpression, ChannelExpression)
  case phase(ChannelExpression, ChannelExpression)
  case spectral(SpectralOperator, ChannelExpression)

  /// The values on a frame.
  func values(_ channels: [[Double]], _ mesh: PeriodicMesh) -> [Double] {
    switch self {
    case .channel(let index): return channels[index]
    case .number(let value): return [Double](repeating: value, count: mesh.cells)
    case .sum(let a, let b):
      return zip(a.values(channels, mesh), b.values(channels, mesh)).map { $0 + $1 }
    case .product(let a, let b):
      return zip(a.values(channels, mesh), b.values(channels, mesh)).map { $0 * $1 }
    case .modulus(let a, let b):
      return zip(a.values(channels, mesh), b.values(channels, mesh)).map { hypot($0, $1) }
    case .phase(let a, let b):
      return zip(a.values(channels, mesh), b.values(channels, mesh)).map { atan2($1, $0) }
    case .spectral(let kind, let inner): return mesh.apply(kind, inner.values(channels, mesh))
    }
  }
}

/// What is done mode by mode.
enum SpectralOperator: String, Hashable, Sendable, CaseIterable {
  case dx
  case dy
  case laplacian = "lap"
  case inverseLaplacian = "inverse_laplacian"
}

/// A channel with its name and where it comes from.
struct DerivedChannel: Hashable, Sendable {
  let name: String
  let expression: ChannelExpression

  /// Reads `name = expression`.
  ///
  /// - Throws: `ConfigurationError` with what may be written.
  init(_ text: String, channels: [String], spaceRank: Int) throws(ConfigurationError) {
    func refuse(_ why: String) -> ConfigurationError {
      ConfigurationError(
        "derive", found: "'\(text)'", allowed: "name = expression",
        remedy: "\(why) An expression has channels (\(channels.joined(separator: ", "))), numbers, "
          + "+, -, *, parentheses, dx, dy, lap, inverse_laplacian, modulus(a, b) and phase(a, b), "
          + "such as psi = inverse_laplacian(\(channels[0])).")
    }
    let sides = text.filter { !$0.isWhitespace }.split(
      separator: "=", omittingEmptySubsequences: false)
    guard sides.count == 2, let first = sides[0].first, first.isLetter,
      sides[0].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
    else { throw refuse("There is no name before one '='.") }
    name = String(sides[0])
    guard !channels.contains(name) else { throw refuse("There is a channel \(name) already.") }
    var reader = Reader(rest: sides[1], channels: channels)
    guard let found = reader.sum(), reader.rest.isEmpty else {
      throw refuse("'\(reader.rest.isEmpty ? sides[1] : reader.rest)' is not understood.")
    }
    guard spaceRank == 2 || !found.usesSecondAxis else { throw refuse("There is one space axis.") }
    expression = found
  }
}

extension ChannelExpression {
  fileprivate var usesSecondAxis: Bool {
    switch self {
    case .channel, .number: false
    case .sum(let a, let b), .product(let a, let b), .modulus(let a, let b), .phase(let a, let b):
      a.usesSecondAxis || b.usesSecondAxis
    case .spectral(let kind, let inner): kind == .dy || inner.usesSecondAxis
    }
  }
}

/// Reads sums of products by recursive descent.
private struct Reader {
  var rest: Substring
  let channels: [String]

  mutating func take(_ character: Character) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  mutating func sum() -> ChannelExpression? {
    guard var value = product() else { return nil }
    while let sign = rest.first, sign == "+" || sign == "-" {
      rest.removeFirst()
      guard let next = product() else { return nil }
      value = .sum(value, sign == "+" ? next : .product(.number(-1), next))
    }
    return value
  }

  mutating func product() -> ChannelExpression? {
    guard var value = factor() else { return nil }
    while take("*") {
      guard let next = factor() else { return nil }
      value = .product(value, next)
    }
    return value
  }

  mutating func factor() -> ChannelExpression? {
    if take("-") { return factor().map { .product(.number(-1), $0) } }
    if take("(") {
      guard let inner = sum(), take(")") else { return nil }
      return inner
    }
    let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    rest = rest.dropFirst(word.count)
    if let channel = channels.firstIndex(of: String(word)) { return .channel(channel) }
    if let value = Double(word) { return .number(value) }
    guard take("("), let inner = sum() else { return nil }
    if let kind = SpectralOperator(rawValue: String(word)) {
      return take(")") ? .spectral(kind, inner) : nil
    }
    guard take(","), let other = sum(), take(")") else { return nil }
    switch word {
    case "modulus": return .modulus(inner, other)
    case "phase": return .phase(inner, other)
    default: return nil
    }
  }
}

/// Derivatives of fields on a periodic mesh of one or two axes, mode by mode.
final class PeriodicMesh: Sendable {
  let cells: Int
  private let points: [Int]
  private let waves: [[Double]]
  private let transforms: [FourierTransform]

  init(_ grid: Grid) {
    points = grid.shape
    cells = grid.pointCount
    transforms = points.map { FourierTransform(complexPoints: $0) }
    waves = grid.axes.map { axis in
      (0..<axis.points).map { mode in
        // The first derivative of the highest mode is zero.
        let signed =
          2 * mode < axis.points ? mode : 2 * mode == axis.points ? 0 : mode - axis.points
        return 2 * Double.pi * Double(signed) / axis.extent
      }
    }
  }

  /// The field under an operator.
  func apply(_ kind: SpectralOperator, _ field: [Double]) -> [Double] {
    var modes = [Double](repeating: 0, count: 2 * cells)
    for (index, value) in field.enumerated() { modes[2 * index] = value }
    for axis in points.indices { transform(&modes, axis, isForward: true) }
    let columns = points.count == 2 ? points[1] : 1
    for mode in 0..<cells {
      let x = waves[0][mode / columns]
      let y = points.count == 2 ? waves[1][mode % columns] : 0
      let square = x * x + y * y
      let (real, imaginary) = (modes[2 * mode], modes[2 * mode + 1])
      switch kind {
      case .dx: (modes[2 * mode], modes[2 * mode + 1]) = (-x * imaginary, x * real)
      case .dy: (modes[2 * mode], modes[2 * mode + 1]) = (-y * imaginary, y * real)
      case .laplacian, .inverseLaplacian:
        let factor = kind == .laplacian ? -square : square > 0 ? -1 / square : 0
        (modes[2 * mode], modes[2 * mode + 1]) = (factor * real, factor * imaginary)
      }
    }
    for axis in points.indices { transform(&modes, axis, isForward: false) }
    return (0..<cells).map { modes[2 * $0] / Double(cells) }
  }

  private func transform(_ modes: inout [Double], _ axis: Int, isForward: Bool) {
    let count = points[axis]
    let stride = points.dropFirst(axis + 1).reduce(1, *)
    for line in 0..<cells / count {
      let first = line / stride * stride * count + line % stride
      var values = [Double](repeating: 0, count: 2 * count)
      for i in 0..<count {
        values[2 * i] = modes[2 * (first + i * stride)]
        values[2 * i + 1] = modes[2 * (first + i * stride) + 1]
      }
      values =
        isForward
        ? transforms[axis].complexForward(values) : transforms[axis].complexInverse(values)
      for i in 0..<count {
        modes[2 * (first + i * stride)] = values[2 * i]
        modes[2 * (first + i * stride) + 1] = values[2 * i + 1]
      }
    }
  }
}
