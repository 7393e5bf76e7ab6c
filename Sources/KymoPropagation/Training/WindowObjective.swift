// The objective of a training on windows of series: sequences, and what of them enters a step. What
// a window's loss is, a ``WindowLoss`` says: that of a propagator alone, or of a reduction and a
// propagator together. Everything random is addressed by (seed, step).
//
// Letters: B sequences, K inputs of a window.
package import KymoNN
package import KymoNumerics
package import KymoTensor

/// What enters a window's loss besides its frames.
package struct WindowOptions {
  /// Which inputs are the network's own predictions; nil for none.
  package var own: OwnInputs?
  /// Noise for the inputs, of their shape; nil for none.
  package var noise: ((_ shape: [Int]) -> Tensor)?
  /// Whether weights are being trained; otherwise they are evaluated.
  package var isTraining: Bool
  /// Where masks of units are drawn from.
  package var dropout: RandomStream
  /// First step that counts in the loss.
  package var firstCounted: Int
}

/// What is trained on windows.
package protocol WindowLoss: AnyObject {
  /// What is trained.
  var trained: [NamedTensor] { get }
  /// What is kept with the weights but not trained.
  var buffers: [NamedTensor] { get }
  /// Where it is computed.
  var device: Device { get }
  /// The state before anything was seen.
  func initialState(batchCount: Int) -> Tensor
  /// The loss of a window of K + 1 frames, `[B, K + 1, width]`, as part of the graph.
  func callAsFunction(_ frames: Tensor, state: inout Tensor, options: WindowOptions) -> Tensor
}

/// The loss of windows that are cut from sequences one after the other.
package final class WindowObjective: Objective {
  private let loss: any WindowLoss
  private let training: PropagatorTraining
  private let seed: UInt64
  private let series: SeriesWindows
  private let validation: SeriesWindows
  /// Carried from window to window.
  private var carried: Tensor
  private var sequence: (index: Int, frames: Tensor)?
  /// Steps of an epoch, in which about as many inputs are seen as the series have.
  private let stepsPerEpoch: Int

  /// Cuts windows from series; settings and series are checked by the caller.
  package init(
    _ loss: any WindowLoss, training: PropagatorTraining, series: SeriesWindows,
    validation: SeriesWindows, seed: UInt64
  ) {
    (self.loss, self.training, self.seed) = (loss, training, seed)
    (self.series, self.validation) = (series, validation)
    carried = loss.initialState(batchCount: training.batchSize)
    stepsPerEpoch = max(1, series.inputCount / (training.batchSize * training.windowLength))
  }

  package var trained: [NamedTensor] { loss.trained }
  package var buffers: [NamedTensor] { loss.buffers }
  package var state: [NamedTensor] {
    trained + buffers + [(name: "carried", tensor: carried)]
  }

  /// The phase that lowers it.
  package func phase(_ name: String) -> Phase {
    var phase = Phase(name, .descent(self, training.phase, stepsPerEpoch: stepsPerEpoch))
    phase.stepCost = training.windowLength
    return phase
  }

  package func loss(at place: StepPlace) -> StepLoss {
    let step = place.phaseStep
    let (index, window) = step.quotientAndRemainder(dividingBy: training.sequenceWindows)
    if sequence?.index != index {
      var random = RandomStream(seed: seed, purpose: .crops, index: UInt64(index))
      sequence = (
        index,
        series.draw(
          training.batchSize, beginnings: training.beginnings, within: training.windowLength,
          using: &random
        ).to(loss.device)
      )
    }
    guard let frames = sequence?.frames else { preconditionFailure("a sequence was just drawn") }
    if window == 0 { carried = loss.initialState(batchCount: training.batchSize) }
    let level = training.inputNoise
    let noise = { [seed, device = loss.device] (shape: [Int]) -> Tensor in
      var random = RandomStream(seed: seed, purpose: .noise, index: UInt64(step))
      return Tensor.normal(shape, using: &random, device: device) * level
    }
    return StepLoss(
      loss(
        self.window(window, of: frames), state: &carried,
        options: WindowOptions(
          own: ownInputs(step), noise: level > 0 ? noise : nil, isTraining: true,
          dropout: RandomStream(seed: seed, purpose: .dropout, index: UInt64(step)),
          firstCounted: training.firstCounted)))
  }

  /// The loss on the validation series: with true inputs, or with free runs through each window
  /// where the training feeds predictions back.
  package func validationLoss() -> Double? {
    withoutGradients {
      let blocks = validation.blocks
      let count = blocks.reduce(0) { $0 + $1.count }
      return blocks.reduce(0) { sum, block in
        sum + validationLoss(of: validation.tensor(block).to(loss.device))
          * (Double(block.count) / Double(count))
      }
    }
  }

  private func validationLoss(of frames: Tensor) -> Double {
    let isFree = training.scheduledSampling != .none || training.freeRunningSteps > 0
    let (batch, first) = (frames.shape[0], firstFree)
    let own =
      isFree
      ? OwnInputs((0..<batch).flatMap { _ in (0..<training.windowLength).map { $0 >= first } })
      : nil
    var state = loss.initialState(batchCount: batch)
    var sum = 0.0
    for window in 0..<training.sequenceWindows {
      if !training.isStateful { state = loss.initialState(batchCount: batch) }
      sum +=
        loss(
          self.window(window, of: frames), state: &state,
          options: WindowOptions(
            own: own, noise: nil, isTraining: false,
            dropout: RandomStream(seed: seed, purpose: .dropout),
            firstCounted: training.firstCounted)
        ).item
    }
    return sum / Double(training.sequenceWindows)
  }

  /// The first own input of a validation window.
  private var firstFree: Int {
    training.scheduledSampling != .none
      ? max(1, training.warmUpSteps) : training.windowLength - training.freeRunningSteps
  }

  /// The frames of a window, `[B, K + 1, width]`.
  private func window(_ index: Int, of frames: Tensor) -> Tensor {
    let first = index * training.windowLength
    return frames.sliced(axis: 1, from: first, to: first + training.windowLength + 1)
  }

  /// Which inputs of a step are predictions; nil when none can be.
  private func ownInputs(_ step: Int) -> OwnInputs? {
    let epochs = Double(training.phase.rounds?.maxEpochs ?? 0)
    let steps = Double(training.phase.steps) / Double(stepsPerEpoch)
    let probability = training.scheduledSampling.probability(
      epoch: Double(step) / Double(stepsPerEpoch), of: epochs > 0 ? epochs : steps)
    guard probability > 0 || training.freeRunningSteps > 0 else { return nil }
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(step))
    let free = training.freeRunningSteps(atStep: step)
    return OwnInputs(
      (0..<training.batchSize).flatMap { _ in
        let own = training.ownInputs(last: free, using: &random)
        return own.map { random.uniform() < probability || $0 }
      }, passesGradient: training.passesGradient)
  }
}
