// Steppers of the cubic Schroedinger equation: memory here, the arithmetic in
// etd_cubic_body.inc, compiled once for each instruction set and chosen when a stepper is made.
#include "kymo_etd_cubic.h"

#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "kymo_etd_coefficients.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

struct kk_cubic {
  kk_fft *transform;  // of twice as many real points, which is one of N complex ones
  double *state;      // v
  double *first;      // the transform p of kappa |psi|^2 psi at the start of the step
  double *middle;     // p of the second stage, then of the second and third
  double *work;       // what is transformed in place
  // [mode][E2, Q, E, f1, 2 f2, f3][re, im][symbol]; -i / N is part of the last four and of Q
  double *factors;
  int symbols;        // 1, or one for each lane
  double *kappa;      // [lane]
};

#define BODY "etd_cubic_body.inc"
#include "double_levels.inc"

kk_cubic *kk_cubic_create(int32_t points, kk_level level) {
  kk_cubic *stepper = calloc(1, sizeof *stepper);
  if (!stepper) return NULL;
  stepper->transform = points > (1 << 19) ? NULL : kk_fft_create(2 * points, level);
  if (stepper->transform) {
    const size_t lanes = (size_t)stepper->transform->lanes;
    const size_t count = (size_t)2 * points * lanes;
    stepper->state = kk_aligned_doubles(count);
    stepper->first = kk_aligned_doubles(count);
    stepper->middle = kk_aligned_doubles(count);
    stepper->work = kk_aligned_doubles(count);
    stepper->factors = kk_aligned_doubles(6 * count);
    stepper->kappa = kk_aligned_doubles(lanes);
  }
  if (!stepper->state || !stepper->first || !stepper->middle || !stepper->work ||
      !stepper->factors || !stepper->kappa) {
    kk_cubic_release(stepper);
    return NULL;
  }
  return stepper;
}

void kk_cubic_release(kk_cubic *stepper) {
  if (!stepper) return;
  kk_fft_release(stepper->transform);
  free(stepper->state);
  free(stepper->first);
  free(stepper->middle);
  free(stepper->work);
  free(stepper->factors);
  free(stepper->kappa);
  free(stepper);
}

int32_t kk_cubic_lanes(const kk_cubic *stepper) { return stepper->transform->lanes; }

double *kk_cubic_state(kk_cubic *stepper) { return stepper->state; }

void kk_cubic_prepare(
    kk_cubic *stepper, const double *linear, int32_t symbols, const double *kappa, double step) {
  const kk_fft *plan = stepper->transform;
  const size_t points = (size_t)plan->half, count = (size_t)symbols;
  stepper->symbols = symbols;
  memcpy(stepper->kappa, kappa, (size_t)plan->lanes * sizeof(double));
  for (size_t k = 0; k < points; k++) {
    double re[8], im[8], found[2 * KK_ETD_KINDS * 8];  // [kind][re, im][symbol]
    for (size_t s = 0; s < count; s++)
      re[s] = linear[2 * (s * points + k)], im[s] = linear[2 * (s * points + k) + 1];
    kk_etd_coefficients(count, re, im, step, 1.0 / points, plan->level, found);
    for (size_t kind = 0; kind < KK_ETD_KINDS; kind++) {
      const double *from = found + 2 * kind * count;
      double *place = stepper->factors + 2 * (KK_ETD_KINDS * k + kind) * count;
      for (size_t s = 0; s < count; s++) {
        // Times -i, but for the two growth factors.
        const int grows = kind == 0 || kind == 2;
        place[s] = grows ? from[s] : from[count + s];
        place[count + s] = grows ? from[count + s] : -from[s];
      }
    }
  }
}

void kk_cubic_advance(kk_cubic *stepper, int64_t steps) {
  AT_LEVEL(stepper->transform->level, cubic_advance, stepper, steps);
}
