// Fused recurrent networks for every instruction set: sizes, packing and the choice here, the
// arithmetic in recurrent_body.inc.
#include "kymo_recurrent.h"

#include "levels.h"
#include "vectors.h"

#define GATES 4  // gates of LSTM; GRU keeps both parts of n, so that it has four sums as well

// Sizes and places of one layer. `wide` numbers are rounded up to whole vectors; what is beyond the
// units has zero weights and stays zero.
typedef struct layer_shape {
  size_t inputs, wide_inputs;
  size_t forward, bias;               // packed: [block][input or unit][gate][16], [block][gate][16]
  size_t back_inputs, back_units;     // packed: [panel][gate unit][columns of the panel]
  size_t units_sum, inputs_sum;       // gradient sums: [gate unit][wide]
  size_t bias_sum;                    // [gate unit], with both parts of GRU's n
} layer_shape;

typedef struct network_shape {
  size_t units, wide_units, blocks, inputs, wide_inputs, gates, states;
  size_t output, output_bias, output_back;  // packed: [block][unit][16], [16s], [output][wide units]
  size_t output_sum, output_bias_sum;
  size_t packed, packed_back, sums;
} network_shape;

static network_shape shape_of(const kk_recurrent *plan) {
  network_shape s = {0};
  s.units = (size_t)plan->units;
  s.wide_units = round_up(s.units);
  s.blocks = s.wide_units / LANES;
  s.inputs = (size_t)plan->inputs;
  s.wide_inputs = round_up(s.inputs);
  s.gates = plan->cell == KK_CELL_LSTM ? 4 : 3;
  s.states = plan->cell == KK_CELL_LSTM ? 2 : 1;
  size_t at = 0;
  for (int layer = 0; layer < plan->layers; layer++) {
    const size_t inputs = layer ? s.units : s.inputs;
    at += s.blocks * (inputs + s.units) * s.gates * LANES + s.blocks * GATES * LANES;
  }
  s.output = at;
  at += s.wide_inputs * s.units;
  s.output_bias = at;
  at += s.wide_inputs;
  s.packed = at;
  s.output_back = at;
  at += s.inputs * s.wide_units;
  for (int layer = 0; layer < plan->layers; layer++)
    at += s.gates * s.wide_units * ((layer ? s.wide_units : s.wide_inputs) + s.wide_units);
  s.packed_back = at;
  at = 0;
  for (int layer = 0; layer < plan->layers; layer++)
    at += s.gates * s.wide_units * ((layer ? s.wide_units : s.wide_inputs) + s.wide_units) +
          GATES * s.wide_units;
  s.output_sum = at;
  at += s.inputs * s.wide_units;
  s.output_bias_sum = at;
  s.sums = at + s.wide_inputs;
  return s;
}

static layer_shape layer_of(const kk_recurrent *plan, const network_shape *s, int index) {
  layer_shape l = {0};
  const size_t rows = s->gates * s->wide_units;
  size_t forward = 0, back = s->output_back + s->inputs * s->wide_units, sums = 0;
  for (int layer = 0; layer <= index; layer++) {
    l.inputs = layer ? s->units : s->inputs;
    l.wide_inputs = round_up(l.inputs);
    l.forward = forward;
    l.bias = forward + s->blocks * (l.inputs + s->units) * s->gates * LANES;
    forward = l.bias + s->blocks * GATES * LANES;
    l.back_inputs = back;
    l.back_units = back + rows * l.wide_inputs;
    back = l.back_units + rows * s->wide_units;
    l.inputs_sum = sums;
    l.units_sum = sums + rows * l.wide_inputs;
    l.bias_sum = l.units_sum + rows * s->wide_units;
    sums = l.bias_sum + GATES * s->wide_units;
  }
  (void)plan;
  return l;
}

size_t kk_recurrent_packed_count(const kk_recurrent *plan, int gradient) {
  const network_shape s = shape_of(plan);
  return gradient ? s.packed_back : s.packed;
}

size_t kk_recurrent_sums_count(const kk_recurrent *plan) { return shape_of(plan).sums; }

