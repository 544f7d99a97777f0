/* Jets of a fully connected network and their gradients, in blocks of samples that stay in the processor's cache.

   A block has S samples; a jet of `width` units in it is an array [width][C][S]. Every block belongs to a part, parts
   are cut by the number of samples alone and their gradients are added in their order: which thread computes a part,
   and how many threads there are, makes no difference to a single bit. Compiled by core.kernel.compiling, with
   -DSINGLE for float32. */

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef SINGLE
typedef float real;
typedef int32_t bits;
#define MANTISSA 23
#define BIAS 127
#define LN2_HIGH 0.693359375f /* Cody and Waite: the high parts have trailing zeros, so that n·HIGH is exact */
#define LN2_LOW -2.12194440e-4f
#define HALF_PI_1 1.5703125f
#define HALF_PI_2 4.837512969970703125e-4f
#define HALF_PI_3 7.549789948768648e-8f
#define MOST_REDUCED 8192
#else
typedef double real;
typedef int64_t bits;
#define MANTISSA 52
#define BIAS 1023
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define HALF_PI_1 1.57079632673412561417e+00
#define HALF_PI_2 6.07710050630396597660e-11
#define HALF_PI_3 2.02226624879595063154e-21
#define MOST_REDUCED 100000
#endif
#define TO_INTEGER ((real)3 * ((bits)1 << (MANTISSA - 1))) /* added, it leaves an integer in the lowest bits */

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef real vec __attribute__((vector_size(BYTES)));
enum { LANES = BYTES / sizeof(real), TILE = 3 * LANES, S = 2 * TILE, MOST_PARTS = 16 };
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__)
#define IN_REGISTER(v) __asm__("" : "+x"(v)) /* else gcc reads it from memory again for every product */
#else
#define IN_REGISTER(v) (void)(v)
#endif

struct mlp {
    long layers;        /* affine maps; an activation follows each but the last */
    const long *widths; /* layers + 1 */
    long dimension, forms;
    const long *starts;    /* forms + 1: where each form's terms begin */
    const long *pairs;     /* i, j of each term */
    const double *factors; /* c of each term */
    long sine;             /* else tanh */
};

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
static long components(const struct mlp *m) { return 1 + m->dimension + m->forms; }

/* -- activations: f(z) and what its derivatives need ------------------------------------------------------------- */

INLINE real tanh_of(real x) {
    real y = -2 * (x < 0 ? -x : x);
    y = y < -80 ? -80 : y;
    real shifted = y * (real)1.44269504088896340736 + TO_INTEGER, n = shifted - TO_INTEGER;
    real r = (y - n * LN2_HIGH) - n * LN2_LOW, p = (real)(1 / 6227020800.), two_n;
    const double inverse_factorials[] = {1 / 479001600., 1 / 39916800., 1 / 3628800., 1 / 362880., 1 / 40320.,
                                         1 / 5040., 1 / 720., 1 / 120., 1 / 24., 1 / 6., 0.5};
    for (int k = 0; k < 11; k++) p = p * r + (real)inverse_factorials[k];
    p = r + r * r * p; /* exp(r) − 1 */
    bits exponent;
    memcpy(&exponent, &shifted, sizeof exponent);
    exponent = (bits)((sizeof(bits) == 8 ? (uint64_t)exponent + BIAS : (uint32_t)exponent + BIAS) << MANTISSA);
    memcpy(&two_n, &exponent, sizeof two_n);
    real e = two_n * p + (two_n - 1); /* exp(−2|x|) − 1, to full relative accuracy near zero */
    real t = -e / (2 + e);
    return x < 0 ? -t : t;
}

