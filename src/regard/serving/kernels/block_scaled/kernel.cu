// FP8 matrix products with the checkpoint's block scales, for few rows and many weights.
//
// A cluster of two blocks works off units: 256 rows of the weight by ROWS rows of activations. Each
// block has one warp that copies and two warpgroups that multiply 64 rows of the weight each; the
// activations are copied once for both blocks. The sum over 128 columns leaves the matrix units and
// is scaled and added in float32, as the scales demand.
#include "fill.cuh"
#include "outputs.cuh"

template <int MODE>
__device__ __forceinline__ void multiply_all(const Task &task, const Shared &at, int warpgroup, int rank) {
    int exchanges = 0;
    Ring ring = {0, 0};
    int in_tile = threadIdx.x % 128 / 32 * 16 + threadIdx.x % 32 / 4;
    wait_for_predecessor();
    Unit unit;
    for (int turn = 0;; turn++) {
        Found found = find_unit<MODE>(task, turn, rank, unit);
        if (found == END) break;
        if (found == SKIP) continue;
        float sums[NUM_SUMS];
        if (MODE == GATED && unit.shared)
            multiply_unit<SHARED_ROWS, true>(task, at, unit, warpgroup, ring, sums);
        else if (FEWER_ROWS < ROWS && (MODE == GATED || MODE == DOWN) && unit.limit <= FEWER_ROWS)
            multiply_unit<FEWER_ROWS, MODE == GATED>(task, at, unit, warpgroup, ring, sums);
        else
            multiply_unit<ROWS, MODE == GATED>(task, at, unit, warpgroup, ring, sums);
        if (MODE == PARTS) write_parts(task, unit, (warpgroup ? unit.second_row : unit.first_row) + in_tile, sums);
        if (MODE == DOWN) {
            meet(1, 256);
            stage_tile(at, warpgroup, in_tile, sums);
            write_down(task, at, unit, rank);
        }
        if (MODE == QUERY) {
            float low[HALF], high[HALF];
            exchange(at, warpgroup, sums, low, high);
            write_query(task, at, unit, warpgroup, in_tile, rank, low, high);
        }
        if (MODE == GATED && unit.shared) write_gated<SHARED_ROWS>(task, at, unit, rank, exchanges++, sums);
        else if (MODE == GATED) write_gated<ROWS>(task, at, unit, rank, exchanges++, sums);
    }
}

template <int MODE>
__global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(384, 1)
    block_scaled_kernel(const __grid_constant__ Maps maps, const __grid_constant__ Task task) {
    extern __shared__ __align__(1024) uint8_t memory[];
    __shared__ __align__(8) uint64_t barriers[2 * STAGES + 2];
    __shared__ float magnitudes[11 * ROWS];
    Shared at;
    at.weights = shared_address(memory);
    if (at.weights % 1024) __trap();
    at.rows = at.weights + STAGES * WEIGHT_BYTES;
    at.scales = at.rows + STAGES * ROW_BYTES;
    at.exchange = at.scales + STAGES * SCALE_ROOM;
    at.full = shared_address(barriers);
    at.empty = at.full + STAGES * 8;
    at.met = at.empty + STAGES * 8;
    at.largest = shared_address(magnitudes);
    at.inverse = at.largest + 2 * ROWS * 4;
    at.warp_largest = at.inverse + ROWS * 4;
    int rank = rank_in_cluster();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            barrier_init(at.full + i * 8, 1);
            barrier_init(at.empty + i * 8, 4);
        }
        barrier_init(at.met, 1);
        barrier_init(at.met + 8, 1);
        fence_barrier_init();
    }
    cluster_sync();
    if (threadIdx.x < 128) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COPY_REGISTERS));
        if (threadIdx.x == 0)
            copy_all<MODE>(task, at, maps, rank);
        else if (MODE == GATED && threadIdx.x >= 32 && task.fill_count > 0)
            fill_rows(task);
        __syncwarp();
    } else {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MULTIPLY_REGISTERS));
        multiply_all<MODE>(task, at, threadIdx.x / 128 - 1, rank);
    }
    // Nobody leaves while the other block may still copy or signal into its shared memory.
    cluster_sync();
}

template <int MODE>
static cudaError_t launch(const Maps &maps, const Task &task, cudaLaunchConfig_t &config) {
    size_t staging = MODE == PARTS ? 0 : ROWS * (MODE == GATED ? GATED_PITCH : PITCH);
    size_t bytes = STAGES * (WEIGHT_BYTES + ROW_BYTES + SCALE_ROOM) + staging;
    cudaError_t status = cudaFuncSetAttribute(block_scaled_kernel<MODE>,
                                              cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    if (status != cudaSuccess) return status;
    config.dynamicSmemBytes = bytes;
    return cudaLaunchKernelEx(&config, block_scaled_kernel<MODE>, maps, task);
}

// Returns a CUDA status; 0 is success.
extern "C" int block_scaled_launch(int mode, const Maps *maps, const Task *task, int num_blocks,
                                   int overlap, cudaStream_t stream) {
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = overlap;
    config.gridDim = num_blocks;
    config.blockDim = 384;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = 1;
    switch (mode) {
        case PARTS: return launch<PARTS>(*maps, *task, config);
        case QUERY: return launch<QUERY>(*maps, *task, config);
        case GATED: return launch<GATED>(*maps, *task, config);
        case DOWN: return launch<DOWN>(*maps, *task, config);
    }
    return cudaErrorInvalidValue;
}

extern "C" const char *block_scaled_error(int status) {
    return cudaGetErrorString(static_cast<cudaError_t>(status));
}
