// FP8 matrix products with the checkpoint's block scales, for few rows and many weights.
//
// A cluster of two blocks works off units: 256 rows of the weight by ROWS rows of activations. Each
// block has one warp that copies and two warpgroups that multiply 64 rows of the weight each; the
// activations are copied once for both blocks. The sum over 128 columns leaves the matrix units and
// is scaled and added in float32, as the scales demand.
#include "primitives.cuh"

#ifndef ROWS
#define ROWS 128
#endif
// Of the shared expert, whose tokens are many: as few as give every cluster one unit.
#ifndef SHARED_ROWS
#define SHARED_ROWS 96
#endif
#ifndef STAGES
#define STAGES 5
#endif
#include "mma.cuh"

constexpr int TILE = 64;                 // rows of the weight a warpgroup
constexpr int DEPTH = 128;               // columns that share a scale
constexpr int WEIGHT_BYTES = 2 * TILE * DEPTH;
constexpr int ROW_BYTES = ROWS * DEPTH;
constexpr int SCALE_BYTES = ROWS * 4;
constexpr int SCALE_ROOM = (SCALE_BYTES + 127) / 128 * 128;
constexpr int NUM_SUMS = ROWS / 2;       // accumulators a thread
constexpr int COPY_REGISTERS = 40, MULTIPLY_REGISTERS = 232;

enum Mode { PARTS, QUERY, GATED, DOWN };

struct Task {
    int num_units;          // PARTS, QUERY
    int num_blocks;         // of 128 columns
    int blocks_a_split;     // PARTS, DOWN
    int num_splits;         // DOWN: of the tiles from `num_whole` on
    int num_whole;          // DOWN: tiles whose inner dimension is not cut
    int num_tiles;          // PARTS, DOWN: of 256 rows of one weight
    int num_rows;           // of the activations; a routed expert's are in counts
    int outer;              // rows of one weight: columns of the result
    int num_experts;        // GATED: routed ones; DOWN
    int capacity;           // rows that one expert has room for
    int width;              // GATED: of a routed expert
    int shared_width;       // GATED
    int lines;              // DOWN: rows of all routed experts together
    const float *weight_scales;
    const float *cos, *sin;
    const int *counts;
    void *out, *shared_out;
    float *out_scales, *shared_scales;
    int scale_stride, shared_scale_stride;
};

static_assert(SHARED_ROWS <= ROWS, "the shared expert's rows share the room of the others");

struct Unit {
    int first_row, second_row;  // of the weight, for the two warpgroups of this block
    int begin, end;             // blocks of columns
    int row;                    // first row of the activations
    int limit;                  // rows from `row` on that count
    int part;                   // QUERY: the head; GATED: the tile of 128 columns
    int split;
    int expert;
    bool shared;
};

// Routed units: all passes over one tile of a weight side by side, so that it is read once. Of the
// tiles `from` to `to` of all experts together, each cut in `splits`.
__device__ __forceinline__ bool find_routed(const Task &task, int tiles, int from, int to, int splits, int &index,
                                            Unit &unit) {
    for (int expert = 0; expert < task.num_experts; expert++) {
        int first = max(from - expert * tiles, 0), last = min(to - expert * tiles, tiles);
        if (first >= last) continue;
        int count = task.counts[expert], passes = (count + ROWS - 1) / ROWS;
        int units = passes * (last - first) * splits;
        if (index < units) {
            int pass = index % passes, rest = index / passes;
            unit.expert = expert;
            unit.part = first + rest / splits;
            unit.split = rest % splits;
            unit.row = expert * task.capacity + pass * ROWS;
            unit.limit = count - pass * ROWS;
            return true;
        }
        index -= units;
    }
    return false;
}

enum Found { END, SKIP, UNIT };

// A cluster takes routed and shared units in turns, every second cluster a shared one first: these are
// bound by arithmetic and leave the memory to the others. Each gets as many of either kind as any other.
__device__ __forceinline__ Found find_gated(const Task &task, int turn, int rank, Unit &unit) {
    int cluster = blockIdx.x / 2, num_clusters = gridDim.x / 2;
    int tiles = task.width / 128, shared_tiles = task.shared_width / 128;
    int routed = 0, shared = (task.num_rows + SHARED_ROWS - 1) / SHARED_ROWS * shared_tiles;
    for (int expert = 0; expert < task.num_experts; expert++)
        routed += (task.counts[expert] + ROWS - 1) / ROWS * tiles;
    int round = turn / 2 * num_clusters;
    if (round >= max(routed, shared)) return END;
    unit.begin = 0;
    unit.end = task.num_blocks;
    unit.shared = (turn + cluster) % 2 == 0;
    if (!unit.shared) {
        int index = round + cluster;
        if (!find_routed(task, tiles, 0, 1 << 20, 1, index, unit)) return SKIP;
        unit.first_row = 2 * unit.expert * task.width + unit.part * 128 + rank * TILE;
        unit.second_row = unit.first_row + task.width;
        return UNIT;
    }
    // From the last cluster on: it is the first to have one routed unit less.
    int index = round + num_clusters - 1 - cluster;
    if (index >= shared) return SKIP;
    unit.part = index % shared_tiles;
    unit.row = index / shared_tiles * SHARED_ROWS;
    unit.limit = task.num_rows - unit.row;
    unit.first_row = 2 * task.num_experts * task.width + unit.part * 128 + rank * TILE;
    unit.second_row = unit.first_row + task.shared_width;
    return UNIT;
}

