// How sums leave: as parts, rotated, gated and quantised, or as they are.
#pragma once
#include "products.cuh"

__device__ __forceinline__ void write_parts(const Task &task, const Unit &unit, int first,
                                            const float (&sums)[NUM_SUMS]) {
    float *out = static_cast<float *>(task.out) + (size_t)unit.split * task.num_rows * task.outer;
    int token = 2 * (threadIdx.x % 4);
    #pragma unroll
    for (int i = 0; i < NUM_SUMS; i++) {
        int t = token + i / 4 * 8 + i % 2;
        if (t < unit.limit) out[(size_t)t * task.outer + first + i % 4 / 2 * 8] = sums[i];
    }
}

// Results are laid out in shared memory token by token first, so that they leave in whole lines.
constexpr int PITCH = 272;  // bytes a token: 128 columns of 16 bits, and 16 bytes against bank conflicts
constexpr int GATED_PITCH = TILE + 16;

__device__ __forceinline__ void stage_pair(uint32_t target, int row, float low, float high) {
    unsigned short bits[2] = {__bfloat16_as_ushort(__float2bfloat16(low)),
                              __bfloat16_as_ushort(__float2bfloat16(high))};
    asm volatile("st.shared.u16 [%0], %1;" ::"r"(target + row * 2), "h"(bits[0]) : "memory");
    asm volatile("st.shared.u16 [%0], %1;" ::"r"(target + row * 2 + 16), "h"(bits[1]) : "memory");
}

__device__ __forceinline__ uint4 load_line(uint32_t from) {
    uint4 line;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(line.x), "=r"(line.y), "=r"(line.z), "=r"(line.w) : "r"(from) : "memory");
    return line;
}

__device__ __forceinline__ void stage_tile(const Shared &at, int warpgroup, int in_tile,
                                           const float (&sums)[NUM_SUMS]) {
#pragma unroll
    for (int j = 0; j < ROWS / 8; j++)
#pragma unroll
        for (int side = 0; side < 2; side++) {
            int t = 8 * j + 2 * (threadIdx.x % 4) + side;
            stage_pair(at.exchange + t * PITCH, warpgroup * TILE + in_tile, sums[4 * j + side],
                       sums[4 * j + 2 + side]);
        }
    meet(1, 256);
}

__device__ __forceinline__ void write_down(const Task &task, const Shared &at, const Unit &unit, int rank) {
    __nv_bfloat16 *out = static_cast<__nv_bfloat16 *>(task.out) +
                         ((size_t)unit.split * task.lines + unit.row) * task.outer + unit.part * 256 + rank * 128;
    for (int i = threadIdx.x - 128; i < min(unit.limit, ROWS) * 16; i += 256)
        *reinterpret_cast<uint4 *>(out + (size_t)(i / 16) * task.outer + i % 16 * 8) =
            load_line(at.exchange + i / 16 * PITCH + i % 16 * 16);
}

// The two warpgroups hold two halves of one result at the same places: each gets both for half of the rows.
constexpr int HALF = NUM_SUMS / 2;

__device__ __forceinline__ void exchange(const Shared &at, int warpgroup, const float (&sums)[NUM_SUMS],
                                         float (&low)[HALF], float (&high)[HALF]) {
    uint32_t mine = at.exchange + warpgroup * HALF * 512 + threadIdx.x % 128 * 4;
    uint32_t other = at.exchange + (1 - warpgroup) * HALF * 512 + threadIdx.x % 128 * 4;
    meet(1, 256);
#pragma unroll
    for (int i = 0; i < HALF; i++)
        store_shared(mine + i * 512, warpgroup ? sums[i] : sums[HALF + i]);
    meet(1, 256);
#pragma unroll
    for (int i = 0; i < HALF; i++) {
        float received = load_shared(other + i * 512);
        low[i] = warpgroup ? received : sums[i];
        high[i] = warpgroup ? sums[HALF + i] : received;
    }
    meet(1, 256);
}

__device__ __forceinline__ void write_query(const Task &task, const Shared &at, const Unit &unit, int warpgroup,
                                            int in_tile, int rank, const float (&low)[HALF],
                                            const float (&high)[HALF]) {
    int dimension = rank * TILE + in_tile;
#pragma unroll
    for (int j = 0; j < HALF / 4; j++)
#pragma unroll
        for (int side = 0; side < 2; side++) {
            int t = warpgroup * (ROWS / 2) + 8 * j + 2 * (threadIdx.x % 4) + side;
            int from = min(t, unit.limit - 1) * 128 + dimension;
            float c0 = __ldg(task.cos + from), s0 = __ldg(task.sin + from);
            float c1 = __ldg(task.cos + from + 8), s1 = __ldg(task.sin + from + 8);
            float a0 = low[4 * j + side], b0 = high[4 * j + side];
            float a1 = low[4 * j + 2 + side], b1 = high[4 * j + 2 + side];
            uint32_t target = at.exchange + t * PITCH;
            stage_pair(target, in_tile, a0 * c0 - b0 * s0, a1 * c1 - b1 * s1);
            stage_pair(target, TILE + in_tile, b0 * c0 + a0 * s0, b1 * c1 + a1 * s1);
        }
    meet(1, 256);
    __nv_bfloat16 *out = static_cast<__nv_bfloat16 *>(task.out) + unit.part * 256 + rank * TILE;
    for (int i = threadIdx.x - 128; i < min(unit.limit, ROWS) * 16; i += 256)
        *reinterpret_cast<uint4 *>(out + (size_t)(i / 16) * task.outer + i % 16 / 8 * 128 + i % 8 * 8) =
            load_line(at.exchange + i / 16 * PITCH + i % 16 * 16);
}

