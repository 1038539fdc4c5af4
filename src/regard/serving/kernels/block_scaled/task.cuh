// What one launch is to do, and the sizes that are fixed when the kernels are built.
#pragma once
#include "primitives.cuh"

#ifndef ROWS
#define ROWS 128
#endif
// Of the shared expert, whose tokens are many: as few as give every cluster one unit.
#ifndef SHARED_ROWS
#define SHARED_ROWS 96
#endif
// Of a routed expert that has no more tokens than this: multiplying fewer rows costs less.
#ifndef FEWER_ROWS
#define FEWER_ROWS ROWS
#endif
#ifndef STAGES
#define STAGES 5
#endif

constexpr int TILE = 64;                 // rows of the weight a warpgroup
constexpr int DEPTH = 128;               // columns that share a scale
constexpr int WEIGHT_BYTES = 2 * TILE * DEPTH;
constexpr int ROW_BYTES = ROWS * DEPTH;
constexpr int SCALE_BYTES = ROWS * 4;
constexpr int SCALE_ROOM = (SCALE_BYTES + 127) / 128 * 128;
constexpr int NUM_SUMS = ROWS / 2;       // accumulators a thread
constexpr int COPY_REGISTERS = 40, MULTIPLY_REGISTERS = 232;

constexpr int CHOICES = 3;               // experts a token

enum Mode { PARTS, QUERY, GATED, DOWN };

// Where the copy engine finds operands. `fewer` are the rows again, copied by FEWER_ROWS.
struct Maps {
    CUtensorMap weight, rows, fewer, scales, shared_weight, shared_rows, shared_scales;
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

static_assert(SHARED_ROWS <= ROWS && FEWER_ROWS <= ROWS, "fewer rows share the room of the others");
