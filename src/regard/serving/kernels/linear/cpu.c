// y[m][n] = sum_k x[m][k] * w[n][k] for weights packed in panels of 16 output rows.
//
// Lanes run over output rows and k advances in order, so one (m, n) result depends on row m of x and
// row n of w alone: never on how many rows the batch has. Quantised weights stay integers: x is
// rounded to 16 bits per block of 32 (relative error 1.5e-5) and multiplied by vpmaddwd, twice the
// multiply rate of float32 on AVX2.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define PANEL 16
#define BLOCK 32
#define MAX_TILE 6
#define MAX_INTEGER_TILE 4

enum { FORMAT_F32 = 0, FORMAT_BF16 = 1, FORMAT_Q4_1 = 2, FORMAT_Q8_0 = 3 };

// ---- float formats: panel layout [k][16] -------------------------------------------------------

static inline __attribute__((always_inline)) void load_float_pair(
    const uint8_t *panel, int format, int64_t k, __m256 *low, __m256 *high) {
  if (format == FORMAT_F32) {
    const float *row = (const float *)panel + k * PANEL;
    *low = _mm256_loadu_ps(row);
    *high = _mm256_loadu_ps(row + 8);
  } else {
    const __m256i both = _mm256_loadu_si256((const __m256i *)(panel + k * PANEL * 2));
    *low = _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(both)), 16));
    *high = _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm256_extracti128_si256(both, 1)), 16));
  }
}

static inline __attribute__((always_inline)) void float_tile(
    const uint8_t *panel, int format, const float *x, int64_t k_size, float *y, int64_t y_stride,
    const int rows) {
  __m256 low[MAX_TILE], high[MAX_TILE];
  for (int r = 0; r < rows; r++) low[r] = high[r] = _mm256_setzero_ps();
  for (int64_t k = 0; k < k_size; k++) {
    __m256 w_low, w_high;
    load_float_pair(panel, format, k, &w_low, &w_high);
    for (int r = 0; r < rows; r++) {
      const __m256 value = _mm256_broadcast_ss(x + r * k_size + k);
      low[r] = _mm256_fmadd_ps(value, w_low, low[r]);
      high[r] = _mm256_fmadd_ps(value, w_high, high[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    _mm256_storeu_ps(y + r * y_stride, low[r]);
    _mm256_storeu_ps(y + r * y_stride + 8, high[r]);
  }
}

// ---- integer formats: panel layout [block of 32 k]{values, 16 fp16 scales[, 16 fp16 minima]} ----

#define Q4_VALUES 256
#define Q4_BYTES (Q4_VALUES + 64)
#define Q8_VALUES 512
#define Q8_BYTES (Q8_VALUES + 32)

static inline __attribute__((always_inline)) __m256 load_half8(const uint8_t *source) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}

// Two pairs of k (four vectors of 16 int16: rows 0-7 and 8-15 of either pair).
static inline __attribute__((always_inline)) void load_integer_quad(
    const uint8_t *block, int format, int quad, __m256i out[4]) {
  if (format == FORMAT_Q4_1) {
    const __m256i mask = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    const __m256i both = _mm256_loadu_si256((const __m256i *)(block + 32 * quad));
    const __m256i even = _mm256_and_si256(both, mask);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
    out[0] = _mm256_unpacklo_epi8(even, zero);
    out[1] = _mm256_unpackhi_epi8(even, zero);
    out[2] = _mm256_unpacklo_epi8(odd, zero);
    out[3] = _mm256_unpackhi_epi8(odd, zero);
  } else {
    for (int i = 0; i < 4; i++)
      out[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 64 * quad + 16 * i)));
  }
}

static inline __attribute__((always_inline)) void integer_tile(
    const uint8_t *panel, int format, const int16_t *x, const float *x_scale, const float *x_sum,
    int64_t num_blocks, float *y, int64_t y_stride, const int rows) {
  const int64_t block_bytes = format == FORMAT_Q4_1 ? Q4_BYTES : Q8_BYTES;
  const int64_t values = format == FORMAT_Q4_1 ? Q4_VALUES : Q8_VALUES;
  __m256 total[2 * MAX_INTEGER_TILE];
  for (int r = 0; r < 2 * rows; r++) total[r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < num_blocks; b++, panel += block_bytes) {
    __m256i low[MAX_INTEGER_TILE], high[MAX_INTEGER_TILE];
    for (int r = 0; r < rows; r++) low[r] = high[r] = _mm256_setzero_si256();
    // The hardware prefetcher keeps half of this pace when weights come from memory.
    for (int64_t line = 0; line < block_bytes; line += 64)
      _mm_prefetch((const char *)(panel + 8 * block_bytes + line), _MM_HINT_T0);
    for (int quad = 0; quad < 8; quad++) {
      __m256i w[4];
      load_integer_quad(panel, format, quad, w);
      for (int pair = 0; pair < 2; pair++)
        for (int r = 0; r < rows; r++) {
          int32_t two;
          memcpy(&two, x + (r * num_blocks + b) * BLOCK + 4 * quad + 2 * pair, 4);
          const __m256i value = _mm256_set1_epi32(two);
          low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(w[2 * pair], value));
          high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(w[2 * pair + 1], value));
        }
    }
    const __m256 d_low = load_half8(panel + values), d_high = load_half8(panel + values + 16);
    for (int r = 0; r < rows; r++) {
      const __m256 scale = _mm256_broadcast_ss(x_scale + r * num_blocks + b);
      total[2 * r] = _mm256_fmadd_ps(
          _mm256_cvtepi32_ps(low[r]), _mm256_mul_ps(d_low, scale), total[2 * r]);
      total[2 * r + 1] = _mm256_fmadd_ps(
          _mm256_cvtepi32_ps(high[r]), _mm256_mul_ps(d_high, scale), total[2 * r + 1]);
    }
    if (format == FORMAT_Q4_1) {
      const __m256 m_low = load_half8(panel + values + 32), m_high = load_half8(panel + values + 48);
      for (int r = 0; r < rows; r++) {
        const __m256 sum = _mm256_broadcast_ss(x_sum + r * num_blocks + b);
        total[2 * r] = _mm256_fmadd_ps(m_low, sum, total[2 * r]);
        total[2 * r + 1] = _mm256_fmadd_ps(m_high, sum, total[2 * r + 1]);
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    _mm256_storeu_ps(y + r * y_stride, total[2 * r]);
    _mm256_storeu_ps(y + r * y_stride + 8, total[2 * r + 1]);
  }
}

