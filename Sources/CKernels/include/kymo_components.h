/* Fields that are sums of few vectors: what principal components are decoded by.

   Floor: 2 rows count columns operations; each row is written once and each vector is read once,
   whatever the number of rows. */
#ifndef KYMO_COMPONENTS_H
#define KYMO_COMPONENTS_H

#include <stddef.h>

/* Columns that are worked on together; a worker's range begins at a multiple of it. */
#define KK_COMPONENTS_COLUMNS 256

/* out[r][j] = middle[j] + sum over k of weights[r][k] vectors[k][j] for first <= j < last, rows of
   vectors `pitch` and rows of out `out_pitch` floats apart; weights [rows][count]. */
void kk_components_expand(
    int rows, int count, const float *weights, const float *middle, const float *vectors,
    size_t pitch, size_t first, size_t last, float *out, size_t out_pitch);

/* Asks for large pages for memory that is about to be written for the first time; it is only a wish. */
void kk_wish_large_pages(void *memory, size_t bytes);

#endif
