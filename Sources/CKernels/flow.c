// Fields of a flow in a box and what is no arithmetic; see kymo_flow.h. Passes for every instruction
// set are in flow_body.inc.
#include "kymo_flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

// Rows around the box, and entries before and behind a row: two are read, the rest aligns.
enum { AROUND = 2, BEFORE = 8, BEHIND = 16, STRIP = 32 };

// Entries [from, to) of a row that are penalised.
typedef struct span { int32_t from, to; } span;

struct kk_flow {
  kk_flow_shape shape;
  kk_level level;
  kk_fft *along;
  size_t stride;                // of rows
  double *fields[5];            // u, v, p, and u and v of the first stage: row 0, entry 0
  double *memory[6];            // what they lie in; the last one is that of modes
  double *modes;                // [row][mode]
  double *symbol;               // h^2 times minus the second difference along x, of each mode
  double *turns;                // [k][cos, sin] of pi k / (2 columns), k = 0 ... columns / 2
  span *spans[2];               // of u and v in each row
  double *outflow, *force[2], *fastest;  // of each row
  double **scratch;             // of each worker
};

static void free_all(kk_flow *f) {
  kk_fft_release(f->along);
  for (int i = 0; i < 6; i++) free(f->memory[i]);
  free(f->symbol), free(f->turns), free(f->outflow), free(f->fastest);
  for (int d = 0; d < 2; d++) free(f->spans[d]), free(f->force[d]);
  free(f->scratch);
}

// The entries [1, count) of a row that lie inside the body: entry i at (i + right) h, height y.
static span inside(const kk_flow_shape *s, double right, double y) {
  const double rise = y - s->centre[1], square = s->radius * s->radius - rise * rise;
  if (!(square > 0)) return (span){0, 0};
  const double half = sqrt(square), middle = s->centre[0];
  const double from = fmax(1, ceil((middle - half) / s->spacing - right));
  const double to = fmin(s->columns, floor((middle + half) / s->spacing - right) + 1);
  return from < to ? (span){(int32_t)from, (int32_t)to} : (span){0, 0};
}

// Doubles of a worker's scratch: fields and modes of a block of rows in lanes, the transform's own,
// rows of psi; or the factors of a strip of modes.
static size_t scratch_count(const kk_flow *f) {
  const size_t lanes = (size_t)f->along->lanes, block = (size_t)(f->shape.columns + 16) * lanes;
  const size_t transforms = 3 * block + (lanes + 1) * f->stride;
  const size_t strip = (size_t)f->shape.rows * STRIP;
  return transforms > strip ? transforms : strip;
}

kk_flow *kk_flow_create(const kk_flow_shape *shape, int32_t workers, kk_level level) {
  if (shape->columns < 16 || shape->columns % 8 != 0 || shape->rows < 4 || workers < 1) return NULL;
  kk_flow *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  f->shape = *shape;
  f->along = kk_fft_create(shape->columns, level);
  const int32_t columns = shape->columns, rows = shape->rows;
  f->stride = (size_t)(BEFORE + columns + BEHIND + 7) / 8 * 8;
  int complete = f->along != NULL;
  if (complete) {
    f->level = f->along->level;
    for (int i = 0; i < 6; i++) {
      f->memory[i] = kk_aligned_doubles(f->stride * (size_t)(rows + 1 + 2 * AROUND));
      complete &= f->memory[i] != NULL;
      if (!complete) break;
      if (i < 5) f->fields[i] = f->memory[i] + f->stride * AROUND + BEFORE;
    }
    f->modes = f->memory[5];
    complete &= (f->symbol = kk_aligned_doubles((size_t)columns + 16)) != NULL;
    complete &= (f->turns = kk_aligned_doubles((size_t)columns + 2)) != NULL;
    complete &= (f->outflow = kk_aligned_doubles((size_t)rows)) != NULL;
    complete &= (f->fastest = kk_aligned_doubles((size_t)rows)) != NULL;
    for (int d = 0; d < 2; d++) {
      complete &= (f->spans[d] = calloc((size_t)rows + 1, sizeof(span))) != NULL;
      complete &= (f->force[d] = kk_aligned_doubles((size_t)rows + 1)) != NULL;
    }
    const size_t head = ((size_t)workers * sizeof(double *) + 63) / 64 * 64;
    const size_t each = (scratch_count(f) + 7) / 8 * 8;
    f->scratch = (double **)kk_aligned_doubles(head / sizeof(double) + each * (size_t)workers);
    complete &= f->scratch != NULL;
    for (int32_t w = 0; complete && w < workers; w++)
      f->scratch[w] = (double *)((char *)f->scratch + head) + each * (size_t)w;
  }
  if (!complete) {
    kk_flow_release(f);
    return NULL;
  }
  const double quarter = 0.78539816339744830962;  // pi / 4
  for (int32_t k = 0; k < columns; k++) {
    const double wave = 2 * sin(2 * quarter * k / columns);
    f->symbol[k] = wave * wave;
  }
  for (int32_t k = 0; 2 * k <= columns; k++)
    f->turns[2 * k] = cos(2 * quarter * k / columns),
    f->turns[2 * k + 1] = sin(2 * quarter * k / columns);
  for (int32_t j = 0; j < rows; j++) {
    f->spans[0][j] = inside(shape, 0, (j + 0.5) * shape->spacing);
    if (j > 0) f->spans[1][j] = inside(shape, 0.5, j * shape->spacing);
  }
  return f;
}

