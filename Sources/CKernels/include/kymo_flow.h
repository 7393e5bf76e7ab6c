/* Incompressible flow past a circle in a box, 2D, with Brinkman penalisation:

     u_t + div(u u) = -grad p + nu lap u - lambda chi u,   div u = 0,

   in the frame of the body, which is at rest; the stream (speed, 0) enters at x = 0.

   Staggered grid of Harlow and Welch (1965): cell (i, j) is [i h, (i+1) h] x [j h, (j+1) h]; u(i, j)
   lies on its left face, v(i, j) on its lower face, p in its middle. Momentum is advected in
   conservative form with third-order upwind face values (2 q+ + 5 q - q-) / 6 (Leonard 1979; kappa =
   1/3), diffused by central differences. A step is Heun's method with the last pressure in both
   stages, the penalty implicit in each, and one projection at its end (Van Kan 1986):

     a  = P(u + dt N(u) - dt grad p),   b = P((u + a' + dt N(a) - dt grad p) / 2),
     lap psi = div b,   u = b - grad psi,   p += psi / dt,

   where P divides by 1 + dt lambda inside the body, and a' is a before that. lambda b is the force.

   The Poisson equation is solved exactly: cosine transforms along x (fft.c, one row in each lane;
   Makhoul 1980), tridiagonal systems along y, all modes side by side. All faces of the box have given
   normal velocities, so p has slope 0 there; what leaves at the right end moves on with the stream,
   and is shifted by a constant so that as much leaves as enters.

   Work is for ranges of rows (or modes), so that threads can share it; each of the passes below has
   to be over before the next one. Results do not depend on the ranges.

   Floor, a cell and a step: 4 x 64 operations for the stages, 2 (2.5 log2 X + 3) for the transforms
   and 20 for the rest; the five passes read and write 5, 7, 3, 2 and 7 numbers of 8 bytes. */
#ifndef KYMO_FLOW_H
#define KYMO_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_flow kk_flow;

/* Cells along x (a multiple of 8, otherwise a product of 2, 3 and 5) and along y (at least 4), and constants.
   `slip`: the sides let the stream slip; otherwise they move with it. The circle is that of the
   points that are penalised, in units of length. */
typedef struct kk_flow_shape {
  int32_t columns, rows;
  double spacing, viscosity, speed, penalty;
  double centre[2], radius;
  int32_t slip;
} kk_flow_shape;

/* A flow with its own fields, and scratch for as many workers as will call its passes at a time.
   NULL for other counts or without memory. */
kk_flow *kk_flow_create(const kk_flow_shape *shape, int32_t workers, kk_level level);
void kk_flow_release(kk_flow *flow);

/* Where a row of a field starts: `field` 0, 1, 2 is u, v, p. u has columns + 1 entries, v has
   rows + 1 rows. Two more on each side may be read after kk_flow_close. */
double *kk_flow_row(kk_flow *flow, int32_t field, int32_t row);

/* After rows were set from outside: sets the velocity on the sides and around the box. */
void kk_flow_close(kk_flow *flow);

/* Sets the velocity inside the body to 0. */
void kk_flow_still(kk_flow *flow);

/* First stage, rows [first, end). */
void kk_flow_predict(kk_flow *flow, double step, int32_t first, int32_t end);
/* Between the stages, on one thread. */
void kk_flow_close_stage(kk_flow *flow);
/* Second stage, rows [first, end). */
void kk_flow_correct(kk_flow *flow, double step, int32_t first, int32_t end);
/* After the stages, on one thread: lets leave what enters. */
void kk_flow_balance(kk_flow *flow);

/* Divergence of rows [first, end) and its cosine transform. `first` is a multiple of 8, `end` too
   or the last row. */
void kk_flow_transform(kk_flow *flow, int32_t worker, int32_t first, int32_t end);
/* The tridiagonal systems of modes [first, end), multiples of 8 or the last one. */
void kk_flow_solve(kk_flow *flow, int32_t worker, int32_t first, int32_t end);
/* Subtracts grad psi in rows [first, end), which are as for kk_flow_transform, and adds psi / step
   to the pressure; with an infinite step the pressure stays. */
void kk_flow_project(kk_flow *flow, int32_t worker, double step, int32_t first, int32_t end);

/* After the projection, on one thread: the rows around the box. */
void kk_flow_close_sides(kk_flow *flow);

/* The largest |u| + |v| of the left and lower faces of a cell, after kk_flow_close or a projection. */
double kk_flow_fastest(const kk_flow *flow);
/* The integral of lambda chi u of the last step's second stage: the force on the body. */
void kk_flow_force(const kk_flow *flow, double force[2]);

#endif
