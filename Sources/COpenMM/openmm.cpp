// OpenMM behind a few functions (COpenMM.h). The library is opened by name, so that Kymo is built and
// runs without it. Langevin dynamics is a CustomIntegrator with the scheme of OpenMM's
// LangevinMiddleIntegrator (Z. Zhang et al., J. Phys. Chem. A 123 (2019), doi:10.1021/acs.jpca.9b02771),
// its noise given from outside: OpenMM's reference platform draws all random numbers of a process
// from one stream, which would tie trajectories to the order of threads.
#include "COpenMM.h"

#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>

namespace {

struct Vector {
  double x, y, z;
};
struct Array;
struct Text;
struct System;
struct Integrator;
struct Context;
struct Platform;
struct State;

// Functions of OpenMMCWrapper.h: result, name behind OpenMM_, arguments.
#define FUNCTIONS(f)                                                        \
  f(const char *, Platform_getOpenMMVersion, (void))                        \
  f(Platform *, Platform_getPlatformByName, (const char *))                 \
  f(Text *, Platform_loadPluginsFromDirectory, (const char *))              \
  f(void, StringArray_destroy, (Text *))                                    \
  f(System *, XmlSerializer_deserializeSystem, (const char *))              \
  f(void, System_destroy, (System *))                                       \
  f(int, System_getNumParticles, (const System *))                          \
  f(double, System_getParticleMass, (const System *, int))                  \
  f(Integrator *, CustomIntegrator_create, (double))                        \
  f(int, CustomIntegrator_addGlobalVariable, (Integrator *, const char *, double))          \
  f(int, CustomIntegrator_addPerDofVariable, (Integrator *, const char *, double))          \
  f(int, CustomIntegrator_addComputePerDof, (Integrator *, const char *, const char *))     \
  f(int, CustomIntegrator_addConstrainPositions, (Integrator *))            \
  f(int, CustomIntegrator_addConstrainVelocities, (Integrator *))           \
  f(void, CustomIntegrator_setPerDofVariable, (Integrator *, int, const Array *))           \
  f(void, CustomIntegrator_step, (Integrator *, int))                       \
  f(void, CustomIntegrator_destroy, (Integrator *))                         \
  f(void, Platform_setPropertyDefaultValue, (Platform *, const char *, const char *))       \
  f(Context *, Context_create_2, (const System *, Integrator *, Platform *))                \
  f(void, Context_destroy, (Context *))                                     \
  f(void, Context_setPositions, (Context *, const Array *))                 \
  f(void, Context_setVelocities, (Context *, const Array *))                \
  f(void, Context_applyConstraints, (Context *, double))                    \
  f(void, Context_applyVelocityConstraints, (Context *, double))            \
  f(State *, Context_getState, (const Context *, int, int))                 \
  f(void, State_destroy, (State *))                                         \
  f(const Array *, State_getPositions, (const State *))                     \
  f(const Array *, State_getVelocities, (const State *))                    \
  f(double, State_getPotentialEnergy, (const State *))                      \
  f(double, State_getKineticEnergy, (const State *))                        \
  f(void, LocalEnergyMinimizer_minimize, (Context *, double, int, void *))  \
  f(Array *, Vec3Array_create, (int))                                       \
  f(void, Vec3Array_set, (Array *, int, Vector))                            \
  f(const Vector *, Vec3Array_get, (const Array *, int))                    \
  f(void, Vec3Array_destroy, (Array *))

struct Library {
#define MEMBER(result, name, arguments) result(*name) arguments = nullptr;
  FUNCTIONS(MEMBER)
#undef MEMBER
};

Library library;
// Contexts are made and freed on one thread at a time: made on two at once, some had wild numbers.
std::mutex making;

void say(char *message, size_t length, const char *words) {
  if (length > 0) std::snprintf(message, length, "%s", words);
}

// Runs a body; what it throws becomes a message.
template <typename Body>
int32_t guarded(char *message, size_t length, Body body) {
  try {
    body();
    return 0;
  } catch (const std::exception &error) {
    say(message, length, error.what());
  } catch (...) {
    say(message, length, "an unknown exception");
  }
  return 1;
}

// Of OpenMM_State_DataType.
constexpr int withPositions = 1, withVelocities = 2, withEnergy = 8;
constexpr double gasConstant = 0.00831446261815324;  // kJ/(mol K)
constexpr double tolerance = 1e-6;                   // of constraints, relative

}  // namespace

struct ko_dynamics {
  System *system = nullptr;
  Integrator *integrator = nullptr;
  Context *context = nullptr;
  Array *scratch = nullptr;
  int count = 0;
  int noise = 0;

  ~ko_dynamics() {
    std::lock_guard<std::mutex> lock(making);
    if (context) library.Context_destroy(context);
    if (integrator) library.CustomIntegrator_destroy(integrator);
    if (system) library.System_destroy(system);
    if (scratch) library.Vec3Array_destroy(scratch);
  }

  const Array *filled(const double *numbers) {
    for (int atom = 0; atom < count; atom++) {
      const double *place = numbers + 3 * atom;
      library.Vec3Array_set(scratch, atom, Vector{place[0], place[1], place[2]});
    }
    return scratch;
  }

  void read(const Array *array, double *numbers) const {
    for (int atom = 0; atom < count; atom++) {
      const Vector vector = *library.Vec3Array_get(array, atom);
      numbers[3 * atom] = vector.x;
      numbers[3 * atom + 1] = vector.y;
      numbers[3 * atom + 2] = vector.z;
    }
  }
};

