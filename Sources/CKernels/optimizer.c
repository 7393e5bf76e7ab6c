// The fused step of Adam and AdaBelief, compiled once for each instruction set.
#include "kymo_optimizer.h"

#include <math.h>

#include "levels.h"

// The constants of a step as the inner loop wants them.
typedef struct constants {
  float keep, gain1, beta2, gain2, epsilon, scale, rate, inverse_root2;
} constants;

static constants constants_of(const kk_adaptive_step *step) {
  return (constants){
      .keep = (float)(1 - step->rate * step->decay),
      .gain1 = (float)(1 - step->beta1),
      .beta2 = (float)step->beta2,
      .gain2 = (float)(1 - step->beta2),
      .epsilon = (float)step->epsilon,
      .scale = (float)step->gradient_scale,
      .rate = (float)(step->rate / step->correction1),
      .inverse_root2 = (float)(1 / sqrt(step->correction2)),
  };
}

#define ALWAYS static inline __attribute__((always_inline))

// __builtin_elementwise_sqrt is the instruction itself: sqrtf sets errno and keeps a loop scalar.
ALWAYS void adam(
    constants c, float *restrict p, const float *restrict gradient, float *restrict m,
    float *restrict v, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float g = c.scale * gradient[i];
    m[i] += c.gain1 * (g - m[i]);
    v[i] = c.beta2 * v[i] + c.gain2 * (g * g);
    float root = __builtin_elementwise_sqrt(v[i]) * c.inverse_root2 + c.epsilon;
    p[i] = p[i] * c.keep - c.rate * (m[i] / root);
  }
}

ALWAYS void belief(
    constants c, float *restrict p, const float *restrict gradient, float *restrict m,
    float *restrict v, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float g = c.scale * gradient[i];
    m[i] += c.gain1 * (g - m[i]);
    float surprise = g - m[i];
    v[i] = c.beta2 * v[i] + c.gain2 * (surprise * surprise) + c.epsilon;
    float root = __builtin_elementwise_sqrt(v[i]) * c.inverse_root2 + c.epsilon;
    p[i] = p[i] * c.keep - c.rate * (m[i] / root);
  }
}

// Sixteen sums side by side, so that the order of additions is the same for every instruction set.
ALWAYS double squares(const float *x, size_t count) {
  double sums[16] = {0};
  size_t whole = count & ~(size_t)15;
  for (size_t i = 0; i < whole; i += 16)
    for (size_t j = 0; j < 16; j++) sums[j] += (double)x[i + j] * x[i + j];
  double sum = 0;
  for (size_t j = 0; j < 16; j++) sum += sums[j];
  for (size_t i = whole; i < count; i++) sum += (double)x[i] * x[i];
  return sum;
}

#define UPDATE_FOR(NAME, ATTRIBUTES)                                                       \
  ATTRIBUTES static void update_##NAME(                                                    \
      kk_moment moment, constants c, float *p, const float *gradient, float *m, float *v,  \
      size_t count) {                                                                      \
    if (moment == KK_ADAM) adam(c, p, gradient, m, v, count);                              \
    else belief(c, p, gradient, m, v, count);                                              \
  }                                                                                        \
  ATTRIBUTES static double squares_##NAME(const float *x, size_t count) {                  \
    return squares(x, count);                                                              \
  }

UPDATE_FOR(portable, )
#if defined(__x86_64__)
UPDATE_FOR(avx2, __attribute__((target("avx2,fma"))))
UPDATE_FOR(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,fma"))))
#endif

void kk_adaptive_update(
    const kk_adaptive_step *step, float *p, const float *gradient, float *m, float *v,
    size_t count) {
  constants c = constants_of(step);
  CHOOSE(update, step->moment, c, p, gradient, m, v, count);
}

double kk_sum_of_squares(const float *x, size_t count) {
  return CHOOSE(squares, x, count);
}
