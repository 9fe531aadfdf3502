#include "crypto/multiscalar25519.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Where the two methods cost the same, measured. */
enum { PIPPENGER_TERMS_MIN = 190 };

enum { BASE_WIDTH = 8, BASE_MULTIPLES = 1 << (BASE_WIDTH - 2) };
static struct edwards25519_flat base_low[BASE_MULTIPLES];  /* B, 3B, 5B, … */
static struct edwards25519_flat base_high[BASE_MULTIPLES]; /* the same, times 2^127 */
static pthread_once_t base_once = PTHREAD_ONCE_INIT;

static void shift_half(struct edwards25519 *out, const struct edwards25519 *point) {
    *out = *point;
    for (int i = 0; i < SCALAR25519_HALF_BITS; i++)
        edwards25519_double(out, out);
}

static void base_multiples_make(struct edwards25519_flat *out, const struct edwards25519 *point) {
    struct edwards25519 twice, multiple = *point;
    edwards25519_double(&twice, point);
    for (int i = 0; i < BASE_MULTIPLES; i++) {
        uint8_t bytes[32];
        struct edwards25519 flat;
        edwards25519_encode(bytes, &multiple);
        bool decoded = edwards25519_decode(&flat, bytes); /* brings z to 1 */
        assert(decoded);
        edwards25519_flat_of(&out[i], &flat);
        edwards25519_add(&multiple, &multiple, &twice);
    }
}

static void base_make(void) {
    struct edwards25519 base, high;
    edwards25519_base(&base);
    base_multiples_make(base_low, &base);
    shift_half(&high, &base);
    base_multiples_make(base_high, &high);
}

/* --- Straus: one chain of doublings for all, a small table of odd multiples for each --- */

enum { TERM_WIDTH = 5, FEW = 3 };
_Static_assert(MULTISCALAR25519_MULTIPLES == 1 << (TERM_WIDTH - 2), "the table does not fit the width");

struct line {
    int8_t digits[SCALAR25519_NAF_DIGITS];
    const struct edwards25519_addend *multiples;
};

struct base_line {
    int8_t digits[SCALAR25519_NAF_DIGITS];
    const struct edwards25519_flat *multiples;
};

static void sum_line(struct edwards25519_sum *sum, const struct line *line, size_t position) {
    int digit = line->digits[position];
    if (digit == 0)
        return;
    struct edwards25519 point;
    edwards25519_sum_to_point(&point, sum);
    edwards25519_sum_addend(sum, &point, &line->multiples[abs(digit) / 2], digit < 0);
}

static void sum_base(struct edwards25519_sum *sum, const struct base_line *line, size_t position) {
    int digit = line->digits[position];
    if (digit == 0)
        return;
    struct edwards25519 point;
    edwards25519_sum_to_point(&point, sum);
    edwards25519_sum_flat(sum, &point, &line->multiples[abs(digit) / 2], digit < 0);
}

static void straus_run(struct edwards25519 *out, const struct base_line *bases, size_t base_count, const struct line *lines,
                       size_t line_count, size_t top) {
    *out = edwards25519_identity;
    struct edwards25519_plane plane = {fe25519_zero, fe25519_one, fe25519_one};
    for (size_t position = top; position-- > 0;) {
        struct edwards25519_sum sum;
        edwards25519_plane_double(&sum, &plane);
        for (size_t i = 0; i < line_count; i++)
            sum_line(&sum, &lines[i], position);
        for (size_t i = 0; i < base_count; i++)
            sum_base(&sum, &bases[i], position);
        if (position > 0)
            edwards25519_sum_to_plane(&plane, &sum);
        else
            edwards25519_sum_to_point(out, &sum);
    }
}

static size_t base_fill(struct base_line *line, const struct scalar25519 *scalar, const struct edwards25519_flat *multiples) {
    line->multiples = multiples;
    return scalar25519_naf(line->digits, scalar, BASE_WIDTH);
}

static size_t line_fill(struct line *line, const struct scalar25519 *scalar, const struct edwards25519_addend *multiples) {
    line->multiples = multiples;
    return scalar25519_naf(line->digits, scalar, TERM_WIDTH);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* `lines` has room for `count`, `multiples` for as many tables. */
static void straus_within(struct edwards25519 *out, struct line *lines, struct edwards25519_addend *multiples,
                          const struct scalar25519 *base, const struct multiscalar25519_term *terms, size_t count) {
    struct base_line base_line;
    size_t top = base_fill(&base_line, base, base_low);
    for (size_t i = 0; i < count; i++, multiples += MULTISCALAR25519_MULTIPLES) {
        edwards25519_odd_multiples(multiples, MULTISCALAR25519_MULTIPLES, &terms[i].point);
        top = larger(top, line_fill(&lines[i], &terms[i].scalar, multiples));
    }
    straus_run(out, &base_line, 1, lines, count, top);
}

void multiscalar25519_straus_vartime(struct edwards25519 *out, const struct scalar25519 *base,
                                     const struct multiscalar25519_term *terms, size_t count) {
    assert(count <= MULTISCALAR25519_TERMS_MAX);
    pthread_once(&base_once, base_make);
    if (count <= FEW) {
        struct line lines[FEW];
        struct edwards25519_addend multiples[FEW * MULTISCALAR25519_MULTIPLES];
        straus_within(out, lines, multiples, base, terms, count);
        return;
    }
    struct line *lines = malloc(count * sizeof *lines);
    struct edwards25519_addend *multiples = malloc(count * MULTISCALAR25519_MULTIPLES * sizeof *multiples);
    assert(lines != NULL);
    assert(multiples != NULL);
    straus_within(out, lines, multiples, base, terms, count);
    free(multiples);
    free(lines);
}

void multiscalar25519_prepare(struct multiscalar25519_ready *out, const struct edwards25519 *point) {
    struct edwards25519 high;
    shift_half(&high, point);
    edwards25519_odd_multiples(out->low, MULTISCALAR25519_MULTIPLES, point);
    edwards25519_odd_multiples(out->high, MULTISCALAR25519_MULTIPLES, &high);
}

/* Both scalars are cut in half; the halves run down together. */
void multiscalar25519_ready_vartime(struct edwards25519 *out, const struct scalar25519 *base, const struct scalar25519 *scalar,
                                    const struct multiscalar25519_ready *point) {
    struct scalar25519 low, high;
    struct base_line bases[2];
    struct line lines[2];
    pthread_once(&base_once, base_make);
    scalar25519_halve(&low, &high, base);
    size_t top = base_fill(&bases[0], &low, base_low);
    top = larger(top, base_fill(&bases[1], &high, base_high));
    scalar25519_halve(&low, &high, scalar);
    top = larger(top, line_fill(&lines[0], &low, point->low));
    top = larger(top, line_fill(&lines[1], &high, point->high));
    straus_run(out, bases, 2, lines, 2, top);
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
    flats[count] = base_low[0];
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