size_t kk_recurrent_state_count(const kk_recurrent *plan) {
  const network_shape s = shape_of(plan);
  return (size_t)plan->layers * s.states * s.units;
}

// What a forward run keeps of every layer and step for each row: h, m and tanh m, and four gates.
typedef struct tape_shape {
  size_t x, h, m, tanh_m, gates, count;  // places; x is [steps][rows][wide inputs]
  size_t layer_h, layer_m, layer_gates;  // distances of layers
} tape_shape;

static tape_shape tape_of(const kk_recurrent *plan, size_t rows, size_t steps) {
  const network_shape s = shape_of(plan);
  const size_t layers = (size_t)plan->layers, lstm = plan->cell == KK_CELL_LSTM;
  tape_shape t = {0};
  t.layer_h = (steps + 1) * rows * s.wide_units;
  t.layer_m = steps * rows * s.wide_units;
  t.layer_gates = steps * rows * GATES * s.wide_units;
  t.h = steps * rows * s.wide_inputs;
  t.m = t.h + layers * t.layer_h;
  t.tanh_m = t.m + lstm * layers * t.layer_h;
  t.gates = t.tanh_m + lstm * layers * t.layer_m;
  t.count = t.gates + layers * t.layer_gates;
  return t;
}

size_t kk_recurrent_tape_count(const kk_recurrent *plan, int32_t rows, int32_t steps) {
  return tape_of(plan, (size_t)rows, (size_t)steps).count;
}

size_t kk_recurrent_scratch_count(const kk_recurrent *plan, int32_t rows) {
  const network_shape s = shape_of(plan);
  // Input, and for every layer h before and after, and m.
  return (size_t)rows * (s.wide_inputs + (size_t)plan->layers * 3 * s.wide_units);
}

size_t kk_recurrent_gradient_scratch_count(
    const kk_recurrent *plan, int32_t rows, int32_t steps) {
  const network_shape s = shape_of(plan);
  const size_t r = (size_t)rows, t = (size_t)steps, layers = (size_t)plan->layers;
  // Gradients of gates and outputs in all steps, of h and m at one step, of inputs.
  return t * r * (layers * GATES * s.wide_units + s.wide_inputs) +
         r * (layers * 2 * s.wide_units + s.wide_units + s.wide_inputs);
}

// [rows][columns] to panels of up to four blocks of columns: [panel][rows of all gates][16s].
static void pack_back(
    const network_shape *s, const float *weight, size_t columns, float *packed) {
  const size_t wide = round_up(columns), blocks = wide / LANES;
  memset(packed, 0, s->gates * s->wide_units * wide * sizeof(float));
  for (size_t block = 0; block < blocks;) {
    const size_t width = blocks - block >= 4 ? 4 : blocks - block >= 2 ? 2 : 1;
    for (size_t gate = 0; gate < s->gates; gate++)
      for (size_t unit = 0; unit < s->units; unit++) {
        float *row = packed + (gate * s->wide_units + unit) * width * LANES;
        const float *from = weight + (gate * s->units + unit) * columns;
        for (size_t i = block * LANES; i < (block + width) * LANES && i < columns; i++)
          row[i - block * LANES] = from[i];
      }
    packed += s->gates * s->wide_units * width * LANES;
    block += width;
  }
}

