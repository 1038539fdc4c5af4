// Every mode with odd sizes; prints its error, how many results are missing, and how many are too many.
#include "launch.h"
#include "operands.h"

// What all cases tell the kernel of their operands.
static Task task_of(const Matrix &x, const Matrix &weight, int outer, void *out) {
    Task task{};
    task.num_blocks = x.columns / 128;
    task.num_rows = x.rows;
    task.outer = outer;
    task.weight_scales = weight.scales.data();
    task.out = out;
    return task;
}

static Maps maps_of(const Matrix &x, const CUtensorMap &weight) {
    Maps maps;
    maps.weight = weight;
    maps.rows = x.tiles(32);
    maps.scales = x.scale_tiles(ROWS);
    return maps;
}

static void parts(int tokens) {
    Matrix x = Matrix::draw(tokens, 512, false, 3), weight = Matrix::draw(512, 512, true);
    std::vector<float> out(2 * tokens * 512, NAN);
    Task task = task_of(x, weight, 512, out.data());
    task.num_units = 4;
    task.blocks_a_split = task.num_tiles = 2;
    launch<PARTS>(maps_of(x, weight.tiles(128)), task, 3);
    Error error{"parts"};
    for (int part = 0; part < 2; part++)
        for (int t = 0; t < tokens; t++)
            for (int column = 0; column < 512; column += 7)
                error.add(out[(part * tokens + t) * 512 + column],
                          product(x, t, weight, column, 256 * part, 256 * part + 256));
}

static void query(int tokens) {
    const int heads = 3, outer = heads * 256;
    Matrix x = Matrix::draw(tokens, 256, false), weight = Matrix::draw(outer, 256, true);
    std::vector<__nv_bfloat16> out(tokens * outer, to_bfloat16(NAN));
    std::vector<float> cos(tokens * 128), sin(tokens * 128);
    for (auto &value : cos) value = uniform();
    for (auto &value : sin) value = uniform() - 0.5f;
    Task task = task_of(x, weight, outer, out.data());
    task.num_units = heads;
    task.cos = cos.data();
    task.sin = sin.data();
    launch<QUERY>(maps_of(x, weight.pairs(0, outer, 128)), task, 2);
    Error error{"query"};
    for (int t = 0; t < tokens; t++)
        for (int head = 0; head < heads; head++)
            for (int i = 0; i < 128; i += 3) {
                double a = product(x, t, weight, head * 256 + i), b = product(x, t, weight, head * 256 + i + 128);
                double c = cos[t * 128 + i], s = sin[t * 128 + i];
                const __nv_bfloat16 *own = &out[t * outer + head * 256 + i];
                error.add(from_bfloat16(own[0]), a * c - b * s);
                error.add(from_bfloat16(own[128]), b * c + a * s);
            }
}

static double gate(const Matrix &x, int row, const Matrix &weight, int first, int width, int column) {
    double gate = product(x, row, weight, first + column);
    return gate / (1 + std::exp(-gate)) * product(x, row, weight, first + width + column);
}

static void gated(int tokens, const std::vector<int> &counts) {
    const int experts = counts.size(), width = 256, shared_width = 128, inner = 256, capacity = 256;
    Matrix x = Matrix::draw(experts * capacity, inner, false), everyone = Matrix::draw(tokens, inner, false);
    Matrix weight = Matrix::draw(2 * (experts * width + shared_width), inner, true);
    for (auto &scale : weight.scales) scale *= 0.02f;
    std::vector<uint8_t> out(experts * capacity * width, E4M3_NAN), shared(tokens * shared_width, E4M3_NAN);
    std::vector<float> scales(width / 128 * experts * capacity, NAN), shared_scales(shared_width / 128 * tokens, NAN);
    Task task = task_of(everyone, weight, 0, out.data());
    task.num_experts = experts;
    task.capacity = capacity;
    task.width = width;
    task.shared_width = shared_width;
    task.counts = counts.data();
    task.shared_out = shared.data();
    task.out_scales = scales.data();
    task.shared_scales = shared_scales.data();
    task.scale_stride = experts * capacity;
    task.shared_scale_stride = tokens;
    Maps maps = maps_of(x, weight.pairs(0, 2 * experts * width, width));
    maps.shared_weight = weight.pairs(2 * experts * width, 2 * shared_width, shared_width);
    maps.shared_rows = everyone.tiles(32);
    maps.shared_scales = everyone.scale_tiles(ROWS);
    launch<GATED>(maps, task, 3);
    Error routed{"gated_routed"}, own{"gated_shared"};
    for (int line = 0; line < experts * capacity; line++)
        for (int column = 0; column < width; column += 3) {
            uint8_t found = out[line * width + column];
            int expert = line / capacity;
            if (line % capacity >= counts[expert]) routed.stray += found != E4M3_NAN;
            else
                routed.add(from_e4m3(found) * scales[column / 128 * experts * capacity + line],
                           gate(x, line, weight, 2 * expert * width, width, column));
        }
    for (int t = 0; t < tokens; t++)
        for (int column = 0; column < shared_width; column += 2)
            own.add(from_e4m3(shared[t * shared_width + column]) * shared_scales[column / 128 * tokens + t],
                    gate(everyone, t, weight, 2 * experts * width, shared_width, column));
}

static void down(const std::vector<int> &counts) {
    const int experts = counts.size(), outer = 512, inner = 512, capacity = 256, lines = experts * capacity;
    Matrix x = Matrix::draw(lines, inner, false), weight = Matrix::draw(experts * outer, inner, true);
    std::vector<__nv_bfloat16> out(2 * lines * outer, to_bfloat16(NAN));
    Task task = task_of(x, weight, outer, out.data());
    task.blocks_a_split = task.num_splits = 2;
    task.num_whole = 3;
    task.num_tiles = outer / 256;
    task.lines = lines;
    task.num_experts = experts;
    task.capacity = capacity;
    task.counts = counts.data();
    launch<DOWN>(maps_of(x, weight.tiles(128)), task, 2);
    Error error{"down"};
    for (int line = 0; line < lines; line++)
        for (int column = 0; column < outer; column += 5) {
            int expert = line / capacity;
            bool cut = expert * task.num_tiles + column / 256 >= task.num_whole;
            float first = from_bfloat16(out[line * outer + column]);
            float second = from_bfloat16(out[(lines + line) * outer + column]);
            if (line % capacity >= counts[expert]) error.stray += !std::isnan(first) || !std::isnan(second);
            else {
                // A tile that is not cut has no second part.
                error.stray += !cut && !std::isnan(second);
                error.add(cut ? first + second : first, product(x, line, weight, expert * outer + column));
            }
        }
}

int main() {
    for (int tokens : {17, ROWS - 28, ROWS}) {
        parts(tokens);
        query(tokens);
    }
    // More than one pass, one that leaves warpgroups without rows, none at all.
    gated(ROWS + 8, {ROWS + 2, 40});
    down({ROWS + 22, 0, 40});
}
