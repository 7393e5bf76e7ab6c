/* The 1D FitzHugh-Nagumo equations by a lattice Boltzmann method with three velocities (D1Q3)
   for each of two species:

     u_t = Du u_xx + u - u^3 - v,   v_t = Dv v_xx + epsilon (u - alpha1 v - alpha0)

   A step: densities rho = f- + f0 + f+; f* = f - omega (f - rho / 3) + (h / 3) R for every
   population; f+ moves one node up, f- one node down. Ends: f+ stays at the first node (or,
   symmetric, takes what f- brings there); at the last node f- takes what f+ brings there.

   One trajectory, its nodes in the lanes of a vector. Nothing is moved: f+ and f- lie in windows
   longer than the line, and the line's place in a window moves by one node a step; a window is
   filled anew once it is used up, after 256 steps.

   Floor, a node and a step: 26 operations in 16 instructions (4 additions, 2 products, 10
   multiply-adds) and 6 loads and stores. 101 nodes are 13 vectors of 512 bits: 208 instructions,
   104 cycles of two units, or 0.04 microseconds at 2.5 GHz; docs/benchmarks.md has what is
   measured. */
#ifndef KYMO_FITZHUGH_NAGUMO_H
#define KYMO_FITZHUGH_NAGUMO_H

#include <stddef.h>
#include <stdint.h>

#include "kymo_processor.h"

typedef struct kk_fhn_rule {
  double relaxation_u, relaxation_v; /* omega of both species */
  double step;                       /* h */
  double epsilon, alpha0, alpha1;
  int32_t symmetric; /* 1: the first node reflects as the last one does */
} kk_fhn_rule;

/* Doubles of scratch that kk_fhn_advance needs for `nodes` nodes. */
size_t kk_fhn_scratch_count(int32_t nodes);

/* Takes `steps` steps of populations [u, v][f-, f0, f+][node], in place; at least 2 nodes. */
void kk_fhn_advance(
    kk_level level, const kk_fhn_rule *rule, int32_t nodes, double *populations, double *scratch,
    int64_t steps);

#endif
