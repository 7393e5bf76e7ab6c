// Kernels of whole parts of networks with checked arguments: a part as one node of the graph,
// pieces of a batch on several threads, and inference on host memory without any tensor.
import CKernels
import KymoTensor

/// A kernel that takes a few states through a part of a network, and a gradient back.
///
/// Addresses are those of whole rows, `[batch][inputCount]` and `[batch][outputCount]`, with at
/// most ``FusedPart/piece`` states; state, scratch and gradient have the kernel's counts.
protocol PartwiseKernel: AnyObject {
  /// What the part is called in error messages.
  var name: String { get }
  /// The trained tensors, in the kernel's order.
  var parameters: [Tensor] { get }
  var inputCount: Int { get }
  var outputCount: Int { get }
  /// Floats that forward leaves for backward, for one piece.
  var stateCount: Int { get }
  var scratchCount: Int { get }
  /// Floats of a packed gradient.
  var gradientCount: Int { get }
  /// Whether forward writes its state also when there is no way back.
  var alwaysNeedsState: Bool { get }

  func forward(
    batch: Int, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    state: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>)
  /// Adds to the packed gradient.
  func backward(
    batch: Int, input: UnsafePointer<Float>, state: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>)
  /// Writes the sum of packed gradients in the parameters' shapes.
  func unpack(
    gradients: UnsafePointer<Float>, count: Int, into targets: [UnsafeMutablePointer<Float>?])
}

/// Where the entries of tensors are, for kernels that are called often.
///
/// Good while the tensors live, because whatever writes parameters writes in place.
func entryAddresses(of tensors: [Tensor]) -> [UnsafePointer<Float>?] {
  var places = unsafe [UnsafePointer<Float>?]()
  unsafe Tensor.withUnsafeMutablePointers(to: tensors, of: Float.self) {
    unsafe places = $0.map { unsafe UnsafePointer($0) }
  }
  return unsafe places
}

/// A part of a network by a kernel.
@safe final class FusedPart {
  private let kernel: any PartwiseKernel

  /// States that are worked on together.
  static let piece = KK_DENSE_PART
  /// Gradients of pieces are summed in at most so many groups, whatever the number of threads, so
  /// that results do not depend on it.
  private static let groups = 4

  init(_ kernel: any PartwiseKernel) { self.kernel = kernel }

  /// The output for `[B, inputs]`, as a node of the graph when gradients are wanted.
  func callAsFunction(_ input: Tensor) -> Tensor {
    let kernel = kernel
    precondition(
      input.rank == 2 && input.size(1) == kernel.inputCount,
      "\(kernel.name): input of shape \(input.shape) for \(kernel.inputCount) inputs")
    let batch = input.size(0)
    let source = input.detached().contiguous()
    let output = Tensor.empty([batch, kernel.outputCount])
    let wantsInput = recordsGradients && input.requiresGradient
    let wantsParameters = recordsGradients && kernel.parameters.contains { $0.requiresGradient }
    let pieces = (batch + Self.piece - 1) / Self.piece
    let keeps = wantsInput || wantsParameters
    let state =
      keeps || kernel.alwaysNeedsState ? Tensor.empty([pieces, kernel.stateCount]) : nil
    // In bounds: each piece reads and writes its own states and has scratch of its worker.
    unsafe run([source, output] + (state.map { [$0] } ?? []), count: pieces) { at, scratch, piece in
      let first = piece * Self.piece
      unsafe kernel.forward(
        batch: min(Self.piece, batch - first), input: at[0] + first * kernel.inputCount,
        output: at[1] + first * kernel.outputCount,
        state: state == nil ? nil : at[2] + piece * kernel.stateCount, scratch: scratch)
    }
    guard keeps, let state else { return output }
    let inputs = kernel.parameters + (wantsInput ? [input] : [])
    return Tensor.custom(kernel.name, inputs: inputs, outputs: [output]) {
      [self] upstream -> [Tensor?] in
      guard let given = upstream[0]?.contiguous() else { return inputs.map { _ in nil } }
      return gradients(given, source, state, wantsInput: wantsInput)
    }[0]
  }

  private func gradients(
    _ given: Tensor, _ source: Tensor, _ state: Tensor, wantsInput: Bool
  ) -> [Tensor?] {
    let kernel = kernel
    let (batch, pieces) = (source.size(0), state.size(0))
    let groups = min(pieces, Self.groups)
    let packed = Tensor.zeros([groups, kernel.gradientCount])
    let inputGradient = wantsInput ? Tensor.empty(source.shape) : nil
    // In bounds: as above, and every group has a gradient of its own.
    unsafe run(
      [given, source, state, packed] + (inputGradient.map { [$0] } ?? []), count: groups
    ) { at, scratch, group in
      for piece in group * pieces / groups..<(group + 1) * pieces / groups {
        let first = piece * Self.piece
        unsafe kernel.backward(
          batch: min(Self.piece, batch - first), input: at[1] + first * kernel.inputCount,
          state: at[2] + piece * kernel.stateCount,
          outputGradient: at[0] + first * kernel.outputCount,
          gradient: at[3] + group * kernel.gradientCount,
          inputGradient: wantsInput ? at[4] + first * kernel.inputCount : nil, scratch: scratch)
      }
    }
    let result = kernel.parameters.map { Tensor.empty($0.shape) }
    // In bounds: the results have the parameters' shapes, which the kernel describes.
    unsafe Tensor.withUnsafeMutablePointers(to: [packed] + result, of: Float.self) { at in
      unsafe kernel.unpack(
        gradients: at[0], count: groups, into: at.dropFirst().map(Optional.some))
    }
    return result + (wantsInput ? [inputGradient] : [])
  }

  /// The output for states in host memory, row by row, outside the graph.
  func apply(_ input: [Float], count: Int) -> [Float] {
    let kernel = kernel
    let stateCount = kernel.alwaysNeedsState ? kernel.stateCount : 0
    return unsafe [Float](unsafeUninitializedCapacity: count * kernel.outputCount) {
      output, initialized in
      initialized = count * kernel.outputCount
      unsafe input.withUnsafeBufferPointer { input in
        guard count > 0, let source = input.baseAddress, let target = output.baseAddress
        else { return }
        unsafe withUnsafeTemporaryAllocation(
          of: Float.self, capacity: stateCount + kernel.scratchCount
        ) { memory in
          guard let memory = memory.baseAddress else { return }
          // In bounds: `input` has `count` states, checked by the caller; `output` has room for
          // them.
          for first in stride(from: 0, to: count, by: Self.piece) {
            unsafe kernel.forward(
              batch: min(Self.piece, count - first), input: source + first * kernel.inputCount,
              output: target + first * kernel.outputCount,
              state: stateCount > 0 ? memory : nil, scratch: memory + stateCount)
          }
        }
      }
    }
  }

  /// Calls `body` for every index with the tensors' addresses and scratch of its worker.
  private func run(
    _ tensors: [Tensor], count: Int,
    _ body: ([UnsafeMutablePointer<Float>], UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    guard count > 0 else { return }
    let workers = count > 1 ? threadCount : 1
    let length = kernel.scratchCount
    let scratch = Tensor.empty([workers, length])
    unsafe Tensor.withUnsafeMutablePointers(to: tensors + [scratch], of: Float.self) { at in
      guard workers > 1 else {
        for index in 0..<count { unsafe body(at, at[at.count - 1], index) }
        return
      }
      torchParallelFor(count) { index, worker in
        unsafe body(at, at[at.count - 1] + worker * length, index)
      }
    }
  }
}
