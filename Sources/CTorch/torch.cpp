#include "CTorch.h"
#include <torch/version.h>
const char *kt_version(void) { return TORCH_VERSION; }
