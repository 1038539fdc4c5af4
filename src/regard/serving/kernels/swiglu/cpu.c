// out = silu(gate) * up for rows [gate | up], in float32.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

#include "../vector_math.h"

void regard_swiglu(const float *gate_up, float *out, int64_t rows, int64_t size, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * size > 16384)
  for (int64_t r = 0; r < rows; r++) {
    const float *gate = gate_up + r * 2 * size, *up = gate + size;
    float *row = out + r * size;
    int64_t i = 0;
    for (; i + 8 <= size; i += 8) {
      const __m256 g = _mm256_loadu_ps(gate + i);
      const __m256 e = vector_exp(_mm256_sub_ps(_mm256_setzero_ps(), g));
      const __m256 silu = _mm256_div_ps(g, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
      _mm256_storeu_ps(row + i, _mm256_mul_ps(silu, _mm256_loadu_ps(up + i)));
    }
    for (; i < size; i++) row[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
  }
}
