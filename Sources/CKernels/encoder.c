// The fused dynamics encoder for every instruction set: geometry and packing here, the arithmetic
// in encoder_body.inc, compiled once for each set and chosen at run time.
#include "kymo_encoder.h"

#include <math.h>

#include "levels.h"
#include "vectors.h"

#define TAPS 9
#define WIDTH1 4
#define WIDTH2 16
#define WIDTH3 64
#define WIDTH4 64
// Both heads of eight latents are one vector: eight m, then eight s.
#define LATENTS 8
// Positions that are worked on together: their rows of 64 floats share the first-level cache with
// the kernel of a tap.
#define BLOCK 64
// The most vectors that a loop sums at once, and the most in 64 channels.
#define SUMS 24
#define VECTORS 4

typedef float v4u __attribute__((vector_size(16), aligned(4)));

// One layer's output: rows of cells, each with the layer's channels; pitch is a row's floats.
typedef struct map {
  int rows, cells;
  size_t pitch;
} map;

typedef struct geometry {
  int stride[4], dilation[4];
  map layer[4];
  size_t phase_pitch, input_pitch;  // of the prepared input, see prepare_input
  int positions, lanes;             // lanes: floats of both heads at one position
} geometry;

static geometry geometry_of(const kk_encoder *plan) {
  geometry g;
  int rows = plan->frames, cells = plan->cells;
  // Dilations 1, 2, 4, 8; a stride divides all later dilations.
  for (int l = 0, passed = 1; l < 4; l++) {
    static const int width[4] = {WIDTH1, WIDTH2, WIDTH3, WIDTH4};
    g.stride[l] = passed < plan->spacing ? 2 : 1;
    g.dilation[l] = (1 << l) / passed;
    passed *= g.stride[l];
    rows = (rows - 2 * g.dilation[l] - 1) / g.stride[l] + 1;
    cells = (cells - 2 * g.dilation[l] - 1) / g.stride[l] + 1;
    g.layer[l] = (map){rows, cells, (l == 0 ? round_up(cells) : (size_t)cells) * width[l]};
  }
  g.phase_pitch = round_up(g.layer[0].cells) + LANES;
  g.input_pitch = g.stride[0] * g.phase_pitch;
  g.positions = rows * cells;
  g.lanes = (plan->latents + LATENTS - 1) / LATENTS * LANES;
  return g;
}

// Where the pieces of packed parameters or gradients lie, in floats.
typedef struct sections {
  size_t kernel[4], bias[4];  // [9][in][out], [out]; the first layer's kernel is [c][9][4]
  size_t head, head_bias;     // parameters [64][lanes], gradient [lanes][64]; [lanes]
  size_t gradient_end;
  size_t back[4], head_back;  // [9][out][in], the second layer's [3][16][3 taps, 4, 0]; [lanes][64]
  size_t end;
} sections;

static sections sections_of(const kk_encoder *plan) {
  const size_t lanes = geometry_of(plan).lanes;
  const size_t in[4] = {plan->channels, WIDTH1, WIDTH2, WIDTH3};
  const size_t out[4] = {WIDTH1, WIDTH2, WIDTH3, WIDTH4};
  sections s = {0};
  size_t at = 0;
  for (int l = 0; l < 4; l++) {
    s.kernel[l] = at;
    s.bias[l] = at += round_up(TAPS * in[l] * out[l]);
    at += round_up(out[l]);
  }
  s.head = at;
  s.head_bias = at += WIDTH4 * lanes;
  s.gradient_end = at += lanes;
  s.back[1] = at;
  s.back[2] = at += 3 * WIDTH2 * LANES;
  s.back[3] = at += TAPS * WIDTH3 * WIDTH2;
  s.head_back = at += TAPS * WIDTH4 * WIDTH3;
  s.end = at + WIDTH4 * lanes;
  return s;
}

// What forward leaves behind: the maps after each relu; m and exp(min s - s) at every position; and
// for every eight latents their means and the reciprocals of the sums of those exponentials.
typedef struct encoder_state {
  float *layer[4], *heads, *pooled;
} encoder_state;

