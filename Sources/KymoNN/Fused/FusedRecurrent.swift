// The fused recurrent kernels with checked arguments: windows of training as one node of the graph,
// and forecasts of host arrays.
import CKernels
package import KymoNumerics
import KymoTensor

extension RecurrentNetwork {
  var plan: kk_recurrent {
    kk_recurrent(
      cell: stack.cell == .lstm ? KK_CELL_LSTM : KK_CELL_GRU,
      output: outputKind.code,
      layers: Int32(stack.layers.count), inputs: Int32(latentCount), units: Int32(stack.unitCount))
  }
}

extension RecurrentOutput {
  fileprivate var code: kk_output {
    switch self {
    case .linear: KK_OUTPUT_IDENTITY
    case .tanhPlus: KK_OUTPUT_TANHPLUS
    case .increment: KK_OUTPUT_INCREMENT
    }
  }
}

/// Windows of training by the kernels.
enum FusedRecurrent {
  /// Trajectories that are worked on together; their gradients are summed before those of others,
  /// so that results do not depend on the number of threads.
  private static let part = 16

  /// As ``RecurrentNetwork/predictions(_:state:stepCount:own:zoneout:)``.
  static func predictions(
    _ network: RecurrentNetwork, _ inputs: Tensor, state: inout Tensor, stepCount: Int,
    own: OwnInputs?
  ) -> Tensor {
    let parameters = network.parameters
    let records = recordsGradients && (inputs.requiresGradient || parameters[0].requiresGradient)
    let window = Window(
      network, parameters: parameters, inputs: inputs, state: state, stepCount: stepCount,
      own: own, records: records)
    window.run()
    state = window.state
    guard records else { return window.results }
    let wantsInputs = inputs.requiresGradient
    return Tensor.custom("recurrent", inputs: [inputs] + parameters, outputs: [window.results]) {
      upstream in
      guard let upstream = upstream[0] else {
        return [Tensor?](repeating: nil, count: 1 + parameters.count)
      }
      let (inputGradient, gradients) = window.gradients(
        along: upstream, wantsInputs: wantsInputs)
      return [inputGradient] + gradients
    }[0]
  }

  /// One window: arrays of all trajectories, worked on in parts.
  private final class Window {
    let plan: kk_recurrent
    let parameters: [Tensor]
    let inputs: Tensor
    let state: Tensor
    let results: Tensor
    private let packed: Tensor
    private let tape: Tensor?
    private let flags: [UInt8]
    private let passes: Bool
    private let (batch, known, steps, latents): (Int, Int, Int, Int)
    private let partCount: Int
    private let counts: Counts

    init(
      _ network: RecurrentNetwork, parameters: [Tensor], inputs: Tensor, state: Tensor,
      stepCount: Int, own: OwnInputs?, records: Bool
    ) {
      plan = network.plan
      let shape = inputs.shape
      (batch, known, steps, latents) = (shape[0], shape[1], stepCount, shape[2])
      partCount = (batch + FusedRecurrent.part - 1) / FusedRecurrent.part
      counts = Counts(plan, rows: FusedRecurrent.part, steps: stepCount)
      self.parameters = parameters.map { $0.detached().contiguous() }
      self.inputs = inputs.detached().contiguous()
      self.state = state.detached().contiguous().clone()
      precondition(
        self.state.count == batch * counts.state,
        "RecurrentNetwork: a state of shape \(state.shape) for \(batch) trajectories")
      results = Tensor.empty([batch, steps, latents])
      packed = Tensor.empty([records ? counts.packedWithGradient : counts.packed])
      tape = records ? Tensor.empty([partCount, counts.tape]) : nil
      flags = own?.flags.map { $0 ? 1 : 0 } ?? []
      passes = own?.passesGradient ?? true
    }

