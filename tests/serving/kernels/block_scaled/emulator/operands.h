// Random operands in the kernel's formats, what the copy engine is told of them, and products of them.
#pragma once
#include "primitives.cuh"

#include <random>

static std::mt19937 generator(7);

inline float uniform() { return (generator() % 1000 + 1) / 1000.0f; }

// No NaN, and nothing so large that little else counts.
inline uint8_t random_e4m3() {
    for (;;) {
        uint8_t bits = generator() & 255;
        if ((bits & 127) < 0x50) return bits;
    }
}

// A weight has a scale for each 128 x 128; activations one for each row and 128 columns, (blocks, rows).
struct Matrix {
    int rows, columns, stride;
    bool weight;
    std::vector<uint8_t> values;
    std::vector<float> scales;

    static Matrix draw(int rows, int columns, bool weight, int padding = 0) {
        Matrix made{rows, columns, weight ? columns / 128 : rows + padding, weight, {}, {}};
        made.values.resize(static_cast<size_t>(rows) * columns);
        for (auto &value : made.values) value = random_e4m3();
        made.scales.resize(weight ? rows / 128 * made.stride : columns / 128 * made.stride);
        for (auto &scale : made.scales) scale = uniform();
        return made;
    }

    double at(int row, int column) const {
        int scale = weight ? row / 128 * stride + column / 128 : column / 128 * stride + row;
        return static_cast<double>(from_e4m3(values[static_cast<size_t>(row) * columns + column])) * scales[scale];
    }

    CUtensorMap tiles(int box_rows) const {
        return {values.data(), 1, {columns, rows, 1, 1}, {1, columns, 0, 0}, {128, box_rows, 1, 1}};
    }

    CUtensorMap scale_tiles(int box_rows) const {
        return {scales.data(), 4, {rows, columns / 128, 1, 1}, {4, 4 * stride, 0, 0}, {box_rows, 1, 1, 1}};
    }

    // As `Maps.set_pairs`.
    CUtensorMap pairs(int first, int count, long width) const {
        const uint8_t *base = values.data() + static_cast<size_t>(first) * columns;
        long row = columns;
        return {base, 1, {columns, 2, width, count / (2 * width)}, {1, width * row, row, 2 * width * row},
                {128, 2, 64, 1}};
    }
};

inline double product(const Matrix &x, int row, const Matrix &weight, int outer, int from, int to) {
    double sum = 0;
    for (int k = from; k < to; k++) sum += x.at(row, k) * weight.at(outer, k);
    return sum;
}

inline double product(const Matrix &x, int row, const Matrix &weight, int outer) {
    return product(x, row, weight, outer, 0, x.columns);
}

// How far results are from what they should be.
struct Error {
    const char *name;
    double off = 0, size = 0;
    long missing = 0, stray = 0;

    void add(double found, double expected) {
        if (std::isnan(found)) missing++;
        else off += (found - expected) * (found - expected);
        size += expected * expected;
    }

    ~Error() { printf("%s %.6f %ld %ld\n", name, std::sqrt(off / size), missing, stray); }
};
