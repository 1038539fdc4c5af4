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
template <int N, int BLOCKS>
__device__ __forceinline__ void multiply_blocks(const Shared &at, const float *weight_scales, int warpgroup,
                                                Ring &ring, float (&sums)[NUM_SUMS]) {
    constexpr int SUMS = N / 4;  // of a half
    uint32_t weights = at.weights + warpgroup * (TILE * DEPTH), scales = at.scales + threadIdx.x % 4 * 8;
    uint32_t second_rows = at.rows + N / 2 * DEPTH;
    float first[SUMS], second[SUMS], scale[BLOCKS];
#pragma unroll
    for (int block = 0; block < BLOCKS; block++) scale[block] = __ldg(weight_scales + block);
    barrier_wait(at.full + ring.stage * 8, ring.phase);
    start_products(first, weights + ring.stage * WEIGHT_BYTES, at.rows + ring.stage * ROW_BYTES);
    start_products(second, weights + ring.stage * WEIGHT_BYTES, second_rows + ring.stage * ROW_BYTES);
#pragma unroll
    for (int block = 0; block < BLOCKS; block++) {
        int stage = ring.stage;
        ring.advance();
        mma_wait<1>();
        add_products<0>(first, scales + stage * SCALE_ROOM, scale[block], sums);
        if (block + 1 < BLOCKS) {
            barrier_wait(at.full + ring.stage * 8, ring.phase);
            start_products(first, weights + ring.stage * WEIGHT_BYTES, at.rows + ring.stage * ROW_BYTES);
            mma_wait<1>();
        } else {
            mma_wait<0>();
        }
        add_products<SUMS>(second, scales + stage * SCALE_ROOM, scale[block], sums);
        release(at, stage, warpgroup);
        if (block + 1 < BLOCKS)
            start_products(second, weights + ring.stage * WEIGHT_BYTES, second_rows + ring.stage * ROW_BYTES);
    }
}

// sums[4 j + i]: row lane / 4 (+ 8 for i >= 2) of the warp's 16, activation row 8 j + 2 (lane % 4) + i % 2.
// STEP blocks of columns are unrolled: the number of them should be a multiple.
template <int N, int STEP = 4>
__device__ __forceinline__ void multiply_unit(const Task &task, const Shared &at, const Unit &unit,
                                              int warpgroup, Ring &ring, float (&sums)[NUM_SUMS]) {
    const float *weight_scales =
        task.weight_scales + (warpgroup ? unit.second_row : unit.first_row) / 128 * task.num_blocks;
#pragma unroll
    for (int i = 0; i < NUM_SUMS; i++) sums[i] = 0;
    int block = unit.begin;
    for (; block + STEP <= unit.end; block += STEP)
        multiply_blocks<N, STEP>(at, weight_scales + block, warpgroup, ring, sums);
    for (; block < unit.end; block++)
        multiply_blocks<N, 1>(at, weight_scales + block, warpgroup, ring, sums);
}