int32_t ko_load(const char *folder, char *message, size_t length) {
  static std::mutex mutex;
  static bool loaded = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (loaded) return 0;
  return guarded(message, length, [&] {
    const std::string place = folder;
    void *handle = dlopen((place + "/lib/libOpenMM.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (!handle) throw std::runtime_error(dlerror());
    Library found;
#define LOAD(result, name, arguments)                                                          \
  found.name = reinterpret_cast<result(*) arguments>(dlsym(handle, "OpenMM_" #name));          \
  if (!found.name) throw std::runtime_error("it has no function OpenMM_" #name);
    FUNCTIONS(LOAD)
#undef LOAD
    found.StringArray_destroy(
        found.Platform_loadPluginsFromDirectory((place + "/lib/plugins").c_str()));
    library = found;
    loaded = true;
  });
}

const char *ko_version(void) { return library.Platform_getOpenMMVersion(); }

ko_dynamics *ko_make(
    const char *system_xml, const char *platform, double time_step, double temperature,
    double friction, char *message, size_t length) {
  ko_dynamics *dynamics = new ko_dynamics;
  const int32_t failed = guarded(message, length, [&] {
    std::lock_guard<std::mutex> lock(making);
    const Library &l = library;
    dynamics->system = l.XmlSerializer_deserializeSystem(system_xml);
    dynamics->count = l.System_getNumParticles(dynamics->system);
    dynamics->scratch = l.Vec3Array_create(dynamics->count);
    Integrator *own = dynamics->integrator = l.CustomIntegrator_create(time_step);
    const double kept = std::exp(-friction * time_step);
    l.CustomIntegrator_addGlobalVariable(own, "kept", kept);
    l.CustomIntegrator_addGlobalVariable(
        own, "kicked", std::sqrt((1 - kept * kept) * gasConstant * temperature));
    dynamics->noise = l.CustomIntegrator_addPerDofVariable(own, "noise", 0);
    l.CustomIntegrator_addPerDofVariable(own, "free", 0);
    l.CustomIntegrator_addComputePerDof(own, "v", "v + dt*f/m");
    l.CustomIntegrator_addConstrainVelocities(own);
    l.CustomIntegrator_addComputePerDof(own, "x", "x + 0.5*dt*v");
    if (friction > 0)
      l.CustomIntegrator_addComputePerDof(own, "v", "kept*v + kicked*noise/sqrt(m)");
    l.CustomIntegrator_addComputePerDof(own, "x", "x + 0.5*dt*v");
    l.CustomIntegrator_addComputePerDof(own, "free", "x");
    l.CustomIntegrator_addConstrainPositions(own);
    l.CustomIntegrator_addComputePerDof(own, "v", "v + (x - free)/dt");
    Platform *chosen = l.Platform_getPlatformByName(platform);
    // Trajectories are what threads are for.
    if (std::string(platform) == "CPU") l.Platform_setPropertyDefaultValue(chosen, "Threads", "1");
    dynamics->context = l.Context_create_2(dynamics->system, own, chosen);
  });
  if (!failed) return dynamics;
  delete dynamics;
  return nullptr;
}

void ko_free(ko_dynamics *dynamics) { delete dynamics; }

int32_t ko_count(const ko_dynamics *dynamics) { return dynamics->count; }

double ko_mass(const ko_dynamics *dynamics, int32_t atom) {
  return library.System_getParticleMass(dynamics->system, atom);
}

int32_t ko_start(
    ko_dynamics *dynamics, const double *positions, const double *velocities, int32_t constrain,
    char *message, size_t length) {
  return guarded(message, length, [&] {
    library.Context_setPositions(dynamics->context, dynamics->filled(positions));
    if (constrain) library.Context_applyConstraints(dynamics->context, tolerance);
    library.Context_setVelocities(dynamics->context, dynamics->filled(velocities));
    if (constrain) library.Context_applyVelocityConstraints(dynamics->context, tolerance);
  });
}

int32_t ko_minimise(ko_dynamics *dynamics, int32_t iterations, char *message, size_t length) {
  return guarded(message, length, [&] {
    library.LocalEnergyMinimizer_minimize(dynamics->context, 10, iterations, nullptr);
  });
}

int32_t ko_step(
    ko_dynamics *dynamics, const double *noise, int32_t steps, char *message, size_t length) {
  return guarded(message, length, [&] {
    for (int32_t step = 0; step < steps; step++) {
      library.CustomIntegrator_setPerDofVariable(
          dynamics->integrator, dynamics->noise,
          dynamics->filled(noise + 3 * static_cast<size_t>(dynamics->count) * step));
      library.CustomIntegrator_step(dynamics->integrator, 1);
    }
  });
}

int32_t ko_state(
    ko_dynamics *dynamics, double *positions, double *velocities, double *energies, char *message,
    size_t length) {
  return guarded(message, length, [&] {
    const int types = (positions ? withPositions : 0) | (velocities ? withVelocities : 0) |
                      (energies ? withEnergy : 0);
    State *state = library.Context_getState(dynamics->context, types, 0);
    if (positions) dynamics->read(library.State_getPositions(state), positions);
    if (velocities) dynamics->read(library.State_getVelocities(state), velocities);
    if (energies) {
      energies[0] = library.State_getPotentialEnergy(state);
      energies[1] = library.State_getKineticEnergy(state);
    }
    library.State_destroy(state);
  });
}
