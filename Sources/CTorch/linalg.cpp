// Factorisations and solutions of dense matrices.
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_lstsq.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/view_as_real.h>

#include "guarded.hpp"

using namespace kymo;

kt_status kt_symmetric_eigen(kt_tensor *values, kt_tensor *vectors, kt_tensor t) {
  return guarded([&] {
    // In double precision, for single gives NaN for some matrices with rows of zeros, and says
    // nothing.
    auto [w, v] = at::linalg_eigh(value(t).to(at::kDouble), "L");
    auto first = std::make_unique<kt_tensor_body>(kt_tensor_body{w.to(value(t).scalar_type())});
    *vectors = new kt_tensor_body{v.to(value(t).scalar_type())};
    *values = first.release();
  });
}

kt_status kt_cholesky(kt_tensor *out, int64_t *info, kt_tensor t) {
  return producing(out, [&] {
    auto [factor, failed] = at::linalg_cholesky_ex(value(t));
    *info = failed.item<int64_t>();
    return factor;
  });
}

kt_status kt_cholesky_solve(kt_tensor *out, kt_tensor rhs, kt_tensor factor) {
  return producing(out, [&] { return at::cholesky_solve(value(rhs), value(factor)); });
}

kt_status kt_orthonormal_columns(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return std::get<0>(at::linalg_qr(value(t))); });
}

kt_status kt_svd(kt_tensor *u, kt_tensor *s, kt_tensor *vt, kt_tensor t) {
  return guarded([&] {
    auto [left, singular, right] = at::linalg_svd(value(t), /*full_matrices=*/false);
    auto first = std::make_unique<kt_tensor_body>(kt_tensor_body{left});
    auto second = std::make_unique<kt_tensor_body>(kt_tensor_body{singular});
    *vt = new kt_tensor_body{right};
    *s = second.release();
    *u = first.release();
  });
}

kt_status kt_least_squares(kt_tensor *out, kt_tensor a, kt_tensor b, double cutoff) {
  return producing(out, [&] {
    std::optional<double> rcond;
    if (cutoff >= 0) rcond = cutoff;
    return std::get<0>(at::linalg_lstsq(value(a), value(b), rcond, "gelsd"));
  });
}

kt_status kt_eigenvalues(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return at::view_as_real(at::linalg_eigvals(value(t))); });
}

kt_status kt_add_matmul_in_place(kt_tensor target, kt_tensor a, kt_tensor b) {
  return guarded([&] { at::Tensor(value(target)).addmm_(value(a), value(b)); });
}
