#include "crypto/multiscalar25519.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Where the two methods cost the same, measured. */
enum { PIPPENGER_TERMS_MIN = 190 };

enum { BASE_WIDTH = 8, BASE_MULTIPLES = 1 << (BASE_WIDTH - 2) };
static struct edwards25519_flat base_multiples[BASE_MULTIPLES]; /* B, 3B, 5B, … */
static pthread_once_t base_once = PTHREAD_ONCE_INIT;

static void base_make(void) {
    struct edwards25519 twice, multiple;
    edwards25519_base(&multiple);
    edwards25519_double(&twice, &multiple);
    for (int i = 0; i < BASE_MULTIPLES; i++) {
        uint8_t bytes[32];
        struct edwards25519 flat;
        edwards25519_encode(bytes, &multiple);
        bool decoded = edwards25519_decode(&flat, bytes); /* brings z to 1 */
        assert(decoded);
        edwards25519_flat_of(&base_multiples[i], &flat);
        edwards25519_add(&multiple, &multiple, &twice);
    }
}

/* --- Straus: one chain of doublings for all, a small table of odd multiples for each --- */

enum { TERM_WIDTH = 5, TERM_MULTIPLES = 1 << (TERM_WIDTH - 2), FEW = 3 };

struct line {
    int8_t digits[SCALAR25519_NAF_DIGITS];
    struct edwards25519_addend multiples[TERM_MULTIPLES];
};

static size_t line_fill(struct line *line, const struct multiscalar25519_term *term) {
    edwards25519_odd_multiples(line->multiples, TERM_MULTIPLES, &term->point);
    return scalar25519_naf(line->digits, &term->scalar, TERM_WIDTH);
}

static void sum_line(struct edwards25519_sum *sum, const struct line *line, size_t position) {
    int digit = line->digits[position];
    if (digit == 0)
        return;
    struct edwards25519 point;
    edwards25519_sum_to_point(&point, sum);
    edwards25519_sum_addend(sum, &point, &line->multiples[abs(digit) / 2], digit < 0);
}

static void sum_base(struct edwards25519_sum *sum, int digit) {
    if (digit == 0)
        return;
    struct edwards25519 point;
    edwards25519_sum_to_point(&point, sum);
    edwards25519_sum_flat(sum, &point, &base_multiples[abs(digit) / 2], digit < 0);
}

static void straus_run(struct edwards25519 *out, const int8_t *base_digits, const struct line *lines, size_t count,
                       size_t top) {
    *out = edwards25519_identity;
    struct edwards25519_plane plane = {fe25519_zero, fe25519_one, fe25519_one};
    for (size_t position = top; position-- > 0;) {
        struct edwards25519_sum sum;
        edwards25519_plane_double(&sum, &plane);
        for (size_t i = 0; i < count; i++)
            sum_line(&sum, &lines[i], position);
        sum_base(&sum, base_digits[position]);
        if (position > 0)
            edwards25519_sum_to_plane(&plane, &sum);
        else
            edwards25519_sum_to_point(out, &sum);
    }
}

void multiscalar25519_straus_vartime(struct edwards25519 *out, const struct scalar25519 *base,
                                     const struct multiscalar25519_term *terms, size_t count) {
    assert(count <= MULTISCALAR25519_TERMS_MAX);
    pthread_once(&base_once, base_make);
    struct line few[FEW];
    struct line *lines = count <= FEW ? few : malloc(count * sizeof *lines);
    assert(lines != NULL);
    int8_t base_digits[SCALAR25519_NAF_DIGITS];
    size_t top = scalar25519_naf(base_digits, base, BASE_WIDTH);
    for (size_t i = 0; i < count; i++) {
        size_t digits = line_fill(&lines[i], &terms[i]);
        top = digits > top ? digits : top;
    }
    straus_run(out, base_digits, lines, count, top);
    if (lines != few)
        free(lines);
}

/* --- Pippenger: per window of digits, throw each point into the bucket of its digit, then sum the buckets --- */

enum { WINDOW_WIDTH_MAX = 8, BUCKETS_MAX = 1 << (WINDOW_WIDTH_MAX - 1) };

static unsigned window_width_for(size_t count) { return count < 400 ? 6 : count < 1200 ? 7 : 8; }

static void bucket_add(struct edwards25519 *bucket, const struct edwards25519_flat *flat, bool minus) {
    struct edwards25519_sum sum;
    edwards25519_sum_flat(&sum, bucket, flat, minus);
    edwards25519_sum_to_point(bucket, &sum);
}

/* Σ (i + 1) bucket[i], with two additions a bucket: each running total is counted once more at every step down. */
static void buckets_sum(struct edwards25519 *out, const struct edwards25519 *buckets, size_t count) {
    struct edwards25519 running = edwards25519_identity;
    *out = edwards25519_identity;
    for (size_t i = count; i-- > 0;) {
        edwards25519_add(&running, &running, &buckets[i]);
        edwards25519_add(out, out, &running);
    }
}

static void window_sum(struct edwards25519 *out, const struct edwards25519_flat *flats, const int16_t *digits, size_t count,
                       size_t bucket_count) {
    struct edwards25519 buckets[BUCKETS_MAX];
    for (size_t i = 0; i < bucket_count; i++)
        buckets[i] = edwards25519_identity;
    for (size_t i = 0; i < count; i++)
        if (digits[i] != 0)
            bucket_add(&buckets[abs(digits[i]) - 1], &flats[i], digits[i] < 0);
    buckets_sum(out, buckets, bucket_count);
}

static void pippenger_run(struct edwards25519 *out, const struct edwards25519_flat *flats, const int16_t *digits,
                          size_t count, unsigned width, size_t windows) {
    *out = edwards25519_identity;
    for (size_t window = windows; window-- > 0;) {
        struct edwards25519 sum;
        for (unsigned i = 0; i < width; i++)
            edwards25519_double(out, out);
        window_sum(&sum, flats, digits + window * count, count, (size_t)1 << (width - 1));
        edwards25519_add(out, out, &sum);
    }
}

void multiscalar25519_pippenger_vartime(struct edwards25519 *out, const struct scalar25519 *base,
                                        const struct multiscalar25519_term *terms, size_t count) {
    assert(count <= MULTISCALAR25519_TERMS_MAX);
    pthread_once(&base_once, base_make);
    unsigned width = window_width_for(count);
    size_t windows = (254 + width - 1) / width, all = count + 1;
    struct edwards25519_flat *flats = malloc(all * sizeof *flats);
    int16_t *digits = malloc(all * windows * sizeof *digits);
    assert(flats != NULL);
    assert(digits != NULL);
    for (size_t i = 0; i < count; i++) {
        edwards25519_flat_of(&flats[i], &terms[i].point);
        scalar25519_signed_digits(digits + i, windows, all, &terms[i].scalar, width);
    }
    flats[count] = base_multiples[0];
    scalar25519_signed_digits(digits + count, windows, all, base, width);
    pippenger_run(out, flats, digits, all, width, windows);
    free(digits);
    free(flats);
}

void multiscalar25519_vartime(struct edwards25519 *out, const struct scalar25519 *base, const struct multiscalar25519_term *terms,
                              size_t count) {
    if (count < PIPPENGER_TERMS_MIN)
        multiscalar25519_straus_vartime(out, base, terms, count);
    else
        multiscalar25519_pippenger_vartime(out, base, terms, count);
}
