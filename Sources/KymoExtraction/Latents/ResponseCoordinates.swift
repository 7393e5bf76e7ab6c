// Latents in whose coordinates the decoder's law is affine.
//
// Latents may be nonlinear functions of the parameters: kernels are free functions of the latents,
// so z serves as well as any smooth map of z, and over a frame's length Δ the square of a velocity
// acts like a diffusion (exp(−ikvΔ) has −(kvΔ)²/2 in it). But coefficients enter an equation ∂u/∂t
// = F₀(u) + Σ_j θ_j F_j(u) linearly. So the rates of change that one and the same state has under
// the latents of N recordings lie in a plane of as many dimensions as coefficients vary, and
// coordinates in that plane are θ up to a linear map, whatever coordinates z are.
//
// The rate is that of the decoder's own rollouts, by the series of forward differences δ,
//   Δ ∂/∂t = log(1 + δ) = δ − δ²/2 + δ³/3 − …,
// over the states of several probes; the plane is that of its leading principal components t over
// recordings; and the new latents are the linear functions of t that are closest to the old ones,
// so that each stays in its place.
//
// Letters: N recordings, S of them whose rates span the plane, M entries of the rate.
import KymoData
import KymoNumerics
import KymoTensor

/// How the latents of recordings are put into coordinates in which the decoder's law is affine.
struct ResponseCoordinates {
  /// States whose rate of change is looked at.
  static let probes = 16
  /// Recordings that span the plane, at most.
  private static let spanning = 500
  /// Recordings that are rolled out at a time.
  private static let block = 250

  private let model: ParameterVAE
  private let recordings: Recordings
  /// Frames of a rollout: the order of the series.
  private let order: Int
  /// Cells along every axis that no halo has reached after `order` steps.
  private let cells: [Int]

  /// - Returns: nil when the recordings are too small for rollouts that no halo reaches.
  init?(_ model: ParameterVAE, recordings: Recordings) {
    let halo = model.kernelNetwork.layout.halo
    let wanted = model.field.spaceAxes == 1 ? 64 : 32
    for order in (1...min(3, recordings.frameCount - 1)).reversed() {
      let cells = zip(recordings.spaceShape, recordings.boundary).map {
        $1 == .periodic ? wanted : min(wanted, $0 - 2 * halo * order)
      }
      if cells.allSatisfy({ $0 >= 8 }) {
        (self.model, self.recordings, self.order, self.cells) = (model, recordings, order, cells)
        return
      }
    }
    return nil
  }

  /// Linearised latents of recordings, and which of them carry something.
  struct Linearised {
    var latents: [[Double]]
    var fitted: [Int]
  }

  /// The new latents of recordings, given the old ones; `fitted` are the positions of those that
  /// carry something, the others stay.
  ///
  /// Where the rates vary in fewer directions than there are fitted latents, several of them share
  /// a parameter. When they are to be merged, as many as there are directions go on to carry
  /// something, and the others become 0.
  func linearised(
    _ latents: [[Double]], fitted: [Int], merging: Bool, seed: UInt64
  ) throws -> Linearised {
    guard !fitted.isEmpty, latents.count > 2 * fitted.count else {
      return Linearised(latents: latents, fitted: fitted)
    }
    let all = try withoutGradients {
      try components(latents, count: fitted.count, seed: seed)
    }
    let independent = merging ? Self.independent(all) : all
    let predictions = fitted.map { latent in
      LinearFit(regressors: independent, target: latents.map { $0[latent] })
        .predict(regressors: independent)
    }
    let kept = Self.leading(predictions, count: independent.count)
    var result = latents
    for place in fitted.indices {
      for row in result.indices {
        result[row][fitted[place]] = kept.contains(place) ? predictions[place][row] : 0
      }
    }
    return Linearised(latents: result, fitted: kept.sorted().map { fitted[$0] })
  }

  /// The components, in falling order of their variance, that are not functions of those before
  /// them.
  ///
  /// One parameter in two latents makes a curve of the rates, whose second component is a function
  /// of the first; a second parameter does not. A component goes when a polynomial of fourth order
  /// explains nine tenths of it, or half of it where the rest is so small that it may be the
  /// decoder's error.
  static func independent(_ scores: [[Double]]) -> [[Double]] {
    guard let first = scores.first, Statistics.populationVariance(first) > 0 else { return [] }
    var found = [first]
    for next in scores.dropFirst() {
      let count = Double(next.count)
      guard
        Statistics.populationVariance(next) > leastVariance * Statistics.populationVariance(first)
      else { continue }
      let fit = PolynomialFit(found, target: next, highestDegree: 4, valuesPerTerm: 10)
      let degrees = count - 1 - Double(fit?.termCount ?? 0)
      let unexplained = (1 - (fit?.rSquared ?? 0)) * (count - 1) / degrees
      let part = unexplained * Statistics.populationVariance(next)
      let isWeak = part < weakVariance * Statistics.populationVariance(first)
      if unexplained > (isWeak ? 0.5 : 0.1) { found.append(next) }
    }
    return found
  }

