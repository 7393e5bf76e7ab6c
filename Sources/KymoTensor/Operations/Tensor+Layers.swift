// The linear maps of networks: dense layers, convolutions, changes of resolution.
import CTorch

extension Tensor {
  /// x wᵀ + b: input `[…, in]`, weight `[out, in]`, bias `[out]`.
  public static func linear(_ input: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    unsafe makeTensor("linear", input, weight, bias) { unsafe kt_linear($0, $1, $2, $3) }
  }

  /// Cross-correlation over the axes after the channel axis, one, two or three of them.
  ///
  /// - Parameters:
  ///   - input: `[batch, channels in, space…]`.
  ///   - weight: `[channels out, channels in, taps…]`.
  ///   - bias: `[channels out]`, or none.
  ///   - stride: Distance between output positions, one for each axis of space.
  ///   - padding: Zeros at both ends, one number for each axis of space.
  ///   - dilation: Distance between taps, one for each axis of space.
  /// - Returns: `[batch, channels out, space…]`.
  public static func convolution(
    _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: [Int], padding: [Int],
    dilation: [Int]
  ) -> Tensor {
    precondition(
      stride.count == padding.count && padding.count == dilation.count,
      "convolution: stride \(stride), padding \(padding), dilation \(dilation) differ in length")
    return unsafe makeTensor("convolution", input, weight, bias) {
      unsafe kt_convolution(
        $0, $1, $2, $3, int64s(stride), int64s(padding), int64s(dilation), Int64(stride.count))
    }
  }

  /// Cross-correlation over two axes.
  public static func conv2d(
    _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: [Int] = [1, 1],
    padding: [Int] = [0, 0], dilation: [Int] = [1, 1]
  ) -> Tensor {
    convolution(input, weight, bias, stride: stride, padding: padding, dilation: dilation)
  }

  /// Means of `window` neighbours along every axis of space, side by side: `[batch, channels,
  /// length…]` to `length / window`, one or two axes of space.
  public func averagePooled(window: Int) -> Tensor {
    unsafe makeTensor("averagePooled", self) { unsafe kt_average_pool($0, $1, Int64(window)) }
  }

  /// Linear interpolation to `factor` times as many cells along every axis of space: `[batch,
  /// channels, length…]` to `factor · length`, one or two axes of space.
  ///
  /// Cells are intervals side by side, values belong to their centres, and beyond the outermost
  /// centres the value stays. For a factor of 2: `y₂ᵢ = ¼ xᵢ₋₁ + ¾ xᵢ`, `y₂ᵢ₊₁ = ¾ xᵢ + ¼ xᵢ₊₁`.
  public func upsampledLinear(factor: Int) -> Tensor {
    unsafe makeTensor("upsampledLinear", self) {
      unsafe kt_upsample_linear($0, $1, Int64(factor))
    }
  }
}
