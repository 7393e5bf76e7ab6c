// Steppers of the cubic Schroedinger equation: memory and coefficients here, the arithmetic in
// etd_cubic_body.inc, compiled once for each instruction set and chosen when a stepper is made.
#include "kymo_etd_cubic.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
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

#define WAVES 32  // points of the contour, the whole circle because L is complex

void kk_cubic_prepare(
    kk_cubic *stepper, const double *linear, int32_t symbols, const double *kappa, double step) {
  const int points = stepper->transform->half;
  stepper->symbols = symbols;
  memcpy(stepper->kappa, kappa, (size_t)stepper->transform->lanes * sizeof(double));
  double complex circle[WAVES], whole[WAVES], root[WAVES];
  for (int m = 0; m < WAVES; m++) {
    circle[m] = cexp(I * (2 * 3.14159265358979323846 * (m + 0.5) / WAVES));
    whole[m] = cexp(circle[m]), root[m] = cexp(0.5 * circle[m]);
  }
  for (int s = 0; s < symbols; s++)
    for (int k = 0; k < points; k++, linear += 2) {
      const double complex z = step * (linear[0] + I * linear[1]);
      const double complex e = cexp(z), e2 = cexp(0.5 * z);
      double complex q = 0, f1 = 0, f2 = 0, f3 = 0;
      for (int m = 0; m < WAVES; m++) {
        const double complex w = z + circle[m], power = e * whole[m], inverse = 1 / w;
        const double complex cube = inverse * inverse * inverse;
        q += (e2 * root[m] - 1) * inverse;
        f1 += (-4 - w + power * (4 - 3 * w + w * w)) * cube;
        f2 += (2 + w + power * (w - 2)) * cube;
        f3 += (-4 - 3 * w - w * w + power * (4 - w)) * cube;
      }
      const double complex scale = -I * step / WAVES / points;
      const double complex factors[6] = {e2, scale * q, e, scale * f1, 2 * scale * f2, scale * f3};
      for (int j = 0; j < 6; j++) {
        double *place = stepper->factors + ((size_t)12 * k + 2 * j) * symbols + s;
        place[0] = creal(factors[j]);
        place[symbols] = cimag(factors[j]);
      }
    }
}

void kk_cubic_advance(kk_cubic *stepper, int64_t steps) {
  AT_LEVEL(stepper->transform->level, cubic_advance, stepper, steps);
}