INLINE void sine_of(real x, real *sine, real *cosine) {
    real shifted = x * (real)0.63661977236758134308 + TO_INTEGER, n = shifted - TO_INTEGER;
    real r = ((x - n * HALF_PI_1) - n * HALF_PI_2) - n * HALF_PI_3, q = r * r;
    const double odd[] = {-1 / 1307674368000., 1 / 6227020800., -1 / 39916800., 1 / 362880., -1 / 5040., 1 / 120., -1 / 6.};
    const double even[] = {-1 / 87178291200., 1 / 479001600., -1 / 3628800., 1 / 40320., -1 / 720., 1 / 24., -0.5};
    real s = (real)(1 / 355687428096000.), c = (real)(1 / 20922789888000.);
    for (int k = 0; k < 7; k++) {
        s = s * q + (real)odd[k];
        c = c * q + (real)even[k];
    }
    s = r + r * (q * s);
    c = 1 + q * c;
    bits quadrant;
    memcpy(&quadrant, &shifted, sizeof quadrant);
    real from_s = quadrant & 1 ? c : s, from_c = quadrant & 1 ? s : c;
    *sine = quadrant & 2 ? -from_s : from_s;
    *cosine = (quadrant + 1) & 2 ? -from_c : from_c;
}

static void sines(const real *z, real *sine, real *cosine) {
    real largest = 0;
    for (int s = 0; s < S; s++) largest = fabs(z[s]) > largest ? fabs(z[s]) : largest;
    if (largest < MOST_REDUCED)
        for (int s = 0; s < S; s++) sine_of(z[s], sine + s, cosine + s);
    else
        for (int s = 0; s < S; s++) sine[s] = sin(z[s]), cosine[s] = cos(z[s]);
}

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
INLINE void curvature(const struct mlp *m, long form, const real *restrict a, real *restrict out) {
    for (int s = 0; s < S; s++) out[s] = 0;
    for (long t = m->starts[form]; t < m->starts[form + 1]; t++) {
        const real *ai = a + m->pairs[2 * t] * S, *aj = a + m->pairs[2 * t + 1] * S, c = m->factors[t];
        for (int s = 0; s < S; s++) out[s] += c * ai[s] * aj[s];
    }
}

/* One unit [C][S] through the activation (Faà di Bruno): z to a. */
static void activate(const struct mlp *m, real *restrict z, real *restrict a) {
    real f1[S], f2[S], bent[S];
    derivatives(m, 1, z, a, f1, f2);
    for (long c = 1; c <= m->dimension; c++)
        for (int s = 0; s < S; s++) a[c * S + s] = f1[s] * z[c * S + s];
    for (long k = 0; k < m->forms; k++) {
        long c = 1 + m->dimension + k;
        curvature(m, k, z + S, bent);
        for (int s = 0; s < S; s++) a[c * S + s] = f1[s] * z[c * S + s] + f2[s] * bent[s];
    }
}

/* The cotangent g of an activated unit becomes that of its pre-activation z; a is computed again. */
static void activate_backward(const struct mlp *m, real *restrict z, real *restrict a, real *restrict g) {
    real f1[S], f2[S], f3[S], bent[S], bend[S], value[S];
    long d = m->dimension;
    derivatives(m, 0, z, a, f1, f2);
    for (int s = 0; s < S; s++) {
        f3[s] = m->sine ? -f1[s] : f1[s] * (4 - 6 * f1[s]);
        value[s] = g[s] * f1[s];
    }
    for (long i = S; i < components(m) * S; i += S)
        for (int s = 0; s < S; s++) {
            a[i + s] = f1[s] * z[i + s];
            value[s] += f2[s] * g[i + s] * z[i + s];
        }
    for (long i = S; i <= d * S; i += S)
        for (int s = 0; s < S; s++) g[i + s] *= f1[s];
    for (long k = 0; k < m->forms; k++) {
        long at = (1 + d + k) * S;
        curvature(m, k, z + S, bent);
        for (int s = 0; s < S; s++) {
            a[at + s] += f2[s] * bent[s];
            value[s] += g[at + s] * f3[s] * bent[s];
            bend[s] = g[at + s] * f2[s];
            g[at + s] *= f1[s];
        }
        for (long t = m->starts[k]; t < m->starts[k + 1]; t++) {
            long i = (1 + m->pairs[2 * t]) * S, j = (1 + m->pairs[2 * t + 1]) * S;
            real c = m->factors[t];
            for (int s = 0; s < S; s++) g[i + s] += c * bend[s] * z[j + s];
            for (int s = 0; s < S; s++) g[j + s] += c * bend[s] * z[i + s];
        }
    }
    memcpy(g, value, sizeof value);
}

