/* Fourth-order exponential time differencing (ETDRK4, see kymo_etd_coefficients.h) for any law of
   products of real fields on one or two periodic axes, pseudo-spectral:

     u_t = L u + sum over terms of coefficient * D(product of channels)

   L, which may couple channels, is in the exponential: coupled channels are a block, whose
   coefficients are small matrices, numbers where a block has one channel. Products are formed on a
   finer mesh; modes from N/2 on are not kept. One trajectory in each lane, with coefficients of its
   own.

   An evaluation of the terms takes one inverse transform of the finer mesh a channel and one forward
   transform a product, in place, points left permuted in between; one sweep over the modes a term
   and one a channel, which adds up the stage.

   Floor, a trajectory and a step, one axis with M points on the finer mesh, C channels, P products
   and no coupling: 4 (C + P) transforms of 2.5 M log2 M + 3.5 M operations, and about 4 M a term and
   a channel. For Kuramoto-Sivashinsky with M = 384 that is the 67,000 of kymo_etd.h. On two axes the
   arrays of 64 x 80 points with their coefficients, 12 MB, pass through the third cache. */
#ifndef KYMO_LAW_H
#define KYMO_LAW_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_etd_coefficients.h"
#include "kymo_processor.h"

/* A function of one channel as a further factor of a product. */
typedef enum kk_law_wave {
  KK_LAW_NONE = 0,
  KK_LAW_SIN = 1,
  KK_LAW_COS = 2,
} kk_law_wave;

typedef struct kk_law kk_law;

/* A stepper with its own state and scratch, for one thread. Counts of points are as kk_fft_create
   takes them, those of the finer mesh at least as large; one axis has one row. NULL for others or
   without memory. */
kk_law *kk_law_create(
    int32_t rows, int32_t columns, int32_t fine_rows, int32_t fine_columns, int32_t channels,
    kk_level level);
void kk_law_release(kk_law *law);

/* Trajectories side by side, and modes of a channel: rows x columns / 2, [row][column mode], the
   negative modes of rows after the positive ones. */
int32_t kk_law_lanes(const kk_law *law);
size_t kk_law_modes(const kk_law *law);

/* The parts of a law, added before the first step. Each returns 0 without memory, else 1.
   A product of channels, which may repeat, numbered from 0; */
int kk_law_add_product(
    kk_law *law, int32_t count, const int32_t *factors, kk_law_wave wave, int32_t wave_channel);
/* a term of an equation: a product under a derivative, whose symbol is [mode], times i where
   `turned` is not 0, and its coefficient in each lane; */
int kk_law_add_term(
    kk_law *law, int32_t equation, int32_t product, const double *symbol, int turned,
    const double *coefficients);
/* a constant rate in each lane; */
void kk_law_set_constant(kk_law *law, int32_t equation, const double *rates);
/* the channels that are coupled, numbered from 0: each channel is in one block. */
int kk_law_add_block(kk_law *law, int32_t size, const int32_t *channels);

/* Sets the coefficients of a block for a time step: [KK_ETD_KINDS][row][column][re, im][mode][lane],
   what kk_etd_coefficients writes for one channel. */
void kk_law_prepare(kk_law *law, int32_t block, const double *coefficients);

/* Sets the fields of a lane, [channel][row][column]. */
void kk_law_set(kk_law *law, int32_t lane, const double *fields);
/* To be called after the last kk_law_set. */
void kk_law_start(kk_law *law);
/* Takes `steps` steps. Lanes do not touch each other. */
void kk_law_advance(kk_law *law, int64_t steps);
/* Makes the present fields of all lanes, for kk_law_get. */
void kk_law_show(kk_law *law);
/* The fields of a lane that were made last, [channel][row][column]. */
void kk_law_get(const kk_law *law, int32_t lane, double *fields);

#endif
