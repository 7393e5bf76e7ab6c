// The fused stack of dense layers for every instruction set: where things lie here, the arithmetic
// in dense_body.inc, compiled once for each set and chosen at run time.
#include "kymo_dense.h"

#include "levels.h"
#include "vectors.h"

#define PART KK_DENSE_PART
// Up to this many states, a pass over the weights for each is faster than empty lanes.
#define FEW 3
// The most vectors that a loop sums at once.
#define SUMS 24

static size_t widest(const kk_dense *stack) {
  size_t most = 0;
  for (int l = 0; l < stack->layers; l++) {
    const kk_dense_layer *layer = &stack->layer[l];
    if ((size_t)layer->inputs > most) most = layer->inputs;
    if ((size_t)layer->outputs > most) most = layer->outputs;
  }
  return most;
}

// State: the output of every layer, [unit][PART].
size_t kk_dense_state_count(const kk_dense *stack) {
  size_t count = 0;
  for (int l = 0; l < stack->layers; l++) count += taken((size_t)stack->layer[l].outputs * PART);
  return count;
}

// Two maps in lanes, and one with units in rows.
size_t kk_dense_scratch_count(const kk_dense *stack) {
  return 3 * taken(round_up(widest(stack)) * PART);
}

// Packed gradient of a layer: rows of whole vectors, then that of the bias.
static size_t packed_count(const kk_dense_layer *layer) {
  return layer->outputs * round_up(layer->inputs) + round_up(layer->outputs);
}

size_t kk_dense_gradient_count(const kk_dense *stack) {
  size_t count = 0;
  for (int l = 0; l < stack->layers; l++) count += packed_count(&stack->layer[l]);
  return count;
}

#define NAME(x) x##_portable
#define ROWS 3
#define STATES 1
#define COLUMNS 1
#define WIDE_ROWS 3
#include "dense_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef WIDE_ROWS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define ROWS 6
#define STATES 1
#define COLUMNS 1
#define WIDE_ROWS 6
#include "dense_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef WIDE_ROWS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define ROWS 12
#define STATES 2
#define COLUMNS 4
#define WIDE_ROWS 6
#include "dense_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef WIDE_ROWS
#pragma clang attribute pop
#endif

void kk_dense_forward(
    const kk_dense *stack, size_t batch, const float *input, float *output, float *state,
    float *scratch) {
  CHOOSE(dense_forward, stack, batch, input, output, state, scratch);
}

void kk_dense_backward(
    const kk_dense *stack, size_t batch, const float *input, const float *state,
    const float *output_gradient, float *gradient, float *input_gradient, float *scratch) {
  CHOOSE(dense_backward,  stack, batch, input, state, output_gradient, gradient, input_gradient,
         scratch);
}

void kk_dense_unpack_gradient(
    const kk_dense *stack, const float *gradients, size_t count, float *const *parameters) {
  const size_t length = kk_dense_gradient_count(stack);
  for (int l = 0; l < stack->layers; l++) {
    const kk_dense_layer *layer = &stack->layer[l];
    const size_t pitch = round_up(layer->inputs);
    for (int row = 0; row <= layer->outputs; row++) {
      const int is_bias = row == layer->outputs;
      const size_t entries = is_bias ? layer->outputs : layer->inputs;
      float *restrict target =
          is_bias ? parameters[2 * l + 1] : parameters[2 * l] + (size_t)row * layer->inputs;
      const float *source = gradients + row * pitch;
      memcpy(target, source, entries * sizeof(float));
      for (size_t part = 1; part < count; part++) {
        const float *restrict more = source + part * length;
        for (size_t i = 0; i < entries; i++) target[i] += more[i];
      }
    }
    gradients += packed_count(layer);
  }
}
