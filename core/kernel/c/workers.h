/* The pool of threads that compute a job's parts. */

#pragma once

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "block.h"

enum { MOST_PARTS = 16 };

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
    job->row = components(&m->layout) * S;
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
