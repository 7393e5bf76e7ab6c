// The convolutions of the encoder on lattices for every instruction set: shared pieces here, the
// arithmetic in lattice_body.inc, compiled once for each set and chosen at run time.
#include "kymo_lattice.h"

#include "levels.h"
#include "vectors.h"

#define TAPS 3
#define MAX_LINES 9
#define LAYERS KK_LATTICE_LAYERS

// One layer. A row of cells is read from `lines` rows of the input: 9 with three axes, 3 with two,
// which have one "time" sheet. Maps are [depth][height][width][channels].
typedef struct layer_shape {
  int lines, inputs, outputs, stride, dilation;
  int in[3], out[3];
  int wide_in, wide_out;   // channels rounded up to whole vectors
  size_t forward, back;    // where the packed kernels lie
  size_t bias;
  size_t map, sums;        // where the map and the gradient sums lie
  size_t delta, pad;       // where the gradient of the map lies in scratch, its zero cells on each side
} layer_shape;

typedef struct encoder_shape {
  layer_shape layer[LAYERS];
  size_t packed, maps, gradient, scratch;
} encoder_shape;

static encoder_shape shape_of(const kk_lattice *plan) {
  encoder_shape e;
  memset(&e, 0, sizeof e);
  int size[3] = {1, 1, 1};
  for (int axis = 0; axis < plan->axes; axis++) size[3 - plan->axes + axis] = plan->size[axis];
  for (int l = 0; l < LAYERS; l++) {
    layer_shape *s = &e.layer[l];
    s->lines = plan->axes == 3 ? 9 : 3;
    s->inputs = plan->channels[l];
    s->outputs = plan->channels[l + 1];
    s->stride = plan->strides[l];
    s->dilation = plan->dilations[l];
    s->wide_in = (int)round_up(s->inputs);
    s->wide_out = (int)round_up(s->outputs);
    for (int axis = 0; axis < 3; axis++) {
      s->in[axis] = size[axis];
      if (axis > 0 || plan->axes == 3) size[axis] = (size[axis] - 1 - 2 * s->dilation) / s->stride + 1;
      s->out[axis] = size[axis];
    }
    const size_t taps = (size_t)s->lines * TAPS;
    s->forward = e.packed;
    e.packed += taps * s->inputs * s->wide_out;
    s->back = e.packed;
    if (l > 0) e.packed += taps * s->outputs * s->wide_in;
    s->bias = e.packed;
    e.packed += s->wide_out;
    // A vector behind every piece may be read, never written.
    s->map = e.maps;
    e.maps += round_up((size_t)s->out[0] * s->out[1] * s->out[2] * s->outputs) + LANES;
    s->sums = e.gradient;
    e.gradient += (taps * s->inputs + 1) * s->wide_out;
    s->pad = 2 * s->dilation;
    s->delta = e.scratch;
    e.scratch +=
        round_up((size_t)s->out[0] * s->out[1] * (s->out[2] + 2 * s->pad) * s->outputs) + LANES;
  }
  return e;
}

size_t kk_lattice_packed_count(const kk_lattice *plan) { return shape_of(plan).packed; }
size_t kk_lattice_map_count(const kk_lattice *plan) { return shape_of(plan).maps; }
size_t kk_lattice_gradient_count(const kk_lattice *plan) { return shape_of(plan).gradient; }
size_t kk_lattice_scratch_count(const kk_lattice *plan) { return shape_of(plan).scratch; }

// Outputs are done two vectors at a time, where there are two: [pair][tap][in][16 or 32].
static int pair_width(int wide) { return wide % (2 * LANES) == 0 ? 2 * LANES : LANES; }

