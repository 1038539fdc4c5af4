// All clusters of a launch, one after the other.
#pragma once
#include "work.cuh"

#include <memory>
#include <thread>

static Shared lay_out() {
    Shared at;
    at.weights = 0;
    at.rows = at.weights + STAGES * WEIGHT_BYTES;
    at.scales = at.rows + STAGES * ROW_BYTES;
    at.largest = at.scales + STAGES * SCALE_ROOM;
    at.full = FIRST_BARRIER;
    at.empty = at.full + STAGES * 8;
    at.met = at.empty + STAGES * 8;
    for (own_rank = 0; own_rank < 2; own_rank++) {
        memory_of[own_rank].assign(at.largest + 2 * ROWS * 4, 0xEE);
        for (int i = 0; i < STAGES; i++) {
            barrier_init(at.full + i * 8, 1);
            barrier_init(at.empty + i * 8, 2 * GROUPS * 4);
        }
        for (int i = 0; i < 2 * GROUPS; i++) barrier_init(at.met + i * 8, 1);
    }
    return at;
}

template <int MODE>
void launch(const Maps &maps, const Task &task, int num_clusters) {
    gridDim.x = 2 * num_clusters;
    for (int cluster = 0; cluster < num_clusters; cluster++) {
        Shared at = lay_out();
        std::vector<std::unique_ptr<Warp>> warps;
        for (int i = 0; i < 2 * THREADS / 32; i++) warps.push_back(std::make_unique<Warp>());
        std::vector<std::thread> threads;
        for (int i = 0; i < 2 * THREADS; i++) {
            // Of the copying warpgroup only the first thread does anything.
            if (i % THREADS > 0 && i % THREADS < 128) continue;
            threads.emplace_back([&, i] {
                own_rank = i / THREADS;
                own_warp = warps[i / 32].get();
                threadIdx.x = i % THREADS;
                blockIdx.x = 2 * cluster + own_rank;
                if (threadIdx.x == 0) copy_all<MODE>(task, at, maps, own_rank);
                else multiply_all<MODE>(task, at, threadIdx.x / 128 - 1, own_rank);
            });
        }
        for (auto &thread : threads) thread.join();
    }
}
