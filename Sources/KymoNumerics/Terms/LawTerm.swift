// A term of a law: a derivative of a monomial of the channels, such as (u²)_x or ∇²u, read from text
// and written as the field writes it.
/// A derivative in space, ∂x^i ∂y^j (∇²)^k.
public struct SpaceDerivative: Hashable, Sendable {
  /// Order along x.
  public var x = 0
  /// Order along y.
  public var y = 0
  /// How often the Laplacian.
  public var laplacians = 0

  /// Creates a derivative.
  public init(x: Int = 0, y: Int = 0, laplacians: Int = 0) {
    (self.x, self.y, self.laplacians) = (x, y, laplacians)
  }

  /// Its order.
  public var order: Int { x + y + 2 * laplacians }

  /// The highest order that terms may have.
  public static let largestOrder = 6

  /// The sum of plain derivatives that it is: (∂x² + ∂y²)^k by the binomial theorem.
  package var expansion: [(weight: Double, x: Int, y: Int)] {
    var (parts, weight) = ([(weight: Double, x: Int, y: Int)](), 1.0)
    for k in 0...laplacians {
      parts.append((weight, x + 2 * (laplacians - k), y + 2 * k))
      weight = weight * Double(laplacians - k) / Double(k + 1)
    }
    return parts
  }
}

/// A term of a law: a derivative of a product of the channels' powers, with a sine or cosine of one.
public struct LawTerm: Hashable, Sendable {
  /// A function of one channel.
  public enum Wave: String, Hashable, Sendable {
    /// Sine.
    case sin
    /// Cosine.
    case cos
  }

  /// The power of every channel.
  public var powers: [Int]
  /// A sine or cosine of a channel as a further factor.
  public var wave: Wave?
  /// The channel in it.
  public var waveChannel = 0
  /// The derivative of the product.
  public var derivative: SpaceDerivative

  /// Creates a term from powers and a derivative.
  public init(powers: [Int], derivative: SpaceDerivative = SpaceDerivative()) {
    (self.powers, self.derivative) = (powers, derivative)
  }

  /// Sum of the powers.
  public var degree: Int { powers.reduce(0, +) + (wave == nil ? 0 : 1) }

  /// The product under the derivative.
  package var monomial: LawTerm {
    var term = self
    term.derivative = SpaceDerivative()
    return term
  }
}

// MARK: Text

extension LawTerm {
  /// Reads a term such as `u*v^2`, `d2x(u^3)`, `dx(u*v)`, `lap(u)`, `lap2(u)` or `sin(u)`.
  ///
  /// - Parameters:
  ///   - text: The term.
  ///   - channels: Names of the channels.
  ///   - spaceRank: Number of space axes, 1 or 2.
  /// - Throws: `ConfigurationError` with what may be written.
  public init(_ text: String, channels: [String], spaceRank: Int) throws(ConfigurationError) {
    let all = text.filter { !$0.isWhitespace }
    func refuse(_ why: String) -> ConfigurationError {
      ConfigurationError(
        "term", found: "'\(text)'", allowed: "a derivative of a product of channels",
        remedy: "\(why) Examples: \(channels[0])^3, dx(\(channels[0])^2), "
          + (spaceRank == 2 ? "lap" : "d2x") + "(\(channels[0])), sin(\(channels[0])); channels: "
          + channels.joined(separator: ", ") + ".")
    }
    var rest = Substring(all)
    var derivative = SpaceDerivative()
    while let (name, inside) = Self.call(rest), let part = Self.derivatives[String(name)] {
      derivative.x += part.x
      derivative.y += part.y
      derivative.laplacians += part.laplacians
      rest = inside
    }
    guard spaceRank == 2 || derivative.y + derivative.laplacians == 0 else {
      throw refuse("There is one space axis, x.")
    }
    guard derivative.order <= SpaceDerivative.largestOrder else {
      throw refuse("Derivatives go to order \(SpaceDerivative.largestOrder).")
    }
    self.init(powers: channels.map { _ in 0 }, derivative: derivative)
    for factor in rest.split(separator: "*", omittingEmptySubsequences: false) where factor != "1" {
      if let (name, inside) = Self.call(factor), let wave = Wave(rawValue: String(name)),
        let channel = channels.firstIndex(of: String(inside)), self.wave == nil
      {
        (self.wave, waveChannel) = (wave, channel)
        continue
      }
      let parts = factor.split(separator: "^", omittingEmptySubsequences: false)
      let power = parts.count == 1 ? 1 : parts.count == 2 ? Int(parts[1]) ?? 0 : 0
      guard let channel = channels.firstIndex(of: String(parts.first ?? "")), (1...8) ~= power
      else { throw refuse("'\(factor)' is not understood.") }
      powers[channel] += power
    }
  }

