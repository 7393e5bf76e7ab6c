// Steppers by exponential time differencing: memory here, the arithmetic in etd_body.inc, compiled
// once for each instruction set and chosen when a stepper is made.
#include "kymo_etd.h"

#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "kymo_etd_coefficients.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

typedef struct kk_etd_arrays {
  double *state;           // v
  double *first, *middle;  // N(v), then N(a) and N(a) + N(b), up to constant factors
  double *work, *slopes;   // what is transformed in place: u, and D(u) in the advective form
  double *halves;          // [mode][E2, Q][lane]
  double *fulls;           // [mode][E, f1, 2 f2, f3][lane]
  double *derivative;      // [mode]
} kk_etd_arrays;

struct kk_etd {
  kk_fft *transform;
  kk_etd_form form;
  kk_etd_arrays arrays;
};

#define BODY "etd_body.inc"
#include "double_levels.inc"

kk_etd *kk_etd_create(int32_t points, kk_level level, kk_etd_form form) {
  kk_etd *stepper = calloc(1, sizeof *stepper);
  if (!stepper) return NULL;
  stepper->form = form;
  stepper->transform = kk_fft_create(points, level);
  if (stepper->transform) {
    const size_t lanes = (size_t)stepper->transform->lanes;
    const size_t modes = (size_t)points / 2 + 1, spectrum = 2 * modes * lanes;
    stepper->arrays.state = kk_aligned_doubles(spectrum);
    stepper->arrays.first = kk_aligned_doubles(spectrum);
    stepper->arrays.middle = kk_aligned_doubles(spectrum);
    stepper->arrays.work = kk_aligned_doubles((size_t)points * lanes);
    stepper->arrays.slopes = kk_aligned_doubles((size_t)points * lanes);
    stepper->arrays.halves = kk_aligned_doubles(2 * modes * lanes);
    stepper->arrays.fulls = kk_aligned_doubles(4 * modes * lanes);
    stepper->arrays.derivative = kk_aligned_doubles(modes);
  }
  if (!stepper->arrays.state || !stepper->arrays.first || !stepper->arrays.middle || !stepper->arrays.work ||
      !stepper->arrays.slopes || !stepper->arrays.halves || !stepper->arrays.fulls || !stepper->arrays.derivative) {
    kk_etd_release(stepper);
    return NULL;
  }
  return stepper;
}

void kk_etd_release(kk_etd *stepper) {
  if (!stepper) return;
  kk_fft_release(stepper->transform);
  free(stepper->arrays.state);
  free(stepper->arrays.first);
  free(stepper->arrays.middle);
  free(stepper->arrays.work);
  free(stepper->arrays.slopes);
  free(stepper->arrays.halves);
  free(stepper->arrays.fulls);
  free(stepper->arrays.derivative);
  free(stepper);
}

int32_t kk_etd_lanes(const kk_etd *stepper) { return stepper->transform->lanes; }

double *kk_etd_state(kk_etd *stepper) { return stepper->arrays.state; }

void kk_etd_prepare(
    kk_etd *stepper, const double *linear, const double *derivative, double step) {
  const kk_fft *plan = stepper->transform;
  const size_t lanes = (size_t)plan->lanes;
  for (size_t k = 0; k <= (size_t)plan->half; k++) {
    // The splitting of modes is left times 2, the transform times N.
    const double scale = stepper->form == KK_ETD_CONSERVATIVE
                             ? 0.25 * derivative[k] / plan->points
                             : 0.5 / plan->points;
    double found[2 * KK_ETD_KINDS * 8];  // [kind][re, im][lane]
    kk_etd_coefficients(lanes, linear + k * lanes, NULL, step, scale, plan->level, found);
    for (size_t kind = 0; kind < KK_ETD_KINDS; kind++)
      memcpy(kind < 2 ? stepper->arrays.halves + (2 * k + kind) * lanes
                      : stepper->arrays.fulls + (4 * k + kind - 2) * lanes,
             found + 2 * kind * lanes, lanes * sizeof(double));
    stepper->arrays.derivative[k] = derivative[k];
  }
}

void kk_etd_advance(kk_etd *stepper, int64_t steps) {
  AT_LEVEL(stepper->transform->level, etd_advance, stepper, steps);
}
