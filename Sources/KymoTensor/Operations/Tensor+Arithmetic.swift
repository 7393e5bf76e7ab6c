// Entry-wise arithmetic, with broadcasting as in PyTorch and NumPy.
import CTorch

extension Tensor {
  private func unary(_ name: StaticString, _ operation: kt_unary_operation) -> Tensor {
    unsafe makeTensor(name, self) { unsafe kt_unary($0, $1, operation) }
  }

  private func scalar(
    _ name: StaticString, _ value: Double, _ operation: kt_scalar_operation
  ) -> Tensor {
    unsafe makeTensor(name, self) { unsafe kt_scalar($0, $1, value, operation) }
  }

  private static func binary(
    _ name: StaticString, _ lhs: Tensor, _ rhs: Tensor, _ operation: kt_binary_operation
  ) -> Tensor {
    unsafe makeTensor(name, lhs, rhs) { unsafe kt_binary($0, $1, $2, operation) }
  }

  /// Entry-wise sum.
  public static func + (lhs: Tensor, rhs: Tensor) -> Tensor { binary("+", lhs, rhs, KT_ADD) }
  /// Entry-wise difference.
  public static func - (lhs: Tensor, rhs: Tensor) -> Tensor { binary("-", lhs, rhs, KT_SUBTRACT) }
  /// Entry-wise product.
  public static func * (lhs: Tensor, rhs: Tensor) -> Tensor { binary("*", lhs, rhs, KT_MULTIPLY) }
  /// Entry-wise quotient.
  public static func / (lhs: Tensor, rhs: Tensor) -> Tensor { binary("/", lhs, rhs, KT_DIVIDE) }

  /// Adds a number to every entry.
  public static func + (lhs: Tensor, rhs: Double) -> Tensor { lhs.scalar("+", rhs, KT_ADD_SCALAR) }
  /// Adds a number to every entry.
  public static func + (lhs: Double, rhs: Tensor) -> Tensor { rhs.scalar("+", lhs, KT_ADD_SCALAR) }
  /// Subtracts a number from every entry.
  public static func - (lhs: Tensor, rhs: Double) -> Tensor {
    lhs.scalar("-", -rhs, KT_ADD_SCALAR)
  }
  /// Subtracts every entry from a number.
  public static func - (lhs: Double, rhs: Tensor) -> Tensor {
    rhs.scalar("-", lhs, KT_SUBTRACT_FROM_SCALAR)
  }
  /// Multiplies every entry by a number.
  public static func * (lhs: Tensor, rhs: Double) -> Tensor {
    lhs.scalar("*", rhs, KT_MULTIPLY_SCALAR)
  }
  /// Multiplies every entry by a number.
  public static func * (lhs: Double, rhs: Tensor) -> Tensor {
    rhs.scalar("*", lhs, KT_MULTIPLY_SCALAR)
  }
  /// Divides every entry by a number.
  public static func / (lhs: Tensor, rhs: Double) -> Tensor {
    lhs.scalar("/", rhs, KT_DIVIDE_SCALAR)
  }
  /// Divides a number by every entry.
  public static func / (lhs: Double, rhs: Tensor) -> Tensor {
    rhs.scalar("/", lhs, KT_DIVIDE_SCALAR_BY)
  }
  /// Changes the sign of every entry.
  public static prefix func - (operand: Tensor) -> Tensor { operand.unary("-", KT_NEGATE) }

