// See kymo_fitzhugh_nagumo.h. The windows are here, the arithmetic in fitzhugh_nagumo_body.inc,
// compiled once for each instruction set.
#include "kymo_fitzhugh_nagumo.h"

#include <string.h>

#include "levels.h"

#pragma clang fp contract(on)

#define ROOM 256  // steps until the windows are filled anew
#define SPARE 8   // what the last vector may reach beyond the last node

#define BODY "fitzhugh_nagumo_body.inc"
#include "double_levels.inc"

static size_t window(int32_t nodes) { return (size_t)nodes + ROOM + SPARE; }

size_t kk_fhn_scratch_count(int32_t nodes) { return 6 * window(nodes); }

void kk_fhn_advance(
    kk_level level, const kk_fhn_rule *rule, int32_t nodes, double *populations, double *scratch,
    int64_t steps) {
  const kk_level best = kk_processor_level();
  if (level > best) level = best;
  const size_t bytes = (size_t)nodes * sizeof(double), length = window(nodes);
  memset(scratch, 0, kk_fhn_scratch_count(nodes) * sizeof(double));
  while (steps > 0) {
    const int64_t part = steps < ROOM ? steps : ROOM;
    // Order: u down, rest, up, then v. Up starts at the end of its room and moves towards 0.
    double *line[6];
    for (int p = 0; p < 6; p++) {
      line[p] = scratch + p * length + (p % 3 == 2 ? ROOM : 0);
      memcpy(line[p], populations + (size_t)p * nodes, bytes);
    }
    AT_LEVEL(level, fhn_steps, rule, nodes, line[0], line[1], line[2], line[3], line[4], line[5],
             part);
    for (int p = 0; p < 6; p++) {
      const int64_t move = p % 3 == 2 ? -part : p % 3 == 0 ? part : 0;
      memcpy(populations + (size_t)p * nodes, line[p] + move, bytes);
    }
    steps -= part;
  }
}
