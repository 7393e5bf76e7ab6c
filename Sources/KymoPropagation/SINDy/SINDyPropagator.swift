// Sparse identification of nonlinear dynamics: each latent's derivative, or its next value, is a
// sum of few terms of a library,
//
//   ż = Ξᵀ θ(z)   or   z_{t+1} = Ξᵀ θ(z_t),
//
// with Ξ found by sequentially thresholded least squares (Brunton, Proctor, Kutz, PNAS 113, 3932
// (2016); Vlachas et al. 2022, "Methods"). Polynomials grow without bound, so a forecast may
// diverge in finite time: it then keeps its last finite value, cut back to the range of the
// training series, and is counted.
//
// Letters: B trajectories side by side, T coarse steps, L latents.
import CKernels
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// A sparse model of latent dynamics, computed on the processor.
///
/// Latents are host arrays, so a reduction on another device goes well with it.
public struct SINDyPropagator: Propagator {
  /// The settings of the fit.
  public let configuration: SINDyConfiguration
  /// The coarse step Δt.
  public let frameInterval: Double
  /// Latents to scaled ones and back.
  public let scaler: ChannelScaler
  /// Ξᵀ, `[L, terms]`, for scaled latents.
  public let coefficients: HostArray<Double>
  /// Smallest and largest value of each scaled latent in the training series.
  private let low: [Double]
  private let high: [Double]
  private let library: TermLibrary
  private let model: SparseTerms

  /// Number of latents, L.
  public var latentCount: Int { coefficients.shape[0] }
  /// The terms of the library as text, in the order of the coefficients: "1", "z0", "z0 z1",
  /// "z1^2".
  public var termNames: [String] { library.names }

  /// The model in words, one line for each scaled latent.
  public var equations: [String] {
    (0..<latentCount).map { latent in
      let row = coefficients.slice(latent).elements
      let terms = zip(row, termNames).filter { $0.0 != 0 }.map { "\($0.0) \($0.1)" }
      let left = configuration.timeModel == .continuous ? "dz\(latent)/dt" : "next z\(latent)"
      return "\(left) = \(terms.isEmpty ? "0" : terms.joined(separator: " + "))"
    }
  }

