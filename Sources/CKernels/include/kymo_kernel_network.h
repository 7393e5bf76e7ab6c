/* One network from latents to a kernel of the propagating decoder, for a batch of recordings:

     h = f(W1 z + b1),   k = gain (W2 h + b2),   f(x) = max(x, 0), or x where the network has no
     bend.

   W2 holds nearly all weights and is long, a batch is short: results are made in pieces of rows or
   units that are independent of each other and may run on different threads. Parameters are in
   PyTorch's shapes, [outputs][inputs]. Rows of `hidden` and of its gradient are
   kk_kernel_network_pitch floats apart and zero behind the units; kernels are `kernel_pitch` floats
   apart and start at this network's first entry. */
#ifndef KYMO_KERNEL_NETWORK_H
#define KYMO_KERNEL_NETWORK_H

#include <stddef.h>
#include <stdint.h>

typedef struct kk_kernel_network {
  int32_t batch, inputs, units, outputs;
  int32_t bends; /* whether f is the rectifier */
  float gain;
  const float *weight1, *bias1, *weight2, *bias2;
  size_t kernel_pitch;
} kk_kernel_network;

/* Units of the hidden layer that kk_kernel_network_hidden_gradient works on together. */
enum { KK_KERNEL_NETWORK_UNITS = 32 };

size_t kk_kernel_network_pitch(int32_t units);
size_t kk_kernel_network_scratch_count(const kk_kernel_network *network);

/* h of the whole batch; inputs are [batch][inputs]. */
void kk_kernel_network_hidden(
    const kk_kernel_network *network, const float *inputs, float *hidden, float *scratch);

/* Entries first ..< first + count of every kernel. */
void kk_kernel_network_outputs(
    const kk_kernel_network *network, const float *hidden, size_t first, size_t count, float *kernels);

/* Writes rows first ..< first + count of the gradients of W2 and b2. */
void kk_kernel_network_last_gradient(
    const kk_kernel_network *network, const float *hidden, const float *kernel_gradient,
    size_t first, size_t count, float *weight_gradient, float *bias_gradient);

/* Writes the gradient before f at KK_KERNEL_NETWORK_UNITS units from `first` on, or as many as
   there are. */
void kk_kernel_network_hidden_gradient(
    const kk_kernel_network *network, const float *hidden, const float *kernel_gradient,
    size_t first, float *hidden_gradient, float *scratch);

/* Writes the gradients of W1 and b1 and adds that of the inputs, which may be 0. */
void kk_kernel_network_first_gradient(
    const kk_kernel_network *network, const float *inputs, const float *hidden_gradient,
    float *weight_gradient, float *bias_gradient, float *input_gradient, float *scratch);

#endif
