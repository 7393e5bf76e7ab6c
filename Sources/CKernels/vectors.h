/* Types and scratch memory that the fused kernels of the network share. A vector is 16 floats wide on
   every processor: the compiler splits it where registers are narrower. */
#ifndef KYMO_VECTORS_H
#define KYMO_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma clang fp contract(fast)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 16
#define ALWAYS static inline __attribute__((always_inline))

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef float v16u __attribute__((vector_size(64), aligned(4)));

static inline size_t round_up(size_t count) { return (count + LANES - 1) / LANES * LANES; }

// The next piece of scratch; pieces start on whole vectors, with one vector to spare behind.
static inline float *take(float **scratch, size_t count) {
  float *piece = *scratch;
  *scratch += round_up(count) + LANES;
  return piece;
}

static inline size_t taken(size_t count) { return round_up(count) + LANES; }

#endif