    func run() {
      let scratch = Tensor.empty([max(partCount, 1), counts.scratch])
      // In bounds: each part has its own rows of all arrays, and its own tape and scratch.
      unsafe withParts { part, run, packed, plan in
        unsafe scratch.withUnsafeMutablePointer { (scratch: UnsafeMutablePointer<Float>) in
          let own = unsafe scratch + part * counts.scratch
          guard let tape else {
            unsafe kk_recurrent_forward(plan, packed, run, nil, own)
            return
          }
          unsafe tape.withUnsafeMutablePointer { (tape: UnsafeMutablePointer<Float>) in
            unsafe kk_recurrent_forward(plan, packed, run, tape + part * counts.tape, own)
          }
        }
      }
    }

    func gradients(along upstream: Tensor, wantsInputs: Bool) -> (Tensor?, [Tensor]) {
      let upstream = upstream.cast(to: .float32).contiguous()
      let sums = Tensor.zeros([max(partCount, 1), counts.sums])
      let scratch = Tensor.empty([max(partCount, 1), counts.gradientScratch])
      let inputGradient = wantsInputs ? Tensor.empty(inputs.shape) : nil
      let arrays = [upstream, sums, scratch, tape ?? sums] + (inputGradient.map { [$0] } ?? [])
      // In bounds: as in `run`.
      unsafe Tensor.withUnsafeMutablePointers(to: arrays, of: Float.self) { at in
        unsafe withParts { part, run, packed, plan in
          let first = part * FusedRecurrent.part
          unsafe kk_recurrent_backward(
            plan, packed, run, at[3] + part * counts.tape, at[0] + first * steps * latents,
            passes ? 1 : 0, at.count > 4 ? at[4] + first * known * latents : nil,
            at[1] + part * counts.sums, at[2] + part * counts.gradientScratch)
        }
      }
      let total = sums.sum(axes: [0])
      let gradients = parameters.map { Tensor.empty($0.shape) }
      unsafe total.withUnsafeFloatPointer { total in
        unsafe Tensor.withUnsafeMutablePointers(to: gradients, of: Float.self) { gradients in
          var gradients: [UnsafeMutablePointer<Float>?] = unsafe gradients
          unsafe withUnsafePointer(to: plan) {
            unsafe kk_recurrent_unpack($0, total, &gradients)
          }
        }
      }
      return (inputGradient, gradients)
    }

    /// Calls `body` for every part, on several threads.
    private func withParts(
      _ body: (
        Int, UnsafePointer<kk_recurrent_run>, UnsafePointer<Float>, UnsafePointer<kk_recurrent>
      ) -> Void
    ) {
      pack()
      unsafe Tensor.withUnsafeMutablePointers(
        to: [inputs, state, results, packed], of: Float.self
      ) { at in
        unsafe flags.withUnsafeBufferPointer { flags in
          unsafe withUnsafePointer(to: plan) { plan in
            torchParallelFor(partCount) { part in
              let first = part * FusedRecurrent.part
              let run = unsafe kk_recurrent_run(
                rows: Int32(min(FusedRecurrent.part, batch - first)), steps: Int32(steps),
                known: Int32(known), inputs: at[0] + first * known * latents,
                // An empty array has an address all the same.
                own: flags.isEmpty ? nil : flags.baseAddress.map { unsafe $0 + first * known },
                states: at[1] + first * counts.state,
                predictions: at[2] + first * steps * latents)
              unsafe withUnsafePointer(to: run) { unsafe body(part, $0, at[3], plan) }
            }
          }
        }
      }
    }

    private var isPacked = false
    private func pack() {
      guard !isPacked else { return }
      isPacked = true
      packParameters(plan, parameters, into: packed, gradient: tape != nil)
    }
  }
}

/// Sizes of the kernel's arrays, in floats.
private struct Counts {
  let packed: Int
  let packedWithGradient: Int
  let state: Int
  let scratch: Int
  let tape: Int
  let gradientScratch: Int
  let sums: Int

  init(_ plan: kk_recurrent, rows: Int, steps: Int) {
    let (rows, steps) = (Int32(rows), Int32(steps))
    let all = unsafe withUnsafePointer(to: plan) { plan in
      unsafe [
        kk_recurrent_packed_count(plan, 0), kk_recurrent_packed_count(plan, 1),
        kk_recurrent_state_count(plan), kk_recurrent_scratch_count(plan, rows),
        kk_recurrent_tape_count(plan, rows, steps),
        kk_recurrent_gradient_scratch_count(plan, rows, steps), kk_recurrent_sums_count(plan),
      ]
    }
    (packed, packedWithGradient, state, scratch) = (all[0], all[1], all[2], all[3])
    (tape, gradientScratch, sums) = (all[4], all[5], all[6])
  }
}

