/* Handles, errors, creation and host access. */
#ifndef KT_CORE_H
#define KT_CORE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

/* One tensor of the library: a counted reference. */
typedef struct kt_tensor_body *kt_tensor;
/* Where results go, and where lists of borrowed handles come from. */
typedef kt_tensor _Nullable *_Nonnull kt_out;
typedef const kt_tensor _Nonnull *_Nonnull kt_inputs;

typedef enum kt_status {
  KT_OK = 0,
  KT_FAILED = 1,
  KT_OUT_OF_MEMORY = 2,
} kt_status;

typedef enum kt_scalar_type {
  KT_FLOAT32 = 0,
  KT_FLOAT64 = 1,
  KT_BFLOAT16 = 2,
  KT_INT64 = 3,
  KT_BOOL = 4,
  KT_OTHER = 5,
} kt_scalar_type;

typedef enum kt_device_kind {
  KT_CPU = 0,
  KT_CUDA = 1,
} kt_device_kind;

typedef struct kt_device {
  kt_device_kind kind;
  int32_t index; /* 0 for KT_CPU */
} kt_device;

/* What the last failing call of this thread said; valid until its next failure. */
const char *kt_last_error(void);
/* Keeps a copy of `text` as kt_last_error and returns it. */
const char *kt_keep_text(const char *text);

/* One pointer of the calling thread, NULL at first, for the caller's own use. */
void *_Nullable kt_thread_slot(void);
void kt_set_thread_slot(void *_Nullable value);

void kt_release(kt_tensor tensor);
/* A handle without a tensor: what failed operations yield inside an error scope. */
kt_tensor kt_undefined(void);
bool kt_is_defined(kt_tensor tensor);
/* A second handle to the same tensor. */
kt_status kt_retain(kt_out out, kt_tensor tensor);

/* Properties; an undefined tensor has rank 0, no entries and type KT_OTHER. */
int64_t kt_rank(kt_tensor tensor);
int64_t kt_size(kt_tensor tensor, int64_t axis);
int64_t kt_count(kt_tensor tensor);
kt_scalar_type kt_type(kt_tensor tensor);
kt_device kt_device_of(kt_tensor tensor);

kt_status kt_full(
    kt_out out, const int64_t *sizes, int64_t rank, double value,
    kt_scalar_type type, kt_device device);
kt_status kt_empty(
    kt_out out, const int64_t *sizes, int64_t rank, kt_scalar_type type,
    kt_device device);
/* A CPU tensor with a copy of the entries at `source`, which are of type `type` (bool: one
   byte). */
kt_status kt_from_host(
    kt_out out, const void *_Nullable source, const int64_t *sizes, int64_t rank,
    kt_scalar_type type);
/* Writes all entries in C order, converted to `type`; `count` must be their number. */
kt_status kt_to_host(kt_tensor tensor, kt_scalar_type type, void *_Nullable target, int64_t count);
/* Overwrites the entries of an existing tensor from C order. */
kt_status kt_overwrite(
    kt_tensor tensor, kt_scalar_type type, const void *_Nullable source, int64_t count);
/* The storage of a contiguous CPU tensor of that type. */
kt_status kt_data(void *_Nullable *_Nonnull out, kt_tensor tensor, kt_scalar_type type);
/* The only entry of a tensor with one entry. */
kt_status kt_item(double *out, kt_tensor tensor);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
