/* One step of an optimiser over flat arrays, in one pass over memory: parameters, gradients and
   both moments are read once and written once.

   Adam (Kingma and Ba 2015), g = gradient_scale * gradient:

     m <- m + (1 - beta1)(g - m)      v <- beta2 v + (1 - beta2) g^2
     p <- p (1 - rate decay) - rate / c1 * m / (sqrt(v) / sqrt(c2) + epsilon)

   with c1 = 1 - beta1^t, c2 = 1 - beta2^t. AdaBelief (Zhuang et al. 2020) puts (g - m)^2, with the
   new m, in the place of g^2 and adds epsilon to v in every step. Decay is decoupled
   (Loshchilov and Hutter 2019). */
#ifndef KYMO_OPTIMIZER_H
#define KYMO_OPTIMIZER_H

#include <stddef.h>

typedef enum kk_moment {
  KK_ADAM = 0,
  KK_ADABELIEF = 1,
} kk_moment;

typedef struct kk_adaptive_step {
  kk_moment moment;
  double rate;
  double beta1;
  double beta2;
  double epsilon;
  double decay;
  double gradient_scale;
  double correction1; /* 1 - beta1^t of this step, counted from 1 */
  double correction2; /* 1 - beta2^t */
} kk_adaptive_step;

/* Updates p, m and v, each of `count` floats. Any number of threads may work on disjoint parts. */
void kk_adaptive_update(
    const kk_adaptive_step *step, float *p, const float *gradient, float *m, float *v,
    size_t count);

/* Sum of squares, accumulated in double. */
double kk_sum_of_squares(const float *x, size_t count);

#endif
