/* Types and scratch memory that the fused kernels of the network share. A vector is 16 floats wide
   on every processor: the compiler splits it where registers are narrower. */
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

// (tanh(x)/x - 1)/x^2 as a polynomial in x^2 for |x| < 0.55, Chebyshev fit, error 4e-10.
#define TANH_C1 -0.33333333f
#define TANH_C2 0.13333323f
#define TANH_C3 -0.053964366f
#define TANH_C4 0.021814976f
#define TANH_C5 -0.0085118121f
#define TANH_C6 0.0025053850f

static inline size_t round_up(size_t count) { return (count + LANES - 1) / LANES * LANES; }

// The next piece of scratch; pieces start on whole vectors, with one vector to spare behind.
static inline float *take(float **scratch, size_t count) {
  float *piece = *scratch;
  *scratch += round_up(count) + LANES;
  return piece;
}

static inline size_t taken(size_t count) { return round_up(count) + LANES; }

#endif
