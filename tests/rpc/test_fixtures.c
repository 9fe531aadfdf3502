/* Our answers beside those that real nodes gave (recorded from release 0.37): the same keys, the same kinds of JSON values. What 0.38 changed is
 * named below. The recordings lie outside of the tree, in VECTORS (../shared/vectors); without them there is nothing to compare. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "tests/rpc/lab.h"

static struct lab lab;

static void open_lab(void) { lab_open(&lab, NULL, 12); }
static void close_lab(void) { lab_close(&lab); }

static const char *folder(void) {
    const char *vectors = getenv("VECTORS");
    return vectors != NULL ? vectors : "../shared/vectors";
}

/* NULL: not there. */
static json_t *recorded(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/rpc_fixtures/kvstore_v0_37/incoming/%s.json", folder(), name);
    json_t *answer = json_load_file(path, 0, NULL), *result = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return result;
}

static const char *kind_of(const json_t *value) {
    static const char *const names[] = {"object", "array", "string", "integer", "real", "bool", "bool", "null"};
    return names[json_typeof(value)];
}

/* Values that may be null in one recording and not in another, for lack of content. */
static bool may_be_null(const char *key) {
    static const char *const keys[] = {"data", "value", "signature", "txs_results", "events", "proofOps", "app_hash"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void compare(const char *path, const char *key, const json_t *theirs, const json_t *ours) {
    if (may_be_null(key) && (json_is_null(theirs) || json_is_null(ours)))
        return;
    ck_assert_msg(strcmp(kind_of(theirs), kind_of(ours)) == 0, "%s: theirs is %s, ours is %s", path, kind_of(theirs), kind_of(ours));
    char deeper[512];
    if (json_is_array(theirs) && json_array_size(theirs) > 0 && json_array_size(ours) > 0) {
        snprintf(deeper, sizeof deeper, "%s[]", path);
        compare(deeper, "", json_array_get(theirs, 0), json_array_get(ours, 0));
    }
    const char *name;
    json_t *value;
    if (!json_is_object(theirs))
        return;
    json_object_foreach((json_t *)(uintptr_t)theirs, name, value) {
        const json_t *other = json_object_get(ours, name);
        snprintf(deeper, sizeof deeper, "%s.%s", path, name);
        ck_assert_msg(other != NULL, "%s is missing", deeper);
        compare(deeper, name, value, other);
    }
    json_object_foreach((json_t *)(uintptr_t)ours, name, value)
        ck_assert_msg(json_object_get(theirs, name) != NULL, "%s.%s is ours alone", path, name);
}

/* theirs: a reference that is taken. NULL: no recordings here. */
static void compare_with(const char *name, json_t *theirs, const char *method, const char *params) {
    if (theirs == NULL) {
        printf("  %s: no recording in %s: not compared\n", name, folder());
        return;
    }
    json_t *ours = lab_result(&lab, method, params);
    compare(name, "", theirs, ours);
    json_decref(ours);
    json_decref(theirs);
}

START_TEST(what_did_not_change_since_has_the_same_shape) {
    char by_hash[160], base64[64];
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&lab.chain.ledger, &meta, 10));
    text_base64(base64, digest_span(&meta.block_id.hash));
    snprintf(by_hash, sizeof by_hash, "{\"hash\":\"%s\"}", base64);
    const struct {
        const char *name, *method, *params;
    } cases[] = {
        {"abci_info", "abci_info", "{}"},
        {"abci_query_with_existing_key", "abci_query", "{\"data\":\"747830\"}"},
        {"abci_query_with_non_existent_key", "abci_query", "{\"data\":\"6e6f\"}"},
        {"block_at_height_1", "block", "{\"height\":\"1\"}"},
        {"block_at_height_10", "block", "{\"height\":\"10\"}"},
        {"block_by_hash", "block_by_hash", by_hash},
        {"blockchain_from_1_to_10", "blockchain", "{\"minHeight\":\"1\",\"maxHeight\":\"10\"}"},
        {"broadcast_tx_async", "broadcast_tx_async", "{\"tx\":\"YXN5bmM9dg==\"}"},
        {"broadcast_tx_sync", "broadcast_tx_sync", "{\"tx\":\"c3luYz12\"}"},
        {"commit_at_height_10", "commit", "{\"height\":\"10\"}"},
        {"consensus_state", "consensus_state", "{}"},
        {"net_info", "net_info", "{}"},
        {"status", "status", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        compare_with(cases[i].name, recorded(cases[i].name), cases[i].method, cases[i].params);
}
END_TEST

static void add_abci_params(json_t *params) {
    if (params != NULL)
        json_object_set_new(params, "abci", json_pack("{s:s}", "vote_extensions_enable_height", "0"));
}

START_TEST(parameters_have_gained_the_section_abci) {
    json_t *theirs = recorded("consensus_params");
    add_abci_params(json_object_get(theirs, "consensus_params"));
    compare_with("consensus_params", theirs, "consensus_params", "{\"height\":\"10\"}");
    theirs = recorded("genesis");
    add_abci_params(json_object_get(json_object_get(theirs, "genesis"), "consensus_params"));
    if (theirs != NULL)
        json_object_set_new(json_object_get(theirs, "genesis"), "app_state", json_pack("{s:f}", "x", 1.5));
    compare_with("genesis", theirs, "genesis", "{}");
}
END_TEST

START_TEST(block_results_have_one_list_of_events_and_the_app_hash) {
    json_t *theirs = recorded("block_results_at_height_10");
    if (theirs != NULL) {
        json_object_del(theirs, "begin_block_events");
        json_object_del(theirs, "end_block_events");
        json_object_set_new(theirs, "finalize_block_events", json_null());
        json_object_set_new(theirs, "app_hash", json_string(""));
    }
    compare_with("block_results_at_height_10", theirs, "block_results", "{\"height\":\"10\"}");
}
END_TEST

START_TEST(broadcast_tx_commit_speaks_of_tx_result) {
    json_t *theirs = recorded("broadcast_tx_commit"), *check = json_object_get(theirs, "check_tx");
    if (theirs == NULL)
        return;
    json_object_set(theirs, "tx_result", json_object_get(theirs, "deliver_tx"));
    json_object_del(theirs, "deliver_tx");
    json_object_del(check, "mempoolError");
    json_object_del(check, "priority");
    json_object_del(check, "sender");
    struct lab_reply reply;
    lab_post(&lab, &reply, "{\"id\":1,\"method\":\"broadcast_tx_commit\",\"params\":{\"tx\":\"Yz12\"}}");
    lab_commit(&lab);
    lab_turn(&lab);
    ck_assert(reply.came);
    json_t *ours = json_loads(reply.text, 0, NULL);
    compare("broadcast_tx_commit", "", theirs, json_object_get(ours, "result"));
    json_decref(ours);
    json_decref(theirs);
    lab_reply_close(&reply);
}
END_TEST

START_TEST(a_found_transaction_has_the_shape_of_a_search_result) {
    static const char *const names[] = {"tx_search_no_prove", "tx_search_with_prove"};
    for (int prove = 0; prove < 2; prove++) {
        json_t *search = recorded(names[prove]), *theirs = json_incref(json_array_get(json_object_get(search, "txs"), 0));
        uint8_t hash[32];
        char base64[64], params[128];
        sha256_once(hash, span_text("tx0=value"));
        text_base64(base64, span_of(hash, 32));
        snprintf(params, sizeof params, "{\"hash\":\"%s\",\"prove\":%s}", base64, prove ? "true" : "false");
        if (prove && theirs != NULL) /* a block of one transaction has no aunts; ours has two */
            json_object_set_new(json_object_get(json_object_get(theirs, "proof"), "proof"), "aunts", json_pack("[s]", ""));
        compare_with(names[prove], theirs, "tx", params);
        json_decref(search);
    }
}
END_TEST

Suite *suite_fixtures(void);
Suite *suite_fixtures(void) {
    Suite *suite = suite_create("fixtures");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, open_lab, close_lab);
    tcase_add_test(all, what_did_not_change_since_has_the_same_shape);
    tcase_add_test(all, parameters_have_gained_the_section_abci);
    tcase_add_test(all, block_results_have_one_list_of_events_and_the_app_hash);
    tcase_add_test(all, broadcast_tx_commit_speaks_of_tx_result);
    tcase_add_test(all, a_found_transaction_has_the_shape_of_a_search_result);
    suite_add_tcase(suite, all);
    return suite;
}
