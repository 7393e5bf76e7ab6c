// Networks from latents to kernels for every instruction set: where things lie here, the arithmetic
// in kernel_network_body.inc, compiled once for each set and chosen at run time.
#include "kymo_kernel_network.h"

#include "levels.h"
#include "vectors.h"

#define UNITS KK_KERNEL_NETWORK_UNITS
// Rows of W2 that are packed at a time, and inputs of a sum that stay in the first cache.
#define DEPTH 64
#define LENGTH 1024
// The most vectors that a loop sums at once.
#define SUMS 24

// A vector more than there are, so that rows do not all lie at the same place of the caches.
size_t kk_kernel_network_pitch(int32_t units) { return round_up(units) + LANES; }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// W1 or its gradient turned, with the bias as the last row; or a packed block of W2.
size_t kk_kernel_network_scratch_count(const kk_kernel_network *network) {
  const size_t turned = (network->inputs + 1) * kk_kernel_network_pitch(network->units);
  return larger(taken(turned), taken(DEPTH * UNITS));
}

#define NAME(x) x##_portable
#define WIDE_ROWS 3
#define COLUMNS 1
#define DOT_ROWS 3
#define DOTS 1
#include "kernel_network_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS
#undef DOT_ROWS
#undef DOTS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define WIDE_ROWS 6
#define COLUMNS 1
#define DOT_ROWS 3
#define DOTS 2
#include "kernel_network_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS
#undef DOT_ROWS
#undef DOTS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define WIDE_ROWS 12
#define COLUMNS 2
#define DOT_ROWS 5
#define DOTS 4
#include "kernel_network_body.inc"
#undef NAME
#undef WIDE_ROWS
#undef COLUMNS
#undef DOT_ROWS
#undef DOTS
#pragma clang attribute pop
#endif

void kk_kernel_network_hidden(
    const kk_kernel_network *network, const float *inputs, float *hidden, float *scratch) {
  CHOOSE(hidden_layer, network, inputs, hidden, scratch);
}

void kk_kernel_network_outputs(
    const kk_kernel_network *network, const float *hidden, size_t first, size_t count, float *kernels) {
  CHOOSE(outputs, network, hidden, first, count, kernels);
}

void kk_kernel_network_last_gradient(
    const kk_kernel_network *network, const float *hidden, const float *kernel_gradient,
    size_t first, size_t count, float *weight_gradient, float *bias_gradient) {
  CHOOSE(
      last_gradient, network, hidden, kernel_gradient, first, count, weight_gradient, bias_gradient);
}

void kk_kernel_network_hidden_gradient(
    const kk_kernel_network *network, const float *hidden, const float *kernel_gradient,
    size_t first, float *hidden_gradient, float *scratch) {
  CHOOSE(
      hidden_gradient, network, hidden, kernel_gradient, first, hidden_gradient, scratch);
}

void kk_kernel_network_first_gradient(
    const kk_kernel_network *network, const float *inputs, const float *hidden_gradient,
    float *weight_gradient, float *bias_gradient, float *input_gradient, float *scratch) {
  CHOOSE(
      first_gradient, network, inputs, hidden_gradient, weight_gradient, bias_gradient,
      input_gradient, scratch);
}
