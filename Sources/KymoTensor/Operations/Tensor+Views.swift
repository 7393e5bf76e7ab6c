// Other shapes of the same entries, and copies that rearrange entries.
import CTorch

/// How the entries of a tensor follow each other in memory.
public enum MemoryLayoutOrder: Sendable {
  /// The last axis is the fastest.
  case rowMajor
  /// The channel axis (1) is the fastest: for 2D and 3D convolutions on processors with wide SIMD.
  case channelsLast

  var code: kt_layout { self == .rowMajor ? KT_ROW_MAJOR : KT_CHANNELS_LAST }
}

/// What lies beyond the ends of an axis.
public enum PaddingMode: Sendable {
  /// The same value everywhere.
  case constant(Double)
  /// The other end: the axis is periodic.
  case circular
  /// The mirror image without the end itself.
  case reflect
}

extension Tensor {
  /// The same entries in C order under another shape; one length may be -1 and is then computed.
  public func reshaped(_ shape: [Int]) -> Tensor {
    unsafe makeTensor("reshaped", self) {
      unsafe kt_reshape($0, $1, int64s(shape), Int64(shape.count))
    }
  }

  /// A view with the axes in another order: axis `i` of the result is axis `axes[i]`.
  public func permuted(_ axes: [Int]) -> Tensor {
    unsafe makeTensor("permuted", self) {
      unsafe kt_permute($0, $1, int64s(axes), Int64(axes.count))
    }
  }

  /// A view with two axes exchanged.
  public func transposed(_ first: Int, _ second: Int) -> Tensor {
    unsafe makeTensor("transposed", self) {
      unsafe kt_transpose($0, $1, Int64(first), Int64(second))
    }
  }

  /// A view of the entries `from`, `from + step`, … below `to` of one axis.
  ///
  /// Negative positions count from the end; `to` defaults to the end.
  public func sliced(axis: Int, from: Int = 0, to: Int = .max, step: Int = 1) -> Tensor {
    unsafe makeTensor("sliced", self) {
      unsafe kt_slice($0, $1, Int64(axis), Int64(from), Int64(to), Int64(step))
    }
  }

  /// A view at one index of an axis, without that axis.
  public func selected(axis: Int, index: Int) -> Tensor {
    unsafe makeTensor("selected", self) { unsafe kt_select($0, $1, Int64(axis), Int64(index)) }
  }

  /// A view with a new axis of length 1.
  public func unsqueezed(_ axis: Int) -> Tensor {
    unsafe makeTensor("unsqueezed", self) { unsafe kt_unsqueeze($0, $1, Int64(axis)) }
  }

  /// A view with axes of length 1 repeated to `shape`; -1 keeps a length.
  public func expanded(_ shape: [Int]) -> Tensor {
    unsafe makeTensor("expanded", self) {
      unsafe kt_expand($0, $1, int64s(shape), Int64(shape.count))
    }
  }

  /// The same entries stored in the given order; no copy when they are already.
  public func contiguous(_ order: MemoryLayoutOrder = .rowMajor) -> Tensor {
    unsafe makeTensor("contiguous", self) { unsafe kt_contiguous($0, $1, order.code) }
  }

  /// Whether the entries are stored in the given order without gaps.
  public func isContiguous(_ order: MemoryLayoutOrder = .rowMajor) -> Bool {
    unsafe read { unsafe kt_is_contiguous($0, order.code) }
  }

  /// The tensors one after the other along an axis that they have.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    unsafe makeTensor("concatenated", parts) { unsafe kt_concatenate($0, $1, $2, Int64(axis)) }
  }

  /// The tensors side by side along a new axis.
  public static func stacked(_ parts: [Tensor], axis: Int = 0) -> Tensor {
    unsafe makeTensor("stacked", parts) { unsafe kt_stack($0, $1, $2, Int64(axis)) }
  }

  /// A copy with the entries of the given axes in reverse order.
  public func flipped(_ axes: [Int]) -> Tensor {
    unsafe makeTensor("flipped", self) {
      unsafe kt_flip($0, $1, int64s(axes), Int64(axes.count))
    }
  }

  /// The entries at `indices` (integers, one axis) along an axis.
  public func indexSelected(_ axis: Int, _ indices: Tensor) -> Tensor {
    unsafe makeTensor("indexSelected", self, indices) {
      unsafe kt_index_select($0, $1, Int64(axis), $2)
    }
  }

  /// The tensor with more entries before and after those of one axis.
  public func padded(
    _ mode: PaddingMode = .constant(0), axis: Int, before: Int, after: Int
  ) -> Tensor {
    unsafe makeTensor("padded", self) { out, t in
      let (axis, before, after) = (Int64(axis), Int64(before), Int64(after))
      return switch mode {
      case .constant(let value):
        unsafe kt_pad(out, t, KT_PAD_CONSTANT, axis, before, after, value)
      case .circular: unsafe kt_pad(out, t, KT_PAD_CIRCULAR, axis, before, after, 0)
      case .reflect: unsafe kt_pad(out, t, KT_PAD_REFLECT, axis, before, after, 0)
      }
    }
  }

  /// The entries converted to another type; the same tensor when it has that type.
  public func cast(to type: ScalarType) -> Tensor {
    unsafe makeTensor("cast", self) { unsafe kt_cast($0, $1, type.code) }
  }

  /// The tensor on a device; the same tensor when it is there.
  public func to(_ device: Device) -> Tensor {
    unsafe makeTensor("to", self) { unsafe kt_to_device($0, $1, device.code) }
  }

  /// A copy with entries of its own, still part of the graph.
  public func clone() -> Tensor {
    unsafe makeTensor("clone", self) { unsafe kt_clone($0, $1) }
  }
}
