// Plans of real transforms, and the transforms for every instruction set.
#include "kymo_fft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft_plan.h"
#include "levels.h"

#pragma clang fp contract(on)
// Vectors are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#define BODY "fft_body.inc"
#include "double_levels.inc"

double *kk_aligned_doubles(size_t count) {
  const size_t bytes = (count * sizeof(double) + 63) / 64 * 64;
  double *memory = aligned_alloc(64, bytes ? bytes : 64);
  if (memory) memset(memory, 0, bytes);
  return memory;
}

// cos and sin of 2 pi numerator / denominator, exact at quarter turns.
static void turn(int64_t numerator, int64_t denominator, double *c, double *s) {
  numerator %= denominator;
  const int64_t quarter = 4 * numerator / denominator;
  const double rest = (double)(4 * numerator - quarter * denominator) / (double)denominator;
  const double angle = 1.57079632679489661923 * rest;
  const double x = cos(angle), y = sin(angle);
  *c = quarter == 0 ? x : quarter == 1 ? -y : quarter == 2 ? -x : y;
  *s = quarter == 0 ? y : quarter == 1 ? x : quarter == 2 ? -y : -x;
}

// The radices from the outermost pass inwards: odd ones, then fours, eights last, where the
// passes have the fewest factors to multiply with. Returns 0 for another prime.
static int find_radices(int32_t length, int32_t *radices) {
  int count = 0, twos = 0;
  for (; length % 5 == 0; length /= 5) radices[count++] = 5;
  for (; length % 3 == 0; length /= 3) radices[count++] = 3;
  for (; length % 2 == 0; length /= 2) twos++;
  if (length != 1) return 0;
  if (twos == 1) radices[count++] = 2, twos = 0;
  for (; twos % 3 != 0; twos -= 2) radices[count++] = 4;
  for (; twos > 0; twos -= 3) radices[count++] = 8;
  return count;
}

kk_fft *kk_fft_create(int32_t points, kk_level level) {
  int32_t radices[40];
  if (points < 4 || points % 2 != 0 || points > (1 << 24)) return NULL;
  const int32_t half = points / 2;
  const int count = find_radices(half, radices);
  if (count == 0 || count > KK_FFT_PASSES) return NULL;
  kk_fft *plan = calloc(1, sizeof *plan);
  if (!plan) return NULL;
  const kk_level best = kk_processor_level();
  plan->level = level < best ? level : best;
  plan->lanes = plan->level == KK_LEVEL_AVX512 ? 8 : plan->level == KK_LEVEL_AVX2 ? 4 : 2;
  plan->points = points, plan->half = half, plan->pass_count = count;

  size_t twiddle_count = 0;
  int32_t length = half;
  for (int p = 0; p < count; p++) {
    plan->passes[p].radix = radices[p];
    plan->passes[p].blocks = half / length;
    length /= radices[p];
    plan->passes[p].stride = length;
    twiddle_count += (size_t)2 * (radices[p] - 1) * length;
  }
  plan->twiddles = kk_aligned_doubles(twiddle_count);
  plan->rotations = kk_aligned_doubles((size_t)2 * (half / 2 + 1));
  plan->positions = calloc((size_t)half, sizeof(int32_t));
  if (!plan->twiddles || !plan->rotations || !plan->positions) {
    kk_fft_release(plan);
    return NULL;
  }
  double *next = plan->twiddles;
  for (int p = 0; p < count; p++) {
    kk_fft_pass *pass = &plan->passes[p];
    pass->twiddles = next;
    for (int64_t q = 0; q < pass->stride; q++)
      for (int s = 1; s < pass->radix; s++, next += 2)
        turn(q * s, (int64_t)pass->radix * pass->stride, next, next + 1);
  }
  for (int k = 0; 2 * k <= half; k++)
    turn(k, points, &plan->rotations[2 * k], &plan->rotations[2 * k + 1]);
  // Point n = r p + s of a pass goes to block s of the next one, as its point p.
  for (int32_t n = 0; n < half; n++) {
    int32_t rest = n, position = 0;
    for (int p = 0; p < count; p++) {
      position += rest % radices[p] * plan->passes[p].stride;
      rest /= radices[p];
    }
    plan->positions[n] = position;
  }
  return plan;
}

