#include <check.h>
#include <stdlib.h>

#include "crypto/proofop.h"

Suite *suite_proofop(void);

static bool decodes_to(const char *text, size_t count, const char *const *keys) {
    struct proofop_keypath path;
    if (!proofop_keypath_decode(&path, span_text(text)) || path.count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!span_equal(path.keys[i], span_text(keys[i])))
            return false;
    return true;
}

static bool is_refused(const char *text) {
    struct proofop_keypath path;
    return !proofop_keypath_decode(&path, span_text(text));
}

START_TEST(key_paths_know_url_escapes_and_hex) {
    ck_assert(decodes_to("/App/IBC/x:010203", 3, (const char *[]){"App", "IBC", "\1\2\3"}));
    ck_assert(decodes_to("/x:0aFf/x:", 2, (const char *[]){"\x0a\xff", ""}));
    ck_assert(decodes_to("/a%20b%2f+%C3%a4", 1, (const char *[]){"a b/+\xc3\xa4"}));
    ck_assert(decodes_to("/", 1, (const char *[]){""}));
    ck_assert(decodes_to("//a/", 3, (const char *[]){"", "a", ""}));
    ck_assert(decodes_to("/X:01/%78:01", 2, (const char *[]){"X:01", "x:01"}));
}
END_TEST

START_TEST(malformed_key_paths_are_refused) {
    static const char *const paths[] = {"", "App", "x:00", "/x:0", "/x:0g", "/x:000", "/%", "/%2", "/%zz", "/a%2/b", "/ok/x:-1"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_msg(is_refused(paths[i]), "%s", paths[i]);
}
END_TEST

START_TEST(key_paths_beyond_their_bounds_are_refused) {
    char text[4096];
    memset(text, '/', PROOFOP_KEYS_MAX + 1);
    text[PROOFOP_KEYS_MAX] = '\0';
    ck_assert(!is_refused(text));
    text[PROOFOP_KEYS_MAX] = '/';
    text[PROOFOP_KEYS_MAX + 1] = '\0';
    ck_assert(is_refused(text));
    memset(text, 'a', sizeof text);
    text[0] = '/';
    text[2049] = '\0';
    ck_assert(!is_refused(text));
    text[2049] = 'a';
    text[2050] = '\0';
    ck_assert(is_refused(text));
}
END_TEST

START_TEST(random_key_paths_never_pass_their_bounds) {
    static const char alphabet[] = "/%x:0aZ";
    srand(4);
    for (int round = 0; round < 100000; round++) {
        size_t n = (size_t)rand() % 60;
        char *text = malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[rand() % 7];
        struct proofop_keypath path;
        if (proofop_keypath_decode(&path, span_of(text, n)))
            ck_assert(path.count >= 1 && path.used <= n);
        free(text);
    }
}
END_TEST

/* A tree of three values and a tree above it whose value under "store" is the first tree's root. */
struct world {
    uint8_t inner_root[SHA256_BYTES], root[SHA256_BYTES];
    uint8_t data[2][1024];
    struct proofop ops[2];
};

static void make_op(struct proofop *op, uint8_t root[static SHA256_BYTES], uint8_t data[static 1024], const char *key,
                    struct span value) {
    uint8_t leaves[3][SHA256_BYTES];
    struct merkle_proof proof;
    struct merkle tree;
    struct proto_writer writer;
    proofop_value_leaf(leaves[0], span_text("first"), span_text("1"));
    proofop_value_leaf(leaves[1], span_text(key), value);
    proofop_value_leaf(leaves[2], span_text("last"), span_text("3"));
    merkle_init(&tree);
    for (size_t i = 0; i < 3; i++)
        merkle_add_leaf_hash(&tree, leaves[i]);
    merkle_root(&tree, root);
    merkle_proof_make(&proof, leaves[0], 3, 1);
    proto_writer_init(&writer, data, 1024);
    proofop_value_write(&writer, span_text(key), &proof);
    *op = (struct proofop){.type = span_text("simple:v"), .key = span_text(key), .data = proto_writer_span(&writer)};
}

static void make_world(struct world *world) {
    make_op(&world->ops[0], world->inner_root, world->data[0], "key", span_text("value"));
    make_op(&world->ops[1], world->root, world->data[1], "store", span_of(world->inner_root, SHA256_BYTES));
}

START_TEST(a_chain_of_value_proofs_verifies_with_its_own_path_and_value_only) {
    struct world world;
    make_world(&world);
    ck_assert(proofop_verify(world.ops, 2, world.root, span_text("/store/key"), span_text("value")));
    ck_assert(proofop_verify(world.ops, 2, world.root, span_text("/x:73746f7265/k%65y"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/key/store"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/key"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/more/store/key"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/store/key/"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/store/key"), span_text("other")));
    ck_assert(!proofop_verify(world.ops, 2, world.inner_root, span_text("/store/key"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 1, world.root, span_text("/store/key"), span_text("value")));
    ck_assert(proofop_verify(world.ops, 1, world.inner_root, span_text("/key"), span_text("value")));
}
END_TEST

START_TEST(unknown_operators_and_no_operators_prove_nothing) {
    struct world world;
    make_world(&world);
    world.ops[1].type = span_text("simple:w");
    ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/store/key"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, 0, world.root, span_text("/store/key"), span_text("value")));
    ck_assert(!proofop_verify(world.ops, PROOFOP_COUNT_MAX + 1, world.root, span_text("/store/key"), span_text("value")));
}
END_TEST

START_TEST(any_flipped_bit_or_cut_of_the_proof_breaks_it) {
    struct world world;
    make_world(&world);
    struct span data = world.ops[0].data;
    size_t passed = 0;
    for (size_t bit = 0; bit < data.size * 8; bit++) {
        world.data[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
        passed += proofop_verify(world.ops, 2, world.root, span_text("/store/key"), span_text("value"));
        world.data[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* only the key inside ValueOp (3 bytes) and the tag before it are not looked at by the rule, and a total of 3 may
     * read 2 or 4 where the path keeps its shape */
    ck_assert_uint_le(passed, 8 * 4 + 8);
    for (size_t size = 0; size < data.size; size++) {
        world.ops[0].data.size = size;
        ck_assert(!proofop_verify(world.ops, 2, world.root, span_text("/store/key"), span_text("value")));
    }
}
END_TEST

Suite *suite_proofop(void) {
    Suite *suite = suite_create("proofop");
    TCase *tests = tcase_create("proofop");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, key_paths_know_url_escapes_and_hex);
    tcase_add_test(tests, malformed_key_paths_are_refused);
    tcase_add_test(tests, key_paths_beyond_their_bounds_are_refused);
    tcase_add_test(tests, random_key_paths_never_pass_their_bounds);
    tcase_add_test(tests, a_chain_of_value_proofs_verifies_with_its_own_path_and_value_only);
    tcase_add_test(tests, unknown_operators_and_no_operators_prove_nothing);
    tcase_add_test(tests, any_flipped_bit_or_cut_of_the_proof_breaks_it);
    suite_add_tcase(suite, tests);
    return suite;
}
