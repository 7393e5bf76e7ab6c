// Calls a kernel in the variant for an instruction set.
#ifndef KYMO_LEVELS_H
#define KYMO_LEVELS_H

#include "kymo_processor.h"

// AT_LEVEL(level, f, ...) calls f_avx512, f_avx2 or f_portable and has its value.
#if defined(__x86_64__)
#define AT_LEVEL(level, function, ...)                             \
  ({                                                               \
    const kk_level set = (level);                                  \
    set == KK_LEVEL_AVX512 ? function##_avx512(__VA_ARGS__)        \
    : set == KK_LEVEL_AVX2 ? function##_avx2(__VA_ARGS__)          \
                           : function##_portable(__VA_ARGS__);     \
  })
#else
#define AT_LEVEL(level, function, ...) ((void)(level), function##_portable(__VA_ARGS__))
#endif

// The same for this processor.
#define CHOOSE(function, ...) AT_LEVEL(kk_processor_level(), function, __VA_ARGS__)

#endif
