// Unpacking of LZF, the filter of h5py (32000).
#include "internal.h"

#include <stdlib.h>
#include <string.h>

// Debian's plug-in lacks a symbol. A control byte below 32
// begins so many and one more literal bytes; any other one a copy of earlier bytes: its upper three bits
// are the length less 2 (7: a further byte is added), its lower five and the next byte the distance
// less 1.
static size_t unpack_lzf(const uint8_t *in, size_t length, uint8_t *out, size_t room) {
  size_t at = 0, done = 0;
  while (at < length) {
    size_t control = in[at++];
    if (control < 32) {
      size_t count = control + 1;
      if (count > length - at || count > room - done) return 0;
      memcpy(out + done, in + at, count);
      at += count, done += count;
    } else {
      size_t count = control >> 5;
      if (count == 7) {
        if (at == length) return 0;
        count += in[at++];
      }
      if (at == length) return 0;
      size_t back = ((control & 31) << 8 | in[at++]) + 1;
      count += 2;
      if (back > done || count > room - done) return 0;
      // Bytes may be copies of those just written.
      for (; count; count--, done++) out[done] = out[done - back];
    }
  }
  return done;
}

static size_t lzf_filter(unsigned flags, size_t value_count, const unsigned *values, size_t bytes,
                         size_t *room, void **buffer) {
  if (!(flags & H5Z_FLAG_REVERSE) || value_count < 3 || values[2] == 0) return 0;
  uint8_t *out = malloc(values[2]);
  size_t done = out ? unpack_lzf(*buffer, bytes, out, values[2]) : 0;
  if (!done) return free(out), 0;
  free(*buffer);
  *buffer = out, *room = values[2];
  return done;
}

const H5Z_class2_t kh_lzf = {H5Z_CLASS_T_VERS, 32000, 0, 1, "lzf", NULL, NULL, lzf_filter};
