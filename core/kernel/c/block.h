/* One block of samples through the network and back. */

#pragma once

#include <string.h>

#include "activation.h"
#include "job.h"
#include "matrix.h"

/* Between (C, N, width) and a block [width][C][S]; samples beyond the last are zero. */
static void load(const struct job *job, const real *tensor, long width, long block, real *out) {
    long C = components(&job->m->layout), first = block * S, filled = filled_of(job, block);
    for (long c = 0; c < C; c++)
        for (long k = 0; k < width; k++) {
            const real *from = tensor + (c * job->samples + first) * width + k;
            real *to = out + k * job->row + c * S;
            for (long s = 0; s < filled; s++) to[s] = from[s * width];
            for (long s = filled; s < S; s++) to[s] = 0;
        }
}

static void store(const struct job *job, const real *in, long width, long block, real *tensor) {
    long C = components(&job->m->layout), first = block * S, filled = filled_of(job, block);
    for (long c = 0; c < C; c++)
        for (long k = 0; k < width; k++)
            for (long s = 0; s < filled; s++)
                tensor[(c * job->samples + first + s) * width + k] = in[k * job->row + c * S + s];
}

/* Where a block's pre-activations are kept; with a slope they are needed at once and by this thread alone. */
static real *saved_at(const struct job *job, real *saved, long layer, long block) {
    long kept = job->slope ? 1 : blocks(job), at = job->slope ? 0 : block;
    for (long l = 0; l < layer; l++) saved += job->m->widths[l + 1] * job->row * kept;
    return saved + job->m->widths[layer + 1] * job->row * at;
}

/* Leaves the outputs in the second part of the scratch. */
static void forward_block(const struct job *job, long block, real *scratch, real *saved) {
    const struct mlp *m = job->m;
    real *a = scratch, *z = scratch + job->widest * job->row;
    load(job, job->features, m->widths[0], block, a);
    for (long l = 0; l < m->layers; l++) {
        long inputs = m->widths[l], outputs = m->widths[l + 1];
        const real *weight = job->parameters[2 * l], *bias = job->parameters[2 * l + 1];
        int last = l == m->layers - 1;
        real *out = saved && !last ? saved_at(job, saved, l, block) : z;
        product(outputs, inputs, weight, inputs, 1, a, out, job->row);
        for (long o = 0; o < outputs; o++) {
            if (bias)
                for (int s = 0; s < S; s++) out[o * job->row + s] += bias[o];
            if (!last) activate(m, out + o * job->row, a + o * job->row);
        }
    }
}

/* From outputs to their cotangents, both in the second part of the scratch, for the sum of mean squared residuals. */
static void affine_block(const struct job *job, long block, real *scratch) {
    long outputs = job->m->widths[job->m->layers], C = components(&job->m->layout), n = job->samples;
    long first = block * S, filled = filled_of(job, block);
    real *out = scratch + job->widest * job->row, *g = out + job->widest * job->row;
    memset(g, 0, outputs * job->row * sizeof(real));
    for (long e = 0; e < job->equations; e++) {
        const real *slope = job->slope + e * outputs * C * n + first;
        real r[S];
        for (long s = 0; s < filled; s++) r[s] = job->constant[e * n + first + s];
        for (long i = 0; i < outputs * C; i++)
            for (long s = 0; s < filled; s++) r[s] += slope[i * n + s] * out[i * S + s];
        memcpy(job->residuals + e * n + first, r, filled * sizeof(real));
        for (long i = 0; i < outputs * C; i++)
            for (long s = 0; s < filled; s++) g[i * S + s] += (2 / (real)n) * r[s] * slope[i * n + s];
    }
    memcpy(out, g, outputs * job->row * sizeof(real));
}

/* From the outputs' cotangents, in the second part of the scratch. */
static void backward_block(const struct job *job, long block, real *gradient, real *scratch, real *saved) {
    const struct mlp *m = job->m;
    real *a = scratch, *g = scratch + job->widest * job->row, *before = g + job->widest * job->row;
    gradient += job->count;
    for (long l = m->layers - 1; l >= 0; l--) {
        long inputs = m->widths[l], outputs = m->widths[l + 1];
        int biased = job->parameters[2 * l + 1] != NULL;
        if (l || job->features_gradient)
            product(inputs, outputs, job->parameters[2 * l], 1, inputs, g, before, job->row);
        if (l) {
            real *z = saved_at(job, saved, l - 1, block);
            for (long i = 0; i < inputs * job->row; i += job->row) activate_backward(m, z + i, a + i, before + i);
        } else
            load(job, job->features, inputs, block, a);
        gradient -= outputs * inputs + (biased ? outputs : 0);
        outer(outputs, inputs, g, a, job->row, gradient, biased ? gradient + outputs * inputs : NULL);
        real *swap = g;
        g = before, before = swap;
    }
    if (job->features_gradient) store(job, g, m->widths[0], block, job->features_gradient);
}
