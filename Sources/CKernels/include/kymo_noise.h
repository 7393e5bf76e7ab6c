/* Normal noise that is a function of where it is: the same (seed, recording, frame, cell) gives the
   same number, in whatever order and part the cells are asked for, on every processor.

   Bits by Philox4x32-10 (Salmon et al., SC 2011, doi:10.1145/2063384.2063405), four cells a block;
   the normal deviate is sqrt(2) erfinv(x) of 23 of them, by the single-precision polynomials of
   Giles ("Approximating the erfinv function", GPU Computing Gems 2, 2011; relative error 4e-7). */
#ifndef KYMO_NOISE_H
#define KYMO_NOISE_H

#include <stddef.h>
#include <stdint.h>

/* Adds deviation times a standard normal number to values[0 ... count - 1], which are the cells
   `first` and on of a frame. `stream` tells independent noise apart, such as channels. */
void kk_add_noise(
    float *values, int32_t count, uint64_t seed, uint32_t stream, uint32_t recording,
    uint32_t frame, uint32_t first, float deviation);

#endif
