// What is known of a law, as sections of results.
import Foundation
package import KymoData
import KymoNumerics
package import KymoResults

/// A law on recordings.
package struct LawFindings {
  /// The law.
  package var law: Law
  /// What it was read from.
  package var data: DataProvenance
  /// Parameters of the recordings.
  package var recordings: [LawRecording] = []
  /// Solutions from the first frames.
  package var rollout: LawRollout?
  /// Known parameters; nil where the file has none.
  private var known: [[Double]]?
  private var knownNames: [String] = []
  private var frameInterval = 1.0

  /// Collects what is known of a law in recordings.
  package init(_ law: Law, on recordings: Recordings, _ data: DataProvenance) {
    (self.law, self.data) = (law, data)
    known = recordings.params.map { known in
      (0..<recordings.count).map { row in
        (0..<known.shape[1]).map { Double(known[row, $0]) }
      }
    }
    knownNames = recordings.parameterNames
    frameInterval = recordings.frameInterval ?? 1
  }

  /// The findings as results.
  package func results() throws -> RunResults {
    try RunResults(
      method: Law.method, data: data, headline: headline,
      sections: law.refusal == nil
        ? lawSections + parameterSections + rolloutSections + law.latentSections
        : refusalSections,
      about: .law, values: law.parameters.map(\.name))
  }

  private var headline: [String] {
    if let refusal = law.refusal { return [refusal.description] }
    let count = law.parameters.count
    let number = count == 0 ? "no hidden parameter" : counted(count, "hidden parameter")
    return [
      law.equations.map { $0.text(law.parameters) }.joined(separator: "; ") + ": \(number) over "
        + "\(NumberText.count(law.recordings.count, "recording")), found without a training and "
        + "without known parameters."
    ] + (rollout.map { [$0.text + "."] } ?? [])
  }

  private var refusalSections: [ResultSection] {
    [
      ResultSection(
        "law", heading: "Law", places: [.report, .terminal],
        .text(ResultText(law.refusal?.description ?? "", severity: .caution)))
    ] + triedSections
  }

  // MARK: Law

  private var lawSections: [ResultSection] {
    let equations = law.equations.enumerated().map { place, equation in
      ResultSection(
        "equation-\(place + 1)", heading: place == 0 ? "Law" : nil,
        places: [.report, .terminal, .overview],
        .text(ResultText(equation.text(law.parameters))))
    }
    let rows = law.equations.flatMap { equation in
      equation.terms.map { term -> ScoreTable.Row in
        let width = term.varies ? term.spread : term.error ?? 0
        return .init(
          "\(equation.channel)_t: \(term.name)",
          [
            Score(
              term.mean,
              spread: Spread(
                .standardDeviation, low: term.mean - width, high: term.mean + width))
          ], isMain: term.varies, note: term.varies ? "varies over recordings" : nil)
      }
    }
    return equations + [
      ResultSection(
        "coefficients",
        caption: """
          Coefficients; ± is the standard error of those that are the same in all recordings and the \
          spread over recordings of those that vary.
          """, places: [.report, .terminal, .overview],
        .scores(ScoreTable("term", columns: ["coefficient"], rows: rows)))
    ] + triedSections
  }

  private var triedSections: [ResultSection] {
    let rows = law.equations.map { equation in
      ResultTable.Row([
        "\(equation.channel)_t", NumberText.percent(equation.residual),
        NumberText.percent(equation.noise), "\(law.librarySize)",
        equation.tried.suffix(max(0, equation.terms.count + 3)).prefix(3).map(\.dropped)
          .joined(separator: ", "),
      ])
    }
    guard !rows.isEmpty else { return [] }
    return [
      ResultSection(
        "residuals",
        caption: "What is left of the rate on held-out rows; what noise adds is taken off.",
        .table(
          ResultTable(
            columns: ["equation", "left", "noise", "terms tried", "dropped last"], rows: rows)))
    ]
  }

  // MARK: Parameters

  private var parameterSections: [ResultSection] {
    guard !law.parameters.isEmpty, !recordings.isEmpty else { return [] }
    var sections: [ResultSection] = []
    let columns = law.parameters.indices.map { k in recordings.map { $0.parameters[k] } }
    if let known, recordings.count > law.parameters.count + 1 {
      let rows = knownNames.enumerated().map { place, name -> ScoreTable.Row in
        let target = known.map { $0[place] }
        let fit = LinearFit(regressors: columns, target: target)
        return .init(name, [Score(fit.rSquared, .rSquared, count: target.count)])
      }
      sections.append(
        ResultSection(
          "parameters", heading: "Hidden parameters",
          caption: "Known parameters by a linear fit to those that were found.",
          places: [.report, .terminal, .overview],
          .scores(ScoreTable("parameter", columns: ["R²"], rows: rows))))
    }
    let panels = law.parameters.enumerated().map { k, parameter -> Plot.Panel in
      // Against the known parameter that it follows best, else in the order of the file.
      let best = known.flatMap { known in
        knownNames.indices.max { a, b in
          func quality(_ place: Int) -> Double {
            LinearFit(regressors: [known.map { $0[place] }], target: columns[k]).rSquared
          }
          return quality(a) < quality(b)
        }
      }
      return Plot.Panel(
        x: PlotAxis(best.map { knownNames[$0] } ?? "recording"),
        y: PlotAxis("\(parameter.name), \(parameter.meaning)"),
        [
          .init(
            parameter.name, .marks,
            x: recordings.indices.map { row in
              best.flatMap { place in known.map { $0[row][place] } } ?? Double(row)
            }, y: columns[k], errors: recordings.map { 1.96 * $0.errors[k] })
        ])
    }
    sections.append(
      ResultSection(
        "parameters-found", heading: sections.isEmpty ? "Hidden parameters" : nil,
        caption: "Bars are 95 % intervals.", .plot(Plot(panels))))
    return sections
  }

  // MARK: Solutions

  private var rolloutSections: [ResultSection] {
    guard let rollout else { return [] }
    return [
      ResultSection(
        "rollout", heading: "Solutions from the first frame",
        caption: """
          Root-mean-square error over the spread of the recording, mean over \
          \(NumberText.count(rollout.recordings, "recording")).
          """,
        .plot(
          Plot([
            .init(
              x: PlotAxis("time"), y: PlotAxis("error / spread", isLogarithmic: true),
              [
                .init(
                  "the law", x: rollout.errors.indices.map { Double($0 + 1) * frameInterval },
                  y: rollout.errors)
              ])
          ])))
    ]
  }
}

