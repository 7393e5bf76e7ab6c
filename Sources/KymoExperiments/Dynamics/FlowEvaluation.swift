// Flow past a cylinder over a long window: the frequency at which vortices are shed, as St = f D / U
// (from lift and from latents), and the mean of the forces, of the truth and of a latent forecast.
//
// Forces are integrals over the surface, of decoded fields and of true ones. What a network of
// observables says is compared with what was recorded, and stands beside them.
import KymoData
import KymoForecasting
import KymoMetrics
import KymoNumerics
import KymoReduction
import KymoResults
import KymoSolvers

/// Forces and shedding of the truth and of a forecast.
package struct FlowFindings {
  /// One quantity of both.
  package struct Quantity {
    /// What it is.
    package var name: String
    /// Of the truth.
    package var truth: Double
    /// Of the forecast.
    package var forecast: Double

    /// The difference as a part of the truth.
    package var difference: Double { (forecast - truth).magnitude / truth.magnitude }
  }

  /// One force against time.
  package struct Course {
    /// Which force.
    package var name: String
    /// Who says it.
    package var source: String
    /// In every frame.
    package var values: [Double]
  }

  /// Frames of the window.
  package var steps: Int
  /// Time between frames.
  package var frameInterval: Double
  /// How far apart two Strouhal numbers must be to be told apart in the window.
  package var bin: Double
  /// Strouhal numbers and forces.
  package var quantities: [Quantity]
  /// Forces against time.
  package var courses: [Course]
}

/// Evaluates forces and shedding.
struct FlowEvaluation {
  /// The force by integrals over the surface.
  let force: SurfaceForce
  private let configuration: CylinderConfiguration

  /// Evaluates the flow of a solver; nil for other solvers.
  init?(_ solver: SolverSettings?) {
    guard case .cylinder(let configuration) = solver else { return nil }
    self.configuration = configuration
    force = SurfaceForce(configuration: configuration)
  }

  /// The body, its place counted from the middle of the first cell, across the stream first.
  var body: FieldCircle {
    let shift = 0.5 * configuration.spacing
    return FieldCircle(
      centre: [configuration.centre[1] - shift, configuration.centre[0] - shift],
      radius: 0.5 * configuration.diameter)
  }

  /// Forecasts the longest series from its beginning, in latents alone, and decodes a few frames at a
  /// time.
  func evaluate(
    _ forecaster: Forecaster, _ frames: FrameSet, warmUp: Int, frameInterval: Double
  ) throws -> FlowFindings? {
    let lengths = frames.series.map(\.frames.count)
    guard let longest = lengths.indices.max(by: { lengths[$0] < lengths[$1] }),
      lengths[longest] >= warmUp + 16
    else { return nil }
    let series = frames.series[longest]
    let window = FrameSet(
      frames.recordings,
      series: [
        .init(
          recording: series.recording,
          frames: series.frames.lowerBound + warmUp..<series.frames.upperBound)
      ])
    let known = frames.frames(ofSeries: longest, 0..<warmUp)
    let latents = try forecaster.latents(
      from: known.reshaped([1] + known.shape), stepCount: window.count)
    let width = latents.shape[2]
    let rows = latents.reshaped([window.count, width])
    var random = RandomStream(seed: forecaster.seed, purpose: .evaluation)
    var (truth, forecast): ([SurfaceForce.Coefficients], [SurfaceForce.Coefficients]) = ([], [])
    for first in stride(from: 0, to: window.count, by: 16) {
      let part = first..<min(first + 16, window.count)
      truth += forces(window.states(part))
      let some = HostArray(
        Array(rows.elements[part.lowerBound * width..<part.upperBound * width]),
        shape: [part.count, width])
      forecast += forces(try forecaster.reduction.decode(some, using: &random))
    }
    var quantities = [
      strouhal("lift", truth.map(\.lift), forecast.map(\.lift), frameInterval),
      strouhalOfLatent(try forecaster.reduction.encode(window), rows, frameInterval),
    ]
    var courses: [FlowFindings.Course] = []
    func add(_ name: String, _ truth: [Double], _ forecast: [Double], _ sources: [String]) {
      let isLift = name.hasPrefix("lift")
      quantities.append(
        .init(
          name: isLift ? "amplitude of \(name)" : "mean of \(name)",
          truth: isLift ? Self.amplitude(truth) : Statistics.mean(truth),
          forecast: isLift ? Self.amplitude(forecast) : Statistics.mean(forecast)))
      courses.append(.init(name: isLift ? "lift" : "drag", source: sources[0], values: truth))
      courses.append(.init(name: isLift ? "lift" : "drag", source: sources[1], values: forecast))
    }
    let surface = ["truth, surface", "decoded forecast, surface"]
    add("drag, surface integrals", truth.map(\.drag), forecast.map(\.drag), surface)
    add("lift, surface integrals", truth.map(\.lift), forecast.map(\.lift), surface)
    if let observing = forecaster.reduction as? any Observing,
      let recorded = window.observables, observing.observableNames.count == recorded.shape[1]
    {
      let found = try observing.observe(rows)
      for (column, name) in observing.observableNames.enumerated() {
        func values(_ array: HostArray<Double>) -> [Double] {
          (0..<array.shape[0]).map { array[$0, column] }
        }
        if name == "lift" {
          quantities.append(
            strouhal("lift of the latents", values(recorded), values(found), frameInterval))
        }
        add(
          "\(name), recorded and by the latents", values(recorded), values(found),
          ["truth, recorded", "forecast, of the latents"])
      }
    }
    return FlowFindings(
      steps: window.count, frameInterval: frameInterval,
      bin: strouhal(1 / (Double(window.count) * frameInterval)), quantities: quantities,
      courses: courses)
  }

  private func forces(_ frames: HostArray<Float>) -> [SurfaceForce.Coefficients] {
    let size = frames.count / frames.shape[0]
    return (0..<frames.shape[0]).map { force(frames.elements[$0 * size..<($0 + 1) * size]) }
  }

  private func strouhal(_ frequency: Double) -> Double {
    frequency * configuration.diameter / configuration.speed
  }

  private func strouhal(
    _ name: String, _ truth: [Double], _ forecast: [Double], _ interval: Double
  ) -> FlowFindings.Quantity {
    func number(_ series: [Double]) -> Double {
      dominantFrequency(of: series, interval: interval).map(strouhal) ?? .nan
    }
    return .init(
      name: "Strouhal number, \(name)", truth: number(truth), forecast: number(forecast))
  }

  /// Of the latent that oscillates most slowly: others may have the frequency of drag, which is twice
  /// that of lift.
  private func strouhalOfLatent(
    _ truth: HostArray<Double>, _ forecast: HostArray<Double>, _ interval: Double
  ) -> FlowFindings.Quantity {
    func values(_ array: HostArray<Double>, _ latent: Int) -> [Double] {
      (0..<array.shape[0]).map { array[$0, latent] }
    }
    let all = (0..<truth.shape[1]).map { latent in
      strouhal(
        "latent \(latent + 1)", values(truth, latent), values(forecast, latent), interval)
    }
    return all.min { first, second in
      (first.truth.isNaN ? .infinity : first.truth)
        < (second.truth.isNaN ? .infinity : second.truth)
    } ?? .init(name: "Strouhal number, latents", truth: .nan, forecast: .nan)
  }

  /// Of an oscillation with this root-mean-square about its mean.
  private static func amplitude(_ series: [Double]) -> Double {
    let mean = Statistics.mean(series)
    return 2.0.squareRoot() * Statistics.rootMeanSquare(series.map { $0 - mean })
  }
}
