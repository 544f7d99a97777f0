/* Activations of jets: f(z), what its derivatives need, and the way back. */

#pragma once

#include <string.h>

#include "elementary.h"
#include "shape.h"

/* f, f′, f″ at one unit's values. For tanh z is then its image, from which all derivatives come. */
INLINE void derivatives(const struct mlp *m, int fresh, real *restrict z, real *restrict f, real *restrict f1,
                        real *restrict f2) {
    if (m->sine) {
        sines(z, f, f1);
        for (int s = 0; s < S; s++) f2[s] = -f[s];
        return;
    }
    if (fresh)
        for (int s = 0; s < S; s++) z[s] = tanh_of(z[s]);
    for (int s = 0; s < S; s++) {
        f[s] = z[s];
        f1[s] = 1 - f[s] * f[s];
        f2[s] = -2 * f[s] * f1[s];
    }
}

/* Σ c a_i a_j of one form over a unit's gradient [d][S]. */
INLINE void curvature(const struct layout *layout, long form, const real *restrict a, real *restrict out) {
    for (int s = 0; s < S; s++) out[s] = 0;
    for (long t = layout->starts[form]; t < layout->starts[form + 1]; t++) {
        const real *ai = a + layout->pairs[2 * t] * S, *aj = a + layout->pairs[2 * t + 1] * S, c = layout->factors[t];
        for (int s = 0; s < S; s++) out[s] += c * ai[s] * aj[s];
    }
}

/* One unit [C][S] through the activation (Faà di Bruno): z to a. */
static void activate(const struct mlp *m, real *restrict z, real *restrict a) {
    const struct layout *layout = &m->layout;
    real f1[S], f2[S], bent[S];
    derivatives(m, 1, z, a, f1, f2);
    for (long c = 1; c <= layout->dimension; c++)
        for (int s = 0; s < S; s++) a[c * S + s] = f1[s] * z[c * S + s];
    for (long k = 0; k < layout->forms; k++) {
        long c = 1 + layout->dimension + k;
        curvature(layout, k, z + S, bent);
        for (int s = 0; s < S; s++) a[c * S + s] = f1[s] * z[c * S + s] + f2[s] * bent[s];
    }
}

/* The cotangent g of an activated unit becomes that of its pre-activation z; a is computed again. */
static void activate_backward(const struct mlp *m, real *restrict z, real *restrict a, real *restrict g) {
    real f1[S], f2[S], f3[S], bent[S], bend[S], value[S];
    const struct layout *layout = &m->layout;
    long d = layout->dimension;
    derivatives(m, 0, z, a, f1, f2);
    for (int s = 0; s < S; s++) {
        f3[s] = m->sine ? -f1[s] : f1[s] * (4 - 6 * f1[s]);
        value[s] = g[s] * f1[s];
    }
    for (long i = S; i < components(layout) * S; i += S)
        for (int s = 0; s < S; s++) {
            a[i + s] = f1[s] * z[i + s];
            value[s] += f2[s] * g[i + s] * z[i + s];
        }
    for (long i = S; i <= d * S; i += S)
        for (int s = 0; s < S; s++) g[i + s] *= f1[s];
    for (long k = 0; k < layout->forms; k++) {
        long at = (1 + d + k) * S;
        curvature(layout, k, z + S, bent);
        for (int s = 0; s < S; s++) {
            a[at + s] += f2[s] * bent[s];
            value[s] += g[at + s] * f3[s] * bent[s];
            bend[s] = g[at + s] * f2[s];
            g[at + s] *= f1[s];
        }
        for (long t = layout->starts[k]; t < layout->starts[k + 1]; t++) {
            long i = (1 + layout->pairs[2 * t]) * S, j = (1 + layout->pairs[2 * t + 1]) * S;
            real c = layout->factors[t];
            for (int s = 0; s < S; s++) g[i + s] += c * bend[s] * z[j + s];
            for (int s = 0; s < S; s++) g[j + s] += c * bend[s] * z[i + s];
        }
    }
    memcpy(g, value, sizeof value);
}