void kk_lattice_pack(
    const kk_lattice *plan, int layer, const float *weight, const float *bias, float *packed) {
  const encoder_shape e = shape_of(plan);
  const layer_shape *s = &e.layer[layer];
  const int taps = s->lines * TAPS, in = s->inputs, out = s->outputs;
  float *k = packed + s->forward;
  for (int block = 0; block < s->wide_out; block += pair_width(s->wide_out))
    for (int tap = 0; tap < taps; tap++)
      for (int i = 0; i < in; i++)
        for (int o = block; o < block + pair_width(s->wide_out); o++)
          *k++ = o < out ? weight[((size_t)o * in + i) * taps + tap] : 0;
  k = packed + s->back;
  for (int block = 0; layer > 0 && block < s->wide_in; block += pair_width(s->wide_in))
    for (int tap = 0; tap < taps; tap++)
      for (int o = 0; o < out; o++)
        for (int i = block; i < block + pair_width(s->wide_in); i++)
          *k++ = i < in ? weight[((size_t)o * in + i) * taps + tap] : 0;
  for (int o = 0; o < s->wide_out; o++) packed[s->bias + o] = o < out ? bias[o] : 0;
}

void kk_lattice_unpack(
    const kk_lattice *plan, int layer, const float *gradient, float *weight, float *bias) {
  const encoder_shape e = shape_of(plan);
  const layer_shape *s = &e.layer[layer];
  const int taps = s->lines * TAPS, in = s->inputs, out = s->outputs;
  const float *sums = gradient + s->sums;
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++)
      for (int tap = 0; tap < taps; tap++)
        weight[((size_t)o * in + i) * taps + tap] = sums[((size_t)tap * in + i) * s->wide_out + o];
  for (int o = 0; o < out; o++) bias[o] = sums[(size_t)taps * in * s->wide_out + o];
}

// The rows and taps that one row of a result sums.
typedef struct row_sources {
  int lines, taps;
  const float *row[MAX_LINES];     // first cell of each row
  int line[MAX_LINES];             // its place in the kernel
  ptrdiff_t shift[TAPS];           // of each tap, in floats
  int tap[TAPS];                   // its place in the kernel
} row_sources;

#define NAME(x) x##_portable
#define TILES(STRIP) STRIP(6) STRIP(4)
#define BLOCKS 1
#define GRADIENT_TAPS 3
#define GRADIENT_INPUTS 2
#include "lattice_body.inc"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#include "lattice_body.inc"
#undef NAME
#undef TILES
#undef BLOCKS
#undef GRADIENT_TAPS
#undef GRADIENT_INPUTS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define TILES(STRIP) STRIP(14) STRIP(12) STRIP(8) STRIP(4)
#define BLOCKS 2
#define GRADIENT_TAPS 1
#define GRADIENT_INPUTS 8
#include "lattice_body.inc"
#undef NAME
#pragma clang attribute pop
#endif

const float *kk_lattice_forward(
    const kk_lattice *plan, const float *packed, const float *input, float *maps) {
  const encoder_shape e = shape_of(plan);
  for (int l = 0; l < LAYERS; l++) {
    const layer_shape *s = &e.layer[l];
    const float *from = l ? maps + s[-1].map : input;
    CHOOSE(layer_forward, s, packed, from, maps + s->map);
  }
  return maps + e.layer[LAYERS - 1].map;
}

void kk_lattice_backward(
    const kk_lattice *plan, const float *packed, const float *input, const float *maps,
    const float *output_gradient, float *gradient, float *scratch) {
  const encoder_shape e = shape_of(plan);
  const layer_shape *last = &e.layer[LAYERS - 1];
  const size_t row = (size_t)last->out[2] * last->outputs;
  const float *output = maps + last->map;
  for (int r = 0; r < last->out[0] * last->out[1]; r++) {
    float *delta = scratch + last->delta + r * (row + 2 * last->pad * last->outputs) +
                   last->pad * last->outputs;
    for (size_t i = 0; i < row; i++)
      delta[i] = output[r * row + i] > 0 ? output_gradient[r * row + i] : 0;
  }
  for (int l = LAYERS - 1; l >= 0; l--) {
    const layer_shape *s = &e.layer[l];
    const float *from = l ? maps + s[-1].map : input;
    CHOOSE(layer_backward, s, l, packed, from, gradient, scratch);
  }
}
