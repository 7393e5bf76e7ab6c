/* Other shapes of the same entries, and copies that rearrange entries. */
#ifndef KT_VIEWS_H
#define KT_VIEWS_H

#include "kt_core.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

typedef enum kt_layout {
  KT_ROW_MAJOR = 0,
  KT_CHANNELS_LAST = 1, /* rank 4 and 5: the channel axis (1) is the fastest in memory */
} kt_layout;

typedef enum kt_padding {
  KT_PAD_CONSTANT = 0,
  KT_PAD_CIRCULAR = 1,
  KT_PAD_REFLECT = 2,
} kt_padding;

kt_status kt_reshape(kt_out out, kt_tensor t, const int64_t *sizes, int64_t rank);
kt_status kt_permute(kt_out out, kt_tensor t, const int64_t *axes, int64_t rank);
kt_status kt_transpose(kt_out out, kt_tensor t, int64_t first, int64_t second);
/* Entries from, from + step, … below to. */
kt_status kt_slice(
    kt_out out, kt_tensor t, int64_t axis, int64_t from, int64_t to, int64_t step);
kt_status kt_select(kt_out out, kt_tensor t, int64_t axis, int64_t index);
kt_status kt_unsqueeze(kt_out out, kt_tensor t, int64_t axis);
kt_status kt_expand(kt_out out, kt_tensor t, const int64_t *sizes, int64_t rank);
kt_status kt_contiguous(kt_out out, kt_tensor t, kt_layout layout);
bool kt_is_contiguous(kt_tensor t, kt_layout layout);
kt_status kt_concatenate(
    kt_out out, kt_inputs parts, int64_t count, int64_t axis);
kt_status kt_stack(
    kt_out out, kt_inputs parts, int64_t count, int64_t axis);
kt_status kt_flip(kt_out out, kt_tensor t, const int64_t *axes, int64_t count);
kt_status kt_index_select(kt_out out, kt_tensor t, int64_t axis, kt_tensor indices);
/* `before` and `after` entries more along one axis; `value` is for KT_PAD_CONSTANT. */
kt_status kt_pad(
    kt_out out, kt_tensor t, kt_padding kind, int64_t axis, int64_t before,
    int64_t after, double value);
kt_status kt_cast(kt_out out, kt_tensor t, kt_scalar_type type);
kt_status kt_to_device(kt_out out, kt_tensor t, kt_device device);
kt_status kt_clone(kt_out out, kt_tensor t);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
