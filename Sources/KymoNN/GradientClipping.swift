// The size of all gradients together, and a limit on it (Pascanu, Mikolov and Bengio 2013).
import CKernels
public import KymoTensor

/// The Euclidean norm of the gradients of all tensors taken together; each is read once.
public func gradientNorm(of parameters: [Tensor]) -> Double {
  let squares = parameters.compactMap(\.gradient).map { gradient in
    guard gradient.dtype == .float32, gradient.device == .cpu, gradient.isContiguous() else {
      return gradient.cast(to: .float64).square().sum().item
    }
    var sum = 0.0
    unsafe gradient.withUnsafeFloatPointer {
      sum = unsafe kk_sum_of_squares($0, gradient.count)
    }
    return sum
  }
  return squares.reduce(0, +).squareRoot()
}

/// The factor that brings gradients of this norm to at most `limit`: 1 when they are below.
public func clippingScale(norm: Double, limit: Double) -> Double {
  norm > limit ? limit / norm : 1
}

/// Scales the gradients of all tensors so that their norm is at most `limit`.
///
/// - Parameters:
///   - parameters: The tensors whose gradients are scaled, in place.
///   - limit: The largest norm allowed.
/// - Returns: The norm before; not finite when a gradient is not, and nothing is scaled then.
@discardableResult
public func clipGradients(of parameters: [Tensor], limit: Double) -> Double {
  let norm = gradientNorm(of: parameters)
  let scale = clippingScale(norm: norm, limit: limit)
  if norm.isFinite, scale < 1 {
    withoutGradients {
      for gradient in parameters.compactMap(\.gradient) { gradient.mulInPlace(scale) }
    }
  }
  return norm
}