void kk_recurrent_pack(
    const kk_recurrent *plan, const float *const *parameters, int gradient, float *packed) {
  const network_shape s = shape_of(plan);
  memset(packed, 0, s.packed * sizeof(float));
  for (int layer = 0; layer < plan->layers; layer++, parameters += 4) {
    const layer_shape l = layer_of(plan, &s, layer);
    const size_t depth = l.inputs + s.units;
    for (size_t gate = 0; gate < s.gates; gate++)
      for (size_t unit = 0; unit < s.units; unit++) {
        const size_t block = unit / LANES, lane = unit % LANES, row = gate * s.units + unit;
        float *to = packed + l.forward + (block * depth * s.gates + gate) * LANES + lane;
        const float *w = parameters[0] + row * l.inputs, *u = parameters[1] + row * s.units;
        for (size_t i = 0; i < l.inputs; i++) to[i * s.gates * LANES] = w[i];
        to += l.inputs * s.gates * LANES;
        for (size_t i = 0; i < s.units; i++) to[i * s.gates * LANES] = u[i];
        float *bias = packed + l.bias + (block * GATES + gate) * LANES + lane;
        // r multiplies only the second part of n.
        const int split = plan->cell == KK_CELL_GRU && gate == 2;
        *bias = parameters[2][row] + (split ? 0 : parameters[3][row]);
        if (split) bias[LANES] = parameters[3][row];
      }
    if (gradient) {
      pack_back(&s, parameters[0], l.inputs, packed + l.back_inputs);
      pack_back(&s, parameters[1], s.units, packed + l.back_units);
    }
  }
  for (size_t out = 0; out < s.inputs; out++) {
    const float *v = parameters[0] + out * s.units;
    float *to = packed + s.output + out / LANES * s.units * LANES + out % LANES;
    for (size_t i = 0; i < s.units; i++) to[i * LANES] = v[i];
    packed[s.output_bias + out] = parameters[1][out];
    if (!gradient) continue;
    memset(packed + s.output_back + out * s.wide_units, 0, s.wide_units * sizeof(float));
    memcpy(packed + s.output_back + out * s.wide_units, v, s.units * sizeof(float));
  }
}

void kk_recurrent_unpack(const kk_recurrent *plan, const float *sums, float *const *gradients) {
  const network_shape s = shape_of(plan);
  for (int layer = 0; layer < plan->layers; layer++, gradients += 4) {
    const layer_shape l = layer_of(plan, &s, layer);
    for (size_t gate = 0; gate < s.gates; gate++)
      for (size_t unit = 0; unit < s.units; unit++) {
        const size_t row = gate * s.units + unit, wide = gate * s.wide_units + unit;
        memcpy(gradients[0] + row * l.inputs, sums + l.inputs_sum + wide * l.wide_inputs,
               l.inputs * sizeof(float));
        memcpy(gradients[1] + row * s.units, sums + l.units_sum + wide * s.wide_units,
               s.units * sizeof(float));
        const int split = plan->cell == KK_CELL_GRU && gate == 2;
        gradients[2][row] = sums[l.bias_sum + wide];
        gradients[3][row] = sums[l.bias_sum + wide + (split ? s.wide_units : 0)];
      }
  }
  for (size_t out = 0; out < s.inputs; out++) {
    memcpy(gradients[0] + out * s.units, sums + s.output_sum + out * s.wide_units,
           s.units * sizeof(float));
    gradients[1][out] = sums[s.output_bias_sum + out];
  }
}

#define NAME(x) x##_portable
#define ROWS 1
#define TOGETHER 4
#include "recurrent_body.inc"
#undef NAME
#undef ROWS
#undef TOGETHER

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#define ROWS 4
#define TOGETHER 1
#include "recurrent_body.inc"
#undef NAME
#undef ROWS
#undef TOGETHER
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#define NAME(x) x##_avx512
#define ROWS 4
#define TOGETHER 4
#include "recurrent_body.inc"
#undef NAME
#undef ROWS
#undef TOGETHER
#pragma clang attribute pop
#endif

void kk_recurrent_forward(
    const kk_recurrent *plan, const float *packed, const kk_recurrent_run *run, float *tape,
    float *scratch) {
  CHOOSE(recurrent_forward, plan, packed, run, tape, scratch);
}

void kk_recurrent_backward(
    const kk_recurrent *plan, const float *packed, const kk_recurrent_run *run, const float *tape,
    const float *prediction_gradient, int through, float *input_gradient, float *sums,
    float *scratch) {
  CHOOSE(recurrent_backward, plan, packed, run, tape, prediction_gradient, through,
         input_gradient, sums, scratch);
}

void kk_recurrent_functions(const float *x, float *sigmoid, float *tanh, size_t count) {
  CHOOSE(recurrent_functions, x, sigmoid, tanh, count);
}
