// Finds the instruction sets of the processor once; the kernels ask here which path to take.
#include "kymo_processor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int limit = -1;

static kk_level best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return KK_LEVEL_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KK_LEVEL_AVX2;
#endif
  return KK_LEVEL_PORTABLE;
}

static int limit_of_environment(void) {
  const char *wish = getenv("KYMO_KERNELS");
  if (wish && strcmp(wish, "portable") == 0) return KK_LEVEL_PORTABLE;
  if (wish && strcmp(wish, "avx2") == 0) return KK_LEVEL_AVX2;
  return KK_LEVEL_AVX512;
}

kk_level kk_processor_level(void) {
  int allowed = atomic_load(&limit);
  if (allowed < 0) {
    allowed = limit_of_environment();
    atomic_store(&limit, allowed);
  }
  kk_level best = best_level();
  return (int)best < allowed ? best : (kk_level)allowed;
}

void kk_limit_level(kk_level level) { atomic_store(&limit, (int)level); }

const char *kk_level_name(kk_level level) {
  switch (level) {
    case KK_LEVEL_AVX512: return "avx512";
    case KK_LEVEL_AVX2: return "avx2";
    default: return "portable";
  }
}
