// The figures of a section: one builder for each kind of content.
import KymoResults

/// A figure of a section.
struct SectionFigure {
  /// Name of its file and of its element in the page.
  var id: String
  var figure: Figure
  /// What is to be said beside the section's own caption.
  var note = ""
}

extension ResultSection {
  /// The figures, none for tables and text; pictures have at most `side` rows and columns.
  func figures(side: Int) -> [SectionFigure] {
    switch content {
    case .scores, .table, .text, .film: []
    case .plot(let plot):
      plot.panels.contains { !$0.series.isEmpty }
        ? [SectionFigure(id: id, figure: plot.figure(), note: plot.note)] : []
    case .bars(let bars): bars.names.isEmpty ? [] : [SectionFigure(id: id, figure: bars.figure())]
    case .histograms(let histograms):
      histograms.isEmpty ? [] : [SectionFigure(id: id, figure: histograms.figure())]
    case .densities(let comparison): [SectionFigure(id: id, figure: comparison.figure())]
    case .fields(let fields):
      fields.isDrawable
        ? fields.channels.enumerated().map { place, channel in
          SectionFigure(
            id: place == 0 ? id : "\(id)-\(place + 1)",
            figure: fields.figure(of: channel, side: side),
            note: fields.note(
              on: channel, isNamed: fields.channels.count > 1, side: side))
        } : []
    }
  }

  /// Pictures that the section shows.
  var pictureCount: Int {
    guard case .fields(let fields) = content else { return 0 }
    return fields.channels.reduce(0) { $0 + ($1.prediction == nil ? 1 : 3) }
  }
}
