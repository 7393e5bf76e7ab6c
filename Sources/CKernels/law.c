// Steppers of any law: memory here, the arithmetic in law_body.inc, compiled once for each
// instruction set and chosen when a stepper is made.
#include "kymo_law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

typedef struct kk_law_mesh {
  int32_t rows, columns;
  kk_fft *across;  // over a row, real
  kk_fft *down;    // over a column, complex; NULL for one row
} kk_law_mesh;

typedef struct kk_law_product {
  int32_t count, *factors;
  kk_law_wave wave;
  int32_t wave_channel;
} kk_law_product;

typedef struct kk_law_term {
  int32_t equation, product;
  int turned;
  int adds;              // an earlier term of this equation has set the rate
  double *symbol;        // [mode], times the factor that transforms leave
  double *coefficients;  // [lane]
} kk_law_term;

typedef struct kk_law_block {
  int32_t size, *channels;
  int32_t parts;   // 1 where all coefficients are real, else 2
  double *halves;  // [mode][E2, Q][row][column][part][lane]
  double *fulls;   // [mode][E, f1, f2, f3][row][column][part][lane]
} kk_law_block;

struct kk_law {
  kk_law_mesh coarse, fine;
  int32_t channels, lanes, kept;  // modes kept of a row
  size_t modes, spectrum;         // modes and numbers of a channel's spectrum
  int32_t product_count, term_count, block_count;
  kk_law_product *products;
  kk_law_term *terms;
  kk_law_block *blocks;
  double *constants;  // [equation][lane]
  int *has_terms;     // [equation]
  // Spectra, [channel][row][kept mode][re, im][lane]
  double *state, *stage;   // at the start of the step, and of the present stage
  double *rates;           // N of the present stage
  double *first, *middle;  // N at the start; N of the second stage, then of the second and third
  double *second;          // the spectra of the second stage
  double *found;           // of a product
  // Points, [row][column][lane], permuted as transforms leave them
  double *fields, *product, *points;  // of the finer mesh, of a product, of the state's mesh
  double *plane, *line;               // rows transformed, columns not; a column
};

#define BODY "law_body.inc"
#include "double_levels.inc"

static int make_mesh(kk_law_mesh *mesh, int32_t rows, int32_t columns, kk_level level) {
  mesh->rows = rows, mesh->columns = columns;
  mesh->across = kk_fft_create(columns, level);
  if (rows > 1) mesh->down = rows > (1 << 19) ? NULL : kk_fft_create(2 * rows, level);
  return mesh->across && (rows == 1 || mesh->down);
}

kk_law *kk_law_create(
    int32_t rows, int32_t columns, int32_t fine_rows, int32_t fine_columns, int32_t channels,
    kk_level level) {
  kk_law *law = calloc(1, sizeof *law);
  if (!law) return NULL;
  int complete = fine_rows >= rows && fine_columns >= columns && (rows > 1) == (fine_rows > 1) &&
                 (rows == 1 || rows % 2 == 0) && make_mesh(&law->coarse, rows, columns, level) &&
                 make_mesh(&law->fine, fine_rows, fine_columns, level);
  if (complete) {
    law->channels = channels, law->lanes = law->coarse.across->lanes, law->kept = columns / 2;
    law->modes = (size_t)rows * law->kept;
    const size_t lanes = (size_t)law->lanes, fields = (size_t)fine_rows * fine_columns * lanes;
    law->spectrum = 2 * law->modes * lanes;
    const size_t all = (size_t)channels * law->spectrum;
    complete &= (law->constants = kk_aligned_doubles((size_t)channels * lanes)) != NULL;
    complete &= (law->has_terms = calloc((size_t)channels, sizeof(int))) != NULL;
    complete &= (law->state = kk_aligned_doubles(all)) != NULL;
    complete &= (law->stage = kk_aligned_doubles(all)) != NULL;
    complete &= (law->rates = kk_aligned_doubles(all)) != NULL;
    complete &= (law->first = kk_aligned_doubles(all)) != NULL;
    complete &= (law->middle = kk_aligned_doubles(all)) != NULL;
    complete &= (law->second = kk_aligned_doubles(all)) != NULL;
    complete &= (law->found = kk_aligned_doubles(law->spectrum)) != NULL;
    complete &= (law->fields = kk_aligned_doubles((size_t)channels * fields)) != NULL;
    complete &= (law->product = kk_aligned_doubles(fields)) != NULL;
    const size_t points = (size_t)channels * rows * columns * lanes;
    complete &= (law->points = kk_aligned_doubles(points)) != NULL;
    if (rows > 1) {
      const size_t line = 2 * (size_t)fine_rows * lanes;
      complete &= (law->plane = kk_aligned_doubles(line * (law->kept + 1))) != NULL;
      complete &= (law->line = kk_aligned_doubles(line)) != NULL;
    }
  }
  if (!complete) {
    kk_law_release(law);
    return NULL;
  }
  return law;
}

