// The instruction sets that kernels are compiled for.
import CKernels

/// Runs `body` on every instruction set that this processor has.
func onEveryLevel(_ body: (String) -> Void) {
  defer { kk_limit_level(KK_LEVEL_AVX512) }
  for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
    kk_limit_level(level)
    if kk_processor_level() == level { body(unsafe String(cString: kk_level_name(level))) }
  }
}
