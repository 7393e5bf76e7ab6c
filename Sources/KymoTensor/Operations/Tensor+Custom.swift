// Operations with a gradient of their own: results of our kernels as one node of libtorch's graph.
import CTorch

extension Tensor {
  /// Makes results of a kernel part of the graph, with a gradient that `backward` computes.
  ///
  /// - Parameters:
  ///   - name: The operation's name in error messages.
  ///   - inputs: The tensors that the outputs depend on.
  ///   - outputs: What the kernel computed, outside the graph. The returned tensors share their
  ///     entries.
  ///   - backward: Receives one gradient for each output (nil: zero) and returns one for each
  ///     input (nil: zero), of the input's shape. It keeps what it captures until the graph is let
  ///     go. It may capture `inputs` and `outputs`, but not the returned tensors: that would be a
  ///     ring of references. What it throws ends the backward pass as a failed operation.
  /// - Returns: The outputs as results of the operation.
  public static func custom(
    _ name: String = "custom operation", inputs: [Tensor], outputs: [Tensor],
    backward: @escaping ([Tensor?]) throws -> [Tensor?]
  ) -> [Tensor] {
    let context = unsafe Unmanaged.passRetained(CustomGradient(backward)).toOpaque()
    var results = unsafe [kt_tensor?](repeating: nil, count: outputs.count)
    unsafe withHandles(inputs) { inputs, inputCount in
      unsafe withHandles(outputs) { outputs, outputCount in
        _ = unsafe succeeded(
          kt_custom(
            &results, name, inputs, inputCount, outputs, outputCount, context,
            runCustomGradient,
            { unsafe Unmanaged<CustomGradient>.fromOpaque($0).release() }), "custom")
      }
    }
    return unsafe results.map { unsafe $0.map { unsafe Tensor(adopting: $0) } ?? .withoutValue }
  }
}

/// What a graph node keeps: the closure and the text of its last complaint.
private final class CustomGradient {
  let backward: ([Tensor?]) throws -> [Tensor?]
  init(_ backward: @escaping ([Tensor?]) throws -> [Tensor?]) { self.backward = backward }

  // Errors are collected here, because the library may call on a thread of its own, where no scope
  // of the caller holds.
  func run(_ gradients: [Tensor?], inputCount: Int) throws -> [Tensor?] {
    let answer = try catchingTensorErrors { try backward(gradients) }
    guard answer.count == inputCount else {
      throw TensorError(
        operation: "backward", message: "\(answer.count) gradients for \(inputCount) inputs",
        remedy: "Return one for each input, nil where it is zero.")
    }
    return answer
  }
}

/// Calls the closure of a graph node with its output gradients.
private let runCustomGradient: kt_backward_function = {
  context, given, givenCount, answer, answerCount in
  let gradients = (0..<Int(givenCount)).map { i in
    unsafe given[i].map { unsafe Tensor(adopting: $0) }
  }
  let node = unsafe Unmanaged<CustomGradient>.fromOpaque(context).takeUnretainedValue()
  do {
    let found = try node.run(gradients, inputCount: Int(answerCount))
    for (i, gradient) in found.enumerated() {
      guard let gradient else { continue }
      unsafe gradient.read { _ = unsafe kt_retain(answer + i, $0) }
    }
    return nil
  } catch {
    return unsafe kt_keep_text("\(error)")
  }
}
