// CUDA's numbers and what the kernel computes with them, for a compiler that knows neither.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#define __device__
#define __constant__
#define __forceinline__ inline

using std::max;
using std::min;

struct float2 {
    float x, y;
};
struct uint4 {
    uint32_t x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }

struct __nv_bfloat16 {
    uint16_t bits;
};
struct __nv_bfloat162 {
    __nv_bfloat16 low, high;
};

// To the nearest, of two equally near ones to the even.
inline __nv_bfloat16 to_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return {static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
}

inline float from_bfloat16(__nv_bfloat16 value) {
    uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}

inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high) { return {to_bfloat16(low), to_bfloat16(high)}; }

constexpr uint8_t E4M3_NAN = 0x7F;

inline float from_e4m3(uint8_t bits) {
    static const std::array<float, 256> table = [] {
        std::array<float, 256> made;
        for (int i = 0; i < 256; i++) {
            int exponent = i >> 3 & 15, mantissa = i & 7;
            float size = exponent ? std::ldexp(8 + mantissa, exponent - 10) : std::ldexp(mantissa, -9);
            made[i] = (i & E4M3_NAN) == E4M3_NAN ? NAN : i & 128 ? -size : size;
        }
        return made;
    }();
    return table[bits];
}

inline uint8_t to_e4m3(float value) {
    int best = 0;
    for (int i = 0; i < E4M3_NAN; i++) {
        float now = std::fabs(from_e4m3(i) - std::fabs(value)), before = std::fabs(from_e4m3(best) - std::fabs(value));
        if (now < before || (now == before && i % 2 == 0)) best = i;
    }
    return best | (std::signbit(value) ? 128 : 0);
}

enum { __NV_SATFINITE, __NV_E4M3 };
inline uint16_t __nv_cvt_float2_to_fp8x2(float2 pair, int, int) { return to_e4m3(pair.x) | to_e4m3(pair.y) << 8; }

inline uint32_t __byte_perm(uint32_t x, uint32_t y, uint32_t selector) {
    uint64_t both = x | static_cast<uint64_t>(y) << 32;
    uint32_t result = 0;
    for (int i = 0; i < 4; i++) result |= (both >> (selector >> 4 * i & 7) * 8 & 255) << 8 * i;
    return result;
}

template <class T>
T __ldg(const T *from) {
    return *from;
}
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float value) { return std::exp(value); }