void kk_law_release(kk_law *law) {
  if (!law) return;
  kk_fft *plans[] = {law->coarse.across, law->coarse.down, law->fine.across, law->fine.down};
  for (int p = 0; p < 4; p++) kk_fft_release(plans[p]);
  for (int32_t p = 0; p < law->product_count; p++) free(law->products[p].factors);
  for (int32_t t = 0; t < law->term_count; t++) {
    free(law->terms[t].symbol);
    free(law->terms[t].coefficients);
  }
  for (int32_t b = 0; b < law->block_count; b++) {
    free(law->blocks[b].channels);
    free(law->blocks[b].halves);
    free(law->blocks[b].fulls);
  }
  void *memory[] = {law->products, law->terms,  law->blocks, law->constants, law->has_terms,
                    law->state,    law->stage,  law->rates,  law->first,     law->middle,
                    law->second,   law->found,  law->fields, law->product,   law->points,
                    law->plane,    law->line};
  for (size_t m = 0; m < sizeof memory / sizeof *memory; m++) free(memory[m]);
  free(law);
}

int32_t kk_law_lanes(const kk_law *law) { return law->lanes; }

size_t kk_law_modes(const kk_law *law) { return law->modes; }

// Makes room for one more entry at the end of a list; NULL without memory.
static void *appended(void *list, int32_t count, size_t size) {
  return realloc(list, ((size_t)count + 1) * size);
}

static int32_t *copied(const int32_t *values, int32_t count) {
  int32_t *copy = calloc((size_t)count + 1, sizeof *copy);
  if (copy) memcpy(copy, values, (size_t)count * sizeof *copy);
  return copy;
}

int kk_law_add_product(
    kk_law *law, int32_t count, const int32_t *factors, kk_law_wave wave, int32_t wave_channel) {
  kk_law_product *products = appended(law->products, law->product_count, sizeof *products);
  if (!products) return 0;
  law->products = products;
  int32_t *own = copied(factors, count);
  if (!own) return 0;
  products[law->product_count++] = (kk_law_product){count, own, wave, wave_channel};
  return 1;
}

int kk_law_add_term(
    kk_law *law, int32_t equation, int32_t product, const double *symbol, int turned,
    const double *coefficients) {
  kk_law_term *terms = appended(law->terms, law->term_count, sizeof *terms);
  if (!terms) return 0;
  law->terms = terms;
  kk_law_term *term = &terms[law->term_count++];
  *term = (kk_law_term){equation, product, turned, law->has_terms[equation],
                        kk_aligned_doubles(law->modes), kk_aligned_doubles((size_t)law->lanes)};
  if (!term->symbol || !term->coefficients) return 0;
  law->has_terms[equation] = 1;
  // Spectra of products are left times twice the number of points.
  const double scale = 0.5 / ((double)law->fine.rows * law->fine.columns);
  for (size_t k = 0; k < law->modes; k++) term->symbol[k] = scale * symbol[k];
  memcpy(term->coefficients, coefficients, (size_t)law->lanes * sizeof(double));
  return 1;
}

