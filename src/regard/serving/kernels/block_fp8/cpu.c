/* Rows to FP8 (e4m3, without infinities) with a float32 scale for each block of 128, and back. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 128 };
static const float LARGEST = 448.0f;
static const float SMALLEST = 1e-30f;

static inline uint8_t encode(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  const uint8_t sign = (uint8_t)(bits >> 24) & 0x80;
  bits &= 0x7fffffff;
  float magnitude;
  memcpy(&magnitude, &bits, 4);
  /* Below 2^-6 the steps are 2^-9; eight of them are the smallest number with an exponent. */
  const uint32_t small = (uint32_t)nearbyintf(magnitude * 512.0f);
  /* Otherwise three bits of mantissa, halves to even; the exponent's bias is 7, not 127. */
  const uint32_t rounded = bits + 0x7ffff + ((bits >> 20) & 1);
  const uint32_t large = (rounded >> 20) - (120u << 3);
  uint32_t code = magnitude < 0.015625f ? small : large;
  code = code > 0x7e ? 0x7e : code;
  return sign | (uint8_t)code;
}

void regard_block_fp8_quantise(const float *x, uint8_t *out, float *scales, int64_t rows,
                               int64_t columns) {
  const int64_t blocks = (columns + BLOCK - 1) / BLOCK;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t block = 0; block < blocks; block++) {
      const int64_t start = row * columns + block * BLOCK;
      const int64_t left = columns - block * BLOCK;
      const int64_t size = left < BLOCK ? left : BLOCK;
      float largest = 0.0f;
      for (int64_t i = 0; i < size; i++) largest = fmaxf(largest, fabsf(x[start + i]));
      const float scale = fmaxf(largest, SMALLEST) / LARGEST;
      scales[row * blocks + block] = scale;
      for (int64_t i = 0; i < size; i++) out[start + i] = encode(x[start + i] / scale);
    }
  }
}

void regard_block_fp8_dequantise(const uint8_t *codes, const float *scales, const float *values,
                                 float *out, int64_t rows, int64_t columns) {
  const int64_t blocks = (columns + BLOCK - 1) / BLOCK;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t i = 0; i < columns; i++) {
      out[row * columns + i] =
        values[codes[row * columns + i]] * scales[row * blocks + i / BLOCK];
    }
  }
}
