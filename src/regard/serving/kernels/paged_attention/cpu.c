// Rotary embedding, KV append and causal paged attention in float32.
//
// Key pages are stored transposed, (num_blocks, kv_heads, head_dim, block_size), so that 8 tokens'
// scores fill one vector; value pages are (num_blocks, kv_heads, block_size, head_dim). One (row,
// kv head) pair is worked by one thread in a fixed order, so a row's result does not depend on the
// rest of the batch.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../vector_math.h"

#define LANES 8
#define MAX_HEADS 3
#define VALUE_VECTORS 4

// exp(x) for x <= 0; below -87 it is 0, so that masked scores weigh nothing.
static inline __m256 exp_nonpositive(__m256 x) {
  const __m256 alive = _mm256_cmp_ps(x, _mm256_set1_ps(-87.0f), _CMP_GE_OQ);
  return _mm256_and_ps(vector_exp(x), alive);
}

static inline float horizontal_max(__m256 v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
}

static inline float horizontal_sum(__m256 v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

// Rotate q and k in place (NeoX halves) and write k, v into their pages.
// qkv (rows, (heads + 2 kv_heads) * dim); cos, sin (max_positions, dim / 2).
void regard_rope_append(float *qkv, const float *cos_table, const float *sin_table,
                        const int64_t *positions, const int64_t *slots, float *k_cache,
                        float *v_cache, int64_t rows, int64_t heads, int64_t kv_heads, int64_t dim,
                        int64_t block_size) {
  const int64_t half = dim / 2, width = (heads + 2 * kv_heads) * dim;
  for (int64_t r = 0; r < rows; r++) {
    float *row = qkv + r * width;
    const float *c = cos_table + positions[r] * half, *s = sin_table + positions[r] * half;
    for (int64_t h = 0; h < heads + kv_heads; h++) {
      float *x = row + h * dim;
      for (int64_t i = 0; i < half; i++) {
        const float a = x[i], b = x[i + half];
        x[i] = a * c[i] - b * s[i];
        x[i + half] = b * c[i] + a * s[i];
      }
    }
    const int64_t block = slots[r] / block_size, offset = slots[r] % block_size;
    for (int64_t h = 0; h < kv_heads; h++) {
      const float *k = row + (heads + h) * dim, *v = row + (heads + kv_heads + h) * dim;
      float *k_page = k_cache + (block * kv_heads + h) * dim * block_size + offset;
      for (int64_t i = 0; i < dim; i++) k_page[i * block_size] = k[i];
      memcpy(v_cache + ((block * kv_heads + h) * block_size + offset) * dim, v, dim * 4);
    }
  }
}

// out[h][d ...] = sum over tokens of weight * value, for `vectors` vectors of the value's columns.
static inline __attribute__((always_inline)) void weigh_values(
    const int vectors, const int heads, int64_t d, const float *v_cache, const int32_t *block_table,
    int64_t context, int64_t page, int64_t page_stride, int64_t dim, int64_t block_size,
    const float *weights, int64_t padded, const __m256 *inverse, float *out) {
  __m256 total[MAX_HEADS * VALUE_VECTORS];
  for (int j = 0; j < heads * vectors; j++) total[j] = _mm256_setzero_ps();
  for (int64_t start = 0; start < context; start += block_size) {
    const float *v = v_cache + block_table[start / block_size] * page_stride + page + d;
    const int64_t left = context - start, tokens = left < block_size ? left : block_size;
    for (int64_t t = 0; t < tokens; t++, v += dim) {
      __m256 value[VALUE_VECTORS];
      for (int j = 0; j < vectors; j++) value[j] = _mm256_loadu_ps(v + j * LANES);
      for (int h = 0; h < heads; h++) {
        const __m256 weight = _mm256_broadcast_ss(weights + h * padded + start + t);
        for (int j = 0; j < vectors; j++)
          total[h * vectors + j] = _mm256_fmadd_ps(weight, value[j], total[h * vectors + j]);
      }
    }
  }
  for (int h = 0; h < heads; h++)
    for (int j = 0; j < vectors; j++)
      _mm256_storeu_ps(out + h * dim + d + j * LANES,
                       _mm256_mul_ps(total[h * vectors + j], inverse[h]));
}

// Up to MAX_HEADS query heads that share one key head over one context: a key or value is loaded
// once for all of them. `scores` holds `heads` rows of the padded context.
static inline __attribute__((always_inline)) void attend(
    const float *q, const int heads, const float *k_cache, const float *v_cache,
    const int32_t *block_table, int64_t context, int64_t page, int64_t page_stride, int64_t dim,
    int64_t block_size, float scale, float *scores, float *out) {
  const int64_t num_blocks = (context + block_size - 1) / block_size;
  const int64_t padded = num_blocks * block_size;
  __m256 largest[MAX_HEADS];
  for (int h = 0; h < heads; h++) largest[h] = _mm256_set1_ps(-INFINITY);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int64_t b = 0; b < num_blocks; b++) {
    const float *k = k_cache + block_table[b] * page_stride + page;
    for (int64_t t = 0; t < block_size; t += LANES) {
      __m256 even[MAX_HEADS], odd[MAX_HEADS];
      for (int h = 0; h < heads; h++) even[h] = odd[h] = _mm256_setzero_ps();
      for (int64_t i = 0; i < dim; i += 2) {
        const __m256 first = _mm256_loadu_ps(k + i * block_size + t);
        const __m256 second = _mm256_loadu_ps(k + (i + 1) * block_size + t);
        for (int h = 0; h < heads; h++) {
          even[h] = _mm256_fmadd_ps(_mm256_broadcast_ss(q + h * dim + i), first, even[h]);
          odd[h] = _mm256_fmadd_ps(_mm256_broadcast_ss(q + h * dim + i + 1), second, odd[h]);
        }
      }
      const int64_t left = context - b * block_size - t;
      // Slots past the context may hold anything, NaN included.
      const __m256i dead = _mm256_cmpgt_epi32(
          lane, _mm256_set1_epi32((int)(left > LANES ? LANES : left) - 1));
      for (int h = 0; h < heads; h++) {
        __m256 score = _mm256_mul_ps(_mm256_add_ps(even[h], odd[h]), _mm256_set1_ps(scale));
        score = _mm256_blendv_ps(score, _mm256_set1_ps(-INFINITY), _mm256_castsi256_ps(dead));
        largest[h] = _mm256_max_ps(largest[h], score);
        _mm256_storeu_ps(scores + h * padded + b * block_size + t, score);
      }
    }
  }
  __m256 inverse[MAX_HEADS];
  for (int h = 0; h < heads; h++) {
    const __m256 most = _mm256_set1_ps(horizontal_max(largest[h]));
    __m256 sums = _mm256_setzero_ps();
    for (float *at = scores + h * padded; at < scores + (h + 1) * padded; at += LANES) {
      const __m256 weight = exp_nonpositive(_mm256_sub_ps(_mm256_loadu_ps(at), most));
      sums = _mm256_add_ps(sums, weight);
      _mm256_storeu_ps(at, weight);
    }
    inverse[h] = _mm256_set1_ps(1.0f / horizontal_sum(sums));
  }
  int64_t d = 0;
  for (; d + VALUE_VECTORS * LANES <= dim; d += VALUE_VECTORS * LANES)
    weigh_values(VALUE_VECTORS, heads, d, v_cache, block_table, context, page, page_stride, dim,
                 block_size, scores, padded, inverse, out);
  for (; d < dim; d += LANES)
    weigh_values(1, heads, d, v_cache, block_table, context, page, page_stride, dim, block_size,
                 scores, padded, inverse, out);
}