void kk_fft_release(kk_fft *plan) {
  if (!plan) return;
  free(plan->twiddles);
  free(plan->rotations);
  free(plan->positions);
  free(plan);
}

int32_t kk_fft_lanes(const kk_fft *plan) { return plan->lanes; }

size_t kk_fft_scratch_count(const kk_fft *plan) {
  return (size_t)plan->points * (size_t)plan->lanes;
}

void kk_fft_forward(
    const kk_fft *plan, const double *field, double *spectrum, double *scratch) {
  AT_LEVEL(plan->level, fft_forward, plan, field, spectrum, scratch);
}

static void inverse_permuted(const kk_fft *plan, const double *spectrum, double *scratch) {
  AT_LEVEL(plan->level, fft_inverse_permuted, plan, spectrum, scratch);
}

// Puts permuted entries of a complex field in order.
static void unscramble(const kk_fft *plan, const double *scratch, double *field) {
  const size_t pair = (size_t)2 * plan->lanes;
  for (int32_t n = 0; n < plan->half; n++)
    memcpy(field + n * pair, scratch + plan->positions[n] * pair, pair * sizeof(double));
}

// Rounds the permuted pairs of each lane to float: first and second of pair n go to
// row[step n] and row[step n + gap].
static uint32_t round_pairs(
    const kk_fft *plan, const double *scratch, float *points, size_t lane_stride, size_t step,
    size_t gap, int32_t lanes, double bound) {
  const int32_t width = plan->lanes;
  uint32_t beyond = 0;
  for (int32_t lane = 0; lane < lanes; lane++) {
    float *row = points + (size_t)lane * lane_stride;
    double largest = 0;
    int wrong = 0;
    for (int32_t n = 0; n < plan->half; n++) {
      const double *pair = scratch + (size_t)2 * plan->positions[n] * width + lane;
      row[step * n] = (float)pair[0], row[step * n + gap] = (float)pair[width];
      largest = fmax(largest, fmax(fabs(pair[0]), fabs(pair[width])));
      wrong |= isnan(pair[0]) || isnan(pair[width]);
    }
    if (wrong || !(largest <= bound)) beyond |= 1u << lane;
  }
  return beyond;
}

void kk_fft_inverse(
    const kk_fft *plan, const double *spectrum, double *field, double *scratch) {
  inverse_permuted(plan, spectrum, scratch);
  unscramble(plan, scratch, field);
}

uint32_t kk_fft_inverse_rows(
    const kk_fft *plan, const double *spectrum, float *points, size_t lane_stride, int32_t lanes,
    double bound, double *scratch) {
  inverse_permuted(plan, spectrum, scratch);
  return round_pairs(plan, scratch, points, lane_stride, 2, 1, lanes, bound);
}

void kk_fft_complex_forward(
    const kk_fft *plan, const double *field, double *spectrum, double *scratch) {
  const size_t pair = (size_t)2 * plan->lanes;
  for (int32_t n = 0; n < plan->half; n++)
    memcpy(scratch + plan->positions[n] * pair, field + n * pair, pair * sizeof(double));
  AT_LEVEL(plan->level, fft_forward_passes, plan, scratch);
  memcpy(spectrum, scratch, plan->half * pair * sizeof(double));
}

static void complex_inverse_permuted(
    const kk_fft *plan, const double *spectrum, double *scratch) {
  memcpy(scratch, spectrum, (size_t)2 * plan->half * plan->lanes * sizeof(double));
  AT_LEVEL(plan->level, fft_inverse_passes, plan, scratch);
}

void kk_fft_complex_inverse(
    const kk_fft *plan, const double *spectrum, double *field, double *scratch) {
  complex_inverse_permuted(plan, spectrum, scratch);
  unscramble(plan, scratch, field);
}

uint32_t kk_fft_complex_inverse_rows(
    const kk_fft *plan, const double *spectrum, float *points, size_t lane_stride,
    size_t part_stride, int32_t lanes, double bound, double *scratch) {
  complex_inverse_permuted(plan, spectrum, scratch);
  return round_pairs(plan, scratch, points, lane_stride, 1, part_stride, lanes, bound);
}
