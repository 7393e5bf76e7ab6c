/* One step of an echo-state network, one trajectory or eight side by side:

     h <- tanh(A h + W z),   y = V phi(h),   phi_i = h_i^2 for even i, h_i for odd i

   A is sparse; every unit sees one of the inputs (Vlachas et al. 2022; Pathak et al. 2018 for phi).
   Arrays are [unit or input or output][lane] with 1 or 8 lanes, doubles.

   Floor of a step: nonzeros + units + outputs x units multiply-adds a lane, units hyperbolic
   tangents; 12 bytes of A a nonzero and 8 of V an output and unit are read once for all lanes. */
#ifndef KYMO_RESERVOIR_H
#define KYMO_RESERVOIR_H

#include <stdint.h>

enum { KK_RESERVOIR_LANES = 8 };

typedef struct kk_reservoir {
  int32_t units;
  int32_t inputs;         /* divides units: block j of units/inputs units sees input j */
  const int32_t *starts;  /* units + 1: where the nonzeros of each row of A begin */
  const int32_t *columns; /* of the nonzeros */
  const double *values;
  const double *weights;  /* units: the weight of each unit's input */
} kk_reservoir;

/* next = tanh(A h + W z). next and h must not overlap; lanes is 1 or KK_RESERVOIR_LANES. */
void kk_reservoir_step(
    const kk_reservoir *plan, int32_t lanes, const double *z, const double *h, double *next);

/* y = V phi(h) with V [outputs][units]. */
void kk_reservoir_read(
    int32_t units, int32_t outputs, int32_t lanes, const double *v, const double *h, double *y);

/* A h alone, one lane: for the spectral radius. */
void kk_reservoir_product(const kk_reservoir *plan, const double *h, double *product);

/* tanh of `count` doubles in place, within 4 units in the last place; NaN stays NaN. */
void kk_tanh(double *x, int64_t count);

#endif
