/* Fourth-order exponential time differencing (ETDRK4, see kymo_etd_coefficients.h) for real periodic
   fields in one dimension with the quadratic term of Burgers and of Kuramoto and Sivashinsky:

     u_t = L u - D(u^2) / 2   (conservative)   or   u_t = L u - u D(u)   (advective)

   with a diagonal L and a derivative D given by their Fourier symbols. One recording in each lane,
   each with an L of its own.

   Fused: each N costs one inverse and one forward transform in place, whose innermost passes are
   one with squaring, and one sweep over pairs of modes (k, N/2 - k) that splits the spectrum, adds
   up the stage, and packs it for the next transform.

   Floor, conservative form, a recording and a step: four times two transforms of N/2 complex
   points, N squares, 7 N operations to split and pack the modes, and 5.5 N for the stages. With N =
   384 (radices 3, 8, 8) that is 67,000 operations, or 51,600 vector instructions for eight
   recordings; 256 frames of 20 steps are 0.34 GFLOP a recording. A core at 2.3 GHz with two 512-bit
   units needs at least 7.1 ms for that; measured 11.0 ms of an otherwise busy machine, 31 GFLOP/s,
   64 % of what the units can issue. Taking the outermost passes of the transforms into the sweep
   was tried and gained nothing. */
#ifndef KYMO_ETD_H
#define KYMO_ETD_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

/* How the quadratic term is written; equal for an exact D, different for differences. */
typedef enum kk_etd_form {
  KK_ETD_CONSERVATIVE = 0, /* D(u^2) / 2 */
  KK_ETD_ADVECTIVE = 1,    /* u D(u) */
} kk_etd_form;

typedef struct kk_etd kk_etd;

/* A stepper with its own state and scratch, for one thread. NULL where kk_fft_create is. */
kk_etd *kk_etd_create(int32_t points, kk_level level, kk_etd_form form);
void kk_etd_release(kk_etd *stepper);

/* Recordings side by side. */
int32_t kk_etd_lanes(const kk_etd *stepper);

/* The spectrum v of u = sum over all N modes of v_k exp(i k x), as [mode 0 ... N/2][re, im][lane];
   to be written before, and read after, kk_etd_advance. Modes 0 and N/2 are real. */
double *kk_etd_state(kk_etd *stepper);

/* Sets the equation: linear holds the symbol of L as [mode][lane], derivative that of D divided by
   i as [mode], zero at modes 0 and N/2. */
void kk_etd_prepare(
    kk_etd *stepper, const double *linear, const double *derivative, double step);

/* Takes `steps` steps. Lanes do not touch each other: one that diverges leaves the rest alone. */
void kk_etd_advance(kk_etd *stepper, int64_t steps);

#endif