void kk_flow_release(kk_flow *f) {
  if (!f) return;
  free_all(f);
  free(f);
}

double *kk_flow_row(kk_flow *f, int32_t field, int32_t row) {
  return f->fields[field] + (ptrdiff_t)f->stride * row;
}

// Entries around a row of u, v or p.
static inline void close_u(const kk_flow *f, double *u) {
  const int32_t n = f->shape.columns;
  u[-2] = u[-1] = u[0] = f->shape.speed;
  u[n + 1] = u[n + 2] = u[n];
}

static inline void close_v(const kk_flow *f, double *v) {
  const int32_t n = f->shape.columns;
  v[-1] = -v[0], v[-2] = -v[1];
  v[n] = v[n + 1] = v[n - 1];
}

// Rows around the box, from those inside.
static void close_sides(const kk_flow *f, double *u, double *v) {
  const ptrdiff_t stride = (ptrdiff_t)f->stride, rows = f->shape.rows;
  const double flip = f->shape.slip ? 1 : -1, level = f->shape.slip ? 0 : 2 * f->shape.speed;
  for (int ghost = 0; ghost < AROUND; ghost++) {
    const ptrdiff_t from[2] = {ghost, rows - 1 - ghost}, to[2] = {-1 - ghost, rows + ghost};
    for (int side = 0; side < 2; side++)
      for (ptrdiff_t i = -2; i < f->shape.columns + 3; i++)
        u[stride * to[side] + i] = level + flip * u[stride * from[side] + i];
  }
  for (ptrdiff_t i = -2; i < f->shape.columns + 3; i++) {
    v[i] = v[stride * rows + i] = 0;
    for (int ghost = 1; ghost <= AROUND; ghost++) {
      v[-stride * ghost + i] = -v[stride * ghost + i];
      v[stride * (rows + ghost) + i] = -v[stride * (rows - ghost) + i];
    }
  }
}

void kk_flow_close(kk_flow *f) {
  for (int32_t j = 0; j < f->shape.rows; j++) {
    double *u = kk_flow_row(f, 0, j), *v = kk_flow_row(f, 1, j);
    if (j == 0) memset(v, 0, (size_t)f->shape.columns * sizeof(double));
    close_u(f, u), close_v(f, v);
    f->outflow[j] = u[f->shape.columns];
    f->fastest[j] = 0;
    for (int32_t i = 0; i < f->shape.columns; i++)
      f->fastest[j] = fmax(f->fastest[j], fabs(u[i]) + fabs(v[i]));
  }
  close_sides(f, f->fields[0], f->fields[1]);
}

void kk_flow_still(kk_flow *f) {
  for (int d = 0; d < 2; d++)
    for (int32_t j = 0; j < f->shape.rows; j++)
      for (int32_t i = f->spans[d][j].from; i < f->spans[d][j].to; i++)
        kk_flow_row(f, d, j)[i] = 0;
}

void kk_flow_close_sides(kk_flow *f) { close_sides(f, f->fields[0], f->fields[1]); }

void kk_flow_close_stage(kk_flow *f) { close_sides(f, f->fields[3], f->fields[4]); }

void kk_flow_balance(kk_flow *f) {
  double sum = 0;
  for (int32_t j = 0; j < f->shape.rows; j++) sum += f->outflow[j];
  const double shift = f->shape.speed - sum / f->shape.rows;
  for (int32_t j = 0; j < f->shape.rows; j++)
    kk_flow_row(f, 0, j)[f->shape.columns] += shift;
}

double kk_flow_fastest(const kk_flow *f) {
  double fastest = 0;
  for (int32_t j = 0; j < f->shape.rows; j++) fastest = fmax(fastest, f->fastest[j]);
  return fastest;
}

void kk_flow_force(const kk_flow *f, double force[2]) {
  for (int d = 0; d < 2; d++) {
    force[d] = 0;
    for (int32_t j = 0; j < f->shape.rows; j++) force[d] += f->force[d][j];
  }
}

#define BODY "flow_body.inc"
#include "double_levels.inc"

void kk_flow_predict(kk_flow *f, double step, int32_t first, int32_t end) {
  AT_LEVEL(f->level, flow_stage, f, step, 1, first, end);
}

void kk_flow_correct(kk_flow *f, double step, int32_t first, int32_t end) {
  AT_LEVEL(f->level, flow_stage, f, step, 2, first, end);
}

void kk_flow_transform(kk_flow *f, int32_t worker, int32_t first, int32_t end) {
  AT_LEVEL(f->level, flow_transform, f, f->scratch[worker], first, end);
}

void kk_flow_solve(kk_flow *f, int32_t worker, int32_t first, int32_t end) {
  AT_LEVEL(f->level, flow_solve, f, f->scratch[worker], first, end);
}

void kk_flow_project(kk_flow *f, int32_t worker, double step, int32_t first, int32_t end) {
  AT_LEVEL(f->level, flow_project, f, f->scratch[worker], step, first, end);
}