  /// Part of the first component's variance below which another one is rounding.
  private static let leastVariance = 1e-5
  /// Part of the first component's variance below which what a component has of its own may be the
  /// decoder's error.
  private static let weakVariance = 1e-3

  /// Positions of `count` columns that are largest, each in what those before it do not span.
  private static func leading(_ columns: [[Double]], count: Int) -> [Int] {
    var rest = columns.map { column in
      let mean = Statistics.mean(column)
      return column.map { $0 - mean }
    }
    var chosen: [Int] = []
    func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
    while chosen.count < count {
      let others = rest.indices.filter { !chosen.contains($0) }
      guard let next = others.max(by: { square(rest[$0]) < square(rest[$1]) }) else { break }
      chosen.append(next)
      let (pivot, size) = (rest[next], square(rest[next]))
      guard size > 0 else { continue }
      for other in others where other != next {
        let factor = zip(rest[other], pivot).reduce(0) { $0 + $1.0 * $1.1 } / size
        rest[other] = zip(rest[other], pivot).map { $0 - factor * $1 }
      }
    }
    return chosen
  }

  /// The leading principal components of the rates, one list of N for each.
  private func components(_ latents: [[Double]], count: Int, seed: UInt64) throws -> [[Double]] {
    let spanning = min(latents.count, Self.spanning)
    let chosen = (0..<spanning).map { $0 * latents.count / spanning }
    // Products of all rates with those that span, [N, S].
    var products = Tensor.zeros([latents.count, spanning], device: model.device)
    var random = RandomStream(seed: seed, purpose: .evaluation)
    for probe in 0..<Self.probes {
      let state = drawProbe(number: probe, using: &random)
      var basis = rates(of: state, under: chosen.map { latents[$0] })
      let mean = basis.mean(axes: [0], keepDims: true)
      basis = (basis - mean).transposed(0, 1)
      let parts = stride(from: 0, to: latents.count, by: Self.block).map { start in
        let part = Array(latents[start..<min(start + Self.block, latents.count)])
        return (rates(of: state, under: part) - mean).matmul(basis)
      }
      products = products + Tensor.concatenated(parts, axis: 0)
    }
    let rows = Tensor(doubles: chosen.map(Double.init), shape: [spanning])
    let gram = products.indexSelected(0, rows.cast(to: .int64).to(model.device))
    let (values, vectors) = try ((gram + gram.transposed(0, 1)) * 0.5).symmetricEigen()
    let order = values.doubles.indices.sorted { values.doubles[$0] > values.doubles[$1] }
    let all = products.matmul(vectors)
    return order.prefix(count).map { all.selected(axis: 1, index: $0).doubles }
  }

  /// A state and the frames after it, whose halo the rollout reads: `[1, C, frames, X…]`.
  private func drawProbe(number: Int, using random: inout RandomStream) -> Tensor {
    let halo = model.kernelNetwork.layout.halo
    let size = [order + 1] + cells.map { $0 + 2 * halo * order }
    let recording = random.index(below: recordings.count)
    var place = CropSampler(recordings).draw(recording: recording, size: size, using: &random)
    if number % 2 == 0 { place.timeOffset = 0 }
    return recordings.batch([place]).to(model.device)
  }

  /// `Δ ∂u/∂t` of a state under each of some latents, `[latents, M]`.
  private func rates(of probe: Tensor, under latents: [[Double]]) -> Tensor {
    let count = latents.count
    let halo = model.kernelNetwork.layout.halo
    let z = Tensor(
      latents.flatMap { $0.map(Float.init) }, shape: [count, latents[0].count],
      device: model.device)
    let states = model.rollout(
      latents: z, truth: probe.expanded([count] + probe.shape.dropFirst()).contiguous(),
      steps: order, halo: .groundTruth)
    let start = probe.sliced(axis: 2, from: 0, to: 1)
      .expanded([count, probe.shape[1], 1] + probe.shape.dropFirst(3))
    var difference = Tensor.concatenated(
      [
        PlainRollout.inner(start, cut: halo * order, firstAxis: 3),
        PlainRollout.inner(states, cut: halo * (order - 1), firstAxis: 3),
      ], axis: 2)
    var rate = Tensor.zeros([1], device: model.device)
    for power in 1...order {
      let frames = difference.shape[2]
      difference =
        difference.sliced(axis: 2, from: 1)
        - difference.sliced(axis: 2, from: 0, to: frames - 1)
      let factor = (power % 2 == 1 ? 1 : -1) / Double(power)
      rate = rate + difference.selected(axis: 2, index: 0) * factor
    }
    return rate.reshaped([count, -1])
  }
}