extension Law {
  /// The word by which results of laws are known.
  package static let method = "law"

  /// What the latents of a model are in the law; empty where none were compared.
  package var latentSections: [ResultSection] {
    guard refusal == nil, let latents, !latents.isEmpty else { return [] }
    let rows = latents.map { meaning in
      ResultTable.Row([
        meaning.parameter, meaning.meaning, meaning.formula,
        String(format: "%.4f", meaning.rSquared), NumberText.significant(1.96 * meaning.error),
      ])
    }
    var sections = [
      ResultSection(
        "latent-law", heading: "What the latents are", places: [.report, .terminal],
        .text(
          ResultText(
            "The law behind the recordings: "
              + equations.map { $0.text(parameters) }.joined(separator: "; ")))),
      ResultSection(
        "latent-meanings",
        caption: """
          Parameters of the law as functions of the latents; ± is the 95 % interval on recordings that \
          were left out of the fit.
          """, places: [.report, .terminal],
        .table(
          ResultTable(columns: ["parameter", "multiplies", "from latents", "R²", "±"], rows: rows))),
    ]
    let panels = latents.filter { $0.fitted.count == recordings.count }.compactMap { meaning in
      parameters.firstIndex { $0.name == meaning.parameter }.map { k in
        Plot.Panel(
          x: PlotAxis("\(meaning.parameter) of the law"), y: PlotAxis("from the latents"),
          [
            .init(
              meaning.parameter, .marks, x: recordings.map { $0.parameters[k] }, y: meaning.fitted)
          ])
      }
    }
    if !panels.isEmpty {
      sections.append(
        ResultSection(
          "latent-fit", caption: "One mark for each recording that the law was found in.",
          .plot(Plot(panels))))
    }
    return sections
  }
}

extension MethodDescription {
  /// Weak-form discovery over many recordings.
  static let law = MethodDescription(
    text: """
      The rate of every channel is a sum of terms of a library, multiplied by test functions of \
      compact support and integrated by parts, so that no derivative of the data is taken. One set \
      of terms serves all recordings and each has coefficients of its own; terms are dropped while \
      held-out rows do not miss them. Coefficients that vary beyond their errors are functions of \
      the hidden parameters. The weak form is that of D. A. Messenger and D. M. Bortz, J. Comput. \
      Phys. 443, 110525 (2021).
      """,
    training: "The search is one step; its loss is what the law leaves of the rate.",
    citation: """
      @article{messenger2021weak,
        title   = {Weak {SINDy} for partial differential equations},
        author  = {Messenger, Daniel A. and Bortz, David M.},
        journal = {Journal of Computational Physics},
        volume  = {443},
        pages   = {110525},
        year    = {2021},
        doi     = {10.1016/j.jcp.2021.110525}
      }
      """)
}