void kk_law_set_constant(kk_law *law, int32_t equation, const double *rates) {
  const size_t lanes = (size_t)law->lanes;
  memcpy(law->constants + equation * lanes, rates, lanes * sizeof(double));
}

int kk_law_add_block(kk_law *law, int32_t size, const int32_t *channels) {
  kk_law_block *blocks = appended(law->blocks, law->block_count, sizeof *blocks);
  if (!blocks) return 0;
  law->blocks = blocks;
  const size_t matrix = 2 * (size_t)size * size * law->modes * law->lanes;
  kk_law_block *block = &blocks[law->block_count++];
  *block = (kk_law_block){size, copied(channels, size), 2, kk_aligned_doubles(2 * matrix),
                          kk_aligned_doubles(4 * matrix)};
  return block->channels && block->halves && block->fulls;
}

void kk_law_prepare(kk_law *law, int32_t number, const double *coefficients) {
  kk_law_block *block = &law->blocks[number];
  const size_t lanes = (size_t)law->lanes, count = law->modes * lanes;
  const size_t entries = (size_t)block->size * block->size;
  block->parts = 1;
  for (size_t entry = 0; entry < KK_ETD_KINDS * entries; entry++)
    for (size_t i = 0; i < count; i++)
      if (coefficients[(2 * entry + 1) * count + i] != 0) block->parts = 2;
  const size_t parts = (size_t)block->parts;
  for (size_t kind = 0; kind < KK_ETD_KINDS; kind++)
    for (size_t entry = 0; entry < entries; entry++)
      for (size_t part = 0; part < parts; part++)
        for (size_t k = 0; k < law->modes; k++) {
          const size_t kinds = kind < 2 ? 2 : 4, own = kind < 2 ? kind : kind - 2;
          double *to = (kind < 2 ? block->halves : block->fulls) +
                       (((k * kinds + own) * entries + entry) * parts + part) * lanes;
          memcpy(to, coefficients + (2 * (kind * entries + entry) + part) * count + k * lanes,
                 lanes * sizeof(double));
        }
}

// Where the transforms leave a point of the state's mesh.
static size_t place_of(const kk_law *law, int32_t row, int32_t column) {
  const kk_law_mesh *mesh = &law->coarse;
  const int32_t r = mesh->down ? mesh->down->positions[row] : row;
  const int32_t c = 2 * mesh->across->positions[column / 2] + column % 2;
  return ((size_t)r * mesh->columns + c) * law->lanes;
}

void kk_law_set(kk_law *law, int32_t lane, const double *fields) {
  const size_t size = (size_t)law->coarse.rows * law->coarse.columns * law->lanes;
  for (int32_t channel = 0; channel < law->channels; channel++)
    for (int32_t row = 0; row < law->coarse.rows; row++)
      for (int32_t column = 0; column < law->coarse.columns; column++)
        law->points[channel * size + place_of(law, row, column) + lane] = *fields++;
}

void kk_law_get(const kk_law *law, int32_t lane, double *fields) {
  const size_t size = (size_t)law->coarse.rows * law->coarse.columns * law->lanes;
  for (int32_t channel = 0; channel < law->channels; channel++)
    for (int32_t row = 0; row < law->coarse.rows; row++)
      for (int32_t column = 0; column < law->coarse.columns; column++)
        *fields++ = law->points[channel * size + place_of(law, row, column) + lane];
}

void kk_law_start(kk_law *law) { AT_LEVEL(law->coarse.across->level, law_start, law); }

void kk_law_show(kk_law *law) { AT_LEVEL(law->coarse.across->level, law_show, law); }

void kk_law_advance(kk_law *law, int64_t steps) {
  AT_LEVEL(law->coarse.across->level, law_advance, law, steps);
}
