// The fused rollout for every instruction set: shared pieces here, the arithmetic in rollout_body.inc,
// compiled once for each set and chosen at run time.
#include "kymo_rollout.h"

#include "kymo_processor.h"
#include "vectors.h"

#define TAPS 5
#define BORDER 6

// (tanh(x)/x - 1)/x^2 as a polynomial in x^2 for |x| < 0.55, Chebyshev fit, error 4e-10.
#define TANH_C1 -0.33333333f
#define TANH_C2 0.13333323f
#define TANH_C3 -0.053964366f
#define TANH_C4 0.021814976f
#define TANH_C5 -0.0085118121f
#define TANH_C6 0.0025053850f

// A recording's kernels in the order that the loops read: channels as rows of h.
typedef struct packed_kernels {
  const float *in, *in_bias;    // [5][c][h], [h]
  const float *mid, *mid_bias;  // [5][h][h], [h]
  const float *out, *out_bias;  // [5][c][h], [c]
  const float *linear;          // [width][c][c]
  const float *in_back, *mid_back, *out_back;  // taps reversed, middle transposed
} packed_kernels;

typedef struct packed_gradient {
  float *in, *in_bias, *mid, *mid_bias, *out, *out_bias, *linear;
} packed_gradient;

size_t kk_rollout_kernel_count(const kk_rollout *plan) {
  const size_t c = plan->channels, h = plan->hidden;
  return TAPS * c * h + h + TAPS * h * h + h + TAPS * h * c + c + plan->linear_width * c * c;
}

size_t kk_rollout_scratch_count(const kk_rollout *plan, int gradient) {
  const size_t n = plan->cells, c = plan->channels, h = plan->hidden, steps = plan->steps;
  const size_t width = n + 2 * BORDER, pitch = round_up(n);
  const size_t field = taken(TAPS * c * h), middle = taken(TAPS * h * h);
  if (!gradient)
    return field + taken(c * width) + taken((n + 8) * h) + taken((n + 4) * h) +
           2 * taken(c * pitch);
  return 3 * field + middle + taken(steps * c * width) + taken(steps * (n + 8) * h) +
         taken(steps * (n + 4) * h) + 2 * taken(steps * c * pitch) + taken(steps * c * n) +
         2 * taken(c * pitch) + taken(c * (n + 8)) + taken((n + 12) * h) + taken((n + 16) * h) +
         taken(c * width) + 2 * field + middle + 2 * taken(h) + taken(c) +
         taken(plan->linear_width * c * c);
}

static packed_kernels pack_kernels(
    const kk_rollout *plan, const float *flat, float **scratch, int gradient) {
  const int c = plan->channels, h = plan->hidden;
  packed_kernels k = {0};
  k.in = flat;
  k.in_bias = k.in + TAPS * c * h;
  k.mid = k.in_bias + h;
  k.mid_bias = k.mid + (size_t)TAPS * h * h;
  const float *out = k.mid_bias + h;  // [5][h][c]
  k.out_bias = out + TAPS * h * c;
  k.linear = k.out_bias + c;

  float *rows = take(scratch, TAPS * c * h);
  for (int tap = 0; tap < TAPS; tap++)
    for (int i = 0; i < h; i++)
      for (int ch = 0; ch < c; ch++) rows[(tap * c + ch) * h + i] = out[(tap * h + i) * c + ch];
  k.out = rows;
  if (!gradient) return k;

  float *in_back = take(scratch, TAPS * c * h), *out_back = take(scratch, TAPS * c * h);
  float *mid_back = take(scratch, (size_t)TAPS * h * h);
  for (int tap = 0; tap < TAPS; tap++) {
    const int mirror = TAPS - 1 - tap;
    memcpy(in_back + tap * c * h, k.in + mirror * c * h, sizeof(float) * c * h);
    memcpy(out_back + tap * c * h, k.out + mirror * c * h, sizeof(float) * c * h);
    for (int i = 0; i < h; i++)
      for (int j = 0; j < h; j++)
        mid_back[((size_t)tap * h + j) * h + i] = k.mid[((size_t)mirror * h + i) * h + j];
  }
  k.in_back = in_back;
  k.out_back = out_back;
  k.mid_back = mid_back;
  return k;
}

static packed_gradient take_gradient(const kk_rollout *plan, float **scratch) {
  const size_t c = plan->channels, h = plan->hidden;
  float *start = *scratch;
  packed_gradient g;
  g.in = take(scratch, TAPS * c * h);
  g.in_bias = take(scratch, h);
  g.mid = take(scratch, TAPS * h * h);
  g.mid_bias = take(scratch, h);
  g.out = take(scratch, TAPS * c * h);
  g.out_bias = take(scratch, c);
  g.linear = take(scratch, plan->linear_width * c * c);
  memset(start, 0, (size_t)(*scratch - start) * sizeof(float));
  return g;
}

