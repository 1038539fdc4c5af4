// What the kernel's own primitives.cuh does, for a CPU: a thread for each lane, a pair of blocks at a time.
#pragma once
#include "cuda_types.h"

#include <barrier>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

// Threads, warps, blocks.

struct Index {
    int x;
};
static thread_local Index threadIdx, blockIdx;
static thread_local int own_rank;
static Index gridDim;

struct Warp {
    std::barrier<> meeting{32};
    uint32_t words[32];
};
static thread_local Warp *own_warp;

inline void __syncwarp() { own_warp->meeting.arrive_and_wait(); }

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    int lane = threadIdx.x % 32;
    memcpy(&own_warp->words[lane], &value, 4);
    __syncwarp();
    T other;
    memcpy(&other, &own_warp->words[lane ^ mask], 4);
    __syncwarp();
    return other;
}

// Shared memory. An address is an offset; one in the other block has FLAG and that block's rank above it.

constexpr int BARRIERS = 64;
constexpr uint32_t FLAG = 1u << 27, FIRST_BARRIER = 1u << 20;
static std::vector<uint8_t> memory_of[2];

inline uint32_t offset_of(uint32_t address) { return address & (FLAG - 1); }
inline int rank_of(uint32_t address) { return address & FLAG ? address >> 28 : own_rank; }
inline uint8_t *memory_at(uint32_t address) { return &memory_of[rank_of(address)].at(offset_of(address)); }
inline uint32_t remote_address(uint32_t address, uint32_t rank) { return offset_of(address) | FLAG | rank << 28; }

inline float load_shared(uint32_t from) {
    float value;
    memcpy(&value, memory_at(from), 4);
    return value;
}

// Barriers: a phase ends once all have arrived and all bytes that were announced have come.

struct Barrier {
    std::mutex lock;
    std::condition_variable changed;
    int count = 0, pending = 0, phase = 0;
    long bytes = 0;

    void change(int arrivals, long more_bytes) {
        std::lock_guard<std::mutex> held(lock);
        pending -= arrivals;
        bytes += more_bytes;
        if (pending < 0) {
            puts("more arrivals than the barrier counts");
            exit(3);
        }
        if (pending || bytes) return;
        phase ^= 1;
        pending = count;
        changed.notify_all();
    }
};
static Barrier barriers_of[2][BARRIERS];

inline Barrier &barrier_at(uint32_t address) {
    return barriers_of[rank_of(address)][(offset_of(address) - FIRST_BARRIER) / 8];
}

inline void barrier_init(uint32_t barrier, int count) {
    Barrier &own = barrier_at(barrier);
    own.count = own.pending = count;
    own.phase = own.bytes = 0;
}

inline void barrier_expect(uint32_t barrier, uint32_t bytes) { barrier_at(barrier).change(1, bytes); }
inline void barrier_arrive_remote(uint32_t remote) { barrier_at(remote).change(1, 0); }

inline void barrier_wait(uint32_t barrier, uint32_t parity) {
    Barrier &own = barrier_at(barrier);
    std::unique_lock<std::mutex> held(own.lock);
    own.changed.wait(held, [&] { return own.phase != static_cast<int>(parity); });
}

inline void store_remote(uint32_t remote, float value, uint32_t remote_barrier) {
    memcpy(memory_at(remote), &value, 4);
    barrier_at(remote_barrier).change(0, -4);
}

// The copy engine: boxes of up to four dimensions; what is outside of the tensor is zero. Not swizzled.

struct CUtensorMap {
    const void *base = nullptr;
    int width = 1;  // bytes
    long sizes[4] = {1, 1, 1, 1}, strides[4] = {0, 0, 0, 0};
    int box[4] = {1, 1, 1, 1};
};
constexpr uint64_t EVICT_FIRST = 0, EVICT_LAST = 1;

inline long bring(int rank, uint32_t target, const CUtensorMap &map, const int (&from)[4]) {
    const uint8_t *base = static_cast<const uint8_t *>(map.base);
    long count = 0, total = 1;
    for (int size : map.box) total *= size;
    for (; count < total; count++) {
        long rest = count, source = 0;
        bool inside = true;
        for (int k = 0; k < 4; k++) {
            long index = from[k] + rest % map.box[k];
            rest /= map.box[k];
            inside = inside && index < map.sizes[k];
            source += index * map.strides[k];
        }
        uint8_t *to = &memory_of[rank].at(target + count * map.width);
        if (inside) memcpy(to, base + source, map.width);
        else memset(to, 0, map.width);
    }
    return total * map.width;
}

inline void copy_tile(uint32_t target, const CUtensorMap *map, uint32_t barrier, int column, int row, uint64_t) {
    barrier_at(barrier).change(0, -bring(own_rank, target, *map, {column, row, 0, 0}));
}

inline void copy_pairs(uint32_t target, const CUtensorMap *map, uint32_t barrier, int column, int pair, int matrices,
                       uint64_t) {
    barrier_at(barrier).change(0, -bring(own_rank, target, *map, {column, 0, pair, matrices}));
}

inline void copy_tile_to_all(uint32_t target, const CUtensorMap *map, uint32_t barrier, int column, int row, uint16_t,
                             uint64_t) {
    for (uint32_t rank = 0; rank < 2; rank++) {
        long bytes = bring(rank, target, *map, {column, row, 0, 0});
        barrier_at(remote_address(barrier, rank)).change(0, -bytes);
    }
}

// Matrix units: products are there at once, but nobody goes on before their warp.

inline uint64_t describe(uint32_t address) { return address >> 4; }
inline void mma_begin() {}
inline void mma_commit() {}
template <int PENDING>
void mma_wait() {
    __syncwarp();
}
inline void wait_for_predecessor() {}
inline void let_successor_start() {}
