/* The rollout of the propagating decoder in one dimension, fused: all steps and all layers of one
   recording in one call, so that its kernels stay in the first-level cache.

   One step (Lu, Kim, Soljacic 2020, section II; five taps a layer, six cells of halo each side):

     a1 = relu(b_in + K_in * y)    a2 = relu(b_mid + K_mid * a1)
     f  = b_out + K_out * a2 [+ K_lin * y]
     y' = y + lambda tanh(scale f / lambda) [+ noise]

   Arithmetic floor for the gradient call with c channels, h hidden channels, n cells: per step
   about 3 (5 c h + 5 h h + 5 h c) n multiply-adds, of which forward is a third. One recording is
   one thread's work; callers run recordings side by side. */
#ifndef KYMO_ROLLOUT_H
#define KYMO_ROLLOUT_H

#include <stddef.h>
#include <stdint.h>

/* What lies beyond the last cell. */
typedef enum kk_halo {
  KK_HALO_TRUTH = 0,    /* the recording itself: frames are 12 cells wider than the state */
  KK_HALO_PERIODIC = 1, /* the other end */
  KK_HALO_WALL = 2,     /* u = 0 at a wall half a cell outside: the odd mirror image */
} kk_halo;

typedef struct kk_rollout {
  int32_t steps;        /* T, number of predicted frames, at least 1 */
  int32_t cells;        /* n, cells of the state, at least 6 */
  int32_t channels;     /* c, 1 or 2 */
  int32_t hidden;       /* h, a multiple of 16 */
  int32_t linear_width; /* taps of the linear path: odd, at most 13; 0 for none */
  kk_halo halo;
  float scale;          /* factor on f: 1e-6 in the paper */
} kk_rollout;

/* Floats in one recording's kernel vector, slowest to fastest:
   K_in [5][c][h], b_in [h], K_mid [5][h][h] (tap, in, out), b_mid [h], K_out [5][h][c], b_out [c],
   K_lin [linear_width][c][c] (tap, in, out). */
size_t kk_rollout_kernel_count(const kk_rollout *plan);

/* Floats of scratch that the calls need; `gradient` is nonzero for kk_rollout_gradient. */
size_t kk_rollout_scratch_count(const kk_rollout *plan, int gradient);

/* Predicts T frames.
   truth:  [c][frames][width]; width is n + 12 for KK_HALO_TRUTH (frames >= T), else n
           (frames >= 1); channel_stride is the distance of channels in floats.
   noise:  [T][c][n] added after each step, or NULL.
   states: [c][T][n], the predicted frames. */
void kk_rollout_forward(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, float *states, float *scratch);

/* The weighted squared error of a rollout and its gradient.
   truth holds T + 1 frames. error = sum over t, channels, cells of weight[t] (y' - truth)^2 with
   frame t + 1 of truth (its inner n cells). gradient (same length as kernels) and *lambda_gradient
   are overwritten. states may be NULL. Returns the error. */
double kk_rollout_gradient(
    const kk_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, const float *weight, float *gradient,
    float *lambda_gradient, float *states, float *scratch);

#endif
