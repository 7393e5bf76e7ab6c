/* Frames of linear, periodic, real 2D fields, wherever and whenever they are wanted:

     u(x, y, t) = sum over k of v_k exp(t lambda(k)) exp(i k (x, y)),
     lambda(k) = D (a(kx) + b(ky)) - i (p c(kx) + q d(ky))

   a, b are the symbols of the second derivatives along both axes, c, d those of the first ones
   divided by i: with a = -kx^2 and so on, convection with velocity (p, q) and diffusion D.

   A crop of a frame costs the column transforms (over kx) of those ky that matter, and the row
   transforms of the crop's rows. The factors exp(t lambda) are separable, and go from frame to
   frame by one product. Columns that together add less than a given bound to any point are left
   out: with diffusion few matter after the first frames.

   Floor, in operations, a frame of 62 rows out of 256 x 256 points: 62 transforms of 256 real
   points, 0.32 million, and for each ky that matters 12,000 for its factors and transform; 1.9
   million where all 129 do, 0.7 million for the 30 of an ordinary crop. Vectors hold columns first,
   then rows. */
#ifndef KYMO_PLANE_H
#define KYMO_PLANE_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_plane kk_plane;

/* A plan for fields of rows x columns points; each count even and otherwise a product of 2, 3 and
   5, rows at least 4. The symbols of the rows' axis have `rows` entries (negative modes behind the
   positive ones), those of the columns' axis columns / 2 + 1. NULL for other counts or without
   memory. A plan is read only: threads may share it. */
kk_plane *kk_plane_create(
    int32_t rows, int32_t columns, const double *row_second, const double *row_first,
    const double *column_second, const double *column_first, kk_level level);
void kk_plane_release(kk_plane *plane);

typedef struct kk_plane_law {
  double diffusivity, row_velocity, column_velocity;
} kk_plane_law;

/* What is wanted: frames at first_time + n interval; rows and columns wrap around. */
typedef struct kk_plane_crop {
  double first_time, interval;
  int32_t frames, row, row_count, column, column_count;
} kk_plane_crop;

/* Writes the crop as [frame][row][column]. The spectrum is [rows][columns / 2 + 1][re, im], the
   half plane of a real field. What is left out changes no point by more than `bound`. Returns 0, or
   -1 without memory. */
int32_t kk_plane_frames(
    const kk_plane *plane, const float *spectrum, kk_plane_law law, kk_plane_crop crop,
    double bound, float *output);

#endif
