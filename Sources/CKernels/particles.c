// Steps of Brownian particles: see kymo_particles.h. A strip of particles takes all steps while it
// lies in the nearest cache.
#include "kymo_particles.h"

#include "normal_strip.h"

_Static_assert(KK_PARTICLE_STRIP == 4 * STRIP, "a strip of particles is one of noise");

// The nearest whole number of |x| < 2^51, by rounding of the sum.
INTO double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

// Mirrors x back into the box around zero: the copy of the box in which it lies has the number
// `copy`, and every other copy is a mirror image.
INTO double fold(double x, double box, double inverse) {
  const double copy = nearest(x * inverse);
  const double odd = copy - 2 * nearest(0.5 * copy);
  const double y = (x - copy * box) * (1 - 2 * odd * odd), half = 0.5 * box;
  const double below = y > half ? half : y;
  return below < -half ? -half : below;
}

// The same where no step passes more than one wall.
INTO double fold_once(double x, double half) {
  const double beyond = __builtin_fabs(x) - half;
  const double back = beyond > 0 ? 2 * beyond : 0;
  return x - __builtin_copysign(back, x);
}

INTO void walk(
    const kk_particle_walk *walk, int is_short, const double *drift, uint32_t step, int32_t steps,
    uint32_t block, double *positions) {
  double x[4 * STRIP];
  float noise[4 * STRIP];
  const double deviation = walk->deviation, box = walk->box, inverse = 1 / box, half = 0.5 * box;
  memcpy(x, positions, sizeof x);
  for (int32_t s = 0; s < steps; s++) {
    normal_strip(noise, walk->seed, walk->stream, walk->trajectory, step + (uint32_t)s, block);
    const double moved = drift[s];
    for (int i = 0; i < 4 * STRIP; i++) {
      const double next = x[i] + deviation * noise[i] + moved;
      x[i] = is_short ? fold_once(next, half) : fold(next, box, inverse);
    }
  }
  memcpy(positions, x, sizeof x);
}

WIDE static void walk_short(
    const kk_particle_walk *particles, const double *drift, uint32_t step, int32_t steps,
    uint32_t block, double *positions) {
  walk(particles, 1, drift, step, steps, block, positions);
}

WIDE static void walk_far(
    const kk_particle_walk *particles, const double *drift, uint32_t step, int32_t steps,
    uint32_t block, double *positions) {
  walk(particles, 0, drift, step, steps, block, positions);
}

#define LARGEST_NORMAL 5.5  // of all that there are

static void walk_strip(
    const kk_particle_walk *particles, const double *drift, uint32_t step, int32_t steps,
    uint32_t block, double *positions) {
  double longest = 0;
  for (int32_t s = 0; s < steps; s++)
    if (__builtin_fabs(drift[s]) > longest) longest = __builtin_fabs(drift[s]);
  int is_short = longest + LARGEST_NORMAL * particles->deviation < particles->box;
  for (int i = 0; i < 4 * STRIP; i++)
    is_short &= __builtin_fabs(positions[i]) <= 0.5 * particles->box;
  (is_short ? walk_short : walk_far)(particles, drift, step, steps, block, positions);
}

void kk_walk_particles(
    const kk_particle_walk *walk, const double *drift, uint32_t step, int32_t steps, int32_t first,
    int32_t count, double *positions) {
  for (int32_t done = 0; done < count; done += 4 * STRIP) {
    const uint32_t block = (uint32_t)(first + done) / 4;
    if (count - done >= 4 * STRIP) {
      walk_strip(walk, drift, step, steps, block, positions + done);
      continue;
    }
    double rest[4 * STRIP] = {0};
    memcpy(rest, positions + done, (size_t)(count - done) * sizeof *rest);
    walk_strip(walk, drift, step, steps, block, rest);
    memcpy(positions + done, rest, (size_t)(count - done) * sizeof *rest);
  }
}
