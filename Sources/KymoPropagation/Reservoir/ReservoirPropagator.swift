// Reservoir computing: a fixed random recurrent network and a fitted linear read-out,
//
//   h ← tanh(A h + W_in z),   ẑ = W_out φ(h),   φ_i(h) = h_i² for even i, h_i for odd i,
//   W_out = argmin |W Φ − Y|² + β |W|²,
//
// where the columns of Φ are φ after each training frame (but for a wash-out at the start of each
// series), those of Y the frames that follow. h starts at 0 in each series. Squaring every other
// unit breaks the odd symmetry (Pathak, Hunt, Girvan, Lu, Ott 2018). Vlachas et al. (2022),
// "Methods".
//
// Letters: B trajectories side by side, T coarse steps, L latents, N units.
import CKernels
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// A reservoir computer with its read-out, computed on the processor.
///
/// Latents are host arrays, so a reduction on another device goes well with it.
public struct ReservoirPropagator: Propagator {
  /// How the read-out was found.
  public enum Solver: String, Codable, Sendable {
    /// By Cholesky's factor of Φ Φᵀ + β.
    case cholesky
    /// By the eigenvalues of Φ Φᵀ + β above 1e-15 N times the largest: β is 0, or too small to
    /// help.
    case pseudoInverse
  }

  /// The settings of the fit.
  public let configuration: ReservoirConfiguration
  /// Latents to scaled ones and back.
  public let scaler: ChannelScaler
  /// How the read-out was found.
  public let solver: Solver
  /// Number of reservoir states that the read-out was fitted to.
  public let trainingStateCount: Int
  let reservoir: SparseReservoir
  /// W_out, `[L, N]`, for scaled latents.
  let readOut: [Double]

  /// Number of latents, L.
  public var latentCount: Int { reservoir.inputCount }
  /// Number of units, N: that of the settings, rounded up to a multiple of L.
  public var unitCount: Int { reservoir.unitCount }

  /// Fits a reservoir computer to latent series, or to full states as one vector each.
  ///
  /// - Parameters:
  ///   - series: `[T, L]` each, at equal coarse steps.
  ///   - configuration: Settings; the same settings and series give the same reservoir.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: ΣT · N² / 2 multiply-adds for the normal equations and N³ / 3 for Cholesky's
  ///   factor, on all threads of libtorch; N² numbers of memory, twice (1 GB for 8,000 units).
  public init(
    fitting series: [HostArray<Double>], configuration: ReservoirConfiguration
  ) throws {
    try configuration.validate()
    try requireSeries(
      series, frames: configuration.fewestFrames,
      because: "reservoir.washOutSteps frames are dropped, and the last is only a target",
      "fitting a reservoir")
    let scaler = ChannelScaler(
      configuration.scaling, fitting: stacked(series), slack: configuration.scalingSlack)
    try self.init(
      fitting: series, configuration: configuration, scaler: scaler,
      reservoir: SparseReservoir(inputCount: series[0].shape[1], configuration: configuration))
  }

  /// Fits the read-out of a given reservoir.
  init(
    fitting series: [HostArray<Double>], configuration: ReservoirConfiguration,
    scaler: ChannelScaler, reservoir: SparseReservoir
  ) throws {
    self.configuration = configuration
    self.scaler = scaler
    self.reservoir = reservoir
    var equations = NormalEquations(unitCount: reservoir.unitCount, targets: reservoir.inputCount)
    let deviations = standardDeviations(of: scaler.scale(stacked(series)))
    for (index, one) in series.enumerated() {
      let scaled = scaler.scale(one).elements
      var inputs = scaled
      if configuration.inputNoisePerMille > 0 {
        var random = RandomStream(
          seed: configuration.seed, purpose: .noise, index: UInt64(index))
        for entry in inputs.indices {
          inputs[entry] +=
            configuration.inputNoisePerMille / 1000 * deviations[entry % deviations.count]
            * random.normal()
        }
      }
      equations.add(
        inputs: inputs, targets: scaled, reservoir: reservoir,
        washOut: configuration.washOutSteps)
    }
    trainingStateCount = equations.count
    (readOut, solver) = try equations.solve(ridgePenalty: configuration.ridgePenalty)
  }

  /// Reservoirs at rest.
  public func initialMemory(batchCount: Int) -> ReservoirMemory {
    ReservoirMemory(batchCount: batchCount, unitCount: unitCount)
  }

