// Coefficients of exponential steppers, compiled once for each instruction set.
#include "kymo_etd_coefficients.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#define WAVES 16  // points on the upper half of the contour; those below are their conjugates

// Of each point: cos, sin; then exp of the point and of its half, as real and imaginary part.
static double circle[WAVES][6];

static void make_circle(void) {
  for (int m = 0; m < WAVES; m++) {
    const double angle = 3.14159265358979323846 * (m + 0.5) / WAVES;
    const double a = cos(angle), b = sin(angle), whole = exp(a), root = exp(0.5 * a);
    const double point[6] = {
        a, b, whole * cos(b), whole * sin(b), root * cos(0.5 * b), root * sin(0.5 * b)};
    memcpy(circle[m], point, sizeof point);
  }
}

#define BODY "etd_coefficients_body.inc"
#include "double_levels.inc"

void kk_etd_coefficients(
    size_t count, const double *re, const double *im, double step, double scale, kk_level level,
    double *coefficients) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_circle);
  AT_LEVEL(level, etd_coefficients, count, re, im, step, scale, coefficients);
}
