// Frames of linear 2D fields: plans and memory here, the arithmetic in plane_body.inc,
// compiled once for each instruction set.
#include "kymo_plane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

struct kk_plane {
  kk_fft *down;    // complex, over a column
  kk_fft *across;  // real, over a row
  int32_t rows, columns, modes;
  double *row_second, *row_first, *column_second, *column_first;
};

// What one call needs beside its arguments.
typedef struct kk_plane_work {
  double *row_factors, *column_factors;    // [mode][re, im] at the present frame
  double *row_changes, *column_changes;    // the same from one frame to the next
  double *sizes;    // [ky] sum over kx of |re| + |im|, which bounds what the column adds
  float *spectrum;  // [group of ky][kx][re, im][lane]
  double *column;   // [kx][re, im][lane]
  double *lines;    // [group of rows][ky][re, im][lane]
  double *scratch;  // of a row transform
} kk_plane_work;

#define BODY "plane_body.inc"
#include "double_levels.inc"

static double *copied(const double *values, size_t count) {
  double *copy = kk_aligned_doubles(count);
  if (copy) memcpy(copy, values, count * sizeof(double));
  return copy;
}

kk_plane *kk_plane_create(
    int32_t rows, int32_t columns, const double *row_second, const double *row_first,
    const double *column_second, const double *column_first, kk_level level) {
  kk_plane *plane = calloc(1, sizeof *plane);
  if (!plane) return NULL;
  plane->rows = rows, plane->columns = columns, plane->modes = columns / 2 + 1;
  plane->down = rows > (1 << 19) || rows < 4 ? NULL : kk_fft_create(2 * rows, level);
  plane->across = kk_fft_create(columns, level);
  if (plane->down && plane->across) {
    plane->row_second = copied(row_second, rows);
    plane->row_first = copied(row_first, rows);
    plane->column_second = copied(column_second, plane->modes);
    plane->column_first = copied(column_first, plane->modes);
  }
  if (!plane->row_second || !plane->row_first || !plane->column_second || !plane->column_first) {
    kk_plane_release(plane);
    return NULL;
  }
  return plane;
}

void kk_plane_release(kk_plane *plane) {
  if (!plane) return;
  kk_fft_release(plane->down);
  kk_fft_release(plane->across);
  free(plane->row_second);
  free(plane->row_first);
  free(plane->column_second);
  free(plane->column_first);
  free(plane);
}

// exp(t (D second - i velocity first)) for every mode.
static void fill_factors(
    double *factors, const double *second, const double *first, int32_t count, double time,
    double diffusivity, double velocity) {
  for (int32_t k = 0; k < count; k++) {
    const double size = exp(time * diffusivity * second[k]), angle = -time * velocity * first[k];
    factors[2 * k] = size * cos(angle), factors[2 * k + 1] = size * sin(angle);
  }
}

static void advance_factors(double *factors, const double *changes, int32_t count) {
  for (int32_t k = 0; k < count; k++) {
    const double re = factors[2 * k], im = factors[2 * k + 1];
    factors[2 * k] = re * changes[2 * k] - im * changes[2 * k + 1];
    factors[2 * k + 1] = re * changes[2 * k + 1] + im * changes[2 * k];
  }
}

// How many columns matter: those behind add less than `bound` to any point.
static int32_t count_columns(const kk_plane_work *work, int32_t modes, double bound) {
  double rest = 0;
  int32_t count = modes;
  while (count > 1) {
    const double *factor = work->column_factors + 2 * (count - 1);
    rest += 2 * work->sizes[count - 1] * (fabs(factor[0]) + fabs(factor[1]));
    if (!(rest < bound)) break;
    count--;
  }
  return count;
}

int32_t kk_plane_frames(
    const kk_plane *plane, const float *spectrum, kk_plane_law law, kk_plane_crop crop,
    double bound, float *output) {
  const size_t lanes = (size_t)plane->down->lanes, modes = (size_t)plane->modes;
  const size_t rows = (size_t)plane->rows, groups = (modes + lanes - 1) / lanes;
  const size_t line_groups = ((size_t)crop.row_count + lanes - 1) / lanes;
  const size_t counts[9] = {2 * rows, 2 * modes, 2 * rows, 2 * modes, modes,
                            groups * rows * lanes,  // floats, two of which take one double
                            2 * rows * lanes, line_groups * 2 * modes * lanes,
                            (size_t)plane->columns * lanes};
  size_t total = 0;
  for (int i = 0; i < 9; i++) total += (counts[i] + 7) / 8 * 8;
  double *memory = kk_aligned_doubles(total);
  if (!memory) return -1;
  double *parts[9], *next = memory;
  for (int i = 0; i < 9; i++) parts[i] = next, next += (counts[i] + 7) / 8 * 8;
  const kk_plane_work work = {parts[0], parts[1], parts[2], parts[3], parts[4],
                              (float *)parts[5], parts[6], parts[7], parts[8]};

  for (size_t x = 0; x < rows; x++) {
    const float *line = spectrum + 2 * modes * x;
    for (size_t k = 0; k < modes; k++) {
      float *entry = work.spectrum + 2 * lanes * (k / lanes * rows + x) + k % lanes;
      entry[0] = line[2 * k], entry[lanes] = line[2 * k + 1];
      work.sizes[k] += fabsf(line[2 * k]) + fabsf(line[2 * k + 1]);
    }
  }
  fill_factors(work.row_factors, plane->row_second, plane->row_first, plane->rows,
               crop.first_time, law.diffusivity, law.row_velocity);
  fill_factors(work.column_factors, plane->column_second, plane->column_first, plane->modes,
               crop.first_time, law.diffusivity, law.column_velocity);
  fill_factors(work.row_changes, plane->row_second, plane->row_first, plane->rows, crop.interval,
               law.diffusivity, law.row_velocity);
  fill_factors(work.column_changes, plane->column_second, plane->column_first, plane->modes,
               crop.interval, law.diffusivity, law.column_velocity);
  for (int32_t frame = 0; frame < crop.frames; frame++) {
    if (frame > 0) {
      advance_factors(work.row_factors, work.row_changes, plane->rows);
      advance_factors(work.column_factors, work.column_changes, plane->modes);
    }
    const int32_t count = count_columns(&work, plane->modes, bound);
    float *target = output + (size_t)frame * crop.row_count * crop.column_count;
    AT_LEVEL(plane->down->level, plane_frame, plane, &work, crop, count, target);
  }
  free(memory);
  return 0;
}
