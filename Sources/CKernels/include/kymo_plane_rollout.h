/* The rollout of the propagating decoder in two dimensions, fused: all steps and all layers of one
   recording in one call. A step is that of kymo_rollout.h with 5 x 5 taps a layer.

   Layers run row by row: a row of a layer needs five rows of the one before it, so hidden layers
   are rings of five rows that stay in the second-level cache for fields of any size. The gradient
   keeps the states and tanh only and computes the hidden layers anew on the way back.

   Arithmetic for the gradient call with c channels, h hidden channels and n x m cells, per step in
   multiply-adds: 4 times 25 (c h (n+8)(m+8) + h h (n+4)(m+4)) + 3 times 25 h c n m. */
#ifndef KYMO_PLANE_ROLLOUT_H
#define KYMO_PLANE_ROLLOUT_H

#include "kymo_rollout.h"

typedef struct kk_plane_rollout {
  int32_t steps;        /* T, number of predicted frames, at least 1 */
  int32_t rows;         /* n, cells of the state along the first space axis, at least 6 */
  int32_t columns;      /* m, along the second, at least 6 */
  int32_t channels;     /* c, 1 or 2 */
  int32_t hidden;       /* h, a multiple of 16 */
  int32_t linear_width; /* taps of the linear path on each axis: odd, at most 13; 0 for none */
  kk_halo halo;
  float scale;          /* factor on f: 1e-6 in the paper */
} kk_plane_rollout;

/* Floats in one recording's kernel vector, slowest to fastest:
   K_in [5][5][c][h], b_in [h], K_mid [5][5][h][h] (tap row, tap column, in, out), b_mid [h],
   K_out [5][5][h][c], b_out [c], K_lin [linear_width][linear_width][c][c]. */
size_t kk_plane_rollout_kernel_count(const kk_plane_rollout *plan);

/* Floats of scratch that the calls need; `gradient` is nonzero for kk_plane_rollout_gradient. */
size_t kk_plane_rollout_scratch_count(const kk_plane_rollout *plan, int gradient);

/* Predicts T frames.
   truth:  [c][frames][rows][columns]; rows and columns are 12 more than the state's for
           KK_HALO_TRUTH (frames >= T), else the state's (frames >= 1); channel_stride is the
           distance of channels in floats.
   noise:  [T][c][n][m] added after each step, or NULL.
   states: [c][T][n][m], the predicted frames. */
void kk_plane_rollout_forward(
    const kk_plane_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, float *states, float *scratch);

/* The weighted squared error of a rollout and its gradient; arguments as of kk_rollout_gradient,
   with truth of T + 1 frames. */
double kk_plane_rollout_gradient(
    const kk_plane_rollout *plan, const float *kernels, float lambda, const float *truth,
    size_t channel_stride, const float *noise, const float *weight, float *gradient,
    float *lambda_gradient, float *states, float *scratch);

#endif
