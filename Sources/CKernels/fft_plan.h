// The inside of a transform's plan, for the kernels that fuse transforms with other work.
#ifndef KYMO_FFT_PLAN_H
#define KYMO_FFT_PLAN_H

#include "kymo_fft.h"

#define KK_FFT_PASSES 16

// One pass over the whole array: `blocks` blocks of radix x stride entries, and the factors
// exp(2 pi i q s / (radix stride)) as [q][s - 1][re, im]; none in the last pass (stride 1).
typedef struct kk_fft_pass {
  int32_t radix, blocks, stride;
  const double *twiddles;
} kk_fft_pass;

struct kk_fft {
  kk_level level;
  int32_t points, half, lanes, pass_count;
  kk_fft_pass passes[KK_FFT_PASSES];  // of the inverse; the forward one goes backwards
  double *twiddles;
  double *rotations;   // [k][cos, sin] of 2 pi k / N, k = 0 ... M / 2
  int32_t *positions;  // where the in-place transform leaves pair n
};

// Zeroed memory for `count` doubles on a 64-byte boundary.
double *kk_aligned_doubles(size_t count);

#endif
