// The fused rollout in one dimension for every instruction set: shared pieces here, the arithmetic
// in rollout_rows.inc and rollout_body.inc, compiled once for each set and chosen at run time.
#include "kymo_rollout.h"

#include "levels.h"
#include "rollout_shared.h"

static kernel_sizes line_sizes(const kk_rollout *plan) {
  return sizes_of(1, plan->channels, plan->hidden, plan->linear_width);
}

size_t kk_rollout_kernel_count(const kk_rollout *plan) { return kernel_count(line_sizes(plan)); }

size_t kk_rollout_scratch_count(const kk_rollout *plan, int gradient) {
  const size_t n = plan->cells, c = plan->channels, h = plan->hidden, steps = plan->steps;
  const size_t width = n + 2 * HALO, pitch = round_up(n);
  const size_t kernels = packed_count(line_sizes(plan), gradient);
  if (!gradient)
    return kernels + taken(c * width) + taken((n + 8) * h) + taken((n + 4) * h) +
           3 * taken(c * pitch);
  return kernels + taken(steps * c * width) + taken(steps * (n + 8) * h) +
         taken(steps * (n + 4) * h) + 2 * taken(steps * c * pitch) + taken(steps * c * n) +
         2 * taken(c * pitch) + taken(c * (n + 2 * DELTA_MARGIN)) + taken((n + 12) * h) +
         taken((n + 16) * h) + taken(c * width);
}

// The state at step t with its halo: [c][n + 12]. `state` is NULL for the given first frame.
static void fill_halo(
    const kk_rollout *plan, const float *truth, size_t channel_stride, int t, const float *state,
    size_t state_stride, float *p) {
  const int n = plan->cells, width = n + 2 * HALO;
  for (int c = 0; c < plan->channels; c++) {
    float *row = p + c * width;
    const float *own = state ? state + c * state_stride : 0;
    if (plan->halo == KK_HALO_TRUTH) {
      memcpy(row, truth + c * channel_stride + (size_t)t * width, sizeof(float) * width);
      if (own) memcpy(row + HALO, own, sizeof(float) * n);
      continue;
    }
    memcpy(row + HALO, own ? own : truth + c * channel_stride, sizeof(float) * n);
    const float *s = row + HALO;
    for (int i = 0; i < HALO; i++) {
      const int periodic = plan->halo == KK_HALO_PERIODIC;
      row[i] = periodic ? s[n - HALO + i] : -s[HALO - 1 - i];
      row[HALO + n + i] = periodic ? s[i] : -s[n - 1 - i];
    }
  }
}

// Adds the gradient of the halo cells to the cells that they are copies of.
static void fold_halo(const kk_rollout *plan, const float *dp, float *g, size_t pitch) {
  const int n = plan->cells, width = n + 2 * HALO;
  for (int c = 0; c < plan->channels; c++) {
    const float *d = dp + c * width;
    float *gc = g + c * pitch;
    for (int i = 0; i < HALO; i++) {
      if (plan->halo == KK_HALO_PERIODIC) {
        gc[n - HALO + i] += d[i];
        gc[i] += d[HALO + n + i];
      } else {
        gc[HALO - 1 - i] -= d[i];
        gc[n - 1 - i] -= d[HALO + n + i];
      }
    }
  }
}

#define BODY "rollout_body.inc"
#include "rollout_levels.inc"

void kk_rollout_forward(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, float *states, float *scratch) {
  CHOOSE(rollout_forward, plan, kernels, lambda, truth, channel_stride, noise, states, scratch);
}

double kk_rollout_gradient(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, const float *weight, float *gradient,
    float *lambda_gradient, float *states, float *scratch) {
  return CHOOSE(rollout_gradient, plan, kernels, lambda, truth, channel_stride, noise, weight,
                gradient, lambda_gradient, states, scratch);
}
