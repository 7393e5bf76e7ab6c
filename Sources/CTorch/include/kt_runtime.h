/* The library itself: versions, devices, threads. */
#ifndef KT_RUNTIME_H
#define KT_RUNTIME_H

#include "kt_core.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

/* Of the headers that this was built with. */
const char *kt_version(void);
/* Instruction set that the library's kernels chose, such as "AVX512". */
const char *kt_capability(void);
/* How many devices of that kind can be used now; the CPU counts as one. */
int64_t kt_device_count(kt_device_kind kind);

/* Threads within one operation. */
int64_t kt_thread_count(void);
kt_status kt_set_thread_count(int64_t count);
/* Calls body(first, last, worker, context) for pieces of at most `grain` that cover 0 ..< count, on
   the library's own threads; returns when all are done. Each worker, numbered below
   kt_thread_count(), runs its pieces one after the other. */
void kt_parallel_for(
    int64_t count, int64_t grain, void *_Nullable context,
    void (*body)(int64_t first, int64_t last, int64_t worker, void *_Nullable context));

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
