// What the rollouts in one and two dimensions share: vectors, scratch, and the order of packed
// kernels. The arithmetic of rows is in rollout_rows.inc.
#ifndef KYMO_ROLLOUT_SHARED_H
#define KYMO_ROLLOUT_SHARED_H

#include "kymo_rollout.h"
#include "vectors.h"

#define TAPS 5
#define HALO 6
// Zeros beside the gradient of f: the reach of a linear path of 13 taps from the outermost halo
// cell.
#define DELTA_MARGIN 12

static inline float *take_zeros(float **scratch, size_t count) {
  float *piece = take(scratch, count);
  memset(piece, 0, taken(count) * sizeof(float));
  return piece;
}

// A layer's kernel, given as [lines][5][in][out], in the order in which spread() reads it:
// [out / 16][lines][in][5][16]. A line is a row of five taps: one in one dimension, five in two.
static inline void pack_spread(
    int lines, int inputs, int outputs, const float *flat, float *packed) {
  for (int block = 0; block < outputs; block += LANES)
    for (int line = 0; line < lines; line++)
      for (int in = 0; in < inputs; in++)
        for (int tap = 0; tap < TAPS; tap++, packed += LANES)
          memcpy(packed, flat + ((size_t)(line * TAPS + tap) * inputs + in) * outputs + block,
                 LANES * sizeof(float));
}

// The same for the way back through a layer given as [lines][5][outputs][inputs]: taps reversed,
// `inputs` counts what enters on the way back.
static inline void pack_spread_back(
    int lines, int inputs, int outputs, const float *flat, float *packed) {
  for (int block = 0; block < outputs; block += LANES)
    for (int line = lines - 1; line >= 0; line--)
      for (int in = 0; in < inputs; in++)
        for (int tap = TAPS - 1; tap >= 0; tap--)
          for (int lane = 0; lane < LANES; lane++)
            *packed++ =
                flat[((size_t)(line * TAPS + tap) * outputs + block + lane) * inputs + in];
}

// A layer from h to c channels, given as [lines][5][h][c], in the order of narrow():
// [c][lines][5][h].
static inline void pack_narrow(
    int lines, int channels, int hidden, const float *flat, float *packed) {
  for (int c = 0; c < channels; c++)
    for (int place = 0; place < lines * TAPS; place++)
      for (int i = 0; i < hidden; i++)
        *packed++ = flat[((size_t)place * hidden + i) * channels + c];
}

// The way back through a layer from c to h channels, given as [lines][5][c][h].
static inline void pack_narrow_back(
    int lines, int channels, int hidden, const float *flat, float *packed) {
  for (int c = 0; c < channels; c++)
    for (int place = lines * TAPS - 1; place >= 0; place--, packed += hidden)
      memcpy(packed, flat + ((size_t)place * channels + c) * hidden, hidden * sizeof(float));
}

// The way back through the linear path, given as [places][in][out]: taps reversed,
// [place][out][in].
static inline void pack_linear_back(int places, int channels, const float *flat, float *packed) {
  for (int place = places - 1; place >= 0; place--)
    for (int out = 0; out < channels; out++)
      for (int in = 0; in < channels; in++)
        *packed++ = flat[((size_t)place * channels + in) * channels + out];
}

// A recording's kernels in the orders that the loops read.
typedef struct packed_kernels {
  const float *in, *in_bias, *mid, *mid_bias, *out, *out_bias, *linear;
  const float *in_back, *mid_back, *out_back, *linear_back;
} packed_kernels;

// Sums of the gradient: `in` [c][lines][5][h], `mid` [lines][5][h][h], `out` [c][lines][5][h] with
// places reversed, `linear` as the flat vector.
typedef struct packed_gradient {
  float *in, *in_bias, *mid, *mid_bias, *out, *out_bias, *linear;
} packed_gradient;

