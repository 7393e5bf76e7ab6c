/* Squared Euclidean distances between rows, by differences, so that near rows keep their digits.
   Floor: 3 count_x count_y length operations; a row of y stays in the first-level cache. */
#ifndef KYMO_DISTANCE_H
#define KYMO_DISTANCE_H

#include <stdint.h>

/* out[i][j] = |x_i - y_j|^2 for rows x [count_x][length], y [count_y][length]. */
void kk_squared_distances(
    const double *x, int64_t count_x, const double *y, int64_t count_y, int64_t length, double *out);

#endif
