// The method `law`: the differential equation behind recordings and its hidden parameters, by
// weak-form regression (`KymoLaw`).
package import Foundation
package import KymoData
package import KymoLaw
import KymoMetrics
import KymoNumerics
package import KymoResults
package import KymoRuns
package import KymoTensor

/// The law behind recordings as a method.
package struct LawMethod: Method {
  package static let name = "law"
  static let fileName = "model.json"

  package init() {}

  package func load(
    _ directory: RunDirectory, recipe: LawRecipe, device: Device
  ) throws -> LawRun {
    LawRun(
      directory: directory, recipe: recipe,
      law: try Law(contentsOf: directory.model.appending(path: Self.fileName)))
  }
}

/// A law that was found, or why none was.
package struct LawRun: TrainedRun {
  package static let purpose = "finds a law"

  package let directory: RunDirectory
  /// How it was sought and is evaluated.
  package let recipe: LawRecipe
  /// What was found.
  package let law: Law

  package func testFile(_ test: TestChoice, hooks: WorkHooks) throws -> URL {
    let data = recipe.data
    switch test {
    case .recipe:
      let base = try directory.readEnvironment().base
      let file = located(data.test.isEmpty ? data.train : data.test, base: base)
      if !data.test.isEmpty, let configuration = data.simulate?.test {
        _ = try simulateIfAbsent(configuration, file, hooks)
      }
      return file
    case .file(let file, _): return file
    case .simulated(let count):
      throw ConfigurationError(
        "--test-recordings", found: count, allowed: "left out for a run that \(Self.purpose)",
        remedy: "data.simulate.test.recordings of the recipe says how many there are.")
    }
  }

  package func evaluate(on test: TestChoice, hooks: WorkHooks) throws -> RunResults {
    let file = try testFile(test, hooks: hooks)
    let used = try testRecordings(test, hooks: hooks)
    let (recordings, _) = try used.withoutGaps(file: file.relativePath)
    let base = try directory.readEnvironment().base
    var findings = LawFindings(
      law, on: recordings,
      DataProvenance(
        system: recordings.systemName, file: test.name(of: file),
        recordingCount: recordings.count,
        isTrainingData: file.isSameFile(as: located(recipe.data.train, base: base))))
    if law.refusal == nil {
      hooks.progress(0, "parameters of recordings")
      findings.recordings = try parameters(of: recordings, hooks)
      hooks.progress(0.5, "solving the law")
      let settings = recipe.evaluation
      if settings.rolloutFrames > 0, settings.rolloutRecordings > 0 {
        var solved = law
        solved.recordings = findings.recordings
        findings.rollout = try solved.rollout(
          of: recordings, count: settings.rolloutRecordings, frames: settings.rolloutFrames,
          threads: hooks.threads)
      }
    }
    var results = try findings.results()
    if let words = used.unusualWords { results.headline.append(words) }
    if let words = leftOutWords(used.gaps, of: used.recordings.count) {
      results.headline.append(words + " The others are numbered without them.")
    }
    return results
  }

  /// The parameters of recordings under the law.
  private func parameters(
    of recordings: Recordings, _ hooks: WorkHooks
  ) throws -> [LawRecording] {
    try law.parameters(in: recordings, threads: hooks.threads)
  }
}

// MARK: - Extraction

extension LawRun: ExtractsParameters {
  package func extract(
    _ recordings: Recordings, order: ExtractionOrder, hooks: WorkHooks
  ) throws -> Extraction {
    if let refusal = law.refusal {
      throw ConfigurationError(
        directory.name, found: "a run without a law", allowed: "one that found a law",
        remedy: refusal.description)
    }
    let found = try parameters(of: recordings, hooks)
    let known = recordings.params
    var extraction = Extraction(
      latents: found.map { row in
        ExtractedLatents(
          recording: row.recording, mean: row.parameters, standardDeviation: row.errors,
          parameters: known.map { known in
            (0..<known.shape[1]).map { Double(known[row.recording, $0]) }
          } ?? [])
      }, relevant: law.parameters.map { _ in true }, parameterNames: recordings.parameterNames)
    // A law that leaves more of a recording than of those that it was found in does not hold there.
    let usual = law.recordings.map { ($0.residuals.max() ?? 0) }.max() ?? 0
    extraction.doubts = found.map { row in
      let left = row.residuals.max() ?? 0
      return left <= max(3 * usual, 0.02)
        ? ""
        : "the law leaves \(String(format: "%.2g %%", 100 * left)) of the rate, where it was found at "
          + String(format: "most %.2g %%", 100 * usual)
    }
    return extraction
  }
}
