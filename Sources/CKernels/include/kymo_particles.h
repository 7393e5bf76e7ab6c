/* Brownian particles that a uniform drift carries about in a box with reflecting walls: steps of
   Euler and Maruyama,

     x <- fold(x + sqrt(D dt) xi + drift[step]),

   where fold mirrors what is past a wall back into [-box/2, box/2], as often as it takes. Particles
   and coordinates do not see each other, so that any part of them may be advanced alone.

   xi is one of kymo_noise.h for (seed, stream, trajectory, step): number 64 s + 4 i + j for particle
   64 s + 16 j + i, i below 16, j below 4. The numbers are the same in whatever parts and order they
   are asked for, on every processor.

   Arithmetic of a particle's coordinate in a step: 77 operations in single precision for xi (15 of
   them for the bits), 14 in double precision. */
#ifndef KYMO_PARTICLES_H
#define KYMO_PARTICLES_H

#include <stdint.h>

/* Particles that one call advances best: a part should begin at a multiple of it. */
#define KK_PARTICLE_STRIP 64

typedef struct kk_particle_walk {
  double deviation;    /* sqrt(D dt) */
  double box;          /* length of the box along the coordinate */
  uint64_t seed;
  uint32_t stream;     /* tells coordinates apart */
  uint32_t trajectory;
} kk_particle_walk;

/* Takes `steps` steps, the first of them numbered `step`, of `count` particles from number `first`,
   a multiple of KK_PARTICLE_STRIP, on. `drift` has one displacement for each step. */
void kk_walk_particles(
    const kk_particle_walk *walk, const double *drift, uint32_t step, int32_t steps, int32_t first,
    int32_t count, double *positions);

#endif
