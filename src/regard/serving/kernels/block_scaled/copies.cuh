// What the copying warp does: weights and activations into a ring of stages.
#pragma once
#include "units.cuh"

struct Shared {
    uint32_t weights, rows, scales, full, empty, exchange, largest, inverse, warp_largest, met;
};

// Rows of the activations that pass by a tile.
__device__ __forceinline__ int rows_of(const Unit &unit) {
    return unit.shared ? SHARED_ROWS : unit.limit <= FEWER_ROWS ? FEWER_ROWS : ROWS;
}

// Of gate and up each warpgroup gets 32 rows of either, in eights by turns: one thread then has both of a column.
template <int MODE>
__device__ __forceinline__ void copy_weights(const Shared &at, const Maps &maps, const Unit &unit, int rank,
                                             int block, int stage) {
    uint32_t full = at.full + stage * 8, target = at.weights + stage * WEIGHT_BYTES;
    int scales = unit.shared ? SHARED_ROWS : ROWS;
    barrier_expect(full, WEIGHT_BYTES + rows_of(unit) * DEPTH + scales * 4);
    if (MODE == GATED) {
        const CUtensorMap *map = unit.shared ? &maps.shared_weight : &maps.weight;
        int group = (unit.part * 128 + rank * TILE) / 8;
        copy_interleaved(target, map, full, block * DEPTH, group, unit.expert, EVICT_FIRST);
        copy_interleaved(target + TILE * DEPTH, map, full, block * DEPTH, group + 4, unit.expert, EVICT_FIRST);
    } else {
        copy_tile(target, &maps.weight, full, block * DEPTH, unit.first_row, EVICT_FIRST);
        copy_tile(target + TILE * DEPTH, &maps.weight, full, block * DEPTH, unit.second_row, EVICT_FIRST);
    }
}

__device__ __forceinline__ void copy_rows(const Shared &at, const Maps &maps, const Unit &unit, int rank,
                                          int block, int stage) {
    uint32_t full = at.full + stage * 8;
    int count = rows_of(unit), half = count / 2;
    const CUtensorMap *rows = unit.shared ? &maps.shared_rows : count < ROWS ? &maps.fewer : &maps.rows;
    const CUtensorMap *scales = unit.shared ? &maps.shared_scales : &maps.scales;
    uint32_t target = at.rows + stage * ROW_BYTES + rank * half * DEPTH;
    copy_tile_to_all(target, rows, full, block * DEPTH, unit.row + rank * half, 3, EVICT_LAST);
    copy_tile(at.scales + stage * SCALE_ROOM, scales, full, unit.row, block, EVICT_LAST);
}

template <int MODE>
__device__ __forceinline__ void copy_all(const Task &task, const Shared &at, const Maps &maps, int rank) {
    Unit unit;
    int ahead = 0;
    // Weights do not depend on the kernel ahead in the stream: ask for the first ones before it ends.
    if (MODE <= QUERY && find_unit<MODE>(task, 0, rank, unit) == UNIT) {
        ahead = min(STAGES, unit.end - unit.begin);
        for (int i = 0; i < ahead; i++) copy_weights<MODE>(at, maps, unit, rank, unit.begin + i, i);
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
            copy_weights<MODE>(at, maps, unit, rank, block, stage);
            copy_rows(at, maps, unit, rank, block, stage);
            if (++stage == STAGES) stage = 0, phase ^= 1;
        }
        ahead = 0;
    }
    // No sooner: a successor's blocks would wait on multiprocessors that were left to others.
    let_successor_start();
}