  /// eˣ of every entry.
  public func exp() -> Tensor { unary("exp", KT_EXP) }
  /// Natural logarithm of every entry.
  public func log() -> Tensor { unary("log", KT_LOG) }
  /// Square root of every entry.
  public func sqrt() -> Tensor { unary("sqrt", KT_SQRT) }
  /// One over the square root of every entry.
  public func rsqrt() -> Tensor { unary("rsqrt", KT_RECIPROCAL_SQRT) }
  /// Square of every entry.
  public func square() -> Tensor { unary("square", KT_SQUARE) }
  /// Every entry to a power.
  public func pow(_ exponent: Double) -> Tensor { scalar("pow", exponent, KT_POWER_SCALAR) }
  /// Magnitude of every entry.
  public func abs() -> Tensor { unary("abs", KT_ABS) }
  /// Sine of every entry.
  public func sin() -> Tensor { unary("sin", KT_SIN) }
  /// Cosine of every entry.
  public func cos() -> Tensor { unary("cos", KT_COS) }
  /// Hyperbolic tangent of every entry.
  public func tanh() -> Tensor { unary("tanh", KT_TANH) }
  /// max(x, 0) of every entry.
  public func relu() -> Tensor { unary("relu", KT_RELU) }
  /// 1 / (1 + e⁻ˣ) of every entry.
  public func sigmoid() -> Tensor { unary("sigmoid", KT_SIGMOID) }
  /// Continuously differentiable exponential linear unit of every entry, α = 1.
  public func celu() -> Tensor { unary("celu", KT_CELU) }
  /// Exponential linear unit of every entry, α = 1.
  public func elu() -> Tensor { unary("elu", KT_ELU) }
  /// Scaled exponential linear unit of every entry (Klambauer and others 2017).
  public func selu() -> Tensor { unary("selu", KT_SELU) }
  /// x Φ(x) of every entry, Φ the standard normal distribution function.
  public func gelu() -> Tensor { unary("gelu", KT_GELU) }
  /// log(1 + eˣ) of every entry.
  public func softplus() -> Tensor { unary("softplus", KT_SOFTPLUS) }
  /// e^{−|x|} I₀(x) of every entry, I₀ the modified Bessel function of order 0.
  public func scaledBesselI0() -> Tensor { unary("scaledBesselI0", KT_BESSEL_I0E) }

  /// Every entry, but at least `low` and at most `high`.
  public func clamp(low: Double = -.infinity, high: Double = .infinity) -> Tensor {
    unsafe makeTensor("clamp", self) { unsafe kt_clamp($0, $1, low, high) }
  }

  /// The larger of two entries; NaN when one is NaN.
  public static func maximum(_ lhs: Tensor, _ rhs: Tensor) -> Tensor {
    binary("maximum", lhs, rhs, KT_MAXIMUM)
  }

  /// Entries of `yes` where the mask is true, of `no` elsewhere.
  public static func `where`(_ mask: Tensor, _ yes: Tensor, _ no: Tensor) -> Tensor {
    withExtendedLifetime((mask.storage, yes.storage, no.storage)) { operands in
      unsafe makeTensor("where") {
        unsafe kt_where($0, operands.0.handle, operands.1.handle, operands.2.handle)
      }
    }
  }

  /// Matrix product over the last two axes, with leading axes broadcast.
  public func matmul(_ other: Tensor) -> Tensor {
    Tensor.binary("matmul", self, other, KT_MATMUL)
  }
}

extension Tensor {
  /// Adds `scale` times the other tensor's entries to this tensor's.
  public func addInPlace(_ other: Tensor, scale: Double = 1) {
    unsafe perform("addInPlace", self, other) { unsafe kt_add_in_place($0, $1, scale) }
  }
  /// Multiplies this tensor's entries by a number.
  public func mulInPlace(_ factor: Double) {
    unsafe perform("mulInPlace", self) { unsafe kt_scale_in_place($0, factor) }
  }
  /// Overwrites this tensor's entries with the other's, converted to this type and device.
  public func copyInPlace(from other: Tensor) {
    unsafe perform("copyInPlace", self, other) { unsafe kt_copy_in_place($0, $1) }
  }
  /// Overwrites every entry with a number.
  public func fillInPlace(_ value: Double) {
    unsafe perform("fillInPlace", self) { unsafe kt_fill_in_place($0, value) }
  }
  /// Overwrites every entry with zero.
  public func zeroInPlace() { fillInPlace(0) }
}
