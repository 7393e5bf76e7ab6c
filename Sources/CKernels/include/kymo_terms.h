/* A vector field, or a map, that is a sparse sum of terms of its variables, and the adaptive
   integration of the field: the model class of SINDy (Brunton, Proctor, Kutz, PNAS 113, 3932
   (2016)).

     f_i(z) = sum over k of coefficient[k] theta[term[k]](z),   k = starts[i] ... starts[i + 1] - 1

   Terms: theta_0 = 1; then products theta_parent z_variable (parent before child), then pairs
   sin(m z_j), cos(m z_j). Only terms that are listed are computed, so leave out what no sum needs.

   Integration: Dormand and Prince's pair of orders 5 and 4 (J. Comput. Appl. Math. 6, 19 (1980))
   with local extrapolation, last stage reused as the next first one, and the step size control of
   Hairer, Noersett and Wanner, "Solving ordinary differential equations I", section II.4. */
#ifndef KYMO_TERMS_H
#define KYMO_TERMS_H

#include <stddef.h>
#include <stdint.h>

typedef struct kk_terms {
  int32_t variables;
  int32_t products;         /* theta_1 ... theta_products */
  int32_t harmonics;        /* pairs of sine and cosine after them */
  const int32_t *parents;   /* [products] */
  const int32_t *factors;   /* [products]: the variable that the parent is multiplied with */
  const int32_t *arguments; /* [harmonics]: the variable */
  const double *multiples;  /* [harmonics]: m */
  const int32_t *starts;    /* [variables + 1] */
  const int32_t *terms;     /* of the coefficients */
  const double *coefficients;
} kk_terms;

/* Doubles of scratch for either function below. */
size_t kk_terms_scratch_count(const kk_terms *plan);

/* theta(z), [1 + products + 2 harmonics]. */
void kk_terms_values(const kk_terms *plan, const double *z, double *theta);

/* f(z). */
void kk_terms_evaluate(const kk_terms *plan, const double *z, double *f, double *scratch);

typedef struct kk_integration {
  double relative; /* tolerances of the local error */
  double absolute;
  double bound;    /* a state with an entry beyond it counts as lost */
  int64_t most;    /* steps at most */
} kk_integration;

/* Advances z in place over `time`. `step` is the first step size to try (0: choose one) and then
   the last one that held. Returns 0; or 1 when the state is lost: an entry is not finite or beyond
   the bound, the step size fell below the rounding of time, or the steps are used up. z is then the
   last state that was accepted. */
int32_t kk_terms_integrate(
    const kk_terms *plan, const kk_integration *settings, double time, double *z, double *step,
    double *scratch);

#endif
