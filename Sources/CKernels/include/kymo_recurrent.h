/* Recurrent networks (LSTM, GRU) with a linear output layer, fused: all steps of many trajectories
   in one call, forward for forecasts, forward and backward for training.

   One step of a layer with inputs x and units h (Hochreiter and Schmidhuber 1997 with forget gates;
   Cho et al. 2014), weights in PyTorch's order:

     LSTM  i, f, o = sigmoid(W x + b + U h + c),  g = tanh(W x + b + U h + c)
           m <- f m + i g,  h <- o tanh(m)
     GRU   r, u = sigmoid(W x + b + U h + c),  n = tanh(W x + b + r (U h + c)),  h <- (1 - u) n + u
     h

   Layers feed each other; the last one's h gives the prediction y = a(V h + d), or y = x + V h + d.
   An input is given, or it is the prediction of the step before.

   Gates of 16 units are vectors; rows are trajectories, and a weight that is read once serves four
   of them. Floor in multiply-adds, a row and a step: G H (D + H) a layer (G = 4 or 3 gates, H
   units, D inputs) and H O for the output; the gradient takes three times that. One trajectory
   alone is bound by reading the weights: 4 bytes for each multiply-add. */
#ifndef KYMO_RECURRENT_H
#define KYMO_RECURRENT_H

#include <stddef.h>
#include <stdint.h>

typedef enum kk_cell {
  KK_CELL_LSTM = 0,
  KK_CELL_GRU = 1,
} kk_cell;

typedef enum kk_output {
  KK_OUTPUT_IDENTITY = 0,
  KK_OUTPUT_TANHPLUS = 1, /* 0.5 + 0.5 tanh */
  KK_OUTPUT_INCREMENT = 2, /* added to the input */
} kk_output;

typedef struct kk_recurrent {
  kk_cell cell;
  kk_output output;
  int32_t layers;  /* at least 1 */
  int32_t inputs;  /* D, at least 1; also the number of outputs */
  int32_t units;   /* H, at least 1 */
} kk_recurrent;

/* Parameters are 4 arrays a layer, [G H][inputs], [G H][H], [G H], [G H] (weight_ih, weight_hh,
   bias_ih, bias_hh), then the output's [D][H] and [D]. */

/* Floats of the packed parameters; `gradient` is nonzero where kk_recurrent_backward will read
   them. */
size_t kk_recurrent_packed_count(const kk_recurrent *plan, int gradient);
void kk_recurrent_pack(
    const kk_recurrent *plan, const float *const *parameters, int gradient, float *packed);

/* Floats of one trajectory's state: [layer][h, m][H] for LSTM, [layer][h][H] for GRU. */
size_t kk_recurrent_state_count(const kk_recurrent *plan);
/* Floats of scratch of kk_recurrent_forward for so many rows. */
size_t kk_recurrent_scratch_count(const kk_recurrent *plan, int32_t rows);
/* Floats of the tape from a forward call to its backward call, and of the latter's scratch. */
size_t kk_recurrent_tape_count(const kk_recurrent *plan, int32_t rows, int32_t steps);
size_t kk_recurrent_gradient_scratch_count(
    const kk_recurrent *plan, int32_t rows, int32_t steps);
/* Floats of the sums of gradients. */
size_t kk_recurrent_sums_count(const kk_recurrent *plan);

/* What goes in and comes out of a run; arrays of rows are contiguous. */
typedef struct kk_recurrent_run {
  int32_t rows, steps;
  int32_t known;        /* inputs given for each row, 1 ... steps; later ones are predictions */
  const float *inputs;  /* [rows][known][D] */
  const uint8_t *own;   /* [rows][known], 1 where the prediction replaces the given input; the first of a
                           row is ignored. NULL: nowhere */
  float *states;        /* [rows][state], read at the start and written at the end */
  float *predictions;   /* [rows][steps][D]: what follows each input */
} kk_recurrent_run;

/* Runs all rows through all steps. With `tape` the backward call can follow. */
void kk_recurrent_forward(
    const kk_recurrent *plan, const float *packed, const kk_recurrent_run *run, float *tape,
    float *scratch);

/* Adds the gradients of the parameters to `sums`, from those of the predictions, [rows][steps][D].
   The gradient passes through predictions that became inputs where `through` is nonzero. Writes
   those of the given inputs to `input_gradient`, [rows][known][D], unless it is NULL; states get
   none. */
void kk_recurrent_backward(
    const kk_recurrent *plan, const float *packed, const kk_recurrent_run *run, const float *tape,
    const float *prediction_gradient, int through, float *input_gradient, float *sums,
    float *scratch);

/* The sums as arrays in the order of the parameters, overwritten. */
void kk_recurrent_unpack(const kk_recurrent *plan, const float *sums, float *const *gradients);

/* y = sigmoid(x) and y = tanh(x) by the kernels' polynomials, for tests of their accuracy. */
void kk_recurrent_functions(const float *x, float *sigmoid, float *tanh, size_t count);

#endif
