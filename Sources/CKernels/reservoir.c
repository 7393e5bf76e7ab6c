// The echo-state network for every instruction set.
#include "kymo_reservoir.h"

#include <stddef.h>
#include <string.h>

#include "levels.h"

#pragma clang fp contract(fast)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#define ALWAYS static inline __attribute__((always_inline))
#define LANES KK_RESERVOIR_LANES

typedef double v8 __attribute__((vector_size(64)));
typedef int64_t i8 __attribute__((vector_size(64)));
typedef double v8u __attribute__((vector_size(64), aligned(8)));

ALWAYS v8 load(const double *from) { return *(const v8u *)from; }
ALWAYS void store(double *to, v8 v) { *(v8u *)to = v; }
ALWAYS v8 splat(double x) { return (v8){x, x, x, x, x, x, x, x}; }
ALWAYS v8 choose(i8 mask, v8 yes, v8 no) { return (v8)(((i8)yes & mask) | ((i8)no & ~mask)); }

// tanh x = -m / (m + 2) with m = exp(-2 |x|) - 1 and the sign of x. exp(y) - 1 = 2^n p(r) + (2^n -
// 1) with y = n log 2 + r and Taylor's p of degree 13, whose rest at |r| = log(2)/2 is below 1e-17;
//    so
// small arguments keep their relative accuracy.
ALWAYS v8 tanh8(v8 x) {
  const v8 shift = splat(0x1.8p52);
  const i8 minus = (i8)splat(-0.0), sign = (i8)x & minus;
  v8 y = (v8)((i8)x & ~minus) * -2.0;
  // Beyond 20 the result is 1 to the last bit; NaN fails the comparison and stays.
  y = choose((i8)(y < -40.0), splat(-40.0), y);
  const v8 shifted = y * 0x1.71547652b82fep0 + shift;
  const v8 n = shifted - shift;
  v8 r = y - n * 0x1.62e42fefa3800p-1;
  r = r - n * 0x1.ef35793c76730p-45;
  v8 p = splat(1.0 / 6227020800.0);
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r * r + r;
  const v8 power = (v8)((((i8)shifted - (i8)shift) + 1023) << 52);
  const v8 m = power * p + (power - 1.0);
  const v8 result = -m / (m + 2.0);
  return (v8)(((i8)result & ~minus) | sign);  // zero keeps its sign too
}

ALWAYS void tanh_all(double *x, int64_t count) {
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) store(x + i, tanh8(load(x + i)));
  if (i < count) {
    double rest[LANES] = {0};
    memcpy(rest, x + i, (size_t)(count - i) * sizeof(double));
    store(rest, tanh8(load(rest)));
    memcpy(x + i, rest, (size_t)(count - i) * sizeof(double));
  }
}

ALWAYS double row(const kk_reservoir *plan, const double *h, int32_t unit) {
  // Two sums, so that an addition does not wait for the one before.
  double even = 0, odd = 0;
  int32_t at = plan->starts[unit];
  const int32_t end = plan->starts[unit + 1];
  for (; at + 1 < end; at += 2) {
    even += plan->values[at] * h[plan->columns[at]];
    odd += plan->values[at + 1] * h[plan->columns[at + 1]];
  }
  if (at < end) even += plan->values[at] * h[plan->columns[at]];
  return even + odd;
}

ALWAYS void step(
    const kk_reservoir *plan, const int lanes, const double *z, const double *h, double *next) {
  const int32_t block = plan->units / plan->inputs;
  for (int32_t input = 0, unit = 0; input < plan->inputs; input++)
    for (int32_t end = unit + block; unit < end; unit++) {
      if (lanes == 1) {
        next[unit] = row(plan, h, unit) + plan->weights[unit] * z[input];
      } else {
        v8 sum = plan->weights[unit] * load(z + (size_t)input * LANES);
        for (int32_t at = plan->starts[unit]; at < plan->starts[unit + 1]; at++)
          sum += plan->values[at] * load(h + (size_t)plan->columns[at] * LANES);
        store(next + (size_t)unit * LANES, sum);
      }
    }
  tanh_all(next, (int64_t)plan->units * lanes);
}