private func packParameters(
  _ plan: kk_recurrent, _ parameters: [Tensor], into packed: Tensor, gradient: Bool
) {
  unsafe packed.withUnsafeMutablePointer { (packed: UnsafeMutablePointer<Float>) in
    unsafe Tensor.withUnsafeMutablePointers(to: parameters, of: Float.self) { parameters in
      let addresses: [UnsafePointer<Float>?] = unsafe parameters.map { unsafe UnsafePointer($0) }
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_recurrent_pack($0, addresses, gradient ? 1 : 0, packed)
      }
    }
  }
}

/// A trained recurrent network ready for forecasts: weights packed for the kernel, no tensors in
/// the loop.
package struct RecurrentKernel {
  private let plan: kk_recurrent
  private let packed: Tensor
  private let counts: Counts
  /// Number of latents, D.
  package let latentCount: Int

  /// Packs the present weights of a network for kernels.
  package init(_ network: RecurrentNetwork) {
    plan = network.plan
    counts = Counts(plan, rows: 1, steps: 1)
    latentCount = network.latentCount
    packed = Tensor.empty([counts.packed])
    packParameters(
      plan, network.parameters.map { $0.detached().contiguous() }, into: packed, gradient: false)
  }

  /// Runs trajectories through known inputs and on.
  ///
  /// - Parameters:
  ///   - inputs: `[B, K, D]`.
  ///   - stepCount: T, at least K; later steps take the prediction of the step before.
  ///   - states: `[B, layers, 1 or 2, units]`, before and after.
  /// - Returns: `[B, T, D]`.
  package func run(
    _ inputs: HostArray<Float>, stepCount: Int, states: inout [Float]
  ) -> HostArray<Float> {
    let (batch, known) = (inputs.shape[0], inputs.shape[1])
    precondition(
      inputs.shape.count == 3 && inputs.shape[2] == latentCount && stepCount >= known
        && (known >= 1 || stepCount == 0) && states.count == batch * counts.state,
      "RecurrentKernel: inputs \(inputs.shape), \(stepCount) steps, \(states.count) state entries")
    var results = HostArray<Float>(repeating: 0, shape: [batch, stepCount, latentCount])
    guard batch > 0, stepCount > 0 else { return results }
    // Whole tiles of four trajectories to each thread.
    let tiles = (batch + 3) / 4
    let workers = min(threadCount, tiles)
    let part = (tiles + workers - 1) / workers * 4
    let partCount = (batch + part - 1) / part
    let scratchCount = Counts(plan, rows: part, steps: 1).scratch
    let scratch = KernelMemory(partCount, length: scratchCount)
    // In bounds: each part has its own rows of all arrays, and scratch of its own.
    unsafe packed.withUnsafeFloatPointer { packed in
      unsafe inputs.elements.withUnsafeBufferPointer { inputs in
        unsafe states.withUnsafeMutableBufferPointer { states in
          unsafe results.elements.withUnsafeMutableBufferPointer { results in
            guard let inputs = inputs.baseAddress, let states = states.baseAddress,
              let results = results.baseAddress
            else { return }
            torchParallelFor(partCount) { index in
              let first = index * part
              let run = unsafe kk_recurrent_run(
                rows: Int32(min(part, batch - first)), steps: Int32(stepCount),
                known: Int32(known), inputs: inputs + first * known * latentCount, own: nil,
                states: states + first * counts.state,
                predictions: results + first * stepCount * latentCount)
              unsafe withUnsafePointer(to: run) { run in
                unsafe withUnsafePointer(to: plan) {
                  unsafe kk_recurrent_forward($0, packed, run, nil, scratch[index])
                }
              }
            }
          }
        }
      }
    }
    return results
  }
}
