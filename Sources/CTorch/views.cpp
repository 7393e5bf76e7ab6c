// Other shapes of the same entries, and copies that rearrange entries.
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>

#include "guarded.hpp"

using namespace kymo;

kt_status kt_reshape(kt_tensor *out, kt_tensor t, const int64_t *sizes, int64_t rank) {
  return producing(out, [&] { return value(t).reshape(list(sizes, rank)); });
}
kt_status kt_permute(kt_tensor *out, kt_tensor t, const int64_t *axes, int64_t rank) {
  return producing(out, [&] { return value(t).permute(list(axes, rank)); });
}
kt_status kt_transpose(kt_tensor *out, kt_tensor t, int64_t first, int64_t second) {
  return producing(out, [&] { return value(t).transpose(first, second); });
}
kt_status kt_slice(
    kt_tensor *out, kt_tensor t, int64_t axis, int64_t from, int64_t to, int64_t step) {
  return producing(out, [&] { return value(t).slice(axis, from, to, step); });
}
kt_status kt_select(kt_tensor *out, kt_tensor t, int64_t axis, int64_t index) {
  return producing(out, [&] { return value(t).select(axis, index); });
}
kt_status kt_unsqueeze(kt_tensor *out, kt_tensor t, int64_t axis) {
  return producing(out, [&] { return value(t).unsqueeze(axis); });
}
kt_status kt_expand(kt_tensor *out, kt_tensor t, const int64_t *sizes, int64_t rank) {
  return producing(out, [&] { return value(t).expand(list(sizes, rank)); });
}

namespace {
at::MemoryFormat format(const at::Tensor &tensor, kt_layout layout) {
  if (layout == KT_ROW_MAJOR) return at::MemoryFormat::Contiguous;
  if (tensor.dim() == 4) return at::MemoryFormat::ChannelsLast;
  TORCH_CHECK(tensor.dim() == 5, "channels-last takes rank 4 or 5, got ", tensor.sizes());
  return at::MemoryFormat::ChannelsLast3d;
}
}  // namespace

kt_status kt_contiguous(kt_tensor *out, kt_tensor t, kt_layout layout) {
  return producing(out, [&] { return value(t).contiguous(format(value(t), layout)); });
}
bool kt_is_contiguous(kt_tensor t, kt_layout layout) {
  bool answer = false;
  kt_status status =
      guarded([&] { answer = value(t).is_contiguous(format(value(t), layout)); });
  return status == KT_OK && answer;
}

kt_status kt_concatenate(kt_tensor *out, const kt_tensor *parts, int64_t count, int64_t axis) {
  return producing(out, [&] { return at::cat(tensors(parts, count), axis); });
}
kt_status kt_stack(kt_tensor *out, const kt_tensor *parts, int64_t count, int64_t axis) {
  return producing(out, [&] { return at::stack(tensors(parts, count), axis); });
}
kt_status kt_flip(kt_tensor *out, kt_tensor t, const int64_t *axes, int64_t count) {
  return producing(out, [&] { return value(t).flip(list(axes, count)); });
}
kt_status kt_index_select(kt_tensor *out, kt_tensor t, int64_t axis, kt_tensor indices) {
  return producing(out, [&] { return value(t).index_select(axis, value(indices)); });
}

namespace {
at::Tensor pad_with_value(
    const at::Tensor &t, int64_t axis, int64_t before, int64_t after, double value) {
  std::vector<int64_t> amounts;  // pairs from the last axis backwards
  for (int64_t i = t.dim() - 1; i > axis; i--) amounts.insert(amounts.end(), {0, 0});
  amounts.insert(amounts.end(), {before, after});
  return at::constant_pad_nd(t, amounts, value);
}
}  // namespace

kt_status kt_pad(
    kt_tensor *out, kt_tensor handle, kt_padding kind, int64_t given_axis, int64_t before,
    int64_t after, double filling) {
  return producing(out, [&]() -> at::Tensor {
    const at::Tensor &t = value(handle);
    int64_t axis = given_axis < 0 ? given_axis + t.dim() : given_axis;
    int64_t length = t.size(axis);
    if (kind == KT_PAD_CONSTANT) return pad_with_value(t, axis, before, after, filling);
    int64_t longest = kind == KT_PAD_CIRCULAR ? length : length - 1;
    TORCH_CHECK(
        before >= 0 && after >= 0 && before <= longest && after <= longest, "cannot pad ", before,
        " before and ", after, " after ", length, " entries this way: at most ", longest);
    std::vector<at::Tensor> parts;
    if (kind == KT_PAD_CIRCULAR) {
      if (before > 0) parts.push_back(t.slice(axis, length - before, length));
      parts.push_back(t);
      if (after > 0) parts.push_back(t.slice(axis, 0, after));
    } else {
      if (before > 0) parts.push_back(t.slice(axis, 1, 1 + before).flip({axis}));
      parts.push_back(t);
      if (after > 0) parts.push_back(t.slice(axis, length - 1 - after, length - 1).flip({axis}));
    }
    return parts.size() == 1 ? t : at::cat(parts, axis);
  });
}

kt_status kt_cast(kt_tensor *out, kt_tensor t, kt_scalar_type type) {
  return producing(out, [&] { return value(t).to(scalar_type(type)); });
}
kt_status kt_to_device(kt_tensor *out, kt_tensor t, kt_device where) {
  return producing(out, [&] { return value(t).to(device(where)); });
}
kt_status kt_clone(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return value(t).clone(); });
}