  /// Fits a sparse model to latent series.
  ///
  /// - Parameters:
  ///   - series: `[T, L]` each, at least seven frames, at equal coarse steps.
  ///   - frameInterval: The coarse step Δt.
  ///   - configuration: Settings.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  public init(
    fitting series: [HostArray<Double>], frameInterval: Double, configuration: SINDyConfiguration
  ) throws {
    try configuration.validate()
    try requireSeries(
      series, frames: SINDyConfiguration.fewestFrames, because: "derivatives need neighbours",
      "fitting SINDy")
    guard frameInterval > 0 && frameInterval.isFinite else {
      throw ModelDataError(
        "fitting SINDy", found: "at a step of \(frameInterval)", allowed: "at a step above 0",
        remedy: "Give the time between frames.")
    }
    let latents = series[0].shape[1]
    let library = TermLibrary(
      variableCount: latents, degree: configuration.polynomialDegree,
      harmonicCount: configuration.harmonicCount)
    try require(
      library.count <= 20_000, "sindy.polynomialDegree", found: configuration.polynomialDegree,
      allowed: "so small that \(latents) latents have at most 20000 terms",
      remedy: "Lower the degree, or use another propagator for so many latents.")
    let scaler = ChannelScaler(
      configuration.scaling, fitting: stacked(series), slack: configuration.scalingSlack)
    var (states, targets): ([Double], [Double]) = ([], [])
    for one in series {
      var scaled = scaler.scale(one)
      if configuration.isSmoothed { scaled = try SeriesDerivatives.smoothed(scaled) }
      switch configuration.timeModel {
      case .continuous:
        let factor = configuration.interpolationFactor
        let dense = SeriesDerivatives.refined(scaled, factor: factor)
        states += dense.elements
        targets +=
          SeriesDerivatives.derivatives(of: dense, timeStep: frameInterval / Double(factor))
          .elements
      case .discrete:
        states += scaled.elements.dropLast(latents)
        targets += scaled.elements.dropFirst(latents)
      }
    }
    let rows = states.count / latents
    let regression = ThresholdedLeastSquares(
      threshold: configuration.threshold, ridgePenalty: configuration.ridgePenalty,
      maximumRounds: configuration.maximumRounds, isUnbiased: configuration.isUnbiased)
    let fitted = try regression.fit(
      terms: Tensor(doubles: library.values(of: states), shape: [rows, library.count]),
      targets: Tensor(doubles: targets, shape: [rows, latents]))
    let all = scaler.scale(stacked(series)).elements
    func extreme(_ choose: ([Double]) -> Double?) -> [Double] {
      (0..<latents).map { latent in
        choose(stride(from: latent, to: all.count, by: latents).map { all[$0] }) ?? 0
      }
    }
    self.init(
      configuration: configuration, frameInterval: frameInterval, scaler: scaler,
      library: library,
      coefficients: HostArray(fitted.flatMap(\.self), shape: [latents, library.count]),
      low: extreme { $0.min() }, high: extreme { $0.max() })
  }

  private init(
    configuration: SINDyConfiguration, frameInterval: Double, scaler: ChannelScaler,
    library: TermLibrary, coefficients: HostArray<Double>, low: [Double], high: [Double]
  ) {
    (self.configuration, self.frameInterval, self.scaler) = (configuration, frameInterval, scaler)
    (self.library, self.coefficients, self.low, self.high) = (library, coefficients, low, high)
    model = SparseTerms(
      library, coefficients: (0..<coefficients.shape[0]).map { coefficients.slice($0).elements })
  }

  /// Nothing to remember but what has diverged.
  public func initialMemory(batchCount: Int) -> SINDyMemory { SINDyMemory(batchCount: batchCount) }

  /// The latents one coarse step later, `[B, L]` to `[B, L]`.
  ///
  /// Latents that are not finite stay what they are.
  public func step(
    _ latents: HostArray<Double>, memory: inout SINDyMemory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [memory.batchCount, latentCount], "a step of SINDy")
    return run(latents, stepCount: 1, memory: &memory).reshaped(latents.shape)
  }

  /// Feeds each prediction back: `[B, L]` to `[B, T, L]`.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout SINDyMemory
  ) throws -> HostArray<Double> {
    try requireShape(start, [memory.batchCount, latentCount], "a rollout of SINDy")
    return run(start, stepCount: stepCount, memory: &memory)
  }

  /// Trajectories that diverged.
  public func isHeld(_ memory: SINDyMemory, batchCount: Int) -> [Bool] { memory.isLost }

  private func run(
    _ start: HostArray<Double>, stepCount: Int, memory: inout SINDyMemory
  ) -> HostArray<Double> {
    let (batch, count) = (start.shape[0], latentCount)
    let scaled = scaler.scale(start).elements
    var result = [Double](repeating: 0, count: batch * stepCount * count)
    // The held value is compared as it was given out.
    let isHeld = (0..<batch).map { memory.held[$0] == start.slice($0).elements }
    unsafe result.withUnsafeMutableBufferPointer { result in
      unsafe memory.stepSizes.withUnsafeMutableBufferPointer { stepSizes in
        unsafe memory.isLost.withUnsafeMutableBufferPointer { isLost in
          unsafe model.withPlan { plan in
            let (result, stepSizes, isLost) = unsafe (result, stepSizes, isLost)
            // In bounds: each index has its own trajectory.
            torchParallelFor(batch) { item in
              var state = Array(scaled[item * count..<(item + 1) * count])
              var scratch = [Double](repeating: 0, count: unsafe kk_terms_scratch_count(plan))
              unsafe isLost[item] = isHeld[item]
              let isFinite = state.allSatisfy(\.isFinite)
              for step in 0..<stepCount {
                if isFinite, unsafe !isLost[item] {
                  unsafe isLost[item] =
                    !advance(plan, &state, &stepSizes[item], &scratch)
                }
                for latent in 0..<count {
                  unsafe result[(item * stepCount + step) * count + latent] = state[latent]
                }
              }
            }
          }
        }
      }
    }
    let latents = scaler.unscale(HostArray(result, shape: [batch * stepCount, count]))
      .reshaped([batch, stepCount, count])
    for item in 0..<batch {
      if memory.isLost[item] && !isHeld[item] { memory.divergedCount += 1 }
      let last = ((item + 1) * stepCount - 1) * count
      memory.held[item] =
        memory.isLost[item] && stepCount > 0
        ? Array(latents.elements[last..<last + count]) : nil
    }
    return latents
  }

  /// One coarse step of one trajectory; false when it has diverged and is cut back to the range.
  private func advance(
    _ plan: UnsafePointer<kk_terms>, _ state: inout [Double], _ stepSize: inout Double,
    _ scratch: inout [Double]
  ) -> Bool {
    let reach = zip(low, high).reduce(1e-300) {
      max($0, max($1.0.magnitude, $1.1.magnitude, $1.1 - $1.0))
    }
    let bound = configuration.divergenceFactor * reach
    switch configuration.timeModel {
    case .continuous:
      var settings = kk_integration(
        relative: configuration.relativeTolerance,
        absolute: configuration.relativeTolerance * 1e-2 * reach, bound: bound, most: 100_000)
      if unsafe kk_terms_integrate(
        plan, &settings, frameInterval, &state, &stepSize, &scratch) == 0
      {
        return true
      }
    case .discrete:
      var next = state
      unsafe kk_terms_evaluate(plan, state, &next, &scratch)
      if next.allSatisfy({ $0.magnitude <= bound }) {
        state = next
        return true
      }
    }
    stepSize = 0
    for latent in state.indices {
      state[latent] = min(high[latent], max(low[latent], state[latent]))
    }
    return false
  }
}

