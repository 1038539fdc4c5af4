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