// q: the first heads*dim of each row of width q_stride; out (rows, heads * dim).
// contexts[r] tokens are visible to row r; its pages stand in block_tables[sequence[r]].
void regard_paged_attention(const float *q, int64_t q_stride, const float *k_cache,
                            const float *v_cache, const int32_t *block_tables, int64_t table_width,
                            const int64_t *sequence, const int64_t *contexts, float *scores,
                            int64_t scores_stride, float *out, int64_t rows, int64_t heads,
                            int64_t kv_heads, int64_t dim, int64_t block_size, float scale,
                            int threads) {
  const int64_t group = heads / kv_heads, page_stride = kv_heads * dim * block_size;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) collapse(2)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t kv = 0; kv < kv_heads; kv++)
      for (int64_t g = 0; g < group;) {
        const int64_t left = group - g, tiles = (left + MAX_HEADS - 1) / MAX_HEADS;
        const int count = (int)((left + tiles - 1) / tiles);
        const int64_t head = kv * group + g;
#define ATTEND(N)                                                                              \
  attend(q + r * q_stride + head * dim, N, k_cache, v_cache,                                   \
         block_tables + sequence[r] * table_width, contexts[r], kv * dim * block_size,         \
         page_stride, dim, block_size, scale, scores + (r * kv_heads + kv) * scores_stride,    \
         out + (r * heads + head) * dim)
        switch (count) {
          case 3: ATTEND(3); break;
          case 2: ATTEND(2); break;
          default: ATTEND(1); break;
        }
#undef ATTEND
        g += count;
      }
}
