/* A stack of dense layers, forward and backward:

     y = f(W x + b), or f(W x + b + x) where a layer has a skip (equal widths only).

   Parameters are in PyTorch's shapes, [outputs][inputs] and [outputs], and are read as they are.
   States are worked on in parts of at most KK_DENSE_PART, side by side in vector lanes; parts are
   independent and may run on different threads, each with scratch and packed gradient of its
   own. */
#ifndef KYMO_DENSE_H
#define KYMO_DENSE_H

#include <stddef.h>
#include <stdint.h>

/* Functions whose derivative follows from their value. */
typedef enum kk_dense_function {
  KK_DENSE_IDENTITY,
  KK_DENSE_RELU,
  KK_DENSE_TANH,
  KK_DENSE_SIGMOID,
  KK_DENSE_CELU, /* alpha = 1 */
  KK_DENSE_TANH_PLUS, /* 0.5 + 0.5 tanh x */
} kk_dense_function;

typedef struct kk_dense_layer {
  int32_t inputs, outputs;
  kk_dense_function function;
  int32_t skip;
} kk_dense_layer;

typedef struct kk_dense {
  int32_t layers; /* at least 1; outputs of one are inputs of the next */
  const kk_dense_layer *layer;
  const float *const *parameters; /* W and b of every layer */
} kk_dense;

enum { KK_DENSE_PART = 32 };

/* Floats that forward leaves for backward, of scratch for either, and of a packed gradient. */
size_t kk_dense_state_count(const kk_dense *stack);
size_t kk_dense_scratch_count(const kk_dense *stack);
size_t kk_dense_gradient_count(const kk_dense *stack);

/* input: [batch][first inputs], output: [batch][last outputs]; batch at most KK_DENSE_PART. `state`
   is 0 when there is no way back; a few states are then worked on one by one. */
void kk_dense_forward(
    const kk_dense *stack, size_t batch, const float *input, float *output, float *state,
    float *scratch);

/* Adds the gradient of the parameters to `gradient`, from that of the output. `input` and `state`
   are as forward had and left them. input_gradient, [batch][first inputs], may be 0. */
void kk_dense_backward(
    const kk_dense *stack, size_t batch, const float *input, const float *state,
    const float *output_gradient, float *gradient, float *input_gradient, float *scratch);

/* Writes the sum of `count` packed gradients, one behind the other, in the parameters' shapes. */
void kk_dense_unpack_gradient(
    const kk_dense *stack, const float *gradients, size_t count, float *const *parameters);

#endif
