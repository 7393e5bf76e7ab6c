// A strip of normal noise by counter, for the kernels that need some: see kymo_noise.h. Written so
// that loops run over a strip of blocks, which the compiler turns into vectors; nothing is
// contracted, so that all processors agree.
#ifndef KYMO_NORMAL_STRIP_H
#define KYMO_NORMAL_STRIP_H

#include <stdint.h>
#include <string.h>

#pragma clang fp contract(off)

#define STRIP 16  // blocks at a time

#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

// Into every variant of a WIDE function.
#define INTO static inline __attribute__((always_inline))

// Natural logarithm of 2^-48 < x <= 1 to about 1e-7, relative and near 1 absolute.
INTO float short_log(float x) {
  int32_t bits;
  memcpy(&bits, &x, 4);
  const int32_t shifted = bits - 0x3f3504f3;  // sqrt(1/2)
  const int32_t exponent = shifted >> 23;
  bits -= (int32_t)((uint32_t)exponent << 23);
  float m;
  memcpy(&m, &bits, 4);
  // log m = 2 artanh s, s = (m - 1) / (m + 1), |s| < 0.172.
  const float s = (m - 1) / (m + 1), s2 = s * s;
  const float tail = s2 * (0.66666667f + s2 * (0.4f + s2 * (0.28571430f + s2 * 0.2222222f)));
  return (float)exponent * 0.69314718f + s * (2 + tail);
}

// sqrt(2) erfinv(x), |x| < 1, in two parts: for w = -log((1 - x)(1 + x)) below 5, which is where all but
// one of 300 numbers lie, and above.
INTO float central_quantile(float x, float w) {
  const float a = w - 2.5f;
  float p = 2.81022636e-08f;
  p = 3.43273939e-07f + p * a;
  p = -3.5233877e-06f + p * a;
  p = -4.39150654e-06f + p * a;
  p = 0.00021858087f + p * a;
  p = -0.00125372503f + p * a;
  p = -0.00417768164f + p * a;
  p = 0.246640727f + p * a;
  p = 1.50140941f + p * a;
  return 1.41421356f * p * x;
}

INTO float tail_quantile(float x, float w) {
  const float b = __builtin_elementwise_sqrt(w) - 3;
  float q = -0.000200214257f;
  q = 0.000100950558f + q * b;
  q = 0.00134934322f + q * b;
  q = -0.00367342844f + q * b;
  q = 0.00573950773f + q * b;
  q = -0.0076224613f + q * b;
  q = 0.00943887047f + q * b;
  q = 1.00167406f + q * b;
  q = 2.83297682f + q * b;
  return 1.41421356f * q * x;
}

// The middle of the 2^23 equal parts of (-1, 1) that the upper bits name.
INTO float symmetric(uint32_t bits) {
  return ((float)(int32_t)(bits >> 9) + 0.5f) * 0x1p-22f - 1;
}

// 4 STRIP normal numbers, those of so many blocks of 4 from `block` on: first all first ones, then all
// second ones, and so on. The words are kept in 64 bits, of which a multiplication sees the lower 32:
// no instruction is spent on moving them.
INTO void normal_strip(
    float *noise, uint64_t seed, uint32_t stream, uint32_t recording, uint32_t frame,
    uint32_t block) {
  uint64_t a[STRIP], b[STRIP], c[STRIP], d[STRIP];
  for (int i = 0; i < STRIP; i++) a[i] = block + i, b[i] = frame, c[i] = recording, d[i] = stream;
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < STRIP; i++) {
      const uint64_t first = (a[i] & 0xFFFFFFFF) * 0xD2511F53;
      const uint64_t second = (c[i] & 0xFFFFFFFF) * 0xCD9E8D57;
      a[i] = second >> 32 ^ b[i] ^ k0, b[i] = second;
      c[i] = first >> 32 ^ d[i] ^ k1, d[i] = first;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < STRIP; i++) {
    noise[i] = symmetric((uint32_t)a[i]), noise[i + STRIP] = symmetric((uint32_t)b[i]);
    noise[i + 2 * STRIP] = symmetric((uint32_t)c[i]), noise[i + 3 * STRIP] = symmetric((uint32_t)d[i]);
  }
  float w[4 * STRIP], x[4 * STRIP];
  int tails = 0;
  for (int i = 0; i < 4 * STRIP; i++) {
    x[i] = noise[i];
    w[i] = -short_log((1 - x[i]) * (1 + x[i]));
    noise[i] = central_quantile(x[i], w[i]);
    tails |= w[i] >= 5;
  }
  // Few strips have a number in the tails.
  if (tails)
    for (int i = 0; i < 4 * STRIP; i++) noise[i] = w[i] < 5 ? noise[i] : tail_quantile(x[i], w[i]);
}

#endif
