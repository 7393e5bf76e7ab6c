// Films in a page: bytes in Base64 beside a canvas for every panel; the page's script colours them, with
// a knob for the time.
import Foundation
import KymoResults

extension Film {
  /// What the script draws.
  private struct Content: Encodable {
    var times: [Double]
    var shape: [Int]
    var circles: [FieldCircle]
    var colours: [[String]]
    var cells: [Data]
  }

  /// The panels, their knob and their data.
  func html(_ id: String, caption: String) -> HTML {
    let content = Content(
      times: times.map { $0.rounded(toSignificant: 6) }, shape: shape, circles: circles,
      colours: panels.map {
        ($0.name.contains("−") ? Style.errorColours : Style.fieldColours).map(\.colour)
      }, cells: panels.map(\.cells))
    let canvases = panels.map { panel in
      """
      <div><p>\(panel.name), up to ±\(NumberText.significant(panel.limit))</p>
      <canvas width="\(shape[1])" height="\(shape[0])"></canvas></div>
      """ as HTML
    }
    // Encoding numbers, text and bytes cannot fail.
    let json = (try? Figure.encoder.encode(content)) ?? Data()
    return """
      <figure class="wide film" id="film-\(id)">
      <div class="panels">\(canvases)</div>
      <p class="controls"><button type="button">Pause</button>
      <input type="range" min="0" max="\(times.count - 1)" value="0" aria-label="time">
      <output></output></p>
      <script type="application/json">\(PageFrame.embedded(json))</script>
      <figcaption>\(caption) \(field).</figcaption>
      </figure>

      """
  }
}
