/* The arithmetic ceiling of one thread, measured: what the kernels' rates are compared with. */
#ifndef KYMO_PEAK_H
#define KYMO_PEAK_H

#include <stdint.h>

/* Runs `rounds` rounds of independent multiply-adds on the widest vectors that the kernels use, and
   returns how many floating-point operations that were. The caller takes the time. */
double kk_multiply_add_rounds(int64_t rounds);

#endif
