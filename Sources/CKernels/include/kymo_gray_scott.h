/* The Gray-Scott equations, 2D and periodic, pseudospectral, ETDRK4 (see kymo_etd_coefficients.h):

     u_t = Du lap u - u v^2 + F (1 - u),   v_t = Dv lap v + u v^2 - (F + k) v

   Diffusion is the diagonal part. Of the reaction only u v^2 needs transforms: two inverse ones and
   one forward. One recording in each lane, each with F and k of its own.

   Floor, a recording and a step: four times three real transforms of the plane, 2.5 XY log2(XY)
   each, and about 60 XY for stages and product; 2.2 million operations with 64 x 80 points. */
#ifndef KYMO_GRAY_SCOTT_H
#define KYMO_GRAY_SCOTT_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_gray_scott kk_gray_scott;

/* A stepper with its own state and scratch, for one thread; counts as kk_plane_create takes them.
   NULL for others or without memory. */
kk_gray_scott *kk_gray_scott_create(int32_t rows, int32_t columns, kk_level level);
void kk_gray_scott_release(kk_gray_scott *stepper);

/* Recordings side by side. */
int32_t kk_gray_scott_lanes(const kk_gray_scott *stepper);

/* Sets the equation: lengths of both axes, Du and Dv; feed and kill are F and k of each lane. */
void kk_gray_scott_prepare(
    kk_gray_scott *stepper, const double lengths[2], const double diffusivities[2],
    const double *feed, const double *kill, double step);

/* Sets the fields of a lane, each [rows][columns]. */
void kk_gray_scott_set(
    kk_gray_scott *stepper, int32_t lane, const double *u, const double *v);
/* To be called after the last kk_gray_scott_set. */
void kk_gray_scott_start(kk_gray_scott *stepper);

/* Takes `steps` steps. Lanes do not touch each other. */
void kk_gray_scott_advance(kk_gray_scott *stepper, int64_t steps);

/* Makes the present fields of all lanes, for kk_gray_scott_get. */
void kk_gray_scott_show(kk_gray_scott *stepper);
/* The fields of a lane that were made last, each [rows][columns]. Returns 1 where one is not finite
   or beyond `bound`, else 0. */
int32_t kk_gray_scott_get(
    const kk_gray_scott *stepper, int32_t lane, double bound, double *u, double *v);

#endif
