// What one launch is to do, and the sizes that are fixed when the kernels are built.
#pragma once
#include "mma.cuh"

// Warpgroups that multiply, 64 rows of activations each.
#ifndef GROUPS
#define GROUPS 3
#endif
#ifndef STAGES
#define STAGES 5
#endif

constexpr int ROWS = 64 * GROUPS;        // of activations that pass by a tile of the weight
constexpr int SHARED_PASS = ROWS < 128 ? ROWS : 128;  // the same for the shared expert of GATED
constexpr int TILE = 128;                // rows of the weight a block
constexpr int DEPTH = 128;               // columns that share a scale
constexpr int WEIGHT_BYTES = TILE * DEPTH;
constexpr int ROW_BYTES = ROWS * DEPTH;
constexpr int SCALE_BYTES = ROWS * 4;
constexpr int SCALE_ROOM = (SCALE_BYTES + 127) / 128 * 128;
constexpr int THREADS = 128 * (GROUPS + 1);
constexpr int COPY_REGISTERS = 40;
constexpr int MULTIPLY_REGISTERS = GROUPS == 3 ? 152 : 232;
constexpr int CHOICES = 3;               // experts a token

enum Mode { PARTS, QUERY, GATED, DOWN };

// Whether rows of the weight arrive in pairs whose results belong together: gate and up of a column, or
// a dimension and the one that RoPE turns it with. One thread then has both.
template <int MODE>
constexpr bool PAIRED = MODE == QUERY || MODE == GATED;

// Where the copy engine finds operands.
struct Maps {
    CUtensorMap weight, rows, scales, shared_weight, shared_rows, shared_scales;
};

struct Task {
    int num_units;          // PARTS, QUERY
    int num_blocks;         // of 128 columns
    int blocks_a_split;     // PARTS, DOWN
    int num_splits;         // DOWN: of the tiles from `num_whole` on
    int num_whole;          // DOWN: tiles whose inner dimension is not cut
    int num_tiles;          // PARTS, DOWN: of 256 rows of one weight
    int num_rows;           // of the activations; a routed expert's are in counts
    int outer;              // rows of one weight: columns of the result
    int num_experts;        // GATED: routed ones; DOWN
    int capacity;           // rows that one expert has room for
    int width;              // GATED: of a routed expert
    int shared_width;       // GATED
    int lines;              // DOWN: rows of all routed experts together
    int pool_rows;          // GATED: of the pool that rows for a later launch are copied from
    int fill_count;         // GATED: of these; 0 for none
    int fill_first;         // GATED: where the first one goes
    int fill_salt;
    const float *weight_scales;
    const float *cos, *sin;
    const int *counts;
    void *out, *shared_out;
    float *out_scales, *shared_scales;
    const int64_t *step;    // GATED: with salt, it chooses where in the pool to begin
    const uint8_t *pool;
    const float *pool_scales;
    const int *pool_chosen;
    const float *pool_shares;
    uint8_t *fill;
    float *fill_scales;
    int *fill_chosen;
    float *fill_shares;
    int scale_stride, shared_scale_stride;
    int pool_scale_stride, fill_scale_stride;
};
