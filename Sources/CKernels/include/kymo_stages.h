/* Stages of a convolutional network over one axis of space, forward and backward. A stage that
   halves:

     convolution, mean of two neighbours, function;

   a stage that doubles: linear interpolation to twice the cells (cell centres correspond),
   convolution, function. Beyond the ends lie zeros (and the outermost value for the interpolation),
   or the axis is a ring.

   Weights are in PyTorch's shapes, [outputs][inputs][taps] and [outputs], and are read as they are.
   States are worked on in parts of at most KK_DENSE_PART, side by side in vector lanes, as in
   kymo_dense.h. */
#ifndef KYMO_STAGES_H
#define KYMO_STAGES_H

#include "kymo_dense.h"

typedef struct kk_stage {
  int32_t inputs, outputs;
  kk_dense_function function;
} kk_stage;

typedef struct kk_stages {
  int32_t count; /* at least 1; outputs of one are inputs of the next */
  const kk_stage *stage;
  const float *const *parameters; /* weight and bias of every stage */
  int32_t cells;                  /* of the input */
  int32_t taps;                   /* odd */
  int32_t doubles;                /* whether cells double from stage to stage, else they halve */
  int32_t ring;
} kk_stages;

/* Floats that forward leaves for backward, of scratch for either, and of a packed gradient. */
size_t kk_stages_state_count(const kk_stages *stages);
size_t kk_stages_scratch_count(const kk_stages *stages);
size_t kk_stages_gradient_count(const kk_stages *stages);

/* input: [batch][inputs][cells], output: [batch][outputs][cells of the last]; batch at most
   KK_DENSE_PART. `state` is needed also when there is no way back. */
void kk_stages_forward(
    const kk_stages *stages, size_t batch, const float *input, float *output, float *state,
    float *scratch);

/* Adds the gradient of the parameters to `gradient`, from that of the output. `state` is as forward
   left it. input_gradient, of the input's shape, may be 0. */
void kk_stages_backward(
    const kk_stages *stages, size_t batch, const float *state, const float *output_gradient,
    float *gradient, float *input_gradient, float *scratch);

/* Writes the sum of `count` packed gradients, one behind the other, in the parameters' shapes. */
void kk_stages_unpack_gradient(
    const kk_stages *stages, const float *gradients, size_t count, float *const *parameters);

#endif
