// Normal noise by counter: see kymo_noise.h.
#include "kymo_noise.h"

#include "normal_strip.h"

// The numbers of a strip in their order, block by block.
WIDE static void ordered_strip(
    float *noise, uint64_t seed, uint32_t stream, uint32_t recording, uint32_t frame,
    uint32_t block) {
  float strip[4 * STRIP];
  normal_strip(strip, seed, stream, recording, frame, block);
  for (int i = 0; i < STRIP; i++)
    for (int j = 0; j < 4; j++) noise[4 * i + j] = strip[j * STRIP + i];
}

void kk_add_noise(
    float *values, int32_t count, uint64_t seed, uint32_t stream, uint32_t recording,
    uint32_t frame, uint32_t first, float deviation) {
  float noise[4 * STRIP];
  int32_t skip = (int32_t)(first % 4);
  uint32_t block = first / 4;
  for (int32_t done = 0; done < count; block += STRIP) {
    ordered_strip(noise, seed, stream, recording, frame, block);
    const int32_t room = 4 * STRIP - skip, left = count - done, part = left < room ? left : room;
    for (int32_t i = 0; i < part; i++) values[done + i] += deviation * noise[skip + i];
    done += part, skip = 0;
  }
}