// Which lanes of a vector of neighbouring units, the first of them even, are squared.
ALWAYS v8 features(v8 h) {
  const i8 even = {-1, 0, -1, 0, -1, 0, -1, 0};
  return choose(even, h * h, h);
}

// `rows` outputs at once share what is read of h.
ALWAYS void read_rows(
    const int rows, int32_t units, const int lanes, const double *v, const double *h, double *y) {
  v8 sum[4];
  for (int r = 0; r < rows; r++) sum[r] = splat(0);
  if (lanes == 1) {
    int32_t i = 0;
    for (; i + LANES <= units; i += LANES) {
      const v8 phi = features(load(h + i));
      for (int r = 0; r < rows; r++) sum[r] += load(v + (size_t)r * units + i) * phi;
    }
    for (int r = 0; r < rows; r++) {
      double total = 0;
      for (int lane = 0; lane < LANES; lane++) total += sum[r][lane];
      for (int32_t k = i; k < units; k++)
        total += v[(size_t)r * units + k] * (k % 2 == 0 ? h[k] * h[k] : h[k]);
      y[r] = total;
    }
  } else {
    for (int32_t i = 0; i < units; i++) {
      v8 phi = load(h + (size_t)i * LANES);
      if (i % 2 == 0) phi *= phi;
      for (int r = 0; r < rows; r++) sum[r] += v[(size_t)r * units + i] * phi;
    }
    for (int r = 0; r < rows; r++) store(y + (size_t)r * LANES, sum[r]);
  }
}

ALWAYS void read_out(
    int32_t units, int32_t outputs, const int lanes, const double *v, const double *h, double *y) {
  int32_t o = 0;
  for (; o + 4 <= outputs; o += 4)
    read_rows(4, units, lanes, v + (size_t)o * units, h, y + (size_t)o * lanes);
  for (; o < outputs; o++)
    read_rows(1, units, lanes, v + (size_t)o * units, h, y + (size_t)o * lanes);
}

#define FOR(NAME, ATTRIBUTES)                                                                     \
  ATTRIBUTES static void step_##NAME(                                                             \
      const kk_reservoir *plan, int32_t lanes, const double *z, const double *h, double *next) {  \
    if (lanes == 1) step(plan, 1, z, h, next);                                                    \
    else step(plan, LANES, z, h, next);                                                           \
  }                                                                                               \
  ATTRIBUTES static void read_##NAME(                                                             \
      int32_t units, int32_t outputs, int32_t lanes, const double *v, const double *h,            \
      double *y) {                                                                                \
    if (lanes == 1) read_out(units, outputs, 1, v, h, y);                                         \
    else read_out(units, outputs, LANES, v, h, y);                                                \
  }                                                                                               \
  ATTRIBUTES static void tanh_##NAME(double *x, int64_t count) { tanh_all(x, count); }

FOR(portable, )
#if defined(__x86_64__)
FOR(avx2, __attribute__((target("avx2,fma"))))
FOR(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,fma"))))
#endif

void kk_reservoir_step(
    const kk_reservoir *plan, int32_t lanes, const double *z, const double *h, double *next) {
  CHOOSE(step, plan, lanes, z, h, next);
}

void kk_reservoir_read(
    int32_t units, int32_t outputs, int32_t lanes, const double *v, const double *h, double *y) {
  CHOOSE(read, units, outputs, lanes, v, h, y);
}

void kk_reservoir_product(const kk_reservoir *plan, const double *h, double *product) {
  for (int32_t unit = 0; unit < plan->units; unit++) product[unit] = row(plan, h, unit);
}

void kk_tanh(double *x, int64_t count) {
  CHOOSE(tanh, x, count);
}
