// What the copying warpgroup's other three warps do: copies of rows for a later launch.
#pragma once
#include "task.cuh"

// Rows of a pool, from one that step and salt choose on, to where a later launch reads its activations.
__device__ __forceinline__ void fill_rows(const Task &task) {
    int warp = blockIdx.x * 3 + threadIdx.x / 32 - 1, lane = threadIdx.x % 32, size = task.num_blocks * DEPTH;
    wait_for_predecessor();
    uint64_t mixed = (uint64_t)*task.step * 2654435761ull + (uint64_t)task.fill_salt * 40503ull;
    int start = (int)((mixed & 0x7FFFFFFFull) % task.pool_rows);
    for (int row = warp; row < task.fill_count; row += gridDim.x * 3) {
        int from = (start + row) % task.pool_rows, to = task.fill_first + row;
        const uint4 *source = reinterpret_cast<const uint4 *>(task.pool + (size_t)from * size);
        uint4 *target = reinterpret_cast<uint4 *>(task.fill + (size_t)to * size);
#pragma unroll 4
        for (int i = lane; i < size / 16; i += 32) target[i] = __ldcs(source + i);
        for (int block = lane; block < task.num_blocks; block += 32)
            task.fill_scales[block * task.fill_scale_stride + to] =
                task.pool_scales[block * task.pool_scale_stride + from];
        if (lane < CHOICES) {
            task.fill_chosen[to * CHOICES + lane] = task.pool_chosen[from * CHOICES + lane];
            task.fill_shares[to * CHOICES + lane] = task.pool_shares[from * CHOICES + lane];
        }
    }
}
