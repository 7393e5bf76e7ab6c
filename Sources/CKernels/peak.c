// Sixteen independent chains of multiply-adds in registers, for each instruction set.
#include "kymo_peak.h"

#include "levels.h"

#pragma clang fp contract(fast)

#define CHAINS 16
typedef float v4 __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v16 __attribute__((vector_size(64)));

// The empty statements keep the compiler from computing the result beforehand.
#define ROUNDS(vector)                                                     \
  vector sum[CHAINS];                                                      \
  for (int i = 0; i < CHAINS; i++) sum[i] = (vector){} + (float)i;         \
  vector factor = (vector){} + 0.5f;                                       \
  for (int64_t round = 0; round < rounds; round++) {                       \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++)    \
        sum[i] = sum[i] * factor + factor;                                 \
    __asm__ volatile("" : : "m"(rounds));                                  \
  }                                                                        \
  for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];                       \
  volatile float keep = sum[0][0];                                         \
  (void)keep;                                                              \
  return 2.0 * CHAINS * (double)rounds * (sizeof(vector) / sizeof(float));

static double rounds_portable(int64_t rounds) { ROUNDS(v4) }

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static double rounds_avx2(int64_t rounds) { ROUNDS(v8) }
__attribute__((target("avx512f,fma"))) static double rounds_avx512(int64_t rounds) { ROUNDS(v16) }
#endif

double kk_multiply_add_rounds(int64_t rounds) {
  return CHOOSE(rounds, rounds);
}
