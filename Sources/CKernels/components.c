// Sums of few vectors for every instruction set: the arithmetic is in components_body.inc, compiled
// once for each set and chosen at run time.
#include "kymo_components.h"

#include <stdint.h>
#include <sys/mman.h>

#include "levels.h"
#include "vectors.h"

// Vectors and rows that are worked on together: 64 kB each.
#define DEPTH 64
#define ROWS 64
// The most vectors that a loop sums at once.
#define SUMS 24

#define NAME(x) x##_portable
#define WIDE_ROWS 3
#define COLUMNS 1
#include "components_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define WIDE_ROWS 6
#define COLUMNS 1
#include "components_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define WIDE_ROWS 6
#define COLUMNS 4
#include "components_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS
#pragma clang attribute pop
#endif

void kk_components_expand(
    int rows, int count, const float *weights, const float *middle, const float *vectors,
    size_t pitch, size_t first, size_t last, float *out, size_t out_pitch) {
  for (size_t j = first; j < last; j += KK_COMPONENTS_COLUMNS) {
    const size_t columns = last - j < KK_COMPONENTS_COLUMNS ? last - j : KK_COMPONENTS_COLUMNS;
    for (int r = 0; r < rows; r += ROWS)
      CHOOSE(
          expand, rows - r < ROWS ? rows - r : ROWS, count, weights + (size_t)r * count, middle + j,
          vectors + j, pitch, columns, out + r * out_pitch + j, out_pitch);
  }
}

void kk_wish_large_pages(void *memory, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  const uintptr_t page = (uintptr_t)2 << 20;
  const uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
  const uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
  if (end > begin) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}
