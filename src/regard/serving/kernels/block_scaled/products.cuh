// What the multiplying warpgroups do with a unit: products of 128 columns, scaled and added.
#pragma once
#include "copies.cuh"
#include "mma.cuh"

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

// Scales of a thread's activation rows, asked for before they are needed: shared memory answers late.
constexpr int AHEAD = 4;

__device__ __forceinline__ void load_scales(uint32_t scales, float2 (&ahead)[AHEAD]) {
#pragma unroll
    for (int j = 0; j < AHEAD; j++) ahead[j] = load_pair(scales + j * 32);
}

// Adds products that have ended, each times the scales of its weight and of its activation row. `low` is
// that of a thread's first row of the weight, `high` of its second, eight rows further on; `ahead` holds
// the first of the activation rows' scales.
template <int FIRST, int SUMS>
__device__ __forceinline__ void add_products(float (&products)[SUMS], uint32_t scales, float2 (&ahead)[AHEAD],
                                             float low, float high, float (&sums)[NUM_SUMS]) {
#pragma unroll
    for (int i = 0; i < SUMS; i++) asm volatile("" : "+f"(products[i])::"memory");
#pragma unroll
    for (int j = 0; j < SUMS / 4; j++) {
        float2 scale = ahead[j % AHEAD];
        if (j + AHEAD < SUMS / 4) ahead[j % AHEAD] = load_pair(scales + (j + AHEAD) * 32);
        sums[FIRST + 4 * j] += products[4 * j] * (scale.x * low);
        sums[FIRST + 4 * j + 1] += products[4 * j + 1] * (scale.y * low);
        sums[FIRST + 4 * j + 2] += products[4 * j + 2] * (scale.x * high);
        sums[FIRST + 4 * j + 3] += products[4 * j + 3] * (scale.y * high);
    }
}

// The scales of a weight's next 128 columns, asked for one block of columns ahead.
template <bool PAIRED>
struct WeightScales {
    const float *low_from, *high_from, *last;  // `last` of the low ones
    float low, high;

    __device__ __forceinline__ void load() {
        low = __ldg(low_from);
        high = PAIRED ? __ldg(high_from) : low;
    }

    __device__ __forceinline__ void advance() {
        if (low_from < last) low_from++, high_from++;
        load();
    }
};

// What was copied for both blocks may be replaced once all four warpgroups have said so.
__device__ __forceinline__ void release(const Shared &at, int stage, int warpgroup) {
    meet(2 + warpgroup, 128);
    if (threadIdx.x % 128 < 2)
        barrier_arrive_remote(remote_address(at.empty + stage * 8, threadIdx.x % 128));
}

// Where a warpgroup stands in the ring of stages.
struct Ring {
    int stage, phase;

    __device__ __forceinline__ void advance() {
        if (++stage == STAGES) stage = 0, phase ^= 1;
    }
};

// So many blocks of columns without a gap: while one half of the activation rows is scaled and added, the
// matrix units multiply the other, or already the next block. Unrolled, since products under way across
// a loop's end would make the compiler wait for them.
template <int N, int BLOCKS, bool PAIRED>
__device__ __forceinline__ void multiply_blocks(const Shared &at, WeightScales<PAIRED> &weight_scales,
                                                int warpgroup, Ring &ring, float (&sums)[NUM_SUMS]) {
    constexpr int SUMS = N / 4;  // of a half
    constexpr int SECOND = SUMS / 4 * 32;  // bytes from the scales of one half to those of the other
    uint32_t weights = at.weights + warpgroup * (TILE * DEPTH), scales = at.scales + threadIdx.x % 4 * 8;
    uint32_t second_rows = at.rows + N / 2 * DEPTH;
    float first[SUMS], second[SUMS];
    float2 ahead[AHEAD];
    barrier_wait(at.full + ring.stage * 8, ring.phase);
    start_products(first, weights + ring.stage * WEIGHT_BYTES, at.rows + ring.stage * ROW_BYTES);
    start_products(second, weights + ring.stage * WEIGHT_BYTES, second_rows + ring.stage * ROW_BYTES);
    load_scales(scales + ring.stage * SCALE_ROOM, ahead);
#pragma unroll
    for (int block = 0; block < BLOCKS; block++) {
        int stage = ring.stage;
        uint32_t own = scales + stage * SCALE_ROOM;
        float low = weight_scales.low, high = weight_scales.high;
        weight_scales.advance();
        ring.advance();
        mma_wait<1>();
        add_products<0>(first, own, ahead, low, high, sums);
        load_scales(own + SECOND, ahead);
        if (block + 1 < BLOCKS) {
            barrier_wait(at.full + ring.stage * 8, ring.phase);
            start_products(first, weights + ring.stage * WEIGHT_BYTES, at.rows + ring.stage * ROW_BYTES);
            mma_wait<1>();
        } else {
            mma_wait<0>();
        }
        add_products<SUMS>(second, own + SECOND, ahead, low, high, sums);
        release(at, stage, warpgroup);
        if (block + 1 < BLOCKS) {
            load_scales(scales + ring.stage * SCALE_ROOM, ahead);
            start_products(second, weights + ring.stage * WEIGHT_BYTES, second_rows + ring.stage * ROW_BYTES);
        }
    }
}

// sums[4 j + i]: row lane / 4 (+ 8 for i >= 2) of the warp's 16, activation row 8 j + 2 (lane % 4) + i % 2.
// PAIRED: the former are a gate's, the latter an up's, with scales of their own.
// STEP blocks of columns are unrolled: the number of them should be a multiple.
template <int N, bool PAIRED, int STEP = 4>
__device__ __forceinline__ void multiply_unit(const Task &task, const Shared &at, const Unit &unit,
                                              int warpgroup, Ring &ring, float (&sums)[NUM_SUMS]) {
    int row = PAIRED || !warpgroup ? unit.first_row : unit.second_row;
    const float *low = task.weight_scales + row / 128 * task.num_blocks + unit.begin;
    const float *high = task.weight_scales + unit.second_row / 128 * task.num_blocks + unit.begin;
    WeightScales<PAIRED> weight_scales = {low, high, low + unit.end - unit.begin - 1};
    weight_scales.load();
#pragma unroll
    for (int i = 0; i < NUM_SUMS; i++) sums[i] = 0;
    int block = unit.begin;
    for (; block + STEP <= unit.end; block += STEP)
        multiply_blocks<N, STEP, PAIRED>(at, weight_scales, warpgroup, ring, sums);
    for (; block < unit.end; block++)
        multiply_blocks<N, 1, PAIRED>(at, weight_scales, warpgroup, ring, sums);
}
