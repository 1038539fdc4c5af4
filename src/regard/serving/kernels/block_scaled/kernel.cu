// FP8 matrix products with the checkpoint's block scales, for few rows and many weights.
//
// A cluster of two blocks works off units: 256 rows of the weight by up to ROWS rows of activations. Each
// block has one warp that copies, and a warpgroup for every 64 rows of activations, which multiplies them
// by the block's 128 rows of the weight; activations are copied once for both blocks. The sum over 128
// columns leaves the matrix units and is scaled and added in float32, as the scales demand.
#include "fill.cuh"
#include "work.cuh"

template <int MODE>
__global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(THREADS, 1)
    block_scaled_kernel(const __grid_constant__ Maps maps, const __grid_constant__ Task task) {
    extern __shared__ __align__(1024) uint8_t memory[];
    __shared__ __align__(8) uint64_t barriers[2 * STAGES + 2 * GROUPS];
    __shared__ float magnitudes[2 * ROWS];
    Shared at;
    at.weights = shared_address(memory);
    if (at.weights % 1024) __trap();
    at.rows = at.weights + STAGES * WEIGHT_BYTES;
    at.scales = at.rows + STAGES * ROW_BYTES;
    at.full = shared_address(barriers);
    at.empty = at.full + STAGES * 8;
    at.met = at.empty + STAGES * 8;
    at.largest = shared_address(magnitudes);
    int rank = rank_in_cluster();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            barrier_init(at.full + i * 8, 1);
            barrier_init(at.empty + i * 8, 2 * GROUPS * 4);
        }
        for (int i = 0; i < 2 * GROUPS; i++) barrier_init(at.met + i * 8, 1);
        fence_barrier_init();
    }
    cluster_sync();
    if (threadIdx.x < 128) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COPY_REGISTERS));
        if (threadIdx.x == 0) copy_all<MODE>(task, at, maps, rank);
        else if (MODE == GATED && threadIdx.x >= 32 && task.fill_count > 0) fill_rows(task);
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
    size_t bytes = STAGES * (WEIGHT_BYTES + ROW_BYTES + SCALE_ROOM);
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
    config.blockDim = THREADS;
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
