// What a phase of a training works on: an objective, whose loss is lowered along its gradient, or a
// fit, which finds its numbers itself. Everything random in either is addressed by (seed, purpose,
// step), so that a training that continues repeats the numbers of the unbroken one.
public import KymoTensor

/// Where a step stands in a training; steps are counted from 0.
public struct StepPlace: Hashable, Sendable {
  /// Steps before it in the whole training.
  public var step: Int
  /// Steps before it in its phase.
  public var phaseStep: Int
  /// Steps of its phase; at most so many where it ends by rounds.
  public var phaseSteps: Int
  /// The part of the phase that is done.
  public var progress: Double { Double(phaseStep) / Double(phaseSteps) }
}

/// What is trained in a phase.
public protocol TrainingTask: AnyObject {
  /// Every tensor that later steps depend on, in a fixed order: weights, running statistics, what
  /// was fitted.
  var state: [NamedTensor] { get }
  /// What usually helps where the loss is not finite.
  var remedy: String { get }
  /// Called before the first step, and before a checkpoint of the phase or a later one is taken up.
  func begin()
}

extension TrainingTask {
  /// Half the learning rate, or clipping.
  public var remedy: String {
    "Train again with a smaller learning rate (half is a good try), or set gradientClip=1."
  }

  /// Nothing to prepare.
  public func begin() {}
}

/// A loss that is lowered along its gradient.
public protocol Objective: TrainingTask {
  /// What is trained; changed in place.
  var trained: [NamedTensor] { get }
  /// What belongs to the weights but is not trained, such as running statistics; kept with the best
  /// weights.
  var buffers: [NamedTensor] { get }
  /// The loss of a step as a graph.
  func loss(at place: StepPlace) throws -> StepLoss
  /// Takes in what a finished step found.
  func finish(_ record: StepRecord)
  /// The loss of the present weights on validation data; nil where there are none.
  func validationLoss() -> Double?
}

extension Objective {
  /// Nothing.
  public var buffers: [NamedTensor] { [] }
  /// Weights and buffers.
  public var state: [NamedTensor] { trained + buffers }
  /// Nothing to take in.
  public func finish(_ record: StepRecord) {}
  /// No validation.
  public func validationLoss() -> Double? { nil }
}

/// A loss with the numbers that a record of the step shows.
public struct StepLoss {
  /// What is lowered, one number.
  public var total: Tensor
  /// Numbers that are on the device, by name: scalars have no axes, vectors one.
  public var tensors: [NamedTensor] = []
  /// Numbers that are known without asking the device.
  public var scalars: [String: Double] = [:]

  /// A loss without further numbers.
  public init(_ total: Tensor) { self.total = total }

  /// Writes the named numbers into a record; the device is asked once for all of them.
  func report(in record: inout StepRecord) {
    record.scalars = scalars
    guard !tensors.isEmpty else { return }
    let all = tensors.map { $0.tensor.detached().cast(to: .float64).reshaped([-1]) }
    var rest = Tensor.concatenated(all, axis: 0).doubles[...]
    for (name, tensor) in tensors {
      let values = Array(rest.prefix(tensor.count))
      rest = rest.dropFirst(tensor.count)
      if tensor.shape.isEmpty {
        record.scalars[name] = values[0]
      } else {
        record.vectors[name] = values
      }
    }
  }
}

/// Numbers that are found without a gradient, some in each step: latents fitted to a decoder, or a
/// whole model at once.
public protocol Fitting: TrainingTask {
  /// How many steps it takes.
  var stepCount: Int { get }
  /// Does a step.
  ///
  /// - Returns: The error that is left, and its parts; of the record's other numbers the trainer
  ///   takes care.
  func fit(at place: StepPlace) throws -> StepRecord
}

/// A fit in one step.
public final class SingleFit: Fitting {
  private let body: () throws -> Double

  /// Wraps a fit that returns the error that is left.
  public init(_ body: @escaping () throws -> Double) { self.body = body }

  /// Nothing: there is no moment between its start and its end.
  public var state: [NamedTensor] { [] }
  /// One.
  public var stepCount: Int { 1 }
  /// Does the fit.
  public func fit(at place: StepPlace) throws -> StepRecord {
    StepRecord(step: place.step + 1, loss: try body())
  }
}
