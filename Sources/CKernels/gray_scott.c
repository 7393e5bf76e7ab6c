// See kymo_gray_scott.h. Transforms are those of fft.c, row by row and column by column; the loops
// between them run over all lanes of all modes and are vectors without further ado.
#include "kymo_gray_scott.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "kymo_etd_coefficients.h"

#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

enum { FIELDS = 2 };

struct kk_gray_scott {
  kk_fft *across, *down;
  int32_t rows, columns, modes, lanes;
  size_t spectrum;               // numbers of a spectrum, [row mode][mode][re, im][lane]
  double *state[FIELDS];         // spectra at the start of the step
  double *stage[FIELDS];         // of the present stage
  double *first[FIELDS];         // N at the start
  double *middle[FIELDS];        // N of the second stage, then of the second and third
  double *points[FIELDS];        // fields, [row][column][lane]
  double *product;               // the spectrum of u v^2
  double *factors[FIELDS];       // [mode of the plane][KK_ETD_KINDS]
  double *feed, *drain;          // F and F + k of every lane
  double *column, *scratch;
};

kk_gray_scott *kk_gray_scott_create(int32_t rows, int32_t columns, kk_level level) {
  kk_gray_scott *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->rows = rows, s->columns = columns, s->modes = columns / 2 + 1;
  s->across = kk_fft_create(columns, level);
  s->down = rows < 4 || rows > (1 << 19) ? NULL : kk_fft_create(2 * rows, level);
  int complete = s->across && s->down;
  if (complete) {
    s->lanes = s->across->lanes;
    const size_t lanes = (size_t)s->lanes;
    s->spectrum = (size_t)2 * rows * s->modes * lanes;
    for (int f = 0; f < FIELDS; f++) {
      complete &= (s->state[f] = kk_aligned_doubles(s->spectrum)) != NULL;
      complete &= (s->stage[f] = kk_aligned_doubles(s->spectrum)) != NULL;
      complete &= (s->first[f] = kk_aligned_doubles(s->spectrum)) != NULL;
      complete &= (s->middle[f] = kk_aligned_doubles(s->spectrum)) != NULL;
      complete &= (s->points[f] = kk_aligned_doubles((size_t)rows * columns * lanes)) != NULL;
      const size_t factors = (size_t)rows * s->modes * KK_ETD_KINDS;
      complete &= (s->factors[f] = kk_aligned_doubles(factors)) != NULL;
    }
    const size_t longest = (size_t)(2 * rows > columns ? 2 * rows : columns);
    complete &= (s->product = kk_aligned_doubles(s->spectrum)) != NULL;
    complete &= (s->feed = kk_aligned_doubles(lanes)) != NULL;
    complete &= (s->drain = kk_aligned_doubles(lanes)) != NULL;
    complete &= (s->column = kk_aligned_doubles((size_t)2 * rows * lanes)) != NULL;
    complete &= (s->scratch = kk_aligned_doubles(longest * lanes)) != NULL;
  }
  if (!complete) {
    kk_gray_scott_release(s);
    return NULL;
  }
  return s;
}

void kk_gray_scott_release(kk_gray_scott *s) {
  if (!s) return;
  kk_fft_release(s->across);
  kk_fft_release(s->down);
  for (int f = 0; f < FIELDS; f++) {
    free(s->state[f]);
    free(s->stage[f]);
    free(s->first[f]);
    free(s->middle[f]);
    free(s->points[f]);
    free(s->factors[f]);
  }
  free(s->product);
  free(s->feed);
  free(s->drain);
  free(s->column);
  free(s->scratch);
  free(s);
}

int32_t kk_gray_scott_lanes(const kk_gray_scott *s) { return s->lanes; }

void kk_gray_scott_prepare(
    kk_gray_scott *s, const double lengths[2], const double diffusivities[2], const double *feed,
    const double *kill, double step) {
  const double tau = 2 * 3.14159265358979323846;
  for (int32_t lane = 0; lane < s->lanes; lane++)
    s->feed[lane] = feed[lane], s->drain[lane] = feed[lane] + kill[lane];
  for (int f = 0; f < FIELDS; f++)
    for (int32_t row = 0; row < s->rows; row++)
      for (int32_t mode = 0; mode < s->modes; mode++) {
        const double a = tau * (2 * row <= s->rows ? row : row - s->rows) / lengths[0];
        const double b = tau * mode / lengths[1];
        const double symbol = -diffusivities[f] * (a * a + b * b);
        double found[2 * KK_ETD_KINDS];  // [kind][re, im]
        kk_etd_coefficients(1, &symbol, NULL, step, 1, s->across->level, found);
        double *place = s->factors[f] + (size_t)KK_ETD_KINDS * (row * s->modes + mode);
        for (int kind = 0; kind < KK_ETD_KINDS; kind++) place[kind] = found[2 * kind];
      }
}

// Transforms every column of a spectrum in place.
static void columns(kk_gray_scott *s, double *spectrum, int forward) {
  const size_t entry = (size_t)2 * s->lanes, line = entry * s->modes;
  for (int32_t mode = 0; mode < s->modes; mode++) {
    double *top = spectrum + entry * mode;
    for (int32_t row = 0; row < s->rows; row++)
      memcpy(s->column + entry * row, top + line * row, entry * sizeof(double));
    if (forward)
      kk_fft_complex_forward(s->down, s->column, s->column, s->scratch);
    else
      kk_fft_complex_inverse(s->down, s->column, s->column, s->scratch);
    for (int32_t row = 0; row < s->rows; row++)
      memcpy(top + line * row, s->column + entry * row, entry * sizeof(double));
  }
}