// The unit of this cluster's turn.
template <int MODE>
__device__ __forceinline__ Found find_unit(const Task &task, int turn, int rank, Unit &unit) {
    if (MODE == GATED) return find_gated(task, turn, rank, unit);
    int index = turn * (gridDim.x / 2) + blockIdx.x / 2;
    unit.begin = unit.row = unit.expert = unit.split = 0;
    unit.end = task.num_blocks;
    unit.limit = task.num_rows;
    unit.shared = false;
    int base = 0;
    if (MODE == DOWN) {
        // What is left once every cluster had a whole tile is cut, so that all end together.
        if (find_routed(task, task.num_tiles, 0, task.num_whole, 1, index, unit)) {
            unit.end = task.num_blocks;
        } else {
            if (!find_routed(task, task.num_tiles, task.num_whole, 1 << 20, task.num_splits, index, unit)) return END;
            unit.begin = unit.split * task.blocks_a_split;
            unit.end = min(unit.begin + task.blocks_a_split, task.num_blocks);
        }
        base = unit.expert * task.outer;
    } else {
        if (index >= task.num_units) return END;
        unit.part = MODE == QUERY ? index : index % task.num_tiles;
        if (MODE == PARTS) unit.split = index / task.num_tiles;
    }
    if (MODE == PARTS) {
        unit.begin = unit.split * task.blocks_a_split;
        unit.end = min(unit.begin + task.blocks_a_split, task.num_blocks);
    }
    unit.first_row = base + unit.part * 256 + rank * (MODE == QUERY ? TILE : 128);
    unit.second_row = unit.first_row + (MODE == QUERY ? 128 : TILE);
    return UNIT;
}

struct Shared {
    uint32_t weights, rows, scales, full, empty, exchange, largest, warp_largest, met;
};

__device__ __forceinline__ void copy_weights(const Shared &at, const CUtensorMap *map, const Unit &unit,
                                             int block, int stage) {
    uint32_t full = at.full + stage * 8;
    barrier_expect(full, WEIGHT_BYTES + (unit.shared ? SHARED_ROWS : ROWS) * (DEPTH + 4));
    uint32_t target = at.weights + stage * WEIGHT_BYTES;
    copy_tile(target, map, full, block * DEPTH, unit.first_row, EVICT_FIRST);
    copy_tile(target + TILE * DEPTH, map, full, block * DEPTH, unit.second_row, EVICT_FIRST);
}

__device__ __forceinline__ void copy_rows(const Shared &at, const CUtensorMap *rows,
                                          const CUtensorMap *scales, const Unit &unit, int rank,
                                          int block, int stage) {
    uint32_t full = at.full + stage * 8;
    int half = (unit.shared ? SHARED_ROWS : ROWS) / 2;
    uint32_t target = at.rows + stage * ROW_BYTES + rank * half * DEPTH;
    copy_tile_to_all(target, rows, full, block * DEPTH, unit.row + rank * half, 3, EVICT_LAST);
    copy_tile(at.scales + stage * SCALE_ROOM, scales, full, unit.row, block, EVICT_LAST);
}

template <int MODE>
__device__ __forceinline__ void copy_all(const Task &task, const Shared &at, const CUtensorMap *weight,
                         const CUtensorMap *rows, const CUtensorMap *scales,
                         const CUtensorMap *shared_rows, const CUtensorMap *shared_scales, int rank) {
    Unit unit;
    int ahead = 0;
    // Weights do not depend on the kernel ahead in the stream: ask for the first ones before it ends.
    if (MODE <= QUERY && find_unit<MODE>(task, 0, rank, unit) == UNIT) {
        ahead = min(STAGES, unit.end - unit.begin);
        for (int i = 0; i < ahead; i++) copy_weights(at, weight, unit, unit.begin + i, i);
    }
    wait_for_predecessor();
    for (int i = 0; i < ahead; i++) copy_rows(at, rows, scales, unit, rank, unit.begin + i, i);
    int stage = ahead % STAGES, phase = ahead == STAGES;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        for (int block = unit.begin + ahead; block < unit.end; block++) {
            barrier_wait(at.empty + stage * 8, phase ^ 1);
            copy_weights(at, weight, unit, block, stage);
            copy_rows(at, unit.shared ? shared_rows : rows, unit.shared ? shared_scales : scales, unit,
                      rank, block, stage);
            if (++stage == STAGES) stage = 0, phase ^= 1;
        }
        ahead = 0;
    }
}

