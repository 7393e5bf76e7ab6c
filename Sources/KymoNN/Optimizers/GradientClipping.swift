// The size of all gradients together, and a limit on it (Pascanu, Mikolov and Bengio 2013).
import CKernels
public import KymoTensor

/// The Euclidean norm of the gradients of all tensors taken together; each is read once.
public func gradientNorm(of parameters: [Tensor]) -> Double {
  let (fused, plain) = parameters.compactMap(\.gradient).partitioned {
    ComputePath(for: [$0]) == .fused
  }
  let squares = plain.map { $0.cast(to: .float64).square().sum().item }
  return (squares.reduce(0, +) + sumOfSquares(fused)).squareRoot()
}

private func sumOfSquares(_ tensors: [Tensor]) -> Double {
  let pieces = pieces(of: tensors.map(\.count))
  var sums = [Double](repeating: 0, count: pieces.count)
  // In bounds: pieces lie within their tensor, and each has a sum of its own.
  unsafe Tensor.withUnsafeMutablePointers(to: tensors, of: Float.self) { addresses in
    unsafe sums.withUnsafeMutableBufferPointer { sums in
      torchParallelFor(pieces.count, grain: 8) { index in
        let piece = pieces[index]
        unsafe sums[index] = unsafe kk_sum_of_squares(
          addresses[piece.array] + piece.first, piece.count)
      }
    }
  }
  return sums.reduce(0, +)
}

/// The factor that brings gradients of this norm to at most `limit`: 1 when they are below.
public func clippingScale(norm: Double, limit: Double) -> Double {
  norm > limit ? limit / norm : 1
}
