// Which piece of the work a cluster takes next.
#pragma once
#include "task.cuh"

struct Unit {
    int first_row, second_row;  // of the weight, whose scales count; the second in paired modes
    int matrix, pair;           // paired modes: gate and up, or a head; its first pair of rows
    int begin, end;             // blocks of columns
    int row;                    // first row of the activations
    int limit;                  // rows from `row` on that count
    int part;                   // QUERY: the head; GATED: the tile of 128 columns; else of 256 rows
    int split;
    bool shared;
};

// Routed units: all passes over one tile of a weight side by side, so that it is read once. Of the
// tiles `from` to `to` of all experts together, each cut in `splits`.
__device__ __forceinline__ bool find_routed(const Task &task, int tiles, int from, int to, int splits, int &index,
                                            Unit &unit) {
    for (int expert = 0; expert < task.num_experts; expert++) {
        int first = max(from - expert * tiles, 0), last = min(to - expert * tiles, tiles);
        if (first >= last) continue;
        int count = task.counts[expert], passes = (count + ROWS - 1) / ROWS;
        int units = passes * (last - first) * splits;
        if (index < units) {
            int pass = index % passes, rest = index / passes;
            unit.matrix = expert;
            unit.part = first + rest / splits;
            unit.split = rest % splits;
            unit.row = expert * task.capacity + pass * ROWS;
            unit.limit = count - pass * ROWS;
            return true;
        }
        index -= units;
    }
    return false;
}

enum Found { END, SKIP, UNIT };

// A cluster takes routed and shared units in turns, every second cluster a shared one first: these are
// bound by arithmetic and leave the memory to the others. Each gets as many of either kind as any other;
// shared ones are smaller, so that those who get one more are not waited for as long.
__device__ __forceinline__ Found find_gated(const Task &task, int turn, int rank, Unit &unit) {
    int cluster = blockIdx.x / 2, num_clusters = gridDim.x / 2;
    int tiles = task.width / 128, shared_tiles = task.shared_width / 128;
    int routed = 0, shared = (task.num_rows + SHARED_PASS - 1) / SHARED_PASS * shared_tiles;
    for (int expert = 0; expert < task.num_experts; expert++)
        routed += (task.counts[expert] + ROWS - 1) / ROWS * tiles;
    int round = turn / 2 * num_clusters;
    if (round >= max(routed, shared)) return END;
    unit.begin = 0;
    unit.end = task.num_blocks;
    unit.shared = (turn + cluster) % 2 == 0;
    int width = unit.shared ? task.shared_width : task.width, base = 0;
    if (unit.shared) {
        // From the last cluster on: it is the first to have one routed unit less.
        int index = round + num_clusters - 1 - cluster;
        if (index >= shared) return SKIP;
        unit.matrix = 0;
        unit.part = index % shared_tiles;
        unit.row = index / shared_tiles * SHARED_PASS;
        unit.limit = min(task.num_rows - unit.row, SHARED_PASS);
        base = 2 * task.num_experts * task.width;
    } else {
        int index = round + cluster;
        if (!find_routed(task, tiles, 0, 1 << 20, 1, index, unit)) return SKIP;
        base = 2 * unit.matrix * task.width;
    }
    unit.pair = unit.part * 128 + rank * 64;
    unit.first_row = base + unit.part * 128;
    unit.second_row = unit.first_row + width;
    return UNIT;
}

// The unit of this cluster's turn.
template <int MODE>
__device__ __forceinline__ Found find_unit(const Task &task, int turn, int rank, Unit &unit) {
    if (MODE == GATED) return find_gated(task, turn, rank, unit);
    int index = turn * (gridDim.x / 2) + blockIdx.x / 2;
    unit.begin = unit.row = unit.matrix = unit.split = 0;
    unit.end = task.num_blocks;
    unit.limit = task.num_rows;
    unit.shared = false;
    if (MODE == DOWN) {
        // What is left once every cluster had a whole tile is cut, so that all end together.
        if (!find_routed(task, task.num_tiles, 0, task.num_whole, 1, index, unit)) {
            if (!find_routed(task, task.num_tiles, task.num_whole, 1 << 20, task.num_splits, index, unit)) return END;
            unit.begin = unit.split * task.blocks_a_split;
            unit.end = min(unit.begin + task.blocks_a_split, task.num_blocks);
        }
    } else {
        if (index >= task.num_units) return END;
        unit.part = MODE == QUERY ? index : index % task.num_tiles;
        if (MODE == PARTS) {
            unit.split = index / task.num_tiles;
            unit.begin = unit.split * task.blocks_a_split;
            unit.end = min(unit.begin + task.blocks_a_split, task.num_blocks);
        }
    }
    if (MODE == QUERY) {
        unit.matrix = unit.part;
        unit.pair = rank * 64;
        unit.first_row = unit.part * 256;
        unit.second_row = unit.first_row + 128;
    } else {
        unit.first_row = unit.second_row = unit.matrix * task.outer + unit.part * 256 + rank * TILE;
    }
    return UNIT;
}
