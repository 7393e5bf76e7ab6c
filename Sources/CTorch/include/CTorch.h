/* The tensor library behind a C interface: opaque handles, a status from every call that can fail.

   - A result comes through `out`, which is untouched on failure.
   - A handle in `out` belongs to the caller, who gives it back with kt_release. Handles that are
     passed in are borrowed for the call.
   - Axes count from 0; negative axes count from the last. Sizes are int64_t. */
#ifndef CTORCH_H
#define CTORCH_H

#include "kt_autograd.h"
#include "kt_core.h"
#include "kt_linalg.h"
#include "kt_operations.h"
#include "kt_runtime.h"
#include "kt_views.h"

#endif