  private static let derivatives: [String: SpaceDerivative] = {
    var names = ["lap": SpaceDerivative(laplacians: 1), "lap2": SpaceDerivative(laplacians: 2)]
    for order in 1...SpaceDerivative.largestOrder {
      let digit = order == 1 ? "" : "\(order)"
      names["d\(digit)x"] = SpaceDerivative(x: order)
      names["d\(digit)y"] = SpaceDerivative(y: order)
    }
    return names
  }()

  /// A text `name(inside)` in its parts.
  private static func call(_ text: Substring) -> (name: Substring, inside: Substring)? {
    guard text.last == ")", let open = text.firstIndex(of: "(") else { return nil }
    let inside = text[text.index(after: open)...].dropLast()
    var depth = 0
    for character in inside {
      depth += character == "(" ? 1 : character == ")" ? -1 : 0
      if depth < 0 { return nil }
    }
    return (text[..<open], inside)
  }

  /// The term as text that ``init(_:channels:spaceRank:)`` reads.
  public func formula(_ channels: [String]) -> String {
    var factors = powers.indices.filter { powers[$0] > 0 }.map {
      channels[$0] + (powers[$0] > 1 ? "^\(powers[$0])" : "")
    }
    if let wave { factors.append("\(wave.rawValue)(\(channels[waveChannel]))") }
    var text = factors.isEmpty ? "1" : factors.joined(separator: "*")
    func wrap(_ name: String, _ order: Int) {
      if order > 0 { text = "d\(order > 1 ? "\(order)" : "")\(name)(\(text))" }
    }
    wrap("y", derivative.y)
    wrap("x", derivative.x)
    switch derivative.laplacians {
    case 0: break
    case 1: text = "lap(\(text))"
    case 2: text = "lap2(\(text))"
    default: for _ in 0..<derivative.laplacians { text = "lap(\(text))" }
    }
    return text
  }

  /// The term as the field writes it: u_xx, (u²)_x, ∇²u.
  public func name(_ channels: [String]) -> String {
    var factors = powers.indices.filter { powers[$0] > 0 }.map {
      channels[$0] + (powers[$0] > 1 ? Self.superscript(powers[$0]) : "")
    }
    if let wave { factors.append("\(wave.rawValue)(\(channels[waveChannel]))") }
    let product = factors.isEmpty ? "1" : factors.joined(separator: " ")
    guard derivative.order > 0 else { return product }
    let isPlain = factors.count == 1 && degree == 1 && wave == nil
    let body = isPlain ? product : "(\(product))"
    let index =
      String(repeating: "x", count: derivative.x) + String(repeating: "y", count: derivative.y)
    return (derivative.laplacians > 0 ? "∇" + Self.superscript(2 * derivative.laplacians) : "")
      + body + (index.isEmpty ? "" : "_" + index)
  }

  private static func superscript(_ number: Int) -> String {
    String(String(number).compactMap { $0.wholeNumberValue.map { Array("⁰¹²³⁴⁵⁶⁷⁸⁹")[$0] } })
  }
}
