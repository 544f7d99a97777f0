/* What core.kernel.library describes: the layout of jets, and a network on them. */

#pragma once

/* A jet's components: the value, `dimension` first derivatives, and `forms` sums Σ c ∂_i∂_j. */
struct layout {
    long dimension, forms;
    const long *starts;    /* forms + 1: where each form's terms begin */
    const long *pairs;     /* i, j of each term */
    const double *factors; /* c of each term */
};

struct mlp {
    struct layout layout;
    long layers;        /* affine maps; an activation follows each but the last */
    const long *widths; /* layers + 1 */
    long sine;          /* else tanh */
};

static long components(const struct layout *layout) { return 1 + layout->dimension + layout->forms; }
