// 64 rows of activations by 128 rows of the weight by 32 columns, number by number.
#pragma once
#include "primitives.cuh"

constexpr int NUM_SUMS = 64;

inline void mma(float (&d)[NUM_SUMS], uint64_t a, uint64_t b, int keep) {
    int lane = threadIdx.x % 32, first = threadIdx.x % 128 / 32 * 16 + lane / 4;
    for (int i = 0; i < NUM_SUMS; i++) {
        const uint8_t *row = memory_at((a << 4) + (first + i % 4 / 2 * 8) * 128);
        const uint8_t *weight = memory_at((b << 4) + (i / 4 * 8 + lane % 4 * 2 + i % 2) * 128);
        float sum = keep ? d[i] : 0;
        for (int k = 0; k < 32; k++) sum += from_e4m3(row[k]) * from_e4m3(weight[k]);
        d[i] = sum;
    }
}

inline void settle(float (&)[NUM_SUMS]) {}
