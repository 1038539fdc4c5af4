// What the copying warp does: weights and activations into a ring of stages.
#pragma once
#include "units.cuh"

struct Shared {
    uint32_t weights, rows, scales, full, empty, largest, met;
};

// Warpgroups that have rows of a unit.
__device__ __forceinline__ int groups_of(const Unit &unit) { return min((unit.limit + 63) / 64, GROUPS); }

template <int MODE>
__device__ __forceinline__ void copy_weights(const Shared &at, const Maps &maps, const Unit &unit, int block,
                                             int stage) {
    uint32_t full = at.full + stage * 8, target = at.weights + stage * WEIGHT_BYTES;
    barrier_expect(full, WEIGHT_BYTES + groups_of(unit) * 64 * DEPTH + SCALE_BYTES);
    const CUtensorMap *map = unit.shared ? &maps.shared_weight : &maps.weight;
    if (PAIRED<MODE>) copy_pairs(target, map, full, block * DEPTH, unit.pair, unit.matrix, EVICT_FIRST);
    else copy_tile(target, map, full, block * DEPTH, unit.first_row, EVICT_FIRST);
}

// Each block of the cluster copies half of every warpgroup's rows, for both.
__device__ __forceinline__ void copy_rows(const Shared &at, const Maps &maps, const Unit &unit, int rank, int block,
                                          int stage) {
    uint32_t full = at.full + stage * 8, target = at.rows + stage * ROW_BYTES;
    const CUtensorMap *rows = unit.shared ? &maps.shared_rows : &maps.rows;
    const CUtensorMap *scales = unit.shared ? &maps.shared_scales : &maps.scales;
    for (int row = rank * 32; row < groups_of(unit) * 64; row += 64)
        copy_tile_to_all(target + row * DEPTH, rows, full, block * DEPTH, unit.row + row, 3, EVICT_LAST);
    copy_tile(at.scales + stage * SCALE_ROOM, scales, full, unit.row, block, EVICT_LAST);
}

template <int MODE>
__device__ __forceinline__ void copy_all(const Task &task, const Shared &at, const Maps &maps, int rank) {
    Unit unit;
    int ahead = 0;
    // Weights do not depend on the kernel ahead in the stream: ask for the first ones before it ends.
    if (MODE <= QUERY && find_unit<MODE>(task, 0, rank, unit) == UNIT) {
        ahead = min(STAGES, unit.end - unit.begin);
        for (int i = 0; i < ahead; i++) copy_weights<MODE>(at, maps, unit, unit.begin + i, i);
    }
    wait_for_predecessor();
    for (int i = 0; i < ahead; i++) copy_rows(at, maps, unit, rank, unit.begin + i, i);
    int stage = ahead % STAGES, phase = ahead == STAGES;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        for (int block = unit.begin + ahead; block < unit.end; block++) {
            barrier_wait(at.empty + stage * 8, phase ^ 1);
            copy_weights<MODE>(at, maps, unit, block, stage);
            copy_rows(at, maps, unit, rank, block, stage);
            if (++stage == STAGES) stage = 0, phase ^= 1;
        }
        ahead = 0;
    }
    // No sooner: a successor's blocks would wait on multiprocessors that were left to others.
    let_successor_start();
}
