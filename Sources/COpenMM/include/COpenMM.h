/* Molecular dynamics by OpenMM, loaded when the program runs: nothing is linked. One function here is
   several of OpenMM's C API (OpenMMCWrapper.h), whose C++ exceptions end here as messages. */
#ifndef KYMO_OPENMM_H
#define KYMO_OPENMM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A system of atoms with an integrator of Langevin dynamics. Different ones may be used by different
   threads at the same time. */
typedef struct ko_dynamics ko_dynamics;

/* Loads libOpenMM.so and the plugins below a folder (`lib`, `lib/plugins`), once for the program.
   Returns 0, or 1 with what is wrong in `message`, at most `length` bytes. */
int32_t ko_load(const char *folder, char *message, size_t length);

/* The version of the loaded library. */
const char *ko_version(void);

/* Makes a system from OpenMM's XML, on a platform (`Reference`, `CPU`). Units: ps, K, 1/ps. Without
   friction the dynamics conserves energy. NULL with a message when that is not possible. */
ko_dynamics *ko_make(
    const char *system_xml, const char *platform, double time_step, double temperature,
    double friction, char *message, size_t length);
void ko_free(ko_dynamics *dynamics);

/* Number of atoms, and the mass of one in Dalton. */
int32_t ko_count(const ko_dynamics *dynamics);
double ko_mass(const ko_dynamics *dynamics, int32_t atom);

/* What follows returns 0, or 1 with a message. Positions in nm and velocities in nm/ps, x, y, z of one
   atom after the other. */

/* Sets the state. With `constrain` it loses what constraints forbid; without, a state that was read
   goes on with the same bits. */
int32_t ko_start(
    ko_dynamics *dynamics, const double *positions, const double *velocities, int32_t constrain,
    char *message, size_t length);
/* Goes to a near minimum of the energy, at most so many iterations. */
int32_t ko_minimise(ko_dynamics *dynamics, int32_t iterations, char *message, size_t length);
/* Takes time steps with the given normal random numbers, `[steps, atoms, 3]`. */
int32_t ko_step(
    ko_dynamics *dynamics, const double *noise, int32_t steps, char *message, size_t length);
/* Reads the state; each may be NULL. `energies` gets the potential and the kinetic energy, kJ/mol. */
int32_t ko_state(
    ko_dynamics *dynamics, double *positions, double *velocities, double *energies, char *message,
    size_t length);

#ifdef __cplusplus
}
#endif
#endif
