// Handles, errors, creation and host access.
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "guarded.hpp"

namespace {
thread_local std::string last_error;
thread_local void *thread_slot = nullptr;

bool speaks_of_memory(const std::string &text) {
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos ||
         text.find("out of memory") != std::string::npos ||
         text.find("Storage size calculation overflowed") != std::string::npos;
}
}  // namespace

namespace kymo {

kt_status remember_exception() noexcept {
  try {
    try {
      throw;
    } catch (const c10::Error &error) {
      last_error = error.what_without_backtrace();
    } catch (const std::bad_alloc &) {
      last_error = "not enough memory";
    } catch (const std::exception &error) {
      last_error = error.what();
    } catch (...) {
      last_error = "an exception of unknown kind";
    }
    return speaks_of_memory(last_error) ? KT_OUT_OF_MEMORY : KT_FAILED;
  } catch (...) {
    return KT_OUT_OF_MEMORY;  // no memory even for the text
  }
}

at::ScalarType scalar_type(kt_scalar_type type) {
  switch (type) {
    case KT_FLOAT32: return at::kFloat;
    case KT_FLOAT64: return at::kDouble;
    case KT_BFLOAT16: return at::kBFloat16;
    case KT_INT64: return at::kLong;
    case KT_BOOL: return at::kBool;
    case KT_OTHER: break;
  }
  TORCH_CHECK(false, "there is no such scalar type: ", static_cast<int>(type));
}

at::Device device(kt_device device) {
  if (device.kind == KT_CPU) return at::Device(at::kCPU);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device.index));
}

}  // namespace kymo

using namespace kymo;

const char *kt_last_error(void) { return last_error.c_str(); }
const char *kt_keep_text(const char *text) {
  guarded([&] { last_error = text; });
  return last_error.c_str();
}
void *kt_thread_slot(void) { return thread_slot; }
void kt_set_thread_slot(void *value) { thread_slot = value; }

void kt_release(kt_tensor tensor) { delete tensor; }
kt_tensor kt_undefined(void) { return new kt_tensor_body{}; }
bool kt_is_defined(kt_tensor tensor) { return tensor->value.defined(); }
kt_status kt_retain(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return t->value; });
}

int64_t kt_rank(kt_tensor t) { return t->value.defined() ? t->value.dim() : 0; }
int64_t kt_size(kt_tensor t, int64_t axis) {
  return axis >= 0 && axis < kt_rank(t) ? t->value.sizes()[static_cast<size_t>(axis)] : 0;
}
int64_t kt_count(kt_tensor t) { return t->value.defined() ? t->value.numel() : 0; }

kt_scalar_type kt_type(kt_tensor t) {
  if (!t->value.defined()) return KT_OTHER;
  switch (t->value.scalar_type()) {
    case at::kFloat: return KT_FLOAT32;
    case at::kDouble: return KT_FLOAT64;
    case at::kBFloat16: return KT_BFLOAT16;
    case at::kLong: return KT_INT64;
    case at::kBool: return KT_BOOL;
    default: return KT_OTHER;
  }
}

kt_device kt_device_of(kt_tensor t) {
  if (!t->value.defined() || !t->value.is_cuda()) return {KT_CPU, 0};
  return {KT_CUDA, t->value.device().index()};
}

kt_status kt_full(
    kt_tensor *out, const int64_t *sizes, int64_t rank, double value, kt_scalar_type type,
    kt_device where) {
  return producing(out, [&] {
    auto options = at::TensorOptions(scalar_type(type)).device(device(where));
    return at::full(list(sizes, rank), value, options);
  });
}

kt_status kt_empty(
    kt_tensor *out, const int64_t *sizes, int64_t rank, kt_scalar_type type, kt_device where) {
  return producing(out, [&] {
    auto options = at::TensorOptions(scalar_type(type)).device(device(where));
    return at::empty(list(sizes, rank), options);
  });
}

namespace {
// A tensor over memory of the caller, for the length of one call.
at::Tensor borrowed(const void *memory, at::IntArrayRef sizes, kt_scalar_type type) {
  return at::from_blob(const_cast<void *>(memory), sizes, at::TensorOptions(scalar_type(type)));
}

void check_count(const at::Tensor &tensor, int64_t count) {
  TORCH_CHECK(
      tensor.numel() == count, count, " host values for a tensor of shape ", tensor.sizes(),
      " with ", tensor.numel(), " entries");
}
}  // namespace

kt_status kt_from_host(
    kt_tensor *out, const void *source, const int64_t *sizes, int64_t rank, kt_scalar_type type) {
  return producing(out, [&] { return borrowed(source, list(sizes, rank), type).clone(); });
}

kt_status kt_to_host(kt_tensor t, kt_scalar_type type, void *target, int64_t count) {
  return guarded([&] {
    check_count(value(t), count);
    borrowed(target, value(t).sizes(), type).copy_(value(t).detach());
  });
}

kt_status kt_overwrite(kt_tensor t, kt_scalar_type type, const void *source, int64_t count) {
  return guarded([&] {
    check_count(value(t), count);
    value(t).detach().copy_(borrowed(source, value(t).sizes(), type));
  });
}

kt_status kt_data(void **out, kt_tensor t, kt_scalar_type type) {
  return guarded([&] {
    const at::Tensor &tensor = value(t);
    TORCH_CHECK(
        tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == scalar_type(type),
        "direct access takes a contiguous ", scalar_type(type), " tensor on the CPU, got ",
        tensor.is_contiguous() ? "a contiguous " : "a strided ", tensor.scalar_type(),
        " tensor on ", tensor.device());
    *out = tensor.mutable_data_ptr();
  });
}

kt_status kt_item(double *out, kt_tensor t) {
  return guarded([&] { *out = value(t).item().toDouble(); });
}
