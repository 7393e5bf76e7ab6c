// Normal noise by counter: see kymo_noise.h. Written so that loops run over a strip of blocks,
// which the compiler turns into vectors; nothing is contracted, so that all processors agree.
#include "kymo_noise.h"

#include <string.h>

#pragma clang fp contract(off)

#define STRIP 16  // blocks at a time

#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

// Natural logarithm of 2^-48 < x <= 1 to about 1e-7, relative and near 1 absolute.
static inline float short_log(float x) {
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

// sqrt(2) erfinv(x), |x| < 1.
static inline float normal_quantile(float x) {
  const float w = -short_log((1 - x) * (1 + x));
  const float a = w - 2.5f, b = __builtin_elementwise_sqrt(w) - 3;
  float p = 2.81022636e-08f, q = -0.000200214257f;
  p = 3.43273939e-07f + p * a, q = 0.000100950558f + q * b;
  p = -3.5233877e-06f + p * a, q = 0.00134934322f + q * b;
  p = -4.39150654e-06f + p * a, q = -0.00367342844f + q * b;
  p = 0.00021858087f + p * a, q = 0.00573950773f + q * b;
  p = -0.00125372503f + p * a, q = -0.0076224613f + q * b;
  p = -0.00417768164f + p * a, q = 0.00943887047f + q * b;
  p = 0.246640727f + p * a, q = 1.00167406f + q * b;
  p = 1.50140941f + p * a, q = 2.83297682f + q * b;
  return 1.41421356f * (w < 5 ? p : q) * x;
}

// The middle of the 2^23 equal parts of (-1, 1) that the upper bits name.
static inline float symmetric(uint32_t bits) {
  return ((float)(int32_t)(bits >> 9) + 0.5f) * 0x1p-22f - 1;
}

WIDE static void noise_strip(
    float *noise, uint64_t seed, uint32_t stream, uint32_t recording, uint32_t frame,
    uint32_t block) {
  uint32_t a[STRIP], b[STRIP], c[STRIP], d[STRIP];
  for (int i = 0; i < STRIP; i++) a[i] = block + i, b[i] = frame, c[i] = recording, d[i] = stream;
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < STRIP; i++) {
      const uint64_t first = (uint64_t)a[i] * 0xD2511F53u, second = (uint64_t)c[i] * 0xCD9E8D57u;
      a[i] = (uint32_t)(second >> 32) ^ b[i] ^ k0, b[i] = (uint32_t)second;
      c[i] = (uint32_t)(first >> 32) ^ d[i] ^ k1, d[i] = (uint32_t)first;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < STRIP; i++) {
    noise[4 * i] = symmetric(a[i]), noise[4 * i + 1] = symmetric(b[i]);
    noise[4 * i + 2] = symmetric(c[i]), noise[4 * i + 3] = symmetric(d[i]);
  }
  for (int i = 0; i < 4 * STRIP; i++) noise[i] = normal_quantile(noise[i]);
}

void kk_add_noise(
    float *values, int32_t count, uint64_t seed, uint32_t stream, uint32_t recording,
    uint32_t frame, uint32_t first, float deviation) {
  float noise[4 * STRIP];
  int32_t skip = (int32_t)(first % 4);
  uint32_t block = first / 4;
  for (int32_t done = 0; done < count; block += STRIP) {
    noise_strip(noise, seed, stream, recording, frame, block);
    const int32_t room = 4 * STRIP - skip, left = count - done, part = left < room ? left : room;
    for (int32_t i = 0; i < part; i++) values[done + i] += deviation * noise[skip + i];
    done += part, skip = 0;
  }
}
