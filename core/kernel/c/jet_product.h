/* Products of a jet with a constant one; what core.kernel.products calls. */

#pragma once

#include "real.h"
#include "shape.h"

/* out = f·g for jets (C, n), by Leibniz's rule. */
void jet_product(const struct layout *layout, long n, const real *restrict f, const real *restrict g,
                 real *restrict out) {
    for (long i = 0; i < n; i++) out[i] = f[i] * g[i];
    for (long c = 1; c < components(layout); c++)
        for (long i = 0; i < n; i++) out[c * n + i] = f[i] * g[c * n + i] + f[c * n + i] * g[i];
    for (long k = 0; k < layout->forms; k++)
        for (long t = layout->starts[k]; t < layout->starts[k + 1]; t++) {
            long first = (1 + layout->pairs[2 * t]) * n, second = (1 + layout->pairs[2 * t + 1]) * n;
            real *restrict to = out + (1 + layout->dimension + k) * n, c = layout->factors[t];
            for (long i = 0; i < n; i++) to[i] += c * (f[first + i] * g[second + i] + f[second + i] * g[first + i]);
        }
}

/* The cotangent of g in f·g, from that of the product. */
void jet_product_backward(const struct layout *layout, long n, const real *restrict f, const real *restrict cotangent,
                          real *restrict out) {
    for (long c = 0; c < components(layout); c++)
        for (long i = 0; i < n; i++) out[c * n + i] = f[i] * cotangent[c * n + i];
    for (long c = 1; c < components(layout); c++)
        for (long i = 0; i < n; i++) out[i] += f[c * n + i] * cotangent[c * n + i];
    for (long k = 0; k < layout->forms; k++)
        for (long t = layout->starts[k]; t < layout->starts[k + 1]; t++) {
            long first = (1 + layout->pairs[2 * t]) * n, second = (1 + layout->pairs[2 * t + 1]) * n;
            const real *of = cotangent + (1 + layout->dimension + k) * n, c = layout->factors[t];
            for (long i = 0; i < n; i++) out[first + i] += c * f[second + i] * of[i];
            for (long i = 0; i < n; i++) out[second + i] += c * f[first + i] * of[i];
        }
}
