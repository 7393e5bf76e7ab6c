// Arithmetic, reductions, linear algebra, convolutions.
#include <ATen/ops/avg_pool1d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/celu.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/selu.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/special_i0e.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <numeric>

#include "guarded.hpp"

using namespace kymo;

kt_status kt_unary(kt_tensor *out, kt_tensor t, kt_unary_operation operation) {
  return producing(out, [&]() -> at::Tensor {
    const at::Tensor &x = value(t);
    switch (operation) {
      case KT_NEGATE: return x.neg();
      case KT_EXP: return x.exp();
      case KT_LOG: return x.log();
      case KT_SQRT: return x.sqrt();
      case KT_RECIPROCAL_SQRT: return x.rsqrt();
      case KT_SQUARE: return x.square();
      case KT_ABS: return x.abs();
      case KT_TANH: return x.tanh();
      case KT_RELU: return x.relu();
      case KT_SIGMOID: return x.sigmoid();
      case KT_CELU: return at::celu(x);
      case KT_ELU: return at::elu(x);
      case KT_SELU: return at::selu(x);
      case KT_GELU: return at::gelu(x);
      case KT_SOFTPLUS: return at::softplus(x);
      case KT_BESSEL_I0E: return at::special_i0e(x);
      case KT_SIN: return x.sin();
      case KT_COS: return x.cos();
    }
    TORCH_CHECK(false, "there is no unary operation ", static_cast<int>(operation));
  });
}

kt_status kt_binary(kt_tensor *out, kt_tensor lhs, kt_tensor rhs, kt_binary_operation operation) {
  return producing(out, [&]() -> at::Tensor {
    const at::Tensor &x = value(lhs), &y = value(rhs);
    switch (operation) {
      case KT_ADD: return x.add(y);
      case KT_SUBTRACT: return x.sub(y);
      case KT_MULTIPLY: return x.mul(y);
      case KT_DIVIDE: return x.div(y);
      case KT_MAXIMUM: return at::maximum(x, y);
      case KT_MATMUL: return x.matmul(y);
    }
    TORCH_CHECK(false, "there is no binary operation ", static_cast<int>(operation));
  });
}

kt_status kt_scalar(kt_tensor *out, kt_tensor t, double scalar, kt_scalar_operation operation) {
  return producing(out, [&]() -> at::Tensor {
    const at::Tensor &x = value(t);
    switch (operation) {
      case KT_ADD_SCALAR: return x.add(scalar);
      case KT_SUBTRACT_FROM_SCALAR: return at::rsub(x, scalar);
      case KT_MULTIPLY_SCALAR: return x.mul(scalar);
      case KT_DIVIDE_SCALAR: return x.div(scalar);
      case KT_DIVIDE_SCALAR_BY: return x.reciprocal().mul(scalar);
      case KT_POWER_SCALAR: return x.pow(scalar);
    }
    TORCH_CHECK(false, "there is no scalar operation ", static_cast<int>(operation));
  });
}

kt_status kt_clamp(kt_tensor *out, kt_tensor t, double low, double high) {
  return producing(out, [&] {
    std::optional<at::Scalar> lower, upper;
    if (low != -INFINITY) lower = low;
    if (high != INFINITY) upper = high;
    return lower || upper ? value(t).clamp(lower, upper) : value(t);
  });
}

kt_status kt_where(kt_tensor *out, kt_tensor mask, kt_tensor yes, kt_tensor no) {
  return producing(out, [&] { return at::where(value(mask), value(yes), value(no)); });
}

namespace {
std::vector<int64_t> given_or_all(const at::Tensor &t, const int64_t *axes, int64_t count) {
  std::vector<int64_t> chosen(axes, axes + count);
  if (count == 0) {
    chosen.resize(static_cast<size_t>(t.dim()));
    std::iota(chosen.begin(), chosen.end(), 0);
  }
  return chosen;
}
}  // namespace

kt_status kt_reduce(
    kt_tensor *out, kt_tensor t, const int64_t *given, int64_t count, bool keep,
    kt_reduction operation) {
  return producing(out, [&]() -> at::Tensor {
    const at::Tensor &x = value(t);
    auto axes = given_or_all(x, given, count);
    switch (operation) {
      case KT_SUM: return x.sum(axes, keep);
      case KT_MEAN: return x.mean(axes, keep);
      case KT_MAX: return x.amax(axes, keep);
      case KT_LOG_SUM_EXP: return x.logsumexp(axes, keep);
    }
    TORCH_CHECK(false, "there is no reduction ", static_cast<int>(operation));
  });
}

kt_status kt_variance(
    kt_tensor *out, kt_tensor t, const int64_t *given, int64_t count, bool keep,
    int64_t correction) {
  return producing(out, [&] {
    return value(t).var(given_or_all(value(t), given, count), correction, keep);
  });
}

kt_status kt_softmax(kt_tensor *out, kt_tensor t, int64_t axis) {
  return producing(out, [&] { return value(t).softmax(axis); });
}

kt_status kt_all_finite(bool *out, kt_tensor t) {
  return guarded([&] { *out = value(t).detach().isfinite().all().item<bool>(); });
}

kt_status kt_linear(kt_tensor *out, kt_tensor input, kt_tensor weight, kt_tensor bias) {
  return producing(out, [&] {
    return at::linear(
        value(input), value(weight), bias ? std::make_optional(value(bias)) : std::nullopt);
  });
}

kt_status kt_convolution(
    kt_tensor *out, kt_tensor input, kt_tensor weight, kt_tensor bias, const int64_t *stride,
    const int64_t *padding, const int64_t *dilation, int64_t axes) {
  return producing(out, [&] {
    TORCH_CHECK(
        value(input).dim() == axes + 2 && value(weight).dim() == axes + 2, "input ",
        value(input).sizes(), " and weight ", value(weight).sizes(), " for ", axes,
        " axes: both must be of rank ", axes + 2);
    const std::vector<int64_t> no_output_padding(static_cast<size_t>(axes), 0);
    return at::convolution(
        value(input), value(weight), bias ? std::make_optional(value(bias)) : std::nullopt,
        list(stride, axes), list(padding, axes), list(dilation, axes), /*transposed=*/false,
        no_output_padding, /*groups=*/1);
  });
}

kt_status kt_average_pool(kt_tensor *out, kt_tensor input, int64_t window) {
  return producing(out, [&] {
    const at::Tensor &x = value(input);
    return x.dim() == 4 ? at::avg_pool2d(x, window) : at::avg_pool1d(x, window);
  });
}
kt_status kt_upsample_linear(kt_tensor *out, kt_tensor input, int64_t factor) {
  return producing(out, [&] {
    const at::Tensor &x = value(input);
    if (x.dim() == 4)
      return at::upsample_bilinear2d(
          x, {x.size(-2) * factor, x.size(-1) * factor}, /*align_corners=*/false);
    return at::upsample_linear1d(x, {x.size(-1) * factor}, /*align_corners=*/false);
  });
}

kt_status kt_add_in_place(kt_tensor target, kt_tensor other, double scale) {
  return guarded([&] { value(target).add_(value(other), scale); });
}
kt_status kt_scale_in_place(kt_tensor target, double factor) {
  return guarded([&] { value(target).mul_(factor); });
}
kt_status kt_copy_in_place(kt_tensor target, kt_tensor source) {
  return guarded([&] { value(target).copy_(value(source)); });
}
kt_status kt_fill_in_place(kt_tensor target, double entry) {
  return guarded([&] { value(target).fill_(entry); });
}