// One half of the activation rows by one block of columns; the matrix units work on when this returns.
template <int SUMS>
__device__ __forceinline__ void start_products(float (&products)[SUMS], uint32_t weights, uint32_t rows) {
    uint64_t a = describe(weights), b = describe(rows);
#pragma unroll
    for (int i = 0; i < SUMS; i++) asm volatile("" : "+f"(products[i])::"memory");
    mma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) mma(products, a + 2 * k, b + 2 * k, k > 0);
    mma_commit();
}

// Adds products that have ended, each times the scales of its weight and of its activation row.
template <int FIRST, int SUMS>
__device__ __forceinline__ void add_products(float (&products)[SUMS], uint32_t scales, float scale,
                                             float (&sums)[NUM_SUMS]) {
#pragma unroll
    for (int i = 0; i < SUMS; i++) asm volatile("" : "+f"(products[i])::"memory");
#pragma unroll
    for (int j = 0; j < SUMS / 4; j++) {
        float s0, s1;
        asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(s0), "=f"(s1) : "r"(scales + (FIRST / 4 + j) * 32));
        s0 *= scale;
        s1 *= scale;
        sums[FIRST + 4 * j] += products[4 * j] * s0;
        sums[FIRST + 4 * j + 1] += products[4 * j + 1] * s1;
        sums[FIRST + 4 * j + 2] += products[4 * j + 2] * s0;
        sums[FIRST + 4 * j + 3] += products[4 * j + 3] * s1;
    }
}

// What was copied for both blocks may be replaced once all four warpgroups have said so.
__device__ __forceinline__ void release(const Shared &at, int stage, int warpgroup) {
    meet(2 + warpgroup, 128);
    if (threadIdx.x % 128 < 2)
        barrier_arrive_remote(remote_address(at.empty + stage * 8, threadIdx.x % 128));
}

// sums[4 j + i]: row lane / 4 (+ 8 for i >= 2) of the warp's 16, activation row 8 j + 2 (lane % 4) + i % 2.
// While one half of the activation rows is scaled and added, the matrix units multiply the other.
template <int N>
__device__ __forceinline__ void multiply_unit(const Task &task, const Shared &at, const Unit &unit,
                                              int warpgroup, int rank, int &stage, int &phase,
                                              float (&sums)[NUM_SUMS]) {
    constexpr int SUMS = N / 4;  // of a half
    const float *weight_scales =
        task.weight_scales + (warpgroup ? unit.second_row : unit.first_row) / 128 * task.num_blocks;
    uint32_t weights = at.weights + warpgroup * (TILE * DEPTH), scales = at.scales + threadIdx.x % 4 * 8;
#pragma unroll
    for (int i = 0; i < NUM_SUMS; i++) sums[i] = 0;
    float next_scale = __ldg(weight_scales + unit.begin);
    for (int block = unit.begin; block < unit.end; block++) {
        float scale = next_scale;
        next_scale = __ldg(weight_scales + min(block + 1, unit.end - 1));
        float first[SUMS], second[SUMS];
        barrier_wait(at.full + stage * 8, phase);
        start_products(first, weights + stage * WEIGHT_BYTES, at.rows + stage * ROW_BYTES);
        start_products(second, weights + stage * WEIGHT_BYTES, at.rows + stage * ROW_BYTES + N / 2 * DEPTH);
        mma_wait<1>();
        add_products<0>(first, scales + stage * SCALE_ROOM, scale, sums);
        mma_wait<0>();
        add_products<SUMS>(second, scales + stage * SCALE_ROOM, scale, sums);
        release(at, stage, warpgroup);
        if (++stage == STAGES) stage = 0, phase ^= 1;
    }
}

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
    for (int i = 0; i < HALF; i++) gate[i] = gate[i] / (1.0f + __expf(-gate[i])) * up[i];
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
            float inverse = 448.0f / fmaxf(fmaxf(own, peer), 1e-30f);
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

