/* Fourth-order exponential time differencing (ETDRK4, see kymo_etd_coefficients.h) for complex
   periodic fields in one dimension with the cubic term of the nonlinear Schroedinger equation:

     psi_t = L psi - i kappa |psi|^2 psi

   with a diagonal L given by its complex Fourier symbol, the same for all recordings or each its
   own, and a kappa of each recording's own. One recording in each lane. Fused as kymo_etd.h: each
   evaluation of the cubic term is one inverse and one forward complex transform in place, whose
   innermost passes are one with the product, and one sweep over the modes that adds up the stage.

   Floor, a recording and a step: four times two transforms of N complex points, 6 N for the
   product, and 70 N for the stages. With N = 768 that is 0.30 million operations; 256 frames of 4
   steps are 0.31 GFLOP a recording. */
#ifndef KYMO_ETD_CUBIC_H
#define KYMO_ETD_CUBIC_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_cubic kk_cubic;

/* A stepper with its own state and scratch, for one thread. NULL where kk_fft_create is for this
   number of points. */
kk_cubic *kk_cubic_create(int32_t points, kk_level level);
void kk_cubic_release(kk_cubic *stepper);

/* Recordings side by side. */
int32_t kk_cubic_lanes(const kk_cubic *stepper);

/* The spectrum v of psi = sum over all N modes of v_k exp(i k x), as [mode 0 ... N - 1][re,
   im][lane], modes above N/2 being the negative ones; written before, and read after,
   kk_cubic_advance. */
double *kk_cubic_state(kk_cubic *stepper);

/* Sets the equation: linear holds the symbol of L as [symbol][mode][re, im], where symbols is 1 or
   the number of lanes, kappa is [lane]. */
void kk_cubic_prepare(
    kk_cubic *stepper, const double *linear, int32_t symbols, const double *kappa, double step);

/* Takes `steps` steps. Lanes do not touch each other: one that diverges leaves the rest alone. */
void kk_cubic_advance(kk_cubic *stepper, int64_t steps);

#endif
