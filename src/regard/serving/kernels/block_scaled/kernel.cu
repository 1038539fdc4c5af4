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
    __shared__ __align__(8) uint64_t barriers[NUM_BARRIERS];
    __shared__ float magnitudes[NUM_MAGNITUDES];
    Shared at = lay_out(shared_address(memory), shared_address(barriers), shared_address(magnitudes));
    if (at.weights % 1024) __trap();
    int rank = rank_in_cluster();
    if (threadIdx.x == 0) {
        init_barriers(at);
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
    cudaError_t status = cudaFuncSetAttribute(block_scaled_kernel<MODE>,
                                              cudaFuncAttributeMaxDynamicSharedMemorySize, RING_BYTES);
    if (status != cudaSuccess) return status;
    config.dynamicSmemBytes = RING_BYTES;
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
