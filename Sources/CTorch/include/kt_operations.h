/* Arithmetic, reductions, linear algebra, convolutions. */
#ifndef KT_OPERATIONS_H
#define KT_OPERATIONS_H

#include "kt_core.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

typedef enum kt_unary_operation {
  KT_NEGATE,
  KT_EXP,
  KT_LOG,
  KT_SQRT,
  KT_RECIPROCAL_SQRT,
  KT_SQUARE,
  KT_ABS,
  KT_TANH,
  KT_RELU,
  KT_SIGMOID,
  KT_CELU,
  KT_ELU,
  KT_SELU,
  KT_GELU,
  KT_SOFTPLUS,
  KT_BESSEL_I0E,
  KT_SIN,
  KT_COS,
} kt_unary_operation;

typedef enum kt_binary_operation {
  KT_ADD,
  KT_SUBTRACT,
  KT_MULTIPLY,
  KT_DIVIDE,
  KT_MAXIMUM,
  KT_MATMUL,
} kt_binary_operation;

typedef enum kt_scalar_operation {
  KT_ADD_SCALAR,
  KT_SUBTRACT_FROM_SCALAR, /* scalar - tensor */
  KT_MULTIPLY_SCALAR,
  KT_DIVIDE_SCALAR, /* tensor / scalar */
  KT_DIVIDE_SCALAR_BY, /* scalar / tensor */
  KT_POWER_SCALAR,
} kt_scalar_operation;

typedef enum kt_reduction {
  KT_SUM,
  KT_MEAN,
  KT_MAX,
  KT_LOG_SUM_EXP,
} kt_reduction;

kt_status kt_unary(kt_out out, kt_tensor t, kt_unary_operation operation);
kt_status kt_binary(
    kt_out out, kt_tensor lhs, kt_tensor rhs, kt_binary_operation operation);
kt_status kt_scalar(
    kt_out out, kt_tensor t, double scalar, kt_scalar_operation operation);
/* Bounds of -inf and +inf leave that side open. */
kt_status kt_clamp(kt_out out, kt_tensor t, double low, double high);
kt_status kt_where(kt_out out, kt_tensor mask, kt_tensor yes, kt_tensor no);

/* No axes: all of them. */
kt_status kt_reduce(
    kt_out out, kt_tensor t, const int64_t *axes, int64_t count, bool keep,
    kt_reduction operation);
/* Divides by the number of entries minus `correction`. */
kt_status kt_variance(
    kt_out out, kt_tensor t, const int64_t *axes, int64_t count, bool keep,
    int64_t correction);
kt_status kt_softmax(kt_out out, kt_tensor t, int64_t axis);
kt_status kt_all_finite(bool *out, kt_tensor t);

/* x wᵀ + b. */
kt_status kt_linear(
    kt_out out, kt_tensor input, kt_tensor weight, kt_tensor _Nullable bias);
/* Cross-correlation over 1, 2 or 3 axes; lists have `axes` entries. */
kt_status kt_convolution(
    kt_out out, kt_tensor input, kt_tensor weight, kt_tensor _Nullable bias,
    const int64_t *stride, const int64_t *padding, const int64_t *dilation, int64_t axes);

/* Means of `window` neighbours side by side, over the last axis of [batch, channels, length]. */
kt_status kt_average_pool(kt_out out, kt_tensor input, int64_t window);
/* Linear interpolation to `factor` times as many cells over the last axis of [batch, channels,
   length]; cell centres correspond, ends are clamped. */
kt_status kt_upsample_linear(kt_out out, kt_tensor input, int64_t factor);

/* In place, for optimisers and counters. */
kt_status kt_add_in_place(kt_tensor target, kt_tensor other, double scale);
kt_status kt_scale_in_place(kt_tensor target, double factor);
kt_status kt_copy_in_place(kt_tensor target, kt_tensor source);
kt_status kt_fill_in_place(kt_tensor target, double value);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
