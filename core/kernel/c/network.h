/* What core.kernel.mlp calls; the int is 0, or 1 where memory ran out. */

#pragma once

#include <stdlib.h>

#include "workers.h"

/* Numbers that `saved` must hold. */
long mlp_saved(const struct mlp *m, long samples) {
    long units = 0;
    for (long l = 1; l < m->layers; l++) units += m->widths[l];
    return units * components(&m->layout) * S * ((samples + S - 1) / S);
}

int mlp_forward(const struct mlp *m, long samples, const real *features, real *const *parameters, real *saved,
                real *out, long threads) {
    struct job job = {.m = m, .samples = samples, .features = features, .parameters = parameters, .saved = saved,
                      .out = out};
    return run(&job, threads);
}

static int gradient_of(struct job *job, real *gradient, long threads) {
    int failed = run(job, threads);
    for (long i = 0; !failed && i < job->count; i++) {
        gradient[i] = job->gradients[i];
        for (long part = 1; part < job->parts; part++) gradient[i] += job->gradients[part * job->count + i];
    }
    free(job->gradients);
    return failed;
}

int mlp_backward(const struct mlp *m, long samples, const real *features, real *const *parameters, real *saved,
                 const real *cotangent, real *gradient, real *features_gradient, long threads) {
    struct job job = {.m = m, .samples = samples, .features = features, .parameters = parameters, .saved = saved,
                      .cotangent = cotangent, .features_gradient = features_gradient};
    return gradient_of(&job, gradient, threads);
}

/* Residuals that are affine in the outputs, and the gradient of the sum of their mean squares, in one pass. */
int mlp_affine(const struct mlp *m, long samples, const real *features, real *const *parameters, long equations,
               const real *slope, const real *constant, real *residuals, real *gradient, long threads) {
    struct job job = {.m = m, .samples = samples, .features = features, .parameters = parameters,
                      .equations = equations, .slope = slope, .constant = constant, .residuals = residuals};
    return gradient_of(&job, gradient, threads);
}
