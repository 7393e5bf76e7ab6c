// Squared distances between rows, for every instruction set.
#include "kymo_distance.h"

#include "levels.h"

#define ALWAYS static inline __attribute__((always_inline))
#define SUMS 16

// Sixteen sums side by side, so that the order of additions is the same for every instruction set.
ALWAYS double squared_distance(const double *x, const double *y, int64_t length) {
  double sums[SUMS] = {0};
  int64_t whole = length - length % SUMS;
  for (int64_t i = 0; i < whole; i += SUMS)
    for (int j = 0; j < SUMS; j++) {
      const double difference = x[i + j] - y[i + j];
      sums[j] += difference * difference;
    }
  double sum = 0;
  for (int j = 0; j < SUMS; j++) sum += sums[j];
  for (int64_t i = whole; i < length; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return sum;
}

ALWAYS void distances(
    const double *x, int64_t count_x, const double *y, int64_t count_y, int64_t length,
    double *out) {
  for (int64_t i = 0; i < count_x; i++)
    for (int64_t j = 0; j < count_y; j++)
      out[i * count_y + j] = squared_distance(x + i * length, y + j * length, length);
}

#define FOR(NAME, ATTRIBUTES)                                                                \
  ATTRIBUTES static void distances_##NAME(                                                   \
      const double *x, int64_t count_x, const double *y, int64_t count_y, int64_t length,    \
      double *out) {                                                                         \
    distances(x, count_x, y, count_y, length, out);                                          \
  }

FOR(portable, )
#if defined(__x86_64__)
FOR(avx2, __attribute__((target("avx2,fma"))))
FOR(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,fma"))))
#endif

void kk_squared_distances(
    const double *x, int64_t count_x, const double *y, int64_t count_y, int64_t length,
    double *out) {
  CHOOSE(distances, x, count_x, y, count_y, length, out);
}