/// What SINDy remembers: which trajectories diverged and where they were stopped.
public struct SINDyMemory: Sendable {
  /// Number of trajectories, B.
  public let batchCount: Int
  /// How often a trajectory diverged.
  ///
  /// One that is started anew, from other latents, may do so again.
  public internal(set) var divergedCount = 0
  /// Whether each trajectory has diverged and keeps its last value.
  public internal(set) var isLost: [Bool]
  var held: [[Double]?]
  /// Time steps of the integration to try first; 0 where none is known.
  var stepSizes: [Double]

  init(batchCount: Int) {
    self.batchCount = batchCount
    isLost = [Bool](repeating: false, count: batchCount)
    held = [[Double]?](repeating: nil, count: batchCount)
    stepSizes = [Double](repeating: 0, count: batchCount)
  }
}

// MARK: - On disk

extension SINDyPropagator {
  private static let folder = ModelFolder<Description>(
    "kymo sindy", axes: "trajectory, time, latent", needsProcessor: true)

  private struct Description: Codable {
    var configuration: SINDyConfiguration
    var frameInterval: Double
    var scaler: ChannelScaler
    var low: [Double]
    var high: [Double]
    /// For readers; the numbers that count are in model.safetensors.
    var equations: [String]
  }

  /// Writes the model into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(
        configuration: configuration, frameInterval: frameInterval, scaler: scaler, low: low,
        high: high, equations: equations),
      [
        ("coefficients", Tensor(doubles: coefficients.elements, shape: coefficients.shape))
      ], to: folder)
  }

  /// Reads a model from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    try description.scaler.check(channels: description.low.count, in: folder)
    guard description.high.count == description.low.count else {
      throw TensorError(
        operation: "reading \(folder.path)", message: "the ends of the ranges do not fit",
        remedy: "The file is damaged: copy or fit it again.")
    }
    let library = TermLibrary(
      variableCount: description.low.count,
      degree: description.configuration.polynomialDegree,
      harmonicCount: description.configuration.harmonicCount)
    let shape = [description.low.count, library.count]
    self.init(
      configuration: description.configuration, frameInterval: description.frameInterval,
      scaler: description.scaler, library: library,
      coefficients: HostArray(
        try tensors.require("coefficients", shape: shape).doubles, shape: shape),
      low: description.low, high: description.high)
  }
}
