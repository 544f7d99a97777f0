/* A network's shape and the layout of its jets, as core.kernel.library describes them. */

#pragma once

struct mlp {
    long layers;        /* affine maps; an activation follows each but the last */
    const long *widths; /* layers + 1 */
    long dimension, forms;
    const long *starts;    /* forms + 1: where each form's terms begin */
    const long *pairs;     /* i, j of each term */
    const double *factors; /* c of each term */
    long sine;             /* else tanh */
};

static long components(const struct mlp *m) { return 1 + m->dimension + m->forms; }
