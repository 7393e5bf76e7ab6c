// What a second-order finite-difference code makes of the same recordings when it is told the true
// damping: the yardstick of Figure 5 of Lu, Kim and Soljačić, Phys. Rev. X 10, 031056 (2020).
// One ETDRK4 step from frame to frame on the mesh of the data, the symbols of central differences in
// place of those of derivatives.
import Foundation
public import KymoNumerics

/// Second-order central differences and one ETDRK4 step a frame, on the mesh of the data.
public struct FiniteDifferenceBaseline: Sendable {
  /// Circumference of the ring.
  public var length: Double
  /// Points of a frame; even, with no prime factor above 5.
  public var pointCount: Int
  /// Time between frames, which is the time step.
  public var frameInterval: Double
  /// The way in which `u uₓ` is differenced; the published curve is that of the advective form.
  public var form: QuadraticForm

  /// Errors of the rollouts of many recordings.
  public struct Errors: Sendable, Hashable {
    /// Root-mean-square error of each frame after the first, averaged over the recordings that
    /// did not diverge; entry 0 is the first predicted frame.
    public var rootMeanSquare: [Double]
    /// Number of recordings.
    public var recordingCount: Int
    /// Number of recordings whose rollout diverged (not finite, or beyond 10³) in the end.
    public var divergedCount: Int
  }

  /// Creates the baseline of data made with `configuration`.
  public init(
    configuration: KuramotoSivashinskyConfiguration, form: QuadraticForm = .advective
  ) throws(ConfigurationError) {
    try configuration.validate()
    length = configuration.length
    pointCount = configuration.pointCount
    frameInterval = configuration.frameInterval
    self.form = form
  }

  /// Creates the baseline of periodic recordings on a uniform mesh.
  public init(
    length: Double, pointCount: Int, frameInterval: Double, form: QuadraticForm = .advective
  ) throws(ConfigurationError) {
    var configuration = KuramotoSivashinskyConfiguration()
    configuration.length = length
    configuration.pointCount = pointCount
    configuration.frameInterval = frameInterval
    try self.init(configuration: configuration, form: form)
  }

  /// Predicts all frames of recordings from their first ones and compares.
  ///
  /// - Parameters:
  ///   - x: The recordings, shape `(recordings, 1, frames, points)`, last axis fastest.
  ///   - dampings: The true γ of every recording.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The error of every frame, and how many rollouts diverged.
  public func errors(x: [Float], dampings: [Float], threads: Int) -> Errors {
    precondition(
      !dampings.isEmpty && x.count % (dampings.count * pointCount) == 0,
      "baseline: \(x.count) values are not \(dampings.count) recordings of \(pointCount) points")
    let size = x.count / dampings.count
    let frameCount = size / pointCount
    precondition(frameCount >= 2, "baseline: a recording needs at least 2 frames")
    var perRecording = [Double](repeating: 0, count: dampings.count * (frameCount - 1))
    var diverged = [Bool](repeating: false, count: dampings.count)
    unsafe perRecording.withUnsafeMutableBufferPointer { perRecording in
      unsafe diverged.withUnsafeMutableBufferPointer { diverged in
        // Recordings write to entries of their own.
        nonisolated(unsafe) let perRecording = unsafe perRecording
        nonisolated(unsafe) let diverged = unsafe diverged
        unsafe rollOut(
          initial: { Array(x[$0 * size..<$0 * size + pointCount]) }, dampings: dampings,
          frameCount: frameCount, threads: threads
        ) { recording, frame, row, hasDiverged in
          if hasDiverged { unsafe diverged[recording] = true }
          guard frame > 0 else { return }
          var sum = 0.0
          for point in 0..<pointCount {
            let error = unsafe Double(row[point] - x[recording * size + frame * pointCount + point])
            sum += error * error
          }
          unsafe perRecording[recording * (frameCount - 1) + frame - 1] =
            (sum / Double(pointCount)).squareRoot()
        }
      }
    }
    let kept = dampings.indices.filter { !diverged[$0] }
    let mean = (0..<(frameCount - 1)).map { frame in
      kept.map { perRecording[$0 * (frameCount - 1) + frame] }.reduce(0, +) / Double(kept.count)
    }
    return Errors(
      rootMeanSquare: mean, recordingCount: dampings.count,
      divergedCount: dampings.count - kept.count)
  }

