/* What is asked of a network, as every worker sees it. */

#pragma once

#include <stdatomic.h>

#include "real.h"
#include "shape.h"

struct job {
    const struct mlp *m;
    long samples, row, parts, widest;
    const real *features;    /* (C, N, inputs) */
    real *const *parameters; /* weight (out, in) and bias (out) or NULL of each layer */
    real *saved;             /* pre-activations of every block; NULL where no backward pass follows */
    real *out;               /* (C, N, outputs) */
    const real *cotangent;   /* of out; NULL in a forward pass */
    real *gradients;         /* (parts, parameters) */
    long count;              /* parameters */
    real *features_gradient; /* NULL where it isn't asked for */
    const real *slope;       /* (equations, outputs, C, N) where the residuals are affine in out, else NULL */
    const real *constant;    /* (equations, N): the residuals where out is zero */
    real *residuals;         /* (equations, N) */
    long equations;
    atomic_long next, done, failed;
};

static long blocks(const struct job *job) { return (job->samples + S - 1) / S; }

/* Samples that a block holds: S, but for the last. */
static long filled_of(const struct job *job, long block) {
    return job->samples - block * S < S ? job->samples - block * S : S;
}
