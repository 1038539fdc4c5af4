// What a multiplying warpgroup does: all units of its cluster, one after the other.
#pragma once
#include "outputs.cuh"

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
