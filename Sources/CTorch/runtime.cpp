// The library itself: versions, devices, threads.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>

#include "guarded.hpp"

using namespace kymo;

// Tensors of a few megabytes come and go in every step. With glibc's defaults each of them is
// mapped and faulted in anew, which took 7 % of a training step.
[[gnu::constructor]] static void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

// Moments of Adam decay towards numbers below 10⁻³⁸ wherever a unit has gone quiet, and stay there:
// a third of those of a kernel network with 64 hidden channels. The processor leaves its fast path
// for each of them. Threads started later inherit this.
[[gnu::constructor]] static void flush_denormals() { at::globalContext().setFlushDenormal(true); }

const char *kt_version(void) { return TORCH_VERSION; }

const char *kt_capability(void) {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}

int64_t kt_device_count(kt_device_kind kind) {
  if (kind == KT_CPU) return 1;
  int64_t count = 0;
  guarded([&] {
    if (at::globalContext().hasCUDA())
      count = at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount();
  });
  return count;
}

int64_t kt_thread_count(void) { return at::get_num_threads(); }
kt_status kt_set_thread_count(int64_t count) {
  return guarded([&] {
    TORCH_CHECK(count >= 1 && count <= 4096, "cannot run on ", count, " threads");
    at::set_num_threads(static_cast<int>(count));
  });
}

namespace {

// The library's threads are those of the OpenMP runtime that it was linked with. Our compiler has
// another one, so its pragmas would start a second set of threads; this is the entry point that
// the library's own parallel loops call, found in the runtime that is already loaded.
using StartTeam = void (*)(void (*)(void *), void *, unsigned, unsigned);
StartTeam start_team() {
  static const auto found = reinterpret_cast<StartTeam>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  return found;
}

struct Loop {
  int64_t count, grain;
  void *context;
  void (*body)(int64_t, int64_t, int64_t, void *);
  std::atomic<int64_t> next{0}, worker{0};

  void work() {
    int64_t mine = worker.fetch_add(1);
    for (int64_t first; (first = next.fetch_add(grain)) < count;)
      body(first, std::min(first + grain, count), mine, context);
  }
};

}  // namespace

void kt_parallel_for(
    int64_t count, int64_t grain, void *context,
    void (*body)(int64_t, int64_t, int64_t, void *)) {
  if (count <= 0) return;
  Loop loop{count, std::max<int64_t>(grain, 1), context, body};
  bool alone = count <= loop.grain || at::in_parallel_region() || at::get_num_threads() == 1;
  if (alone || !start_team()) return loop.work();
  start_team()([](void *loop) { static_cast<Loop *>(loop)->work(); }, &loop, 0, 0);
}
