// How figures look: Okabe and Ito's palette, which readers with any colour vision can tell apart
// (https://jfly.uni-koeln.de/color), the diverging maps RdBu and PuOr of ColorBrewer, and
// viridis of Matplotlib.

/// Colours and fonts of the figures.
enum Style {
  static let fontFamily = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
  static let textColour = "#222222"
  static let axisColour = "#444444"
  static let gridColour = "#ececec"
  static let markColour = "#555555"
  static let mutedColour = "#b4b4b4"

  /// Colours of curves in order: blue, vermilion, green, purple, orange, sky blue, black.
  static let palette = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
  ]

  static func colour(_ index: Int) -> String { palette[index % palette.count] }

  /// The same colour, nearly transparent, for bands.
  static func faintColour(_ index: Int) -> String { colour(index) + "2e" }

  /// Blue for negative, red for positive values of a field.
  static let fieldColours = stops([
    "#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582",
    "#d6604d", "#b2182b", "#67001f",
  ])

  /// Dark to bright for fields of one sign.
  static let oneSignColours = stops([
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70",
    "#7ad151", "#bddf26", "#fde725",
  ])

  /// White to dark for how often something occurs.
  static let densityColours = stops(["#ffffff", "#56b4e9", "#053061"])

  /// Marks of series in order.
  static func symbol(_ index: Int) -> String {
    let symbols = ["circle", "square", "diamond", "triangle-up", "cross"]
    return symbols[index % symbols.count]
  }

  /// Purple for negative, orange for positive errors: another scale, so other colours.
  static let errorColours = stops([
    "#2d004b", "#542788", "#8073ac", "#b2abd2", "#d8daeb", "#f7f7f7", "#fee0b6", "#fdb863",
    "#e08214", "#b35806", "#7f3b08",
  ])

  private static func stops(_ colours: [String]) -> [ColourStop] {
    colours.enumerated().map {
      ColourStop(position: Double($0.offset) / Double(colours.count - 1), colour: $0.element)
    }
  }
}
