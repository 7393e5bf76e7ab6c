// Before every body: without libtorch's headers one sentence, not pages of errors.
#if !__has_include(<ATen/core/Tensor.h>)
#error "libtorch is not set up yet. Run: make setup"
#endif
