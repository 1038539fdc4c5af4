// What a block begins with, and what its multiplying warpgroups do: all units of their cluster in turn.
#pragma once
#include "outputs.cuh"

constexpr int RING_BYTES = STAGES * (WEIGHT_BYTES + ROW_BYTES + SCALE_ROOM);
constexpr int NUM_BARRIERS = 2 * STAGES + 2 * GROUPS;
constexpr int NUM_MAGNITUDES = 2 * ROWS;

// Where things stand, from the addresses of the ring, the barriers and the magnitudes.
__device__ __forceinline__ Shared lay_out(uint32_t ring, uint32_t barriers, uint32_t magnitudes) {
    Shared at;
    at.weights = ring;
    at.rows = at.weights + STAGES * WEIGHT_BYTES;
    at.scales = at.rows + STAGES * ROW_BYTES;
    at.full = barriers;
    at.empty = at.full + STAGES * 8;
    at.met = at.empty + STAGES * 8;
    at.largest = magnitudes;
    return at;
}

__device__ __forceinline__ void init_barriers(const Shared &at) {
    for (int i = 0; i < STAGES; i++) {
        barrier_init(at.full + i * 8, 1);
        // All multiplying warps of both blocks.
        barrier_init(at.empty + i * 8, 2 * GROUPS * 4);
    }
    for (int i = 0; i < 2 * GROUPS; i++) barrier_init(at.met + i * 8, 1);
}

template <int MODE>
__device__ __forceinline__ void multiply_all(const Task &task, const Shared &at, int group, int rank) {
    int exchanges = 0;
    Ring ring = {0, 0};
    wait_for_predecessor();
    Unit unit;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        if (group >= groups_of(unit)) {
            skip_unit(at, unit, ring);
            continue;
        }
        float sums[NUM_SUMS];
        multiply_unit<MODE>(task, at, unit, group, ring, sums);
        if (MODE == PARTS) write_parts(task, unit, group, sums);
        if (MODE == QUERY) write_query(task, unit, group, sums);
        if (MODE == GATED) write_gated(task, at, unit, group, rank, exchanges++, sums);
        if (MODE == DOWN) write_down(task, unit, group, rank, sums);
    }
}
