// Fused convolutional stages for every instruction set: where things lie here, the arithmetic in
// stages_body.inc, compiled once for each set and chosen at run time.
//
// A map is [channel][cell][PART] with states in the lanes. The input of a convolution has `reach`
// cells more at both ends, which hold zeros or the other end of a periodic axis.
#include "kymo_stages.h"

#include "levels.h"
#include "vectors.h"

#define PART KK_DENSE_PART
// The most vectors that a loop sums at once.
#define SUMS 24

// Cells of a stage: of its input, of its convolution, of its output.
typedef struct extent {
  int in, convolved, out;
} extent;

static extent extent_of(const kk_stages *stages, int s) {
  const int in = stages->doubles ? stages->cells << s : stages->cells >> s;
  return stages->doubles ? (extent){in, 2 * in, 2 * in} : (extent){in, in, in / 2};
}

static int reach_of(const kk_stages *stages) { return stages->taps / 2; }

// Floats of one channel of a convolution's input.
static size_t padded_pitch(const kk_stages *stages, int s) {
  return (size_t)(extent_of(stages, s).convolved + 2 * reach_of(stages)) * PART;
}

// State of a stage: the convolution's input, then the output.
static size_t padded_count(const kk_stages *stages, int s) {
  return taken(stages->stage[s].inputs * padded_pitch(stages, s));
}
static size_t output_count(const kk_stages *stages, int s) {
  return taken((size_t)stages->stage[s].outputs * extent_of(stages, s).out * PART);
}

size_t kk_stages_state_count(const kk_stages *stages) {
  size_t count = 0;
  for (int s = 0; s < stages->count; s++)
    count += padded_count(stages, s) + output_count(stages, s);
  return count;
}

// Two maps with room for any output, input, or padded gradient, and the states of a convolution's
// input with channels in rows.
static size_t map_count(const kk_stages *stages) {
  size_t most = 0;
  for (int s = 0; s < stages->count; s++) {
    const kk_stage *stage = &stages->stage[s];
    const size_t channels = stage->inputs > stage->outputs ? stage->inputs : stage->outputs;
    const size_t count = channels * padded_pitch(stages, s);
    if (count > most) most = count;
  }
  return taken(most);
}
static size_t rows_count(const kk_stages *stages) {
  size_t most = 0;
  for (int s = 0; s < stages->count; s++) {
    const size_t count = round_up(stages->stage[s].inputs) * padded_pitch(stages, s);
    if (count > most) most = count;
  }
  return taken(most);
}

size_t kk_stages_scratch_count(const kk_stages *stages) {
  return 2 * taken(map_count(stages)) + rows_count(stages);
}

// Packed gradient of a stage: [outputs][taps][inputs, in whole vectors], then that of the bias.
static size_t packed_count(const kk_stages *stages, int s) {
  const kk_stage *stage = &stages->stage[s];
  return stage->outputs * stages->taps * round_up(stage->inputs) + round_up(stage->outputs);
}

size_t kk_stages_gradient_count(const kk_stages *stages) {
  size_t count = 0;
  for (int s = 0; s < stages->count; s++) count += packed_count(stages, s);
  return count;
}

#define NAME(x) x##_portable
#define ROWS 3
#define STATES 1
#define COLUMNS 2
#define LONG_ROWS 3
#include "stages_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef LONG_ROWS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define ROWS 6
#define STATES 1
#define COLUMNS 1
#define LONG_ROWS 6
#include "stages_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef LONG_ROWS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define ROWS 12
#define STATES 2
#define COLUMNS 4
#define LONG_ROWS 6
#include "stages_body.inc"
#undef NAME
#undef ROWS
#undef STATES
#undef COLUMNS
#undef LONG_ROWS
#pragma clang attribute pop
#endif

void kk_stages_forward(
    const kk_stages *stages, size_t batch, const float *input, float *output, float *state,
    float *scratch) {
  CHOOSE(stages_forward, stages, batch, input, output, state, scratch);
}

void kk_stages_backward(
    const kk_stages *stages, size_t batch, const float *state, const float *output_gradient,
    float *gradient, float *input_gradient, float *scratch) {
  CHOOSE(stages_backward,  stages, batch, state, output_gradient, gradient, input_gradient,
         scratch);
}

void kk_stages_unpack_gradient(
    const kk_stages *stages, const float *gradients, size_t count, float *const *parameters) {
  const size_t length = kk_stages_gradient_count(stages);
  for (int s = 0; s < stages->count; s++) {
    const kk_stage *stage = &stages->stage[s];
    const int taps = stages->taps, inputs = stage->inputs;
    const size_t pitch = round_up(inputs);
    const float *bias = gradients + (size_t)stage->outputs * taps * pitch;
    for (int o = 0; o < stage->outputs; o++) {
      for (int i = 0; i < inputs; i++)
        for (int t = 0; t < taps; t++) {
          float sum = 0;
          for (size_t part = 0; part < count; part++)
            sum += gradients[part * length + ((size_t)o * taps + t) * pitch + i];
          parameters[2 * s][((size_t)o * inputs + i) * taps + t] = sum;
        }
      float sum = 0;
      for (size_t part = 0; part < count; part++) sum += bias[part * length + o];
      parameters[2 * s + 1][o] = sum;
    }
    gradients += packed_count(stages, s);
  }
}
