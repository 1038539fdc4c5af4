// How sums leave: as parts, rotated, gated and quantised, or as they are. Four neighbouring lanes, a quad,
// have the same rows; they swap until each has 16 bytes that belong side by side.
#pragma once
#include "products.cuh"

// Of four words of each lane of a quad: the one with this lane's number in the quad, from all four lanes.
__device__ __forceinline__ void swap_words(uint32_t (&words)[4]) {
    bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
        uint32_t other = __shfl_xor_sync(0xffffffff, odd ? words[i] : words[i + 1], 1);
        if (odd) words[i] = other;
        else words[i + 1] = other;
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
        uint32_t other = __shfl_xor_sync(0xffffffff, upper ? words[i] : words[i + 2], 2);
        if (upper) words[i] = other;
        else words[i + 2] = other;
    }
}

// The same of the four bytes of a word.
__device__ __forceinline__ uint32_t swap_bytes(uint32_t word) {
    uint32_t other = __shfl_xor_sync(0xffffffff, word, 1);
    word = __byte_perm(word, other, threadIdx.x & 1 ? 0x3715 : 0x6240);
    other = __shfl_xor_sync(0xffffffff, word, 2);
    return __byte_perm(word, other, threadIdx.x & 2 ? 0x3276 : 0x5410);
}

__device__ __forceinline__ void store_words(void *to, const uint32_t (&words)[4]) {
    *static_cast<uint4 *>(to) = make_uint4(words[0], words[1], words[2], words[3]);
}

__device__ __forceinline__ uint32_t pack(float low, float high) {
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&pair);
}

__device__ __forceinline__ void write_parts(const Task &task, const Unit &unit, int group,
                                            const float (&sums)[NUM_SUMS]) {
    float *out = static_cast<float *>(task.out) + (size_t)unit.split * task.num_rows * task.outer + unit.first_row;
#pragma unroll
    for (int side = 0; side < 2; side++) {
        int t = first_row_of(group) + 8 * side;
        if (t >= unit.limit) continue;
        float *row = out + (size_t)t * task.outer + 2 * (threadIdx.x % 4);
#pragma unroll
        for (int j = 0; j < 16; j++)
            *reinterpret_cast<float2 *>(row + 8 * j) = make_float2(sums[4 * j + 2 * side], sums[4 * j + 2 * side + 1]);
    }
}

__device__ __forceinline__ void write_down(const Task &task, const Unit &unit, int group, int rank,
                                           const float (&sums)[NUM_SUMS]) {
    int quad = threadIdx.x % 4;
    __nv_bfloat16 *out = static_cast<__nv_bfloat16 *>(task.out) +
                         ((size_t)unit.split * task.lines + unit.row) * task.outer + unit.part * 256 + rank * TILE;
#pragma unroll
    for (int side = 0; side < 2; side++) {
        int t = first_row_of(group) + 8 * side;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            uint32_t words[4];
#pragma unroll
            for (int k = 0; k < 4; k++) {
                int at = 4 * (4 * i + k) + 2 * side;
                words[k] = pack(sums[at], sums[at + 1]);
            }
            swap_words(words);
            if (t < unit.limit) store_words(out + (size_t)t * task.outer + 32 * i + 8 * quad, words);
        }
    }
}

// 16 values of a row, of dimensions 4 j + the lane's number in its quad.
__device__ __forceinline__ void write_dimensions(__nv_bfloat16 *out, bool counts, const float (&values)[16]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
        uint32_t words[4];
#pragma unroll
        for (int k = 0; k < 4; k++) words[k] = pack(values[8 * i + 2 * k], values[8 * i + 2 * k + 1]);
        swap_words(words);
        const uint32_t ordered[4] = {__byte_perm(words[0], words[1], 0x5410), __byte_perm(words[2], words[3], 0x5410),
                                     __byte_perm(words[0], words[1], 0x7632), __byte_perm(words[2], words[3], 0x7632)};
        if (counts) store_words(out + 32 * i + 8 * (threadIdx.x % 4), ordered);
    }
}

