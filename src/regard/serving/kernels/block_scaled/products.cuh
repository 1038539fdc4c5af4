// What the multiplying warpgroups do with a unit: products of 128 columns, scaled and added.
#pragma once
#include "copies.cuh"

// Where a warpgroup stands in the ring of stages.
struct Ring {
    int stage, phase;

    __device__ __forceinline__ void advance() {
        if (++stage == STAGES) stage = 0, phase ^= 1;
    }
};

// What was copied for both blocks may be replaced once all their multiplying warps have said so.
__device__ __forceinline__ void release(const Shared &at, int stage) {
    int lane = threadIdx.x % 32;
    if (lane < 2) barrier_arrive_remote(remote_address(at.empty + stage * 8, lane));
}

// The scales of a weight's next 128 columns, asked for one block of columns ahead.
struct WeightScales {
    const float *first_from, *second_from;
    int left;
    float first, second;

    __device__ __forceinline__ WeightScales(const Task &task, const Unit &unit)
        : first_from(task.weight_scales + unit.first_row / DEPTH * task.num_blocks + unit.begin),
          second_from(task.weight_scales + unit.second_row / DEPTH * task.num_blocks + unit.begin),
          left(unit.end - unit.begin) {
        load();
    }

    __device__ __forceinline__ void load() {
        first = __ldg(first_from);
        second = __ldg(second_from);
    }

    __device__ __forceinline__ void advance() {
        if (--left > 0) first_from++, second_from++;
        load();
    }
};

// The first of a thread's two rows of a unit; the other stands eight further on.
__device__ __forceinline__ int first_row_of(int group) {
    return group * 64 + threadIdx.x % 128 / 32 * 16 + threadIdx.x % 32 / 4;
}

// 64 rows of the activations by the block's tile. sums[4 j + i]: of the warp's 16 rows number lane / 4 (+ 8
// for i >= 2), of the tile's 128 number 8 j + 2 (lane % 4) + i % 2: in paired modes the first or the second
// of pair 4 j + lane % 4. While one warpgroup adds, the matrix units work for the others.
template <int MODE>
__device__ __forceinline__ void multiply_unit(const Task &task, const Shared &at, const Unit &unit, int group,
                                              Ring &ring, float (&sums)[NUM_SUMS]) {
    uint32_t rows = at.rows + group * 64 * DEPTH, scales = at.scales + first_row_of(group) * 4;
    WeightScales weight_scales(task, unit);
#pragma unroll
    for (int i = 0; i < NUM_SUMS; i++) sums[i] = 0;
    for (int block = unit.begin; block < unit.end; block++) {
        barrier_wait(at.full + ring.stage * 8, ring.phase);
        float products[NUM_SUMS];
        uint64_t a = describe(rows + ring.stage * ROW_BYTES), b = describe(at.weights + ring.stage * WEIGHT_BYTES);
        mma_begin();
#pragma unroll
        for (int k = 0; k < 4; k++) mma(products, a + 2 * k, b + 2 * k, k > 0);
        mma_commit();
        float low = load_shared(scales + ring.stage * SCALE_ROOM);
        float high = load_shared(scales + ring.stage * SCALE_ROOM + 8 * 4);
        float first = weight_scales.first, second = PAIRED<MODE> ? weight_scales.second : first;
        float factors[4] = {low * first, low * second, high * first, high * second};
        weight_scales.advance();
        mma_wait<0>();
        release(at, ring.stage);
        settle(products);
#pragma unroll
        for (int i = 0; i < NUM_SUMS; i++) sums[i] += products[i] * factors[i % 4];
        ring.advance();
    }
}

// A warpgroup without rows of a unit lets its stages pass by.
__device__ __forceinline__ void skip_unit(const Shared &at, const Unit &unit, Ring &ring) {
    for (int block = unit.begin; block < unit.end; block++) {
        barrier_wait(at.full + ring.stage * 8, ring.phase);
        __syncwarp();
        release(at, ring.stage);
        ring.advance();
    }
}
