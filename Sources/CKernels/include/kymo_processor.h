/* Which instruction set the kernels use. */
#ifndef KYMO_PROCESSOR_H
#define KYMO_PROCESSOR_H

#include <stdint.h>

/* Instruction sets, from the one that every processor has upwards. */
typedef enum kk_level {
  KK_LEVEL_PORTABLE = 0,
  KK_LEVEL_AVX2 = 1,
  KK_LEVEL_AVX512 = 2,
} kk_level;

/* The best level of this processor, at most what the environment variable KYMO_KERNELS
   (portable, avx2, avx512) or kk_limit_level allows. */
kk_level kk_processor_level(void);

/* Lowers the level from now on, for tests of the other paths; KK_LEVEL_AVX512 lifts the limit.
   Not to be called while kernels run. */
void kk_limit_level(kk_level level);

/* "portable", "avx2", "avx512". */
const char *kk_level_name(kk_level level);

#endif
