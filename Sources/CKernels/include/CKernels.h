/* Fused kernels in C, without dependencies. Each is chosen at run time for the processor and has a
   plain twin that tests compare it with. One header for each family. */
#ifndef CKERNELS_H
#define CKERNELS_H

#include "kymo_processor.h"
#include "kymo_components.h"
#include "kymo_dense.h"
#include "kymo_distance.h"
#include "kymo_encoder.h"
#include "kymo_kernel_network.h"
#include "kymo_lattice.h"
#include "kymo_law.h"
#include "kymo_etd.h"
#include "kymo_etd_coefficients.h"
#include "kymo_etd_cubic.h"
#include "kymo_fft.h"
#include "kymo_fitzhugh_nagumo.h"
#include "kymo_flow.h"
#include "kymo_gray_scott.h"
#include "kymo_noise.h"
#include "kymo_optimizer.h"
#include "kymo_particles.h"
#include "kymo_peak.h"
#include "kymo_plane.h"
#include "kymo_plane_rollout.h"
#include "kymo_recurrent.h"
#include "kymo_reservoir.h"
#include "kymo_rollout.h"
#include "kymo_stages.h"
#include "kymo_terms.h"

#endif
