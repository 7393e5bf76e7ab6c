// An objective of one's own: a network learns the law of a pendulum, dx/dt = f(x), from pairs of states a
// short time apart. Its loss compares what a Runge–Kutta step with the network makes of the first state with
// the second one. The trainer does the rest.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor

let timeStep = 0.2

/// One step of Heun's method from states x, `[B, 2]`.
func stepped(_ x: Tensor, _ f: (Tensor) -> Tensor) -> Tensor {
  let slope = f(x)
  return x + (slope + f(x + slope * timeStep)) * (timeStep / 2)
}

/// Angle and speed of a pendulum, whose law the network does not know.
func pendulum(_ x: Tensor) -> Tensor {
  let (angle, speed) = (x.sliced(axis: 1, from: 0, to: 1), x.sliced(axis: 1, from: 1, to: 2))
  return Tensor.concatenated([speed, -angle.sin()], axis: 1)
}

final class LawOfMotion: Objective {
  let network: DenseStack

  init(seed: UInt64) {
    var random = RandomStream(seed: seed, purpose: .weights)
    network = DenseStack(
      widths: [2, 32, 32, 2], activation: .tanh, lastActivation: .identity, skips: true,
      using: &random)
  }

  var trained: [NamedTensor] { network.namedParameters() }

  /// Everything random is addressed by the step, so that a training can be repeated and continued.
  func loss(at place: StepPlace) -> StepLoss {
    var random = RandomStream(seed: 1, purpose: .batches, index: UInt64(place.step))
    let states = Tensor.uniform([64, 2], in: -2...2, using: &random)
    let errors = stepped(states) { network($0) } - stepped(states, pendulum)
    var loss = StepLoss(errors.square().mean())
    loss.tensors = [("largest", errors.abs().max())]
    return loss
  }
}

let law = LawOfMotion(seed: 1)
let descent = Descent(.adam, steps: 1500, .oneCycle(.init(peak: 5e-3)))
let trainer = Trainer([Phase("law", .descent(law, descent, stepsPerEpoch: 100))], seed: 1)
while !trainer.isFinished {
  let record = try trainer.step()
  if record.step % 500 == 0 {
    print("step \(record.step): loss \(record.loss), largest \(record.scalars["largest"] ?? 0)")
  }
}
let found = withoutGradients { law.network(Tensor([1, 0], shape: [1, 2])).doubles }
print("at (1, 0): found \(found), true [0, \(-sin(1.0))]")
