// All clusters of a launch, one after the other.
#pragma once
#include "work.cuh"

#include <memory>
#include <thread>

static Shared prepare_memory() {
    Shared at = lay_out(0, FIRST_BARRIER, RING_BYTES);
    for (own_rank = 0; own_rank < 2; own_rank++) {
        memory_of[own_rank].assign(RING_BYTES + NUM_MAGNITUDES * 4, 0xEE);
        init_barriers(at);
    }
    return at;
}

template <int MODE>
void launch(const Maps &maps, const Task &task, int num_clusters) {
    gridDim.x = 2 * num_clusters;
    for (int cluster = 0; cluster < num_clusters; cluster++) {
        Shared at = prepare_memory();
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