  /// Predicts frames from given ones.
  ///
  /// - Parameters:
  ///   - fields: Fields at the first frame, shape `(recordings, points)`.
  ///   - dampings: γ of every recording.
  ///   - frameCount: Number of frames wanted, the given one being the first.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The frames, shape `(recordings, frames, points)`, and which recordings diverged.
  public func predict(
    fields: [Float], dampings: [Float], frameCount: Int, threads: Int
  ) -> (frames: [Float], diverged: [Bool]) {
    precondition(
      fields.count == dampings.count * pointCount,
      "baseline: \(fields.count) values are not \(dampings.count) fields of \(pointCount) points")
    var frames = [Float](repeating: 0, count: fields.count * frameCount)
    var diverged = [Bool](repeating: false, count: dampings.count)
    unsafe frames.withUnsafeMutableBufferPointer { frames in
      unsafe diverged.withUnsafeMutableBufferPointer { diverged in
        // Recordings write to entries of their own.
        nonisolated(unsafe) let frames = unsafe frames
        nonisolated(unsafe) let diverged = unsafe diverged
        unsafe rollOut(
          initial: { Array(fields[$0 * pointCount..<($0 + 1) * pointCount]) }, dampings: dampings,
          frameCount: frameCount, threads: threads
        ) { recording, frame, row, hasDiverged in
          if hasDiverged { unsafe diverged[recording] = true }
          let start = (recording * frameCount + frame) * pointCount
          _ = unsafe frames[start..<start + pointCount].update(fromContentsOf: row)
        }
      }
    }
    return (frames, diverged)
  }

  /// Runs all recordings and shows each frame of each.
  private func rollOut(
    initial: @Sendable (Int) -> [Float], dampings: [Float], frameCount: Int, threads: Int,
    visit:
      @Sendable (
        _ recording: Int, _ frame: Int, _ row: UnsafeBufferPointer<Float>, _ hasDiverged: Bool
      ) -> Void
  ) {
    let flow = makeFlow()
    let lanes = flow.laneCount
    parallelFor((dampings.count + lanes - 1) / lanes, threads: threads) { batch in
      let members = batch * lanes..<min((batch + 1) * lanes, dampings.count)
      let starts = members.map { recording in
        FlowStart(
          spectrum: SpectralFlow.spectrum(of: initial(recording).map(Double.init)),
          linear: linearSymbol(damping: Double(dampings[recording])))
      }
      let rows = UnsafeMutablePointer<Float>.allocate(capacity: members.count * pointCount)
      defer { unsafe rows.deallocate() }
      flow.run(starts, frameCount: frameCount) { frame, view in
        let mask = unsafe view.write(to: rows, stride: pointCount, laneCount: members.count)
        for (lane, recording) in members.enumerated() {
          let row = unsafe UnsafeBufferPointer(start: rows + lane * pointCount, count: pointCount)
          unsafe visit(recording, frame, row, mask & (1 << UInt32(lane)) != 0)
        }
        return true
      }
    }
  }

  private func makeFlow() -> SpectralFlow {
    let spacing = length / Double(pointCount)
    let derivative = (0...pointCount / 2).map { mode in
      mode == pointCount / 2
        ? 0 : sin(2 * Double.pi * Double(mode) / Double(pointCount)) / spacing
    }
    return SpectralFlow(
      internalPointCount: pointCount, pointCount: pointCount, derivative: derivative, form: form,
      frameInterval: frameInterval, stepsPerFrame: 1)
  }

  /// −D₂ − γ D₂² with D₂ = (2 cos kΔx − 2)/Δx².
  private func linearSymbol(damping: Double) -> [Double] {
    let spacing = length / Double(pointCount)
    return (0...pointCount / 2).map { mode in
      let angle = 2 * Double.pi * Double(mode) / Double(pointCount)
      let second = (2 * cos(angle) - 2) / (spacing * spacing)
      return -second - damping * second * second
    }
  }
}
