/* Coefficients of ETDRK4 (Cox and Matthews 2002) by contour means (Kassam and Trefethen 2005,
   doi:10.1137/S1064827502410633): with z = h L they are means over the circle of radius 1 around z,
   because their formulas lose all digits near z = 0. Every exponential stepper takes them from here:

     E2 = exp(z/2),  Q = h (exp(z/2) - 1) / z,  E = exp(z),
     f1 = h (-4 - z + E (4 - 3 z + z^2)) / z^3,   f2 = 2 h (2 + z + E (z - 2)) / z^3,
     f3 = h (-4 - 3 z - z^2 + E (4 - z)) / z^3

   A step is then a = E2 v + Q N(v), b = E2 v + Q N(a), c = E2 a + Q (2 N(b) - N(v)),
   v+ = E v + f1 N(v) + f2 (N(a) + N(b)) + f3 N(c). */
#ifndef KYMO_ETD_COEFFICIENTS_H
#define KYMO_ETD_COEFFICIENTS_H

#include <stddef.h>

#include "kymo_processor.h"

/* E2, Q, E, f1, f2 and f3. */
#define KK_ETD_KINDS 6

/* For `count` symbols L = re + i im, given as separate arrays (im NULL: all are real), writes
   [KK_ETD_KINDS][re, im][count] numbers, all but E2 and E times `scale`. With real symbols the
   results are real to the last bit. */
void kk_etd_coefficients(
    size_t count, const double *re, const double *im, double step, double scale, kk_level level,
    double *coefficients);

#endif
