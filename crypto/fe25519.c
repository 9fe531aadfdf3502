#include "crypto/fe25519.h"

#include <string.h>

const struct fe25519 fe25519_zero = {{0}};
const struct fe25519 fe25519_one = {{1}};

static const struct fe25519 root_of_minus_one = {
    {0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

static void carry(struct fe25519 *out, const struct fe25519 *a) {
    fe25519_fold(out, a->limb[0], a->limb[1], a->limb[2], a->limb[3], a->limb[4]);
}

void fe25519_negate(struct fe25519 *out, const struct fe25519 *a) {
    struct fe25519 tight;
    carry(&tight, a);
    fe25519_subtract(out, &fe25519_zero, &tight);
    carry(out, out);
}

static uint64_t load_le64(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static void store_le64(uint8_t *out, uint64_t value) {
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

void fe25519_decode(struct fe25519 *out, const uint8_t bytes[static 32]) {
    out->limb[0] = load_le64(bytes) & FE25519_MASK;
    out->limb[1] = load_le64(bytes + 6) >> 3 & FE25519_MASK;
    out->limb[2] = load_le64(bytes + 12) >> 6 & FE25519_MASK;
    out->limb[3] = load_le64(bytes + 19) >> 1 & FE25519_MASK;
    out->limb[4] = load_le64(bytes + 24) >> 12 & FE25519_MASK;
}

/* Two carries bring any loose value below 2p: then it is p too large exactly when adding 19 reaches bit 255. */
static void canonical(struct fe25519 *out, const struct fe25519 *a) {
    struct fe25519 t;
    carry(&t, a);
    carry(&t, &t);
    uint64_t over = (t.limb[0] + 19) >> 51;
    for (int i = 1; i < 5; i++)
        over = (t.limb[i] + over) >> 51;
    t.limb[0] += 19 * over;
    for (int i = 0; i < 4; i++) {
        t.limb[i + 1] += t.limb[i] >> 51;
        t.limb[i] &= FE25519_MASK;
    }
    t.limb[4] &= FE25519_MASK;
    *out = t;
}

void fe25519_encode(uint8_t out[static 32], const struct fe25519 *a) {
    struct fe25519 t;
    canonical(&t, a);
    store_le64(out, t.limb[0] | t.limb[1] << 51);
    store_le64(out + 8, t.limb[1] >> 13 | t.limb[2] << 38);
    store_le64(out + 16, t.limb[2] >> 26 | t.limb[3] << 25);
    store_le64(out + 24, t.limb[3] >> 39 | t.limb[4] << 12);
}

bool fe25519_equal(const struct fe25519 *a, const struct fe25519 *b) {
    struct fe25519 left, right;
    canonical(&left, a);
    canonical(&right, b);
    return memcmp(&left, &right, sizeof left) == 0;
}

bool fe25519_odd(const struct fe25519 *a) {
    struct fe25519 t;
    canonical(&t, a);
    return t.limb[0] & 1;
}

static void square_times(struct fe25519 *out, const struct fe25519 *a, int times) {
    struct fe25519 t;
    fe25519_square(&t, a);
    while (--times > 0)
        fe25519_square(&t, &t);
    *out = t;
}

/* a^(2^250 - 1), and a^11 on the way. */
static void power_250(struct fe25519 *out, struct fe25519 *eleventh, const struct fe25519 *a) {
    struct fe25519 t, ninth, p5, p10, p20, p50, p100;
    fe25519_square(eleventh, a);
    square_times(&t, eleventh, 2);
    fe25519_mul(&ninth, &t, a);
    fe25519_mul(eleventh, eleventh, &ninth);
    fe25519_square(&t, eleventh);
    fe25519_mul(&p5, &t, &ninth);
    square_times(&t, &p5, 5);
    fe25519_mul(&p10, &t, &p5);
    square_times(&t, &p10, 10);
    fe25519_mul(&p20, &t, &p10);
    square_times(&t, &p20, 20);
    fe25519_mul(&t, &t, &p20);
    square_times(&t, &t, 10);
    fe25519_mul(&p50, &t, &p10);
    square_times(&t, &p50, 50);
    fe25519_mul(&p100, &t, &p50);
    square_times(&t, &p100, 100);
    fe25519_mul(&t, &t, &p100);
    square_times(&t, &t, 50);
    fe25519_mul(out, &t, &p50);
}

/* a^(p - 2), p - 2 = 2^255 - 21 = 2^5 (2^250 - 1) + 11 */
void fe25519_invert(struct fe25519 *out, const struct fe25519 *a) {
    struct fe25519 eleventh, t;
    power_250(&t, &eleventh, a);
    square_times(&t, &t, 5);
    fe25519_mul(out, &t, &eleventh);
}

/* RFC 8032 §5.1.3: the candidate u v^3 (u v^7)^((p-5)/8), (p - 5)/8 = 2^252 - 3, is right up to a factor of sqrt(-1). */
bool fe25519_root_of_ratio(struct fe25519 *root, const struct fe25519 *u, const struct fe25519 *v) {
    struct fe25519 uv3, t, eleventh, base, check, minus_u;
    fe25519_square(&t, v);
    fe25519_mul(&uv3, &t, v);
    fe25519_square(&t, &uv3);
    fe25519_mul(&t, &t, v);
    fe25519_mul(&uv3, &uv3, u);
    fe25519_mul(&base, &t, u);
    power_250(&t, &eleventh, &base);
    square_times(&t, &t, 2);
    fe25519_mul(&t, &t, &base);
    fe25519_mul(root, &uv3, &t);
    fe25519_square(&check, root);
    fe25519_mul(&check, &check, v);
    if (fe25519_equal(&check, u))
        return true;
    fe25519_negate(&minus_u, u);
    fe25519_mul(root, root, &root_of_minus_one);
    return fe25519_equal(&check, &minus_u);
}
