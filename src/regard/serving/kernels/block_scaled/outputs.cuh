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

// Lines of 16 bytes that a thread writes: the same columns of every 16th row.
constexpr int LINES = ROWS / 16;

__device__ __forceinline__ void find_slots(const Task &task, const Unit &unit, int (&slots)[LINES][CHOICES]) {
    int first = (threadIdx.x - 128) / 16;
#pragma unroll
    for (int i = 0; i < LINES; i++)
#pragma unroll
        for (int choice = 0; choice < CHOICES; choice++) {
            int t = first + 16 * i;
            bool has = task.routed != nullptr && t < unit.limit;
            slots[i][choice] = has ? task.slots[(unit.row + t) * CHOICES + choice] : -1;
        }
}

__device__ __forceinline__ void add_line(float (&sum)[8], uint4 line, float factor) {
    const uint32_t pairs[4] = {line.x, line.y, line.z, line.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sum[2 * i] += __uint_as_float(pairs[i] << 16) * factor;
        sum[2 * i + 1] += __uint_as_float(pairs[i] & 0xFFFF0000u) * factor;
    }
}

__device__ __forceinline__ uint4 pack_line(const float (&sum)[8]) {
    uint32_t pairs[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        __nv_bfloat162 pair = __floats2bfloat162_rn(sum[2 * i], sum[2 * i + 1]);
        pairs[i] = *reinterpret_cast<uint32_t *>(&pair);
    }
    return make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
}