// Sizes of the pieces of a kernel vector.
typedef struct kernel_sizes {
  int lines, channels, hidden, linear_places;
  size_t edge, middle, linear;  // floats of K_in and of K_out, of K_mid, of K_lin
} kernel_sizes;

static inline kernel_sizes sizes_of(int lines, int channels, int hidden, int linear_places) {
  const size_t places = (size_t)lines * TAPS;
  return (kernel_sizes){lines, channels, hidden, linear_places, places * channels * hidden,
                        places * hidden * hidden, (size_t)linear_places * channels * channels};
}

static inline size_t kernel_count(kernel_sizes s) {
  return 2 * s.edge + s.middle + s.linear + 2 * (size_t)s.hidden + s.channels;
}

static inline size_t packed_count(kernel_sizes s, int gradient) {
  const size_t forward = 2 * taken(s.edge) + taken(s.middle);
  const size_t sums = forward + 2 * taken(s.hidden) + taken(s.channels) + taken(s.linear);
  return gradient ? 2 * forward + taken(s.linear) + sums : forward;
}

static inline packed_kernels pack_kernels(
    kernel_sizes s, const float *flat, float **scratch, int gradient) {
  const int lines = s.lines, c = s.channels, h = s.hidden;
  const float *in = flat, *mid = in + s.edge + h, *out = mid + s.middle + h;
  packed_kernels k = {0};
  k.in_bias = in + s.edge;
  k.mid_bias = mid + s.middle;
  k.out_bias = out + s.edge;
  k.linear = k.out_bias + c;
  float *piece = take(scratch, s.edge);
  pack_spread(lines, c, h, in, piece);
  k.in = piece;
  piece = take(scratch, s.middle);
  pack_spread(lines, h, h, mid, piece);
  k.mid = piece;
  piece = take(scratch, s.edge);
  pack_narrow(lines, c, h, out, piece);
  k.out = piece;
  if (!gradient) return k;
  piece = take(scratch, s.edge);
  pack_narrow_back(lines, c, h, in, piece);
  k.in_back = piece;
  piece = take(scratch, s.middle);
  pack_spread_back(lines, h, h, mid, piece);
  k.mid_back = piece;
  piece = take(scratch, s.edge);
  pack_spread_back(lines, c, h, out, piece);
  k.out_back = piece;
  piece = take(scratch, s.linear);
  pack_linear_back(s.linear_places, c, k.linear, piece);
  k.linear_back = piece;
  return k;
}

static inline packed_gradient take_gradient(kernel_sizes s, float **scratch) {
  packed_gradient g;
  g.in = take_zeros(scratch, s.edge);
  g.in_bias = take_zeros(scratch, s.hidden);
  g.mid = take_zeros(scratch, s.middle);
  g.mid_bias = take_zeros(scratch, s.hidden);
  g.out = take_zeros(scratch, s.edge);
  g.out_bias = take_zeros(scratch, s.channels);
  g.linear = take_zeros(scratch, s.linear);
  return g;
}

static inline void unpack_gradient(kernel_sizes s, const packed_gradient *g, float *flat) {
  const int places = s.lines * TAPS, c = s.channels, h = s.hidden;
  for (int place = 0; place < places; place++)
    for (int ch = 0; ch < c; ch++, flat += h)
      memcpy(flat, g->in + ((size_t)ch * places + place) * h, h * sizeof(float));
  memcpy(flat, g->in_bias, h * sizeof(float));
  memcpy(flat += h, g->mid, s.middle * sizeof(float));
  memcpy(flat += s.middle, g->mid_bias, h * sizeof(float));
  flat += h;
  for (int place = 0; place < places; place++)
    for (int i = 0; i < h; i++)
      for (int ch = 0; ch < c; ch++)
        *flat++ = g->out[((size_t)ch * places + places - 1 - place) * h + i];
  memcpy(flat, g->out_bias, c * sizeof(float));
  memcpy(flat + c, g->linear, s.linear * sizeof(float));
}

#endif