/* -- products ---------------------------------------------------------------------------------------------------- */

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

/* -- blocks ------------------------------------------------------------------------------------------------------ */

/* Between (C, N, width) and a block [width][C][S]; samples beyond the last are zero. */
static void load(const struct job *job, const real *tensor, long width, long block, real *out) {
    long C = components(job->m), first = block * S, filled = job->samples - first < S ? job->samples - first : S;
    for (long c = 0; c < C; c++)
        for (long k = 0; k < width; k++) {
            const real *from = tensor + (c * job->samples + first) * width + k;
            real *to = out + k * job->row + c * S;
            for (long s = 0; s < filled; s++) to[s] = from[s * width];
            for (long s = filled; s < S; s++) to[s] = 0;
        }
}

static void store(const struct job *job, const real *in, long width, long block, real *tensor) {
    long C = components(job->m), first = block * S, filled = job->samples - first < S ? job->samples - first : S;
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
    long outputs = job->m->widths[job->m->layers], C = components(job->m), n = job->samples, first = block * S;
    long filled = n - first < S ? n - first : S;
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

/* Computes parts until none is left. */
static void work(struct job *job) {
    const struct mlp *m = job->m;
    long size = job->widest * job->row, kept = 0, outputs = m->widths[m->layers];
    for (long l = 1; job->slope && l < m->layers; l++) kept += m->widths[l] * job->row;
    real *scratch = aligned_alloc(64, ((3 * size + kept) * sizeof(real) + 63) / 64 * 64);
    if (!scratch) atomic_store(&job->failed, 1);
    for (long part; (part = atomic_fetch_add(&job->next, 1)) < job->parts; atomic_fetch_add(&job->done, 1)) {
        if (!scratch) continue;
        long first = part * blocks(job) / job->parts, end = (part + 1) * blocks(job) / job->parts;
        real *gradient = job->gradients + part * job->count, *saved = job->slope ? scratch + 3 * size : job->saved;
        for (long block = first; block < end; block++) {
            if (!job->cotangent) forward_block(job, block, scratch, saved);
            if (job->slope) affine_block(job, block, scratch);
            else if (job->cotangent) load(job, job->cotangent, outputs, block, scratch + size);
            else store(job, scratch + size, outputs, block, job->out);
            if (job->gradients) backward_block(job, block, gradient, scratch, saved);
        }
    }
    free(scratch);
}

/* -- threads ----------------------------------------------------------------------------------------------------- */

static pthread_mutex_t one_job = PTHREAD_MUTEX_INITIALIZER, lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct job *current;
static long workers, inside, turn;

static void *worker(void *unused) {
    long seen = 0;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!current || seen == turn) pthread_cond_wait(&wake, &lock);
        struct job *job = current;
        seen = turn, inside++;
        pthread_mutex_unlock(&lock);
        work(job);
        pthread_mutex_lock(&lock);
        inside--;
    }
    return unused;
}

static void forget_workers(void) { /* a forked child has none */
    workers = inside = 0;
    current = NULL;
    pthread_mutex_init(&one_job, NULL), pthread_mutex_init(&lock, NULL), pthread_cond_init(&wake, NULL);
}

static void add_worker(void) {
    static int registered;
    pthread_t thread;
    if (!registered) registered = !pthread_atfork(NULL, NULL, forget_workers);
    if (!pthread_create(&thread, NULL, worker, NULL)) pthread_detach(thread), workers++;
}

