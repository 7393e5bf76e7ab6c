/* Factorisations and solutions of dense matrices, float32 or float64. They copy their operands;
   only kt_add_matmul_in_place changes one. A matrix that cannot be factored gives KT_FAILED with
   the library's words, unless an `info` says which minor it was. */
#ifndef KT_LINALG_H
#define KT_LINALG_H

#include "kt_core.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

/* t = vectors diag(values) vectorsT; values rise, vectors are columns. Reads the lower triangle. */
kt_status kt_symmetric_eigen(kt_out values, kt_out vectors, kt_tensor t);
/* t = L LT. Reads the lower triangle. info: 0, or the order of the leading minor that is not
   positive; then `out` is without meaning but still belongs to the caller. */
kt_status kt_cholesky(kt_out out, int64_t *info, kt_tensor t);
/* The solution of L LT x = rhs. */
kt_status kt_cholesky_solve(kt_out out, kt_tensor rhs, kt_tensor factor);
/* q of t = q r: orthonormal columns that span those of t, column by column; min(m, n) of them. */
kt_status kt_orthonormal_columns(kt_out out, kt_tensor t);
/* t = u diag(s) vt with min(m, n) columns, numbers and rows; s falls. */
kt_status kt_svd(kt_out u, kt_out s, kt_out vt, kt_tensor t);
/* The x of least norm among those that minimise |a x - b|; singular values below `cutoff` times the
   largest count as zero. A negative cutoff takes the unit roundoff times max(m, n). */
kt_status kt_least_squares(kt_out out, kt_tensor a, kt_tensor b, double cutoff);
/* Eigenvalues of a general matrix, with a trailing axis of 2: real and imaginary part. */
kt_status kt_eigenvalues(kt_out out, kt_tensor t);
/* target += a b, into the memory of `target`, which may be a view. */
kt_status kt_add_matmul_in_place(kt_tensor target, kt_tensor a, kt_tensor b);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
#endif