static encoder_state state_at(const geometry *g, float *state) {
  encoder_state s;
  for (int l = 0; l < 4; l++) s.layer[l] = take(&state, g->layer[l].rows * g->layer[l].pitch);
  s.heads = take(&state, (size_t)g->positions * g->lanes);
  s.pooled = take(&state, g->lanes);
  return s;
}

size_t kk_encoder_positions(const kk_encoder *plan) { return geometry_of(plan).positions; }

size_t kk_encoder_packed_count(const kk_encoder *plan) { return sections_of(plan).end; }

size_t kk_encoder_gradient_count(const kk_encoder *plan) { return sections_of(plan).gradient_end; }

static size_t maps_count(const geometry *g) {
  size_t count = taken((size_t)g->positions * g->lanes);
  for (int l = 0; l < 4; l++) count += taken(g->layer[l].rows * g->layer[l].pitch);
  return count;
}

size_t kk_encoder_state_count(const kk_encoder *plan) {
  const geometry g = geometry_of(plan);
  return maps_count(&g) + taken(g.lanes);
}

size_t kk_encoder_scratch_count(const kk_encoder *plan) {
  const geometry g = geometry_of(plan);
  return maps_count(&g) + taken((size_t)plan->channels * plan->frames * g.input_pitch) +
         taken(g.layer[0].rows * g.layer[0].pitch);
}

void kk_encoder_pack(
    const kk_encoder *plan, const float *const parameters[KK_ENCODER_PARAMETERS], float *packed) {
  const geometry g = geometry_of(plan);
  const sections s = sections_of(plan);
  memset(packed, 0, s.end * sizeof(float));
  const int in[4] = {plan->channels, WIDTH1, WIDTH2, WIDTH3};
  const int out[4] = {WIDTH1, WIDTH2, WIDTH3, WIDTH4};
  for (int l = 0; l < 4; l++) {
    const float *weight = parameters[2 * l];
    float *kernel = packed + s.kernel[l], *back = packed + s.back[l];
    for (int i = 0; i < in[l]; i++)
      for (int tap = 0; tap < TAPS; tap++) {
        float *row = kernel + (l == 0 ? i * TAPS + tap : tap * in[l] + i) * out[l];
        for (int o = 0; o < out[l]; o++) row[o] = weight[(o * in[l] + i) * TAPS + tap];
      }
    for (int tap = 0; l > 0 && tap < TAPS; tap++)
      for (int o = 0; o < out[l]; o++) {
        float *row = l == 1 ? back + (tap / 3 * out[l] + o) * LANES + tap % 3 * WIDTH1
                            : back + (tap * out[l] + o) * in[l];
        for (int i = 0; i < in[l]; i++) row[i] = weight[(o * in[l] + i) * TAPS + tap];
      }
    memcpy(packed + s.bias[l], parameters[2 * l + 1], out[l] * sizeof(float));
  }
  for (int latent = 0; latent < plan->latents; latent++)
    for (int head = 0; head < 2; head++) {
      const int lane = latent / LATENTS * LANES + head * LATENTS + latent % LATENTS;
      const float *row = parameters[8 + 2 * head] + (size_t)latent * WIDTH4;
      for (int i = 0; i < WIDTH4; i++) packed[s.head + i * g.lanes + lane] = row[i];
      memcpy(packed + s.head_back + lane * WIDTH4, row, WIDTH4 * sizeof(float));
      packed[s.head_bias + lane] = parameters[9 + 2 * head][latent];
    }
}

// The input with columns apart by their remainder modulo the first stride,
// [c][frames][stride][pitch], so that neighbouring outputs read neighbouring numbers; zeros behind.
static void prepare_input(
    const kk_encoder *plan, const geometry *g, const float *input, float *prepared) {
  const int stride = g->stride[0];
  for (int row = 0; row < plan->channels * plan->frames; row++)
    for (int phase = 0; phase < stride; phase++) {
      float *target = prepared + row * g->input_pitch + phase * g->phase_pitch;
      const float *source = input + (size_t)row * plan->cells + phase;
      const int count = (plan->cells - phase + stride - 1) / stride;
      const int kept = count < (int)g->phase_pitch ? count : (int)g->phase_pitch;
      if (stride == 1) memcpy(target, source, kept * sizeof(float));
      for (int x = 0; stride == 2 && x < kept; x++) target[x] = source[2 * x];
      memset(target + kept, 0, (g->phase_pitch - kept) * sizeof(float));
    }
}

