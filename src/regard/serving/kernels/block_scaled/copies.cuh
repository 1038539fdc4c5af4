// What the copying warp does: weights and activations into a ring of stages.
#pragma once
#include "units.cuh"

struct Shared {
    uint32_t weights, rows, scales, full, empty, exchange, largest, warp_largest, met;
};

__device__ __forceinline__ void copy_weights(const Shared &at, const CUtensorMap *map, const Unit &unit,
                                             int block, int stage) {
    uint32_t full = at.full + stage * 8;
    barrier_expect(full, WEIGHT_BYTES + (unit.shared ? SHARED_ROWS : ROWS) * (DEPTH + 4));
    uint32_t target = at.weights + stage * WEIGHT_BYTES;
    copy_tile(target, map, full, block * DEPTH, unit.first_row, EVICT_FIRST);
    copy_tile(target + TILE * DEPTH, map, full, block * DEPTH, unit.second_row, EVICT_FIRST);
}

__device__ __forceinline__ void copy_rows(const Shared &at, const CUtensorMap *rows,
                                          const CUtensorMap *scales, const Unit &unit, int rank,
                                          int block, int stage) {
    uint32_t full = at.full + stage * 8;
    int half = (unit.shared ? SHARED_ROWS : ROWS) / 2;
    uint32_t target = at.rows + stage * ROW_BYTES + rank * half * DEPTH;
    copy_tile_to_all(target, rows, full, block * DEPTH, unit.row + rank * half, 3, EVICT_LAST);
    copy_tile(at.scales + stage * SCALE_ROOM, scales, full, unit.row, block, EVICT_LAST);
}

template <int MODE>
__device__ __forceinline__ void copy_all(const Task &task, const Shared &at, const CUtensorMap *weight,
                         const CUtensorMap *rows, const CUtensorMap *scales,
                         const CUtensorMap *shared_rows, const CUtensorMap *shared_scales, int rank) {
    Unit unit;
    int ahead = 0;
    // Weights do not depend on the kernel ahead in the stream: ask for the first ones before it ends.
    if ((MODE <= QUERY || MODE == COMBINE) && find_unit<MODE>(task, 0, rank, unit) == UNIT) {
        ahead = min(STAGES, unit.end - unit.begin);
        for (int i = 0; i < ahead; i++) copy_weights(at, weight, unit, unit.begin + i, i);
    }
    wait_for_predecessor();
    for (int i = 0; i < ahead; i++) copy_rows(at, rows, scales, unit, rank, unit.begin + i, i);
    int stage = ahead % STAGES, phase = ahead == STAGES;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        for (int block = unit.begin + ahead; block < unit.end; block++) {
            barrier_wait(at.empty + stage * 8, phase ^ 1);
            copy_weights(at, weight, unit, block, stage);
            copy_rows(at, unit.shared ? shared_rows : rows, unit.shared ? shared_scales : scales, unit,
                      rank, block, stage);
            if (++stage == STAGES) stage = 0, phase ^= 1;
        }
        ahead = 0;
    }
}
