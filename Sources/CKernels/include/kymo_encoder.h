/* The dynamics encoder for one axis of space, fused: four convolutions, both heads and the pooling
   of one recording in one call, so that its maps stay in the second-level cache.

     a1 = relu(b1 + K1 * x) ... a4 = relu(b4 + K4 * a3)      3 x 3 over time and space
     m = b_m + W_m a4,  s = b_s + W_s a4                      at every position i
     w = softmax(-s),  mean = sum w m,  log_variance = -logsumexp(-s) + log_independent

   (Lu, Kim, Soljacic 2020, section II). Widths are c, 4, 16, 64, 64; dilations 1, 2, 4, 8 on the
   dense lattice, and the same positions for every second or fourth (strides move to the first
   layers).

   Arithmetic floor: forward, for n_l positions behind layer l, 36 c n_1 + 576 n_2 + 9216 n_3 +
   36864 n_4 + 128 P n_4 multiply-adds (7.6 million for the paper's crop on every fourth position),
   backward twice that. One recording is one thread's work; callers run recordings side by side. */
#ifndef KYMO_ENCODER_H
#define KYMO_ENCODER_H

#include <stddef.h>
#include <stdint.h>

typedef struct kk_encoder {
  int32_t channels;      /* c, at least 1 */
  int32_t latents;       /* P, at least 1 */
  int32_t frames, cells; /* of the input, at least 31 each */
  int32_t spacing;       /* of the positions that are evaluated: 1, 2 or 4 */
  float log_independent;
} kk_encoder;

/* The parameters in PyTorch's shapes: weight and bias of the four layers, [out][in][3][3] and
   [out], then of the heads of m and s, [P][64] and [P]. */
enum { KK_ENCODER_PARAMETERS = 12 };

/* Output positions. */
size_t kk_encoder_positions(const kk_encoder *plan);

/* Floats of the packed parameters, of what forward leaves for backward, of scratch for either, and
   of a packed gradient. All arrays of these lengths start on 64 bytes for full speed. */
size_t kk_encoder_packed_count(const kk_encoder *plan);
size_t kk_encoder_state_count(const kk_encoder *plan);
size_t kk_encoder_scratch_count(const kk_encoder *plan);
size_t kk_encoder_gradient_count(const kk_encoder *plan);

/* Brings the parameters into the order in which the loops read them; once for many recordings. */
void kk_encoder_pack(
    const kk_encoder *plan, const float *const parameters[KK_ENCODER_PARAMETERS], float *packed);

/* input: [c][frames][cells]; mean and log_variance: [P]. */
void kk_encoder_forward(
    const kk_encoder *plan, const float *packed, const float *input, float *state, float *mean,
    float *log_variance, float *scratch);

/* Adds the gradient of one recording to `gradient`, from those of its mean and log-variance, [P].
   input and state are as forward had and left them. */
void kk_encoder_backward(
    const kk_encoder *plan, const float *packed, const float *input, const float *state,
    const float *mean_gradient, const float *log_variance_gradient, float *gradient,
    float *scratch);

/* Writes the sum of `count` packed gradients, one behind the other, in PyTorch's shapes. */
void kk_encoder_unpack_gradient(
    const kk_encoder *plan, const float *gradients, size_t count,
    float *const parameters[KK_ENCODER_PARAMETERS]);

#endif