// Adds to each token what its routed experts have for it, and what was cut of that in parts. Most
// tokens have none here, and all 16 threads of a token agree on it.
__device__ __forceinline__ void write_combined(const Task &task, const Shared &at, const Unit &unit, int rank,
                                               const int (&slots)[LINES][CHOICES]) {
    int first = (threadIdx.x - 128) / 16, piece = threadIdx.x % 16;
    int column = unit.part * 256 + rank * 128 + piece * 8;
    __nv_bfloat16 *out = static_cast<__nv_bfloat16 *>(task.out) + (size_t)unit.row * task.outer + column;
    const __nv_bfloat16 *routed = static_cast<const __nv_bfloat16 *>(task.routed) + column;
#pragma unroll
    for (int i = 0; i < LINES; i++) {
        int t = first + 16 * i;
        if (t >= unit.limit) break;
        uint4 line = load_line(at.exchange + t * PITCH + piece * 16);
        if (max(slots[i][0], max(slots[i][1], slots[i][2])) >= 0) {
            float sum[8] = {};
            add_line(sum, line, 1.0f);
#pragma unroll
            for (int choice = 0; choice < CHOICES; choice++) {
                int slot = slots[i][choice];
                if (slot < 0) continue;
                float share = task.shares[(unit.row + t) * CHOICES + choice];
                bool cut = slot / task.capacity * task.num_tiles + unit.part >= task.num_whole;
#pragma unroll 1
                for (int split = 0; split < (cut ? task.num_splits : 1); split++) {
                    size_t from = ((size_t)split * task.lines + slot) * task.outer;
                    add_line(sum, *reinterpret_cast<const uint4 *>(routed + from), share);
                }
            }
            line = pack_line(sum);
        }
        *reinterpret_cast<uint4 *>(out + (size_t)t * task.outer) = line;
    }
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
        asm volatile("st.shared.f32 [%0], %1;" ::"r"(mine + i * 512), "f"(warpgroup ? sums[i] : sums[HALF + i]) : "memory");
    meet(1, 256);
#pragma unroll
    for (int i = 0; i < HALF; i++) {
        float received;
        asm volatile("ld.shared.f32 %0, [%1];" : "=f"(received) : "r"(other + i * 512) : "memory");
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

// 128 columns share a scale, and this block has 64 of them: the largest magnitudes of both meet.
__device__ __forceinline__ void write_gated(const Task &task, const Shared &at, const Unit &unit, int warpgroup,
                                            int in_tile, int rank, int turn, float (&gate)[HALF],
                                            const float (&up)[HALF]) {
    int thread = threadIdx.x % 128, lane = thread % 32, start = warpgroup * (ROWS / 2);
#pragma unroll
    for (int i = 0; i < HALF; i++) gate[i] = __fdividef(gate[i], 1.0f + __expf(fminf(-gate[i], 80.0f))) * up[i];
#pragma unroll
    for (int j = 0; j < HALF / 4; j++)
#pragma unroll
        for (int side = 0; side < 2; side++) {
            float most = fmaxf(fabsf(gate[4 * j + side]), fabsf(gate[4 * j + 2 + side]));
#pragma unroll
            for (int step = 4; step < 32; step *= 2)
                most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, step));
            uint32_t to = at.warp_largest + (thread / 32 * ROWS + start + 8 * j + 2 * (lane % 4) + side) * 4;
            if (lane < 4) asm volatile("st.shared.f32 [%0], %1;" ::"r"(to), "f"(most) : "memory");
        }
    meet(1, 256);
    uint32_t largest = at.largest + (turn & 1) * 2 * ROWS * 4, met = at.met + (turn & 1) * 8;
    for (int t = threadIdx.x - 128; t < ROWS; t += 256) {
        float most = 0;
#pragma unroll
        for (int warp = 0; warp < 4; warp++) {
            float value;
            asm volatile("ld.shared.f32 %0, [%1];" : "=f"(value) : "r"(at.warp_largest + (warp * ROWS + t) * 4) : "memory");
            most = fmaxf(most, value);
        }
        uint32_t place = largest + (rank * ROWS + t) * 4;
        asm volatile("st.shared.f32 [%0], %1;" ::"r"(place), "f"(most) : "memory");
        store_remote(remote_address(place, rank ^ 1), most);
    }
    barrier_release_remote(remote_address(met, rank ^ 1));
    barrier_acquire_remote(met, (turn / 2) & 1);
    meet(1, 256);
#pragma unroll
    for (int j = 0; j < HALF / 4; j++)
#pragma unroll
        for (int side = 0; side < 2; side++) {
            int t = start + 8 * j + 2 * (lane % 4) + side;
            float own, peer;
            asm volatile("ld.shared.f32 %0, [%1];" : "=f"(own) : "r"(largest + t * 4) : "memory");
            asm volatile("ld.shared.f32 %0, [%1];" : "=f"(peer) : "r"(largest + (ROWS + t) * 4) : "memory");
            float inverse = __fdividef(448.0f, fmaxf(fmaxf(own, peer), 1e-30f));
            uint32_t to = at.exchange + t * (TILE + 16) + in_tile;
            unsigned short low = __nv_cvt_float_to_fp8(gate[4 * j + side] * inverse, __NV_SATFINITE, __NV_E4M3);
            unsigned short high = __nv_cvt_float_to_fp8(gate[4 * j + 2 + side] * inverse, __NV_SATFINITE, __NV_E4M3);
            asm volatile("st.shared.u8 [%0], %1;" ::"r"(to), "h"(low) : "memory");
            asm volatile("st.shared.u8 [%0], %1;" ::"r"(to + 8), "h"(high) : "memory");
            if (in_tile == 0 && rank == 0 && t < min(unit.limit, unit.shared ? SHARED_ROWS : ROWS)) {
                float *scales = unit.shared ? task.shared_scales : task.out_scales;
                int stride = unit.shared ? task.shared_scale_stride : task.scale_stride;
                scales[(size_t)unit.part * stride + unit.row + t] = fmaxf(fmaxf(own, peer), 1e-30f) / 448.0f;
            }
        }
    meet(1, 256);
    int width = unit.shared ? task.shared_width : task.width;
    int rows = unit.shared ? SHARED_ROWS : ROWS;
    uint8_t *out = static_cast<uint8_t *>(unit.shared ? task.shared_out : task.out) +
                   (size_t)unit.row * width + unit.part * 128 + rank * TILE;
    for (int i = threadIdx.x - 128; i < min(unit.limit, rows) * 4; i += 256)
        *reinterpret_cast<uint4 *>(out + (size_t)(i / 4) * width + i % 4 * 16) =
            load_line(at.exchange + i / 4 * (TILE + 16) + i % 4 * 16);
}
