// Sparse sums of terms, and their integration. Latents are few, so the loops are short: what counts
// is that nothing is allocated and nothing is computed twice.
#include "kymo_terms.h"

#include <math.h>
#include <string.h>

static size_t term_count(const kk_terms *plan) {
  return 1 + (size_t)plan->products + 2 * (size_t)plan->harmonics;
}

enum { STAGES = 7 };

size_t kk_terms_scratch_count(const kk_terms *plan) {
  return term_count(plan) + (STAGES + 2) * (size_t)plan->variables;
}

void kk_terms_values(const kk_terms *plan, const double *z, double *theta) {
  theta[0] = 1;
  double *product = theta + 1;
  for (int32_t t = 0; t < plan->products; t++)
    product[t] = theta[plan->parents[t]] * z[plan->factors[t]];
  double *harmonic = product + plan->products;
  for (int32_t t = 0; t < plan->harmonics; t++) {
    const double argument = plan->multiples[t] * z[plan->arguments[t]];
    harmonic[2 * t] = sin(argument);
    harmonic[2 * t + 1] = cos(argument);
  }
}

void kk_terms_evaluate(const kk_terms *plan, const double *z, double *f, double *scratch) {
  kk_terms_values(plan, z, scratch);
  for (int32_t i = 0; i < plan->variables; i++) {
    double sum = 0;
    for (int32_t k = plan->starts[i]; k < plan->starts[i + 1]; k++)
      sum += plan->coefficients[k] * scratch[plan->terms[k]];
    f[i] = sum;
  }
}

static const double tableau[6][6] = {
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
// Weights of order 5 less those of order 4.
static const double misfit[7] = {71.0 / 57600,      0,           -71.0 / 16695, 71.0 / 1920,
                                 -17253.0 / 339200, 22.0 / 525,  -1.0 / 40};

static double root_mean_square(
    const kk_integration *settings, int32_t n, const double *error, const double *scale) {
  double sum = 0;
  for (int32_t i = 0; i < n; i++) {
    const double part = error[i] / (settings->absolute + settings->relative * fabs(scale[i]));
    sum += part * part;
  }
  return sqrt(sum / n);
}

int32_t kk_terms_integrate(
    const kk_terms *plan, const kk_integration *settings, double time, double *z, double *step,
    double *scratch) {
  const int32_t n = plan->variables;
  double *const terms = scratch;
  double *const k = terms + term_count(plan);
  double *const trial = k + STAGES * (size_t)n;
  double *const error = trial + n;
  kk_terms_evaluate(plan, z, k, terms);
  double h = *step;
  if (!(h > 0)) {
    // A hundredth of the time in which the field moves the state by its own size.
    const double size = root_mean_square(settings, n, z, z);
    const double speed = root_mean_square(settings, n, k, z);
    h = size > 1e-5 && speed > 1e-5 ? 0.01 * size / speed : 1e-6;
  }
  double passed = 0;
  int rejected = 0;
  for (int64_t count = 0; passed < time; count++) {
    const int last = passed + h * (1 + 1e-12) >= time;
    const double size = last ? time - passed : h;
    if (count >= settings->most || !(size > 0x1p-50 * time)) return 1;
    for (int s = 1; s < STAGES; s++) {
      for (int32_t i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < s; j++) sum += tableau[s - 1][j] * k[j * (size_t)n + i];
        trial[i] = z[i] + size * sum;
      }
      kk_terms_evaluate(plan, trial, k + s * (size_t)n, terms);
    }
    // `trial` is now the result of order 5, and the last stage its derivative.
    double largest = 0, sum = 0;
    for (int32_t i = 0; i < n; i++) {
      error[i] = 0;
      for (int s = 0; s < STAGES; s++) error[i] += misfit[s] * k[s * (size_t)n + i];
      const double scale =
          settings->absolute + settings->relative * fmax(fabs(z[i]), fabs(trial[i]));
      const double part = size * error[i] / scale;
      sum += part * part;
      largest = fmax(largest, fabs(trial[i]));
    }
    const double ratio = sqrt(sum / n);
    if (!isfinite(ratio)) {
      h = size / 10;
      rejected = 1;
      continue;
    }
    if (ratio > 1) {
      h = size * fmax(0.2, 0.9 * pow(ratio, -0.2));
      rejected = 1;
      continue;
    }
    if (!(largest <= settings->bound)) return 1;
    memcpy(z, trial, (size_t)n * sizeof(double));
    memcpy(k, k + (STAGES - 1) * (size_t)n, (size_t)n * sizeof(double));
    passed = last ? time : passed + size;
    // After a rejection the step must not grow at once; a last step that was cut short says
    // nothing.
    const double grown = size * fmin(rejected ? 1 : 10, 0.9 * pow(fmax(ratio, 1e-10), -0.2));
    if (!last || grown < h || size == h) h = grown;
    rejected = 0;
  }
  *step = h;
  return 0;
}
