// out = x / sqrt(mean(x^2) + eps) * weight, row by row, in float32.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

static float sum_of_squares(const float *x, int64_t size) {
  __m256 total[4];
  for (int j = 0; j < 4; j++) total[j] = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 32 <= size; i += 32)
    for (int j = 0; j < 4; j++) {
      const __m256 v = _mm256_loadu_ps(x + i + 8 * j);
      total[j] = _mm256_fmadd_ps(v, v, total[j]);
    }
  const __m256 all = _mm256_add_ps(_mm256_add_ps(total[0], total[1]),
                                   _mm256_add_ps(total[2], total[3]));
  float lanes[8], sum = 0.0f;
  _mm256_storeu_ps(lanes, all);
  for (int j = 0; j < 8; j++) sum += lanes[j];
  for (; i < size; i++) sum += x[i] * x[i];
  return sum;
}

void regard_rms_norm(const float *x, int64_t stride, const float *weight, float *out, int64_t rows,
                     int64_t size, float eps) {
  for (int64_t r = 0; r < rows; r++, x += stride, out += size) {
    const float scale = 1.0f / sqrtf(sum_of_squares(x, size) / (float)size + eps);
    for (int64_t i = 0; i < size; i++) out[i] = x[i] * scale * weight[i];
  }
}
