// What every body shares: the handle's content and the fence that no exception passes.
#pragma once

#include <ATen/core/Tensor.h>

#include "CTorch.h"

struct kt_tensor_body {
  at::Tensor value;
};

namespace kymo {

// Keeps the text of the exception in flight for kt_last_error and says what kind it is.
kt_status remember_exception() noexcept;

template <class Body>
kt_status guarded(Body &&body) noexcept {
  try {
    body();
    return KT_OK;
  } catch (...) {
    return remember_exception();
  }
}

// Runs a body that yields a tensor and hands it to the caller.
template <class Body>
kt_status producing(kt_tensor *out, Body &&body) noexcept {
  return guarded([&] { *out = new kt_tensor_body{body()}; });
}

// The tensor of a handle; throws for the handle that a failed operation left behind.
inline const at::Tensor &value(kt_tensor handle) {
  TORCH_CHECK(handle->value.defined(), "an operand has no value, because an operation failed");
  return handle->value;
}

inline at::IntArrayRef list(const int64_t *entries, int64_t count) {
  return {entries, static_cast<size_t>(count)};
}

inline std::vector<at::Tensor> tensors(const kt_tensor *handles, int64_t count) {
  std::vector<at::Tensor> values;
  values.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) values.push_back(value(handles[i]));
  return values;
}

at::ScalarType scalar_type(kt_scalar_type type);
at::Device device(kt_device device);

}  // namespace kymo
