/* Real Fourier transforms of many recordings side by side: one recording in each lane of a vector,
   so that no shuffles are needed and twiddle factors are broadcast scalars.

   Length N = 2 M, M = 2^a 3^b 5^c. A real transform is a complex one of length M over pairs of
   neighbouring points (Press et al., Numerical Recipes, 12.3); the complex one is the mixed-radix
   decomposition of Cooley and Tukey (1965), in place: the inverse decimates in frequency and leaves
   the points permuted, the forward one decimates in time and takes them permuted, so that what is
   done point by point in between (squaring, say) needs no reordering.

   Layout: fields are [point][lane], spectra [mode][re, im][lane] with N/2 + 1 modes. Arrays lie on
   64-byte boundaries. Floor: about 2.5 N log2(N) operations a transform and recording. */
#ifndef KYMO_FFT_H
#define KYMO_FFT_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_fft kk_fft;

/* A plan for transforms of `points` points (even, otherwise a product of 2, 3 and 5) with the
   instruction set `level`, or the processor's best one below it. NULL for another length or
   without memory. A plan is read only: threads may share it. */
kk_fft *kk_fft_create(int32_t points, kk_level level);
void kk_fft_release(kk_fft *plan);

/* Recordings side by side: 8, 4 or 2 as the level goes down. */
int32_t kk_fft_lanes(const kk_fft *plan);
/* Doubles of scratch that a transform needs, on a 64-byte boundary: points x lanes. */
size_t kk_fft_scratch_count(const kk_fft *plan);

/* spectrum[k] = sum over n of field[n] exp(-2 pi i k n / N), k = 0 ... N/2. */
void kk_fft_forward(
    const kk_fft *plan, const double *field, double *spectrum, double *scratch);

/* field[n] = sum over all N modes of spectrum[k] exp(2 pi i k n / N), negative modes being the
   conjugates; no factor 1/N. Imaginary parts of modes 0 and N/2 are not looked at. */
void kk_fft_inverse(
    const kk_fft *plan, const double *spectrum, double *field, double *scratch);

/* The same inverse, rounded to float, lane by lane: lane l goes to points[l lane_stride + n] for
   l < lanes. Returns a mask with bit l set where an entry is not finite or beyond `bound`. */
uint32_t kk_fft_inverse_rows(
    const kk_fft *plan, const double *spectrum, float *points, size_t lane_stride, int32_t lanes,
    double bound, double *scratch);

/* Complex transforms of N/2 points with a plan for N real ones. Arrays are [entry][re, im][lane]
   with N/2 entries; a spectrum has the negative modes after the positive ones. The same signs and
   factors as above; input and output may be one array. */
void kk_fft_complex_forward(
    const kk_fft *plan, const double *field, double *spectrum, double *scratch);
void kk_fft_complex_inverse(
    const kk_fft *plan, const double *spectrum, double *field, double *scratch);

/* The complex inverse rounded to float, lane by lane: the real parts of lane l go to
   points[l lane_stride + n], the imaginary ones to points[l lane_stride + part_stride + n].
   Returns a mask as kk_fft_inverse_rows does. */
uint32_t kk_fft_complex_inverse_rows(
    const kk_fft *plan, const double *spectrum, float *points, size_t lane_stride,
    size_t part_stride, int32_t lanes, double bound, double *scratch);

#endif