// Round one block of 32 activations to int16 with its own scale; the sum serves the minima of Q4_1.
static void quantise_block(const float *x, int16_t *out, float *scale, float *sum) {
  float largest = 0.0f, total = 0.0f;
  for (int i = 0; i < BLOCK; i++) {
    const float magnitude = fabsf(x[i]);
    largest = magnitude > largest ? magnitude : largest;
    total += x[i];
  }
  const float inverse = largest > 0.0f ? 32767.0f / largest : 0.0f;
  for (int i = 0; i < BLOCK; i++) out[i] = (int16_t)lrintf(x[i] * inverse);
  *scale = largest / 32767.0f;
  *sum = total;
}

// A constant number of rows a call, so that the accumulators live in registers.
#define DISPATCH_INTEGER(call) \
  switch (rows) {              \
    case 4: call(4); break;    \
    case 3: call(3); break;    \
    case 2: call(2); break;    \
    default: call(1); break;   \
  }
#define DISPATCH_FLOAT(call)   \
  switch (rows) {              \
    case 6: call(6); break;    \
    case 5: call(5); break;    \
    default: DISPATCH_INTEGER(call) \
  }

static inline __attribute__((always_inline)) void one_panel(
    const uint8_t *panel, const int format, const float *x, const int16_t *xq, const float *x_scale,
    const float *x_sum, float *y, int64_t m_size, int64_t k_size, int64_t y_stride) {
  const int64_t num_blocks = k_size / BLOCK;
  for (int64_t m = 0; m < m_size;) {
    // 16 rows as 6 + 5 + 5 rather than 6 + 6 + 4: even tiles keep every accumulator busy.
    const int64_t most = format <= FORMAT_BF16 ? MAX_TILE : MAX_INTEGER_TILE;
    const int64_t left = m_size - m, tiles = (left + most - 1) / most;
    const int rows = (int)((left + tiles - 1) / tiles);
    if (format == FORMAT_F32 || format == FORMAT_BF16) {
#define CALL(R) float_tile(panel, format, x + m * k_size, k_size, y + m * y_stride, y_stride, R)
      DISPATCH_FLOAT(CALL)
#undef CALL
    } else {
#define CALL(R)                                                                       \
  integer_tile(panel, format, xq + m * k_size, x_scale + m * num_blocks,              \
               x_sum + m * num_blocks, num_blocks, y + m * y_stride, y_stride, R)
      DISPATCH_INTEGER(CALL)
#undef CALL
    }
    m += rows;
  }
}

// x (m, k) float32, packed (panels), y (m, n) float32 with row stride n; n a multiple of 16, k of 32
// for integer formats. `scratch` holds m*k int16 and 2*m*k/32 floats for integer formats.
void regard_linear(const float *x, const uint8_t *packed, float *y, int64_t m_size, int64_t n_size,
                   int64_t k_size, int64_t panel_bytes, int format, uint8_t *scratch, int threads) {
  int16_t *xq = (int16_t *)scratch;
  const int64_t num_blocks = k_size / BLOCK;
  float *x_scale = (float *)(scratch + 2 * m_size * k_size), *x_sum = x_scale + m_size * num_blocks;
  if (format == FORMAT_Q4_1 || format == FORMAT_Q8_0)
    for (int64_t i = 0; i < m_size * num_blocks; i++)
      quantise_block(x + i * BLOCK, xq + i * BLOCK, x_scale + i, x_sum + i);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t p = 0; p < n_size / PANEL; p++) {
    const uint8_t *panel = packed + p * panel_bytes;
    float *out = y + p * PANEL;
    switch (format) {
      case FORMAT_F32: one_panel(panel, FORMAT_F32, x, xq, x_scale, x_sum, out, m_size, k_size, n_size); break;
      case FORMAT_BF16: one_panel(panel, FORMAT_BF16, x, xq, x_scale, x_sum, out, m_size, k_size, n_size); break;
      case FORMAT_Q4_1: one_panel(panel, FORMAT_Q4_1, x, xq, x_scale, x_sum, out, m_size, k_size, n_size); break;
      default: one_panel(panel, FORMAT_Q8_0, x, xq, x_scale, x_sum, out, m_size, k_size, n_size); break;
    }
  }
}