__device__ __forceinline__ void write_query(const Task &task, const Unit &unit, int group,
                                            const float (&sums)[NUM_SUMS]) {
#pragma unroll
    for (int side = 0; side < 2; side++) {
        int t = first_row_of(group) + 8 * side;
        int from = min(t, unit.limit - 1) * 128 + unit.pair + threadIdx.x % 4;
        float low[16], high[16];
#pragma unroll
        for (int j = 0; j < 16; j++) {
            float c = __ldg(task.cos + from + 4 * j), s = __ldg(task.sin + from + 4 * j);
            float a = sums[4 * j + 2 * side], b = sums[4 * j + 2 * side + 1];
            low[j] = a * c - b * s;
            high[j] = b * c + a * s;
        }
        __nv_bfloat16 *out =
            static_cast<__nv_bfloat16 *>(task.out) + (size_t)t * task.outer + unit.part * 256 + unit.pair;
        write_dimensions(out, t < unit.limit, low);
        write_dimensions(out + 128, t < unit.limit, high);
    }
}

// SwiGLU and quantisation. 128 columns share a scale and this block has 64 of them: the largest magnitudes
// of both blocks meet. `turn` counts this warpgroup's exchanges.
__device__ __forceinline__ void write_gated(const Task &task, const Shared &at, const Unit &unit, int group, int rank,
                                            int turn, const float (&sums)[NUM_SUMS]) {
    int quad = threadIdx.x % 4, row = first_row_of(group);
    uint32_t largest = at.largest + (turn & 1) * ROWS * 4, met = at.met + (2 * group + (turn & 1)) * 8;
    if (threadIdx.x % 128 == 0) barrier_expect(met, 64 * 4);
    float results[2][16], most[2] = {1e-30f, 1e-30f};
#pragma unroll
    for (int side = 0; side < 2; side++) {
#pragma unroll
        for (int j = 0; j < 16; j++) {
            float gate = sums[4 * j + 2 * side], up = sums[4 * j + 2 * side + 1];
            results[side][j] = __fdividef(gate, 1.0f + __expf(fminf(-gate, 80.0f))) * up;
            most[side] = fmaxf(most[side], fabsf(results[side][j]));
        }
        most[side] = fmaxf(most[side], __shfl_xor_sync(0xffffffff, most[side], 1));
        most[side] = fmaxf(most[side], __shfl_xor_sync(0xffffffff, most[side], 2));
    }
    if (quad < 2)
        store_remote(remote_address(largest + (row + 8 * quad) * 4, rank ^ 1), quad ? most[1] : most[0],
                     remote_address(met, rank ^ 1));
    barrier_wait(met, turn / 2 & 1);
    int width = unit.shared ? task.shared_width : task.width;
    uint8_t *out = static_cast<uint8_t *>(unit.shared ? task.shared_out : task.out) +
                   (size_t)unit.row * width + unit.pair + 16 * quad;
    float *scales = (unit.shared ? task.shared_scales : task.out_scales) +
                    (size_t)unit.part * (unit.shared ? task.shared_scale_stride : task.scale_stride) + unit.row;
#pragma unroll
    for (int side = 0; side < 2; side++) {
        int t = row + 8 * side;
        float both = fmaxf(most[side], load_shared(largest + t * 4)), inverse = __fdividef(448.0f, both);
        uint32_t words[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            uint32_t halves[2];
#pragma unroll
            for (int k = 0; k < 2; k++) {
                float2 pair = {results[side][4 * i + 2 * k] * inverse, results[side][4 * i + 2 * k + 1] * inverse};
                halves[k] = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3);
            }
            words[i] = swap_bytes(halves[0] | halves[1] << 16);
        }
        swap_words(words);
        if (t >= unit.limit) continue;
        store_words(out + (size_t)t * width, words);
        if (rank == 0 && quad == 0) scales[t] = both / 448.0f;
    }
}