static void to_spectrum(kk_gray_scott *s, const double *points, double *spectrum) {
  for (int32_t row = 0; row < s->rows; row++)
    kk_fft_forward(s->across, points + (size_t)row * s->columns * s->lanes,
                   spectrum + (size_t)2 * row * s->modes * s->lanes, s->scratch);
  columns(s, spectrum, 1);
  const double scale = 1.0 / ((double)s->rows * s->columns);
  for (size_t i = 0; i < s->spectrum; i++) spectrum[i] *= scale;
}

// Overwrites the spectrum with its column transforms.
static void to_points(kk_gray_scott *s, double *spectrum, double *points) {
  columns(s, spectrum, 0);
  for (int32_t row = 0; row < s->rows; row++)
    kk_fft_inverse(s->across, spectrum + (size_t)2 * row * s->modes * s->lanes,
                   points + (size_t)row * s->columns * s->lanes, s->scratch);
}

void kk_gray_scott_set(kk_gray_scott *s, int32_t lane, const double *u, const double *v) {
  for (int32_t i = 0; i < s->rows * s->columns; i++) {
    s->points[0][(size_t)i * s->lanes + lane] = u[i];
    s->points[1][(size_t)i * s->lanes + lane] = v[i];
  }
}

void kk_gray_scott_start(kk_gray_scott *s) {
  for (int f = 0; f < FIELDS; f++) to_spectrum(s, s->points[f], s->state[f]);
}

void kk_gray_scott_show(kk_gray_scott *s) {
  for (int f = 0; f < FIELDS; f++) {
    // The product's place is free between steps.
    memcpy(s->product, s->state[f], s->spectrum * sizeof(double));
    to_points(s, s->product, s->points[f]);
  }
}

int32_t kk_gray_scott_get(
    const kk_gray_scott *s, int32_t lane, double bound, double *u, double *v) {
  int32_t wrong = 0;
  for (int f = 0; f < FIELDS; f++) {
    double *target = f == 0 ? u : v;
    for (int32_t i = 0; i < s->rows * s->columns; i++) {
      target[i] = s->points[f][(size_t)i * s->lanes + lane];
      wrong |= !(fabs(target[i]) <= bound);
    }
  }
  return wrong;
}

WIDE static void multiply(double *restrict u, const double *restrict v, size_t count) {
  for (size_t i = 0; i < count; i++) u[i] *= v[i] * v[i];
}

// N of one field in one mode, from the spectrum p of u v^2: -p + F (1 - u) or p - (F + k) v; `unit`
// is 1 for the real part of mode 0 of u.
#define REACTION(p, x) (sign * (p) - rate[lane] * ((x) - unit))

// The next stage of one field: `now` holds the spectrum of the stage whose product is known.
WIDE static void sweep(
    size_t modes, size_t lanes, int stage, double sign, const double *restrict rate,
    const double *restrict factors, const double *restrict product, double *restrict state,
    double *restrict now, double *restrict first, double *restrict middle) {
  for (size_t m = 0; m < modes; m++) {
    const double *g = factors + KK_ETD_KINDS * m;
    const double half = g[0], q = g[1], whole = g[2], f1 = g[3], f2 = g[4], f3 = g[5];
    for (size_t part = 0; part < 2; part++) {
      const double unit = sign < 0 && m == 0 && part == 0 ? 1 : 0;
      const size_t base = (2 * m + part) * lanes;
      for (size_t lane = 0; lane < lanes; lane++) {
        const size_t i = base + lane;
        const double n = REACTION(product[i], now[i]);
        if (stage == 1) {
          first[i] = n, now[i] = half * state[i] + q * n;
        } else if (stage == 2) {
          middle[i] = n, now[i] = half * state[i] + q * n;
        } else if (stage == 3) {
          const double a = half * state[i] + q * first[i];
          middle[i] += n, now[i] = half * a + q * (2 * n - first[i]);
        } else {
          state[i] = whole * state[i] + f1 * first[i] + f2 * middle[i] + f3 * n;
        }
      }
    }
  }
}

void kk_gray_scott_advance(kk_gray_scott *s, int64_t steps) {
  const size_t modes = (size_t)s->rows * s->modes, lanes = (size_t)s->lanes;
  for (int64_t step = 0; step < steps; step++)
    for (int stage = 1; stage <= 4; stage++) {
      for (int f = 0; f < FIELDS; f++) {
        if (stage == 1) memcpy(s->stage[f], s->state[f], s->spectrum * sizeof(double));
        memcpy(s->product, s->stage[f], s->spectrum * sizeof(double));
        to_points(s, s->product, s->points[f]);
      }
      multiply(s->points[0], s->points[1], (size_t)s->rows * s->columns * lanes);
      to_spectrum(s, s->points[0], s->product);
      for (int f = 0; f < FIELDS; f++)
        sweep(modes, lanes, stage, f == 0 ? -1 : 1, f == 0 ? s->feed : s->drain, s->factors[f],
              s->product, s->state[f], s->stage[f], s->first[f], s->middle[f]);
    }
}
