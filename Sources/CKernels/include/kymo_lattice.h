/* The convolutions of the dynamics encoder, fused: all layers of one recording in one call, forward
   and backward, channels last.

   A layer has 3 taps along each of 2 or 3 axes (time, then space), a stride and a dilation that are
   the same along every axis, no padding, bias and relu:

     out[p][o] = relu(b[o] + sum over taps k and inputs i of in[stride p + dilation k][i]
     K[k][i][o])

   Output sizes are (n - 1 - 2 dilation) / stride + 1. Arithmetic floor of the gradient: three times
   the forward multiply-adds, less the input gradient of the first layer. One recording is one
   thread's work; callers run recordings side by side. */
#ifndef KYMO_LATTICE_H
#define KYMO_LATTICE_H

#include <stddef.h>
#include <stdint.h>

#define KK_LATTICE_LAYERS 4

typedef struct kk_lattice {
  int32_t axes;                            /* 2 or 3 */
  int32_t size[3];                         /* input: time, then space; `axes` of them are used */
  int32_t channels[KK_LATTICE_LAYERS + 1]; /* of the input and of every layer; the last one whole 16s */
  int32_t strides[KK_LATTICE_LAYERS];
  int32_t dilations[KK_LATTICE_LAYERS];
} kk_lattice;

/* Floats of the packed kernels, of one recording's maps, of one thread's gradient sums, and of the
   scratch of kk_lattice_backward. */
size_t kk_lattice_packed_count(const kk_lattice *plan);
size_t kk_lattice_map_count(const kk_lattice *plan);
size_t kk_lattice_gradient_count(const kk_lattice *plan);
size_t kk_lattice_scratch_count(const kk_lattice *plan);

/* Puts one layer's weight [out][in][3][3(][3]) and bias where the loops read them. */
void kk_lattice_pack(
    const kk_lattice *plan, int layer, const float *weight, const float *bias, float *packed);

/* All layers of one recording; input is [time][space...][channels]. Returns where in `maps` the
   last layer lies, [time][space...][channels]. */
const float *kk_lattice_forward(
    const kk_lattice *plan, const float *packed, const float *input, float *maps);

/* Adds the gradient of one recording to `gradient`, from that of the last layer's output. `scratch`
   was zero before a thread's first call, and belongs to it. */
void kk_lattice_backward(
    const kk_lattice *plan, const float *packed, const float *input, const float *maps,
    const float *output_gradient, float *gradient, float *scratch);

/* One layer's part of the sums, as [out][in][3][3(][3]) and [out]. */
void kk_lattice_unpack(
    const kk_lattice *plan, int layer, const float *gradient, float *weight, float *bias);

#endif
