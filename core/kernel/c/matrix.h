/* Products of a small matrix with the rows of a block, forward, transposed and outer. */

#pragma once

#include "real.h"

INLINE void product_tile(int rows, long inner, const real *w, long by_row, long by_inner, const real *in, real *out,
                         long row) {
    vec sum[4][3] = {{{0}}};
    for (long k = 0; k < inner; k++, w += by_inner, in += row) {
        vec x[3];
        for (int v = 0; v < 3; v++) {
            x[v] = ((const vec *)in)[v];
            IN_REGISTER(x[v]);
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < 3; v++) sum[r][v] += w[r * by_row] * x[v];
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 3; v++) ((vec *)(out + r * row))[v] = sum[r][v];
}

/* out[o] = Σ_k w[o, k] in[k] for rows of C·S numbers; the strides of w make it a product with its transpose. */
static void product(long outputs, long inner, const real *w, long by_row, long by_inner, const real *in, real *out,
                    long row) {
    for (long column = 0; column < row; column += TILE) {
        long o = 0;
        for (; o + 4 <= outputs; o += 4)
            product_tile(4, inner, w + o * by_row, by_row, by_inner, in + column, out + o * row + column, row);
        for (; o < outputs; o++)
            product_tile(1, inner, w + o * by_row, by_row, by_inner, in + column, out + o * row + column, row);
    }
}

INLINE void outer_tile(int rows, int columns, const real *g, const real *a, long row, real *gradient, long width) {
    vec sum[4][2] = {{{0}}};
    for (long i = 0; i < row; i += LANES) {
        vec right[2];
        for (int c = 0; c < columns; c++) {
            right[c] = *(const vec *)(a + c * row + i);
            IN_REGISTER(right[c]);
        }
        for (int r = 0; r < rows; r++) {
            vec left = *(const vec *)(g + r * row + i);
            IN_REGISTER(left);
            for (int c = 0; c < columns; c++) sum[r][c] += left * right[c];
        }
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            for (int lane = 0; lane < LANES; lane++) gradient[r * width + c] += sum[r][c][lane];
}

/* gradient[o, k] += Σ g[o]·a[k] over a block, then the bias's from the value component alone. */
static void outer(long outputs, long inputs, const real *g, const real *a, long row, real *gradient, real *bias) {
    for (long k = 0; k < inputs; k += 2) {
        long o = 0, pair = k + 2 <= inputs;
        for (; o + 4 <= outputs; o += 4) {
            if (pair) outer_tile(4, 2, g + o * row, a + k * row, row, gradient + o * inputs + k, inputs);
            else outer_tile(4, 1, g + o * row, a + k * row, row, gradient + o * inputs + k, inputs);
        }
        for (; o < outputs; o++) {
            if (pair) outer_tile(1, 2, g + o * row, a + k * row, row, gradient + o * inputs + k, inputs);
            else outer_tile(1, 1, g + o * row, a + k * row, row, gradient + o * inputs + k, inputs);
        }
    }
    for (long o = 0; bias && o < outputs; o++) {
        real sum = 0;
        for (int s = 0; s < S; s++) sum += g[o * row + s];
        bias[o] += sum;
    }
}
