/* Gradients, and operations with a gradient of their own. */
#ifndef KT_AUTOGRAD_H
#define KT_AUTOGRAD_H

#include "kt_core.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

bool kt_requires_gradient(kt_tensor t);
/* A leaf with the entries of t that collects its gradient. */
kt_status kt_make_leaf(kt_out out, kt_tensor t);
kt_status kt_detach(kt_out out, kt_tensor t);
/* *out stays NULL when there is none. */
kt_status kt_gradient(kt_out out, kt_tensor t);
/* NULL removes the gradient. */
kt_status kt_set_gradient(kt_tensor t, kt_tensor _Nullable gradient);
kt_status kt_backward(kt_tensor t, kt_tensor _Nullable gradient, bool keep_graph);
/* Sum over outputs of their derivatives along `seeds` (NULL: ones) with respect to each input.
   Entries of `out` stay NULL for inputs that no output depends on. */
kt_status kt_gradients(
    kt_out out, kt_inputs outputs, int64_t output_count,
    kt_inputs inputs, int64_t input_count,
    const kt_tensor _Nonnull *_Nullable seeds, bool keep_graph, bool create_graph);

/* Whether operations of this thread are recorded. */
bool kt_records_gradients(void);
void kt_set_records_gradients(bool on);

/* Called in a backward pass. `output_gradients` holds one handle for each output, NULL where no
   gradient arrived, and they belong to the callee. It writes one handle, given away, or NULL for
   each input into `input_gradients`, and returns NULL, or a sentence about what is wrong that
   stays valid until the next call on this thread. */
typedef const char *_Nullable (*kt_backward_function)(
    void *context, const kt_tensor _Nullable *_Nonnull output_gradients, int64_t output_count,
    kt_tensor _Nullable *_Nonnull input_gradients, int64_t input_count);

/* Makes `outputs`, which were computed outside the graph, the results of one graph node over
   `inputs`; out receives output_count new handles that share their entries. `context` is
   consumed in every case: `release` is called when the graph lets go of it, or at once when no
   input needs a gradient or the call fails. The context must not hold the results. */
kt_status kt_custom(
    kt_out out, const char *name, kt_inputs inputs,
    int64_t input_count, kt_inputs outputs, int64_t output_count, void *context,
    kt_backward_function backward, void (*release)(void *context));

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