  /// The latents one coarse step later, `[B, L]` to `[B, L]`.
  public func step(
    _ latents: HostArray<Double>, memory: inout ReservoirMemory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [memory.batchCount, latentCount], "a step of a reservoir")
    return run(latents, stepCount: 1, feedsBack: false, memory: &memory)
      .reshaped(latents.shape)
  }

  /// Feeds known latents, `[B, T, L]`; entry t of the result predicts the latents after input t.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout ReservoirMemory
  ) throws -> HostArray<Double> {
    try requireShape(
      latents, [memory.batchCount, nil, latentCount], "teacher forcing of a reservoir")
    return run(latents, stepCount: latents.shape[1], feedsBack: false, memory: &memory)
  }

  /// Feeds each prediction back: `[B, L]` to `[B, T, L]`.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout ReservoirMemory
  ) throws -> HostArray<Double> {
    try requireShape(start, [memory.batchCount, latentCount], "a rollout of a reservoir")
    return run(start, stepCount: stepCount, feedsBack: true, memory: &memory)
  }

  /// Steps all trajectories, eight at a time in the lanes of the kernels.
  private func run(
    _ latents: HostArray<Double>, stepCount: Int, feedsBack: Bool, memory: inout ReservoirMemory
  ) -> HostArray<Double> {
    let (batch, count, units) = (memory.batchCount, latentCount, unitCount)
    let (lanes, groups) = (memory.lanes, memory.groupCount)
    let known = scaler.scale(latents.reshaped([latents.count / count, count])).elements
    // Inputs that are given for each trajectory: all of them, or the start.
    let given = feedsBack ? 1 : stepCount
    var result = [Double](repeating: .nan, count: batch * stepCount * count)
    unsafe result.withUnsafeMutableBufferPointer { result in
      unsafe memory.activity.withUnsafeMutableBufferPointer { activity in
        unsafe readOut.withUnsafeBufferPointer { readOut in
          unsafe reservoir.withPlan { plan in
            guard let activity = activity.baseAddress,
              let readOut = readOut.baseAddress
            else { return }
            let result = unsafe result
            // In bounds: a group has its own piece of the activity and its own trajectories.
            torchParallelFor(groups) { group in
              var next = [Double](repeating: 0, count: units * lanes)
              var input = [Double](repeating: 0, count: count * lanes)
              var output = [Double](repeating: 0, count: count * lanes)
              let h = unsafe activity + group * units * lanes
              let first = group * lanes
              let filled = min(lanes, batch - first)
              for step in 0..<stepCount {
                for lane in 0..<filled where step < given {
                  for latent in 0..<count {
                    input[latent * lanes + lane] =
                      known[((first + lane) * given + step) * count + latent]
                  }
                }
                unsafe kk_reservoir_step(plan, Int32(lanes), input, h, &next)
                unsafe h.update(from: next, count: units * lanes)
                unsafe kk_reservoir_read(
                  Int32(units), Int32(count), Int32(lanes), readOut, h, &output)
                for lane in 0..<filled {
                  for latent in 0..<count {
                    unsafe result[((first + lane) * stepCount + step) * count + latent] =
                      output[latent * lanes + lane]
                  }
                }
                if feedsBack { input = output }
              }
            }
          }
        }
      }
    }
    return scaler.unscale(HostArray(result, shape: [batch * stepCount, count]))
      .reshaped([batch, stepCount, count])
  }
}

/// The activity of reservoirs, one for each trajectory.
public struct ReservoirMemory: Sendable {
  /// Number of trajectories, B.
  public let batchCount: Int
  /// Trajectories that a kernel takes side by side.
  let lanes: Int
  let unitCount: Int
  /// `[group][unit][lane]`.
  var activity: [Double]

  var groupCount: Int { (batchCount + lanes - 1) / lanes }

  init(batchCount: Int, unitCount: Int) {
    (self.batchCount, self.unitCount) = (batchCount, unitCount)
    lanes = batchCount == 1 ? 1 : Int(KK_RESERVOIR_LANES)
    let groups = (batchCount + lanes - 1) / lanes
    activity = [Double](repeating: 0, count: groups * unitCount * lanes)
  }
}

/// The root of the mean square distance of each column of `[n, L]` from its mean.
private func standardDeviations(of rows: HostArray<Double>) -> [Double] {
  (0..<rows.shape[1]).map { column in
    Statistics.populationVariance(
      stride(from: column, to: rows.count, by: rows.shape[1]).map { rows.elements[$0] }
    ).squareRoot()
  }
}

// MARK: - On disk

extension ReservoirPropagator {
  private static let folder = ModelFolder<Description>(
    "kymo reservoir", axes: "trajectory, time, latent", needsProcessor: true)

  private struct Description: Codable {
    var configuration: ReservoirConfiguration
    var scaler: ChannelScaler
    var solver: Solver
    var trainingStateCount: Int
    var latentCount: Int
    var unitCount: Int
    var nonzeroCount: Int
  }

  /// Writes the reservoir and its read-out into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    let nonzeros = reservoir.values.count
    try Self.folder.write(
      Description(
        configuration: configuration, scaler: scaler, solver: solver,
        trainingStateCount: trainingStateCount, latentCount: latentCount, unitCount: unitCount,
        nonzeroCount: nonzeros),
      [
        ("starts", Tensor(integers: reservoir.starts.map(Int.init), shape: [unitCount + 1])),
        ("columns", Tensor(integers: reservoir.columns.map(Int.init), shape: [nonzeros])),
        ("values", Tensor(doubles: reservoir.values, shape: [nonzeros])),
        ("inputWeights", Tensor(doubles: reservoir.weights, shape: [unitCount])),
        ("readOut", Tensor(doubles: readOut, shape: [latentCount, unitCount])),
      ], to: folder)
  }

  /// Reads a reservoir from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    let (units, nonzeros) = (description.unitCount, description.nonzeroCount)
    let starts = try tensors.require("starts", shape: [units + 1]).integers
    let columns = try tensors.require("columns", shape: [nonzeros]).integers
    let values = try tensors.require("values", shape: [nonzeros]).doubles
    // The kernels read where these point.
    guard description.latentCount >= 1, units % description.latentCount == 0, starts[0] == 0,
      starts[units] == nonzeros, zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }),
      columns.allSatisfy({ (0..<units).contains($0) })
    else {
      throw TensorError(
        operation: "reading \(folder.path)", message: "the rows of the reservoir do not fit it",
        remedy: "The file is damaged: copy or fit it again.")
    }
    try description.scaler.check(channels: description.latentCount, in: folder)
    let rows = (0..<units).flatMap { row in
      (starts[row]..<starts[row + 1]).map { (row: row, column: columns[$0], value: values[$0]) }
    }
    reservoir = SparseReservoir(
      inputCount: description.latentCount, nonzeros: rows,
      weights: try tensors.require("inputWeights", shape: [units]).doubles)
    readOut = try tensors.require("readOut", shape: [description.latentCount, units]).doubles
    configuration = description.configuration
    scaler = description.scaler
    solver = description.solver
    trainingStateCount = description.trainingStateCount
  }
}
