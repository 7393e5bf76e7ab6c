// What all pages are made of: head, sections, figures with captions, tables, the plotting library.
import Foundation
import KymoResults

/// A figure of the page as Plotly JSON.
struct PageFigure: Sendable {
  /// Name of its file and of its element.
  var id: String
  var json: Data
}

/// A page that is filled section by section.
struct PageFrame {
  let title: String
  let subtitle: String?
  private var sections: [HTML] = []
  private var links: [HTML] = []
  /// The figures so far, in the order of the page.
  private var drawings: [(id: String, figure: Figure)] = []

  init(title: String, subtitle: String?) { (self.title, self.subtitle) = (title, subtitle) }

  /// The figures in the order of the page.
  func figures() throws -> [PageFigure] {
    try drawings.map { PageFigure(id: $0.id, json: try Figure.encoder.encode($0.figure)) }
  }

  /// The whole page with its figures and the plotting library inside.
  func html(figures: [PageFigure], plotly: HTML) -> String {
    let data = figures.map { figure in
      """
      <script type="application/json" id="data-\(figure.id)">\(Self.embedded(figure.json))</script>
      """ as HTML
    }
    let subtitle: HTML = subtitle.map { "<p class=\"subtitle\">\($0)</p>" } ?? ""
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(title) – Kymo</title>
      <style>\(PageStyle.sheet)</style>
      <script>\(PageStyle.problemCollector)</script>
      </head>
      <body>
      <header>
      <p class="brand">Kymo <span>learning from recordings</span></p>
      <h1>\(title)</h1>
      \(subtitle)
      <nav>\(links)</nav>
      </header>
      <main>
      <noscript><p class="missing">The figures need JavaScript; all numbers are in the tables and \
      in the folder <code>figures</code>.</p></noscript>
      \(sections)
      </main>
      <footer>Written by <code>kymo report</code> from the files of the run alone; the page loads \
      nothing from the network.</footer>
      \(data)
      <script>\(plotly)</script>
      <script>\(PageStyle.films)</script>
      <script>\(PageStyle.drawing)</script>
      </body>
      </html>

      """
    return page.source
  }

  /// JSON that cannot end the script element around it.
  static func embedded(_ json: Data) -> HTML {
    // Bytes, because a text of megabytes is slow to search: outside of strings JSON has no "<", and
    // inside it may be written as an escape.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(json.count)
    for byte in json {
      switch byte {
      case UInt8(ascii: "<"): bytes += Array("\\u003c".utf8)
      case UInt8(ascii: ">"): bytes += Array("\\u003e".utf8)
      default: bytes.append(byte)
      }
    }
    return HTML(trusting: String(decoding: bytes, as: UTF8.self))
  }

  mutating func add(_ id: String, _ title: HTML, _ body: HTML) {
    links.append("<a href=\"#\(id)\">\(title)</a>")
    sections.append("<section id=\"\(id)\">\n<h2>\(title)</h2>\n\(body)\n</section>")
  }

  /// Notes a figure and gives its place in the page.
  mutating func figure(
    _ id: String, _ figure: Figure, _ caption: HTML, isNarrow: Bool = false
  ) -> HTML {
    drawings.append((id, figure))
    return """
      <figure class="\(isNarrow ? "narrow" : "wide")">
      <div class="plot" id="figure-\(id)" style="height:\(Int(figure.layout.height))px"></div>
      <figcaption><b>Figure \(drawings.count).</b> \(caption)</figcaption>
      </figure>

      """
  }

  /// A table of text: what the run stands for in bold, published numbers in grey.
  static func table(_ table: ResultTable, caption: String, isText: Bool = false) -> HTML {
    let rows = table.rows.map { row in
      row.cells.enumerated().map { column, cell -> HTML in
        switch row.role {
        case .published: "<span class=\"paper\">\(cell)</span>"
        case .main where column < 2: "<b>\(cell)</b>"
        default: "\(cell)"
        }
      }
    }
    return self.table(
      table.columns.map { "\($0)" }, rows, caption: caption.isEmpty ? nil : "\(caption)",
      isText: isText)
  }

  static func table(
    _ head: [HTML], _ rows: [[HTML]], caption: HTML?, isText: Bool = false
  ) -> HTML {
    func cells(_ row: [HTML], _ tag: HTML) -> HTML {
      HTML(trusting: row.map { "<\(tag)>\($0)</\(tag)>" as HTML }.map(\.source).joined())
    }
    let kind: HTML = isText ? " class=\"text\"" : ""
    let note: HTML = caption.map { "<caption>\($0)</caption>" } ?? ""
    let heading: HTML = head.isEmpty ? "" : "<thead><tr>\(cells(head, "th"))</tr></thead>"
    return """
      <div class="table"><table\(kind)>
      \(note)
      \(heading)
      <tbody>
      \(rows.map { "<tr>\(cells($0, "td"))</tr>" as HTML })
      </tbody></table></div>

      """
  }
}