// SwiGLU and quantisation. A thread has gate and up of one column for each of its tokens. 128 columns share
// a scale, and this block has 64 of them: the largest magnitudes of both blocks meet.
template <int N>
__device__ __forceinline__ void write_gated(const Task &task, const Shared &at, const Unit &unit, int rank,
                                            int turn, const float (&sums)[NUM_SUMS]) {
    int thread = threadIdx.x - 128, lane = thread % 32, warp = thread / 32, token = lane % 4 * 2;
    uint32_t peer = at.largest + (turn & 1) * ROWS * 4, met = at.met + (turn & 1) * 8;
    if (thread == 0) barrier_expect(met, N * 4);
    float results[N / 4];
#pragma unroll
    for (int i = 0; i < N / 4; i++) {
        float gate = sums[i / 2 * 4 + i % 2], up = sums[i / 2 * 4 + 2 + i % 2];
        results[i] = __fdividef(gate, 1.0f + __expf(fminf(-gate, 80.0f))) * up;
    }
    // The largest of the warp's eight columns: lanes give half of what they have away, twice.
    float half[N / 8], quarter[N / 16];
    bool second = lane & 16, later = lane & 8;
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
        float a = fabsf(results[2 * i]), b = fabsf(results[2 * i + 1]);
        half[i] = fmaxf(second ? b : a, __shfl_xor_sync(0xffffffff, second ? a : b, 16));
    }
#pragma unroll
    for (int i = 0; i < N / 16; i++) {
        float a = half[i], b = half[N / 16 + i];
        quarter[i] = fmaxf(later ? b : a, __shfl_xor_sync(0xffffffff, later ? a : b, 8));
        quarter[i] = fmaxf(quarter[i], __shfl_xor_sync(0xffffffff, quarter[i], 4));
    }
    uint32_t to = at.warp_largest + (warp * ROWS + (later ? N / 2 : 0) + token + second) * 4;
    if (!(lane & 4)) {
#pragma unroll
        for (int i = 0; i < N / 16; i++) store_shared(to + i * 32, quarter[i]);
    }
    meet(1, 256);
    if (thread < N) {
        float most = 1e-30f;
#pragma unroll
        for (int i = 0; i < 8; i++) most = fmaxf(most, load_shared(at.warp_largest + (i * ROWS + thread) * 4));
        store_remote(remote_address(peer + thread * 4, rank ^ 1), most, remote_address(met, rank ^ 1));
        barrier_wait(met, turn / 2 & 1);
        most = fmaxf(most, load_shared(peer + thread * 4));
        store_shared(at.inverse + thread * 4, __fdividef(448.0f, most));
        if (rank == 0 && thread < unit.limit) {
            float *scales = unit.shared ? task.shared_scales : task.out_scales;
            int stride = unit.shared ? task.shared_scale_stride : task.scale_stride;
            scales[(size_t)unit.part * stride + unit.row + thread] = most / 448.0f;
        }
    }
    meet(1, 256);
    to = at.exchange + token * GATED_PITCH + warp * 8 + lane / 4;
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
        float2 inverse = load_pair(at.inverse + (8 * i + token) * 4);
        float2 pair = {results[2 * i] * inverse.x, results[2 * i + 1] * inverse.y};
        unsigned short bits = __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3);
        store_byte(to + 8 * i * GATED_PITCH, bits);
        store_byte(to + (8 * i + 1) * GATED_PITCH, bits >> 8);
    }
    meet(1, 256);
    int width = unit.shared ? task.shared_width : task.width;
    uint8_t *out = static_cast<uint8_t *>(unit.shared ? task.shared_out : task.out) +
                   (size_t)unit.row * width + unit.part * 128 + rank * TILE;
    for (int i = thread; i < min(unit.limit, N) * 4; i += 256)
        *reinterpret_cast<uint4 *>(out + (size_t)(i / 4) * width + i % 4 * 16) =
            load_line(at.exchange + i / 4 * GATED_PITCH + i % 4 * 16);
}
