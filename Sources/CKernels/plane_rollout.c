// The fused rollout in two dimensions for every instruction set: shared pieces here, the arithmetic
// in rollout_rows.inc and plane_rollout_body.inc, compiled once for each set and chosen at run
// time.
#include "kymo_plane_rollout.h"

#include "levels.h"
#include "rollout_shared.h"

#define LINES 5

static kernel_sizes plane_sizes(const kk_plane_rollout *plan) {
  return sizes_of(LINES, plan->channels, plan->hidden, plan->linear_width * plan->linear_width);
}

size_t kk_plane_rollout_kernel_count(const kk_plane_rollout *plan) {
  return kernel_count(plane_sizes(plan));
}

// Sizes of the planes: the state, with its halo, of whole vectors, and the gradient of f with
// zeros.
typedef struct plane_shape {
  int rows, columns, padded_rows, padded_columns, delta_columns;
  size_t frame, padded, pitch, vectors, delta;
} plane_shape;

static plane_shape shape_of(const kk_plane_rollout *plan) {
  plane_shape s;
  s.rows = plan->rows;
  s.columns = plan->columns;
  s.padded_rows = s.rows + 2 * HALO;
  s.padded_columns = s.columns + 2 * HALO;
  s.delta_columns = s.columns + 2 * DELTA_MARGIN;
  s.frame = (size_t)s.rows * s.columns;
  s.padded = (size_t)s.padded_rows * s.padded_columns;
  s.pitch = round_up(s.columns);
  s.vectors = s.rows * s.pitch;
  s.delta = (size_t)(s.rows + 2 * DELTA_MARGIN) * s.delta_columns;
  return s;
}

// Rings of five rows of hidden channels; rows of gradients have four zero cells on both sides.
static size_t ring_count(const plane_shape *s, int hidden, int halo) {
  return (size_t)LINES * (s->columns + halo) * hidden;
}

size_t kk_plane_rollout_scratch_count(const kk_plane_rollout *plan, int gradient) {
  const plane_shape s = shape_of(plan);
  const size_t c = plan->channels, h = plan->hidden, steps = plan->steps;
  const size_t forward = taken(c * s.padded) + taken(ring_count(&s, h, 8)) +
                         taken(ring_count(&s, h, 4)) + taken(c * s.vectors);
  const size_t kernels = packed_count(plane_sizes(plan), gradient);
  if (!gradient) return kernels + forward + 2 * taken(s.pitch);
  return kernels + forward + 2 * taken(steps * c * s.vectors) + taken(steps * c * s.frame) +
         taken(c * s.vectors) + taken(c * s.delta) + taken(ring_count(&s, h, 12)) +
         taken(ring_count(&s, h, 16)) + taken(c * s.padded);
}

// The state at step t with its halo: [c][n + 12][m + 12]. `state` is NULL for the given first
// frame.
static void fill_halo(
    const kk_plane_rollout *plan, const plane_shape *s, const float *truth, size_t channel_stride,
    int t, const float *state, size_t state_stride, float *p) {
  const int n = s->rows, m = s->columns, width = s->padded_columns;
  const int periodic = plan->halo == KK_HALO_PERIODIC;
  for (int c = 0; c < plan->channels; c++) {
    float *plane = p + c * s->padded, *inner = plane + (size_t)HALO * width + HALO;
    const float *own = state ? state + c * state_stride : truth + c * channel_stride;
    if (plan->halo == KK_HALO_TRUTH) {
      memcpy(plane, truth + c * channel_stride + t * s->padded, s->padded * sizeof(float));
      for (int y = 0; state && y < n; y++)
        memcpy(inner + (size_t)y * width, own + (size_t)y * m, m * sizeof(float));
      continue;
    }
    for (int y = 0; y < n; y++) {
      float *row = inner + (size_t)y * width;
      memcpy(row, own + (size_t)y * m, m * sizeof(float));
      for (int i = 0; i < HALO; i++) {
        row[i - HALO] = periodic ? row[m - HALO + i] : -row[HALO - 1 - i];
        row[m + i] = periodic ? row[i] : -row[m - 1 - i];
      }
    }
    for (int i = 0; i < HALO; i++) {
      const int above = periodic ? n + i : 2 * HALO - 1 - i;
      const int below = periodic ? HALO + i : HALO + n - 1 - i;
      const float sign = periodic ? 1 : -1;
      for (int x = 0; x < width; x++) {
        plane[(size_t)i * width + x] = sign * plane[(size_t)above * width + x];
        plane[(size_t)(HALO + n + i) * width + x] = sign * plane[(size_t)below * width + x];
      }
    }
  }
}

// Adds the gradient of the halo cells to the cells that they are copies of; changes dp's rows.
static void fold_halo(
    const kk_plane_rollout *plan, const plane_shape *s, float *dp, float *g) {
  const int n = s->rows, m = s->columns, width = s->padded_columns;
  const int periodic = plan->halo == KK_HALO_PERIODIC;
  const float sign = periodic ? 1 : -1;
  for (int c = 0; c < plan->channels; c++) {
    float *plane = dp + c * s->padded;
    for (int i = 0; i < HALO; i++) {
      const int above = periodic ? n + i : 2 * HALO - 1 - i;
      const int below = periodic ? HALO + i : HALO + n - 1 - i;
      for (int x = 0; x < width; x++) {
        plane[(size_t)above * width + x] += sign * plane[(size_t)i * width + x];
        plane[(size_t)below * width + x] += sign * plane[(size_t)(HALO + n + i) * width + x];
      }
    }
    for (int y = 0; y < n; y++) {
      const float *row = plane + (size_t)(HALO + y) * width + HALO;
      float *target = g + c * s->vectors + y * s->pitch;
      for (int i = 0; i < HALO; i++) {
        target[periodic ? m - HALO + i : HALO - 1 - i] += sign * row[i - HALO];
        target[periodic ? i : m - 1 - i] += sign * row[m + i];
      }
    }
  }
}

#define BODY "plane_rollout_body.inc"
#include "rollout_levels.inc"

void kk_plane_rollout_forward(
    const kk_plane_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, float *states, float *scratch) {
  CHOOSE(plane_forward, plan, kernels, lambda, truth, channel_stride, noise, states, scratch);
}

double kk_plane_rollout_gradient(
    const kk_plane_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, const float *weight, float *gradient,
    float *lambda_gradient, float *states, float *scratch) {
  return CHOOSE(plane_gradient, plan, kernels, lambda, truth, channel_stride, noise, weight,
                gradient, lambda_gradient, states, scratch);
}
