/* u_t = 0.1 u_xx + sin(x) cos(t) on a periodic domain of 64 points, as a solver for Kymo (docs/external-solvers.md).
   Build: cc -O2 forced_diffusion.c -o forced_diffusion -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 64, SUBSTEPS = 20 };
static const double interval = 0.1, spacing = 2 * 3.14159265358979323846 / POINTS;

/* to = u + h times the rate at (at, t) */
static void step(double *to, const double *u, const double *at, double t, double h) {
  for (int i = 0; i < POINTS; i++) {
    double left = at[(i + POINTS - 1) % POINTS], right = at[(i + 1) % POINTS];
    double diffusion = (left - 2 * at[i] + right) / (spacing * spacing);
    to[i] = u[i] + h * (0.1 * diffusion + sin(spacing * i) * cos(t));
  }
}

int main(void) {
  char line[100], command[20];
  double *u = NULL, half[POINTS], next[POINTS], t = 0, h = interval / SUBSTEPS;
  int count = 0, frames;
  printf("kymo-solver 1 interval %g shape 1 %d\n", interval, POINTS), fflush(stdout);
  while (fgets(line, sizeof line, stdin) && sscanf(line, "%19s", command) == 1) {
    if (sscanf(line, "restart %d %lf", &count, &t) == 2) {
      u = realloc(u, sizeof(double) * POINTS * count);
      if (fread(u, sizeof(double) * POINTS, count, stdin) != (size_t)count) return 1;
      puts("ready");
    } else if (sscanf(line, "advance %d", &frames) == 1) {
      while (frames-- > 0) {
        for (int s = 0; s < SUBSTEPS; s++, t += h) /* the midpoint method */
          for (double *v = u; v < u + POINTS * count; v += POINTS) {
            step(half, v, v, t, h / 2), step(next, v, half, t + h / 2, h);
            memcpy(v, next, sizeof next);
          }
        printf("frame %d\n", POINTS * count);
        fwrite(u, sizeof(double) * POINTS, count, stdout), fflush(stdout);
      }
    } else {
      break;
    }
    fflush(stdout);
  }
  return 0;
}