static void unpack_gradient(const kk_rollout *plan, const packed_gradient *g, float *flat) {
  const size_t c = plan->channels, h = plan->hidden, lin = plan->linear_width * c * c;
  memcpy(flat, g->in, sizeof(float) * TAPS * c * h);
  flat += TAPS * c * h;
  memcpy(flat, g->in_bias, sizeof(float) * h);
  flat += h;
  memcpy(flat, g->mid, sizeof(float) * TAPS * h * h);
  flat += TAPS * h * h;
  memcpy(flat, g->mid_bias, sizeof(float) * h);
  flat += h;
  for (size_t tap = 0; tap < TAPS; tap++)
    for (size_t i = 0; i < h; i++)
      for (size_t ch = 0; ch < c; ch++)
        flat[(tap * h + i) * c + ch] = g->out[(tap * c + ch) * h + i];
  flat += TAPS * h * c;
  memcpy(flat, g->out_bias, sizeof(float) * c);
  memcpy(flat + c, g->linear, sizeof(float) * lin);
}

// The state at step t with its border: [c][n + 12]. `state` is NULL for the given first frame.
static void fill_border(
    const kk_rollout *plan, const float *truth, size_t channel_stride, int t, const float *state,
    size_t state_stride, float *p) {
  const int n = plan->cells, width = n + 2 * BORDER;
  for (int c = 0; c < plan->channels; c++) {
    float *row = p + c * width;
    const float *own = state ? state + c * state_stride : 0;
    if (plan->border == KK_BORDER_TRUTH) {
      memcpy(row, truth + c * channel_stride + (size_t)t * width, sizeof(float) * width);
      if (own) memcpy(row + BORDER, own, sizeof(float) * n);
      continue;
    }
    memcpy(row + BORDER, own ? own : truth + c * channel_stride, sizeof(float) * n);
    const float *s = row + BORDER;
    for (int i = 0; i < BORDER; i++) {
      const int periodic = plan->border == KK_BORDER_PERIODIC;
      row[i] = periodic ? s[n - BORDER + i] : -s[BORDER - 1 - i];
      row[BORDER + n + i] = periodic ? s[i] : -s[n - 1 - i];
    }
  }
}

// Adds the gradient of the border cells to the cells that they are copies of.
static void fold_border(const kk_rollout *plan, const float *dp, float *g, size_t pitch) {
  const int n = plan->cells, width = n + 2 * BORDER;
  for (int c = 0; c < plan->channels; c++) {
    const float *d = dp + c * width;
    float *gc = g + c * pitch;
    for (int i = 0; i < BORDER; i++) {
      if (plan->border == KK_BORDER_PERIODIC) {
        gc[n - BORDER + i] += d[i];
        gc[i] += d[BORDER + n + i];
      } else {
        gc[BORDER - 1 - i] -= d[i];
        gc[n - 1 - i] -= d[BORDER + n + i];
      }
    }
  }
}

#define NAME(x) x##_portable
#define TILE 3
#define GRAD 2
#include "rollout_body.inc"
#undef NAME
#undef TILE
#undef GRAD

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define TILE 6
#define GRAD 4
#include "rollout_body.inc"
#undef NAME
#undef TILE
#undef GRAD
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define TILE 12
#define GRAD 16
#include "rollout_body.inc"
#undef NAME
#undef TILE
#undef GRAD
#pragma clang attribute pop
#endif

void kk_rollout_forward(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, float *states, float *scratch) {
#if defined(__x86_64__)
  switch (kk_processor_level()) {
    case KK_LEVEL_AVX512:
      rollout_forward_avx512(plan, kernels, lambda, truth, channel_stride, noise, states, scratch);
      return;
    case KK_LEVEL_AVX2:
      rollout_forward_avx2(plan, kernels, lambda, truth, channel_stride, noise, states, scratch);
      return;
    default: break;
  }
#endif
  rollout_forward_portable(plan, kernels, lambda, truth, channel_stride, noise, states, scratch);
}

double kk_rollout_gradient(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, const float *weight, float *gradient,
    float *lambda_gradient, float *states, float *scratch) {
#if defined(__x86_64__)
  switch (kk_processor_level()) {
    case KK_LEVEL_AVX512:
      return rollout_gradient_avx512(plan, kernels, lambda, truth, channel_stride, noise, weight,
                                     gradient, lambda_gradient, states, scratch);
    case KK_LEVEL_AVX2:
      return rollout_gradient_avx2(plan, kernels, lambda, truth, channel_stride, noise, weight,
                                   gradient, lambda_gradient, states, scratch);
    default: break;
  }
#endif
  return rollout_gradient_portable(plan, kernels, lambda, truth, channel_stride, noise, weight,
                                   gradient, lambda_gradient, states, scratch);
}