static int run(struct job *job, long threads) {
    const struct mlp *m = job->m;
    for (long l = 0; l <= m->layers; l++) job->widest = m->widths[l] > job->widest ? m->widths[l] : job->widest;
    job->row = components(m) * S;
    long several = (blocks(job) + MOST_PARTS - 1) / MOST_PARTS;
    job->parts = (blocks(job) + several - 1) / several;
    for (long l = 0; l < m->layers; l++)
        job->count += m->widths[l + 1] * (m->widths[l] + (job->parameters[2 * l + 1] != NULL));
    if ((job->cotangent || job->slope) && !(job->gradients = calloc(job->parts * job->count, sizeof(real)))) return 1;
    pthread_mutex_lock(&one_job);
    pthread_mutex_lock(&lock);
    while (workers < threads - 1 && workers < job->parts - 1) {
        long before = workers;
        add_worker();
        if (workers == before) break; /* the caller computes what no thread does */
    }
    int shared = threads > 1 && workers && job->parts > 1;
    if (shared) current = job, turn++, pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    work(job);
    for (long spins = 0; atomic_load(&job->done) < job->parts; spins++)
        if (spins > 1000) sched_yield();
    while (shared) { /* no worker may look at the job any more */
        pthread_mutex_lock(&lock);
        current = NULL, shared = inside > 0;
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_unlock(&one_job);
    return atomic_load(&job->failed);
}

/* -- what Python calls; the int is 0, or 1 where memory ran out --------------------------------------------------- */

/* Numbers that `saved` must hold. */
long mlp_saved(const struct mlp *m, long samples) {
    long units = 0;
    for (long l = 1; l < m->layers; l++) units += m->widths[l];
    return units * components(m) * S * ((samples + S - 1) / S);
}

int mlp_forward(const struct mlp *m, long samples, const real *features, real *const *parameters, real *saved,
                real *out, long threads) {
    struct job job = {.m = m, .samples = samples, .features = features, .parameters = parameters, .saved = saved, .out = out};
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

/* out = f·g for jets (C, n), by Leibniz's rule. */
void jet_product(const struct mlp *m, long n, const real *restrict f, const real *restrict g, real *restrict out) {
    for (long i = 0; i < n; i++) out[i] = f[i] * g[i];
    for (long c = 1; c < components(m); c++)
        for (long i = 0; i < n; i++) out[c * n + i] = f[i] * g[c * n + i] + f[c * n + i] * g[i];
    for (long k = 0; k < m->forms; k++)
        for (long t = m->starts[k]; t < m->starts[k + 1]; t++) {
            long first = (1 + m->pairs[2 * t]) * n, second = (1 + m->pairs[2 * t + 1]) * n;
            real *restrict to = out + (1 + m->dimension + k) * n, c = m->factors[t];
            for (long i = 0; i < n; i++) to[i] += c * (f[first + i] * g[second + i] + f[second + i] * g[first + i]);
        }
}

/* The cotangent of g in f·g, from that of the product. */
void jet_product_backward(const struct mlp *m, long n, const real *restrict f, const real *restrict cotangent,
                          real *restrict out) {
    for (long c = 0; c < components(m); c++)
        for (long i = 0; i < n; i++) out[c * n + i] = f[i] * cotangent[c * n + i];
    for (long c = 1; c < components(m); c++)
        for (long i = 0; i < n; i++) out[i] += f[c * n + i] * cotangent[c * n + i];
    for (long k = 0; k < m->forms; k++)
        for (long t = m->starts[k]; t < m->starts[k + 1]; t++) {
            long first = (1 + m->pairs[2 * t]) * n, second = (1 + m->pairs[2 * t + 1]) * n;
            const real *of = cotangent + (1 + m->dimension + k) * n, c = m->factors[t];
            for (long i = 0; i < n; i++) out[first + i] += c * f[second + i] * of[i];
            for (long i = 0; i < n; i++) out[second + i] += c * f[first + i] * of[i];
        }
}

/* Adam (Kingma and Ba, algorithm 1) on parameters that lie apart; mean and square are one vector each. */
void adam_step(long tensors, const long *sizes, real *const *parameters, real *const *gradients, real *restrict mean,
               real *restrict square, double rate, double first, double second, double unbiased, double epsilon) {
    for (long t = 0; t < tensors; mean += sizes[t], square += sizes[t], t++) {
        real *restrict p = parameters[t];
        const real *restrict g = gradients[t], a = 1 - first, b = second, c = 1 - second;
        for (long i = 0; i < sizes[t]; i++) {
            mean[i] += a * (g[i] - mean[i]);
            square[i] = b * square[i] + c * g[i] * g[i];
            p[i] -= (real)rate * mean[i] / ((real)sqrt(square[i]) / (real)unbiased + (real)epsilon);
        }
    }
}