template <int MODE>
__device__ __forceinline__ void multiply_all(const Task &task, const Shared &at, int warpgroup, int rank) {
    int stage = 0, phase = 0, exchanges = 0;
    int in_tile = threadIdx.x % 128 / 32 * 16 + threadIdx.x % 32 / 4;
    wait_for_predecessor();
    Unit unit;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        float sums[NUM_SUMS];
        if (MODE == GATED && unit.shared)
            multiply_unit<SHARED_ROWS>(task, at, unit, warpgroup, rank, stage, phase, sums);
        else
            multiply_unit<ROWS>(task, at, unit, warpgroup, rank, stage, phase, sums);
        if (MODE == PARTS) write_parts(task, unit, (warpgroup ? unit.second_row : unit.first_row) + in_tile, sums);
        if (MODE == DOWN) {
            meet(1, 256);
            stage_tile(at, warpgroup, in_tile, sums);
            write_down(task, at, unit, rank);
        }
        if (MODE == QUERY || MODE == GATED) {
            float low[HALF], high[HALF];
            exchange(at, warpgroup, sums, low, high);
            if (MODE == QUERY) write_query(task, at, unit, warpgroup, in_tile, rank, low, high);
            else write_gated(task, at, unit, warpgroup, in_tile, rank, exchanges++, low, high);
        }
    }
}

template <int MODE>
__global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(384, 1)
    block_scaled_kernel(const __grid_constant__ CUtensorMap weight, const __grid_constant__ CUtensorMap rows,
                        const __grid_constant__ CUtensorMap scales,
                        const __grid_constant__ CUtensorMap shared_rows,
                        const __grid_constant__ CUtensorMap shared_scales,
                        const __grid_constant__ Task task) {
    extern __shared__ __align__(1024) uint8_t memory[];
    __shared__ __align__(8) uint64_t barriers[2 * STAGES + 2];
    __shared__ float magnitudes[8 * ROWS];
    Shared at;
    at.weights = shared_address(memory);
    if (at.weights % 1024) __trap();
    at.rows = at.weights + STAGES * WEIGHT_BYTES;
    at.scales = at.rows + STAGES * ROW_BYTES;
    at.exchange = at.scales + STAGES * SCALE_ROOM;
    at.full = shared_address(barriers);
    at.empty = at.full + STAGES * 8;
    at.met = at.empty + STAGES * 8;
    at.largest = shared_address(magnitudes);
    at.warp_largest = at.largest + 4 * ROWS * 4;
    int rank = rank_in_cluster();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            barrier_init(at.full + i * 8, 1);
            barrier_init(at.empty + i * 8, 4);
        }
        barrier_init(at.met, 256);
        barrier_init(at.met + 8, 256);
        fence_barrier_init();
    }
    cluster_sync();
    let_successor_start();
    if (threadIdx.x < 128) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COPY_REGISTERS));
        if (threadIdx.x == 0)
            copy_all<MODE>(task, at, &weight, &rows, &scales, &shared_rows, &shared_scales, rank);
        __syncwarp();
    } else {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MULTIPLY_REGISTERS));
        multiply_all<MODE>(task, at, threadIdx.x / 128 - 1, rank);
    }
    // Nobody leaves while the other block may still copy or signal into its shared memory.
    cluster_sync();
}

template <int MODE>
static cudaError_t launch(const CUtensorMap *maps, const Task &task, cudaLaunchConfig_t &config) {
    size_t bytes = STAGES * (WEIGHT_BYTES + ROW_BYTES + SCALE_ROOM) + (MODE == PARTS ? 0 : ROWS * PITCH);
    cudaError_t status = cudaFuncSetAttribute(block_scaled_kernel<MODE>,
                                              cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    if (status != cudaSuccess) return status;
    config.dynamicSmemBytes = bytes;
    return cudaLaunchKernelEx(&config, block_scaled_kernel<MODE>, maps[0], maps[1], maps[2], maps[3],
                              maps[4], task);
}

// Returns a CUDA status; 0 is success. Maps: weight, rows, scales, and the last two of the shared expert.
extern "C" int block_scaled_launch(int mode, const CUtensorMap *maps, const Task *task, int num_blocks,
                                   int overlap, cudaStream_t stream) {
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = overlap;
    config.gridDim = num_blocks;
    config.blockDim = 384;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = 1;
    switch (mode) {
        case PARTS: return launch<PARTS>(maps, *task, config);
        case QUERY: return launch<QUERY>(maps, *task, config);
        case GATED: return launch<GATED>(maps, *task, config);
        case DOWN: return launch<DOWN>(maps, *task, config);
    }
    return cudaErrorInvalidValue;
}

extern "C" const char *block_scaled_error(int status) {
    return cudaGetErrorString(static_cast<cudaError_t>(status));
}
