// Reductions over axes. Without axes all are reduced.
import CTorch

extension Tensor {
  private func reduce(
    _ name: StaticString, _ axes: [Int], _ keepDims: Bool, _ operation: kt_reduction
  ) -> Tensor {
    unsafe makeTensor(name, self) {
      unsafe kt_reduce($0, $1, int64s(axes), Int64(axes.count), keepDims, operation)
    }
  }

  /// Sum over axes.
  public func sum(axes: [Int] = [], keepDims: Bool = false) -> Tensor {
    reduce("sum", axes, keepDims, KT_SUM)
  }
  /// Mean over axes.
  public func mean(axes: [Int] = [], keepDims: Bool = false) -> Tensor {
    reduce("mean", axes, keepDims, KT_MEAN)
  }
  /// Largest entry over axes.
  public func max(axes: [Int] = [], keepDims: Bool = false) -> Tensor {
    reduce("max", axes, keepDims, KT_MAX)
  }
  /// log ∑ eˣ over axes, without overflow.
  public func logSumExp(axes: [Int] = [], keepDims: Bool = false) -> Tensor {
    reduce("logSumExp", axes, keepDims, KT_LOG_SUM_EXP)
  }

  /// Sum of squared distances from the mean over axes, divided by the number of entries minus
  /// `correction`.
  public func variance(axes: [Int] = [], keepDims: Bool = false, correction: Int = 1) -> Tensor {
    unsafe makeTensor("variance", self) {
      unsafe kt_variance(
        $0, $1, int64s(axes), Int64(axes.count), keepDims, Int64(correction))
    }
  }

  /// eˣ / ∑ eˣ along an axis.
  public func softmax(axis: Int) -> Tensor {
    unsafe makeTensor("softmax", self) { unsafe kt_softmax($0, $1, Int64(axis)) }
  }
}