// Where a tap of the first layer reads its first number for output row y.
static inline const float *first_tap(
    const kk_encoder *plan, const geometry *g, const float *prepared, int channel, int y, int tap) {
  const int stride = g->stride[0], row = channel * plan->frames + y * stride + tap / 3;
  const int shift = tap % 3;
  return prepared + row * g->input_pitch + shift % stride * g->phase_pitch + shift / stride;
}

#define NAME(x) x##_portable
#define ROWS 3
#define COLUMNS 1
#define NARROW 3
#define GRADIENT_TAPS 1
#include "encoder_body.inc"
#undef NAME
#undef ROWS
#undef COLUMNS
#undef NARROW
#undef GRADIENT_TAPS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define ROWS 6
#define COLUMNS 1
#define NARROW 6
#define GRADIENT_TAPS 1
#include "encoder_body.inc"
#undef NAME
#undef ROWS
#undef COLUMNS
#undef NARROW
#undef GRADIENT_TAPS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define ROWS 6
#define COLUMNS 4
#define NARROW 12
#define GRADIENT_TAPS 3
#include "encoder_body.inc"
#undef NAME
#undef ROWS
#undef COLUMNS
#undef NARROW
#undef GRADIENT_TAPS
#pragma clang attribute pop
#endif

void kk_encoder_forward(
    const kk_encoder *plan, const float *packed, const float *input, float *state, float *mean,
    float *log_variance, float *scratch) {
  CHOOSE(encoder_forward, plan, packed, input, state, mean, log_variance, scratch);
}

void kk_encoder_backward(
    const kk_encoder *plan, const float *packed, const float *input, const float *state,
    const float *mean_gradient, const float *log_variance_gradient, float *gradient,
    float *scratch) {
  CHOOSE(encoder_backward, plan, packed, input, state, mean_gradient, log_variance_gradient,
         gradient, scratch);
}

void kk_encoder_unpack_gradient(
    const kk_encoder *plan, const float *gradients, size_t count,
    float *const parameters[KK_ENCODER_PARAMETERS]) {
  const sections s = sections_of(plan);
  const int in[4] = {plan->channels, WIDTH1, WIDTH2, WIDTH3};
  const int out[4] = {WIDTH1, WIDTH2, WIDTH3, WIDTH4};
  float sum[WIDTH4];
  for (int l = 0; l < 4; l++) {
    for (int tap = 0; tap < TAPS; tap++)
      for (int i = 0; i < in[l]; i++) {
        const size_t row = s.kernel[l] + (l == 0 ? i * TAPS + tap : tap * in[l] + i) * out[l];
        for (int o = 0; o < out[l]; o++) sum[o] = gradients[row + o];
        for (size_t part = 1; part < count; part++)
          for (int o = 0; o < out[l]; o++) sum[o] += gradients[part * s.gradient_end + row + o];
        for (int o = 0; o < out[l]; o++) parameters[2 * l][(o * in[l] + i) * TAPS + tap] = sum[o];
      }
    for (int o = 0; o < out[l]; o++) {
      sum[0] = 0;
      for (size_t part = 0; part < count; part++)
        sum[0] += gradients[part * s.gradient_end + s.bias[l] + o];
      parameters[2 * l + 1][o] = sum[0];
    }
  }
  for (int latent = 0; latent < plan->latents; latent++)
    for (int head = 0; head < 2; head++) {
      const int lane = latent / LATENTS * LANES + head * LATENTS + latent % LATENTS;
      float *row = parameters[8 + 2 * head] + (size_t)latent * WIDTH4;
      memset(row, 0, WIDTH4 * sizeof(float));
      float bias = 0;
      for (size_t part = 0; part < count; part++) {
        const float *from = gradients + part * s.gradient_end;
        for (int i = 0; i < WIDTH4; i++) row[i] += from[s.head + lane * WIDTH4 + i];
        bias += from[s.head_bias + lane];
      }
      parameters[9 + 2 * head][latent] = bias;
    }
}
