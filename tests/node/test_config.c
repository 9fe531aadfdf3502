#include "node/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/config_toml.h"

static struct config config;
static char *warning, *error;

static void setup(void) {
    config_init(&config, PARAMS_V038);
    warning = error = NULL;
}

static void teardown(void) {
    config_close(&config);
    free(warning);
    free(error);
}

static bool reads(const char *toml) {
    free(error);
    error = NULL;
    return config_read(&config, span_text(toml), "config.toml", &warning, &error);
}

static void expect_value(const char *key, const char *value) {
    char *text = config_value(&config, key);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strcmp(text, value) == 0, "%s = %s", key, text);
    free(text);
}

static void expect_error(const char *toml, const char *part) {
    ck_assert_msg(!reads(toml), "%s was taken", toml);
    ck_assert_msg(strstr(error, part) != NULL, "%s", error);
}

START_TEST(values_of_every_type_are_read) {
    ck_assert_msg(reads("moniker = \"n\\\"\\u00e9\" # comment\n[p2p]\nladdr = 'tcp://0.0.0.0:1'\nmax_num_inbound_peers = 1_0\npex=false\n"
                        "handshake_timeout = \"1m1.5s\"\n[rpc]\ncors_allowed_origins = [\n  \"a\", # one\n 'b',\n]\n"),
                  "%s", error);
    ck_assert_str_eq(config.moniker, "n\"\xc3\xa9");
    ck_assert_str_eq(config.p2p.laddr, "tcp://0.0.0.0:1");
    ck_assert_int_eq(config.p2p.max_num_inbound_peers, 10);
    ck_assert(!config.p2p.pex);
    ck_assert_int_eq(config.p2p.handshake_timeout_ms, 61500);
    ck_assert_str_eq(config.rpc.cors_allowed_origins, "a,b");
    ck_assert_ptr_null(warning);
}
END_TEST

START_TEST(weak_types_are_taken_as_cometbft_takes_them) {
    ck_assert_msg(reads("[mempool]\nsize = \"7\"\nrecheck = \"false\"\n[p2p]\ndial_timeout = 2000000000\n[statesync]\nchunk_fetchers = \"4\"\n"
                        "[rpc]\ncors_allowed_origins = \"x, y\"\n"),
                  "%s", error);
    ck_assert_int_eq(config.mempool.size, 7);
    ck_assert(!config.mempool.recheck);
    ck_assert_int_eq(config.p2p.dial_timeout_ms, 2000);
    expect_value("rpc.cors_allowed_origins", "[\"x\", \"y\"]");
}
END_TEST

START_TEST(defaults_are_those_of_the_release) {
    ck_assert_int_eq(config.mempool.max_tx_bytes, 1048576);
    ck_assert_int_eq(config.p2p.flush_throttle_timeout_ms, 100);
    ck_assert_str_eq(config_rpc_version(&config), "0.38.17");
    ck_assert_int_eq(config_release(&config), PARAMS_V038);
    ck_assert(reads("[quorate]\nrelease = \"0.40\"\n"));
    ck_assert_int_eq(config.mempool.max_tx_bytes, 4194304);
    ck_assert_int_eq(config.p2p.flush_throttle_timeout_ms, 10);
    ck_assert_str_eq(config_rpc_version(&config), "0.40.0");
    ck_assert(reads("[quorate]\nrelease = \"0.39\"\nrpc_version = \"0.39.9\"\n"));
    ck_assert_int_eq(config.mempool.max_tx_bytes, 1048576);
    ck_assert_int_eq(config.p2p.flush_throttle_timeout_ms, 10);
    ck_assert_str_eq(config_rpc_version(&config), "0.39.9");
    expect_error("[quorate]\nrelease = \"0.37\"\n", "0.38|0.39|0.40");
}
END_TEST

START_TEST(what_is_given_wins_over_the_releases_default) {
    ck_assert(reads("[mempool]\nmax_tx_bytes = 5\n[quorate]\nrelease = \"0.40\"\n"));
    ck_assert_int_eq(config.mempool.max_tx_bytes, 5);
}
END_TEST

START_TEST(a_misspelt_setting_is_refused_with_line_and_the_nearest_name) {
    expect_error("moniker = \"x\"\n\n[p2p]\npersistant_peers = \"\"\n", "config.toml: line 4: p2p.persistant_peers: neither CometBFT nor Quorate");
    ck_assert_ptr_nonnull(strstr(error, "near is [p2p] persistent_peers"));
    expect_error("persistent_peers = \"\"\n", "near is [p2p] persistent_peers");
    expect_error("[consensus]\nmonikr = \"\"\n", "near is moniker, at the top");
    expect_error("[nowhere]\nqqqqqqqqqqqqqqqq = 1\n", "remove it");
}
END_TEST

START_TEST(what_cometbft_knows_and_we_do_not_is_named_in_one_warning) {
    ck_assert_msg(reads("fast_sync = true\nabci = \"socket\"\n[rpc]\ngrpc_laddr = \"tcp://1.2.3.4:5\"\npprof_laddr = \"\"\n[mempool]\nmax_batch_bytes = 5\nwal_dir = \"w\"\n"
                        "[p2p.libp2p]\nenabled = false\nlimits = { mode = \"x\", n = [1, 2] }\n[[p2p.libp2p.bootstrap_peers]]\nhost = \"h\"\n"),
                  "%s", error);
    ck_assert_ptr_nonnull(warning);
    ck_assert_ptr_nonnull(strstr(warning, "rpc.grpc_laddr, mempool.wal_dir"));
    ck_assert_ptr_null(strstr(warning, "abci"));
    ck_assert_ptr_null(strstr(warning, "pprof"));
    ck_assert_ptr_null(strstr(warning, "\n"));
}
END_TEST

START_TEST(what_would_be_dangerous_to_pass_over_is_refused) {
    expect_error("[statesync]\nenable = true\n", "state sync");
    expect_error("[mempool]\ntype = \"nop\"\n", "flood");
    expect_error("[tx_index]\nindexer = \"psql\"\n", "kv|null");
    expect_error("[p2p.libp2p]\nenabled = true\n", "later release");
    ck_assert(reads("priv_validator_laddr = \"\"\n[rpc]\ntls_cert_file = \"\"\n[statesync]\nenable = false\n"));
}
END_TEST

START_TEST(half_a_guard_of_the_rpc_is_refused) {
    static const char *const wrong[] = {"[rpc]\ntls_cert_file = \"x\"\n", "[rpc]\ntls_cert_file = \"\"\ntls_key_file = \"x\"\n",
                                        "[rpc]\ntls_key_file = \"\"\n[quorate]\nrpc_tokens = [\"short=read\"]\n",
                                        "[quorate]\nrpc_tokens = []\nrpc_anonymous = \"write\"\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(reads(wrong[i]), "%s", error);
        ck_assert_msg(!config_check(&config, &error), "%s was taken", wrong[i]);
        free(error);
        error = NULL;
    }
    ck_assert_msg(reads("[rpc]\ntls_cert_file = \"x\"\ntls_key_file = \"y\"\n[quorate]\nrpc_tokens = [\"0123456789abcdef=read\", \"fedcba9876543210=admin\"]\n"
                        "rpc_anonymous = \"\"\n") && config_check(&config, &error), "%s", error);
}
END_TEST

START_TEST(a_seed_exchanges_addresses_or_is_none) {
    ck_assert_msg(reads("filter_peers = true\n[p2p]\nseed_mode = true\n") && config_check(&config, &error), "%s", error);
    ck_assert(config.filter_peers && config.p2p.seed_mode);
    ck_assert(reads("[p2p]\nseed_mode = true\npex = false\n"));
    ck_assert(!config_check(&config, &error));
    ck_assert_ptr_nonnull(strstr(error, "p2p.pex"));
    free(error);
    error = NULL;
}
END_TEST

START_TEST(a_remote_signer_connects_by_tcp_or_unix_and_by_nothing_else) {
    ck_assert_msg(reads("priv_validator_laddr = \"tcp://127.0.0.1:26659\"\n") && config_check(&config, &error), "%s", error);
    ck_assert_str_eq(config.priv_validator_laddr, "tcp://127.0.0.1:26659");
    ck_assert_msg(reads("priv_validator_laddr = \"unix:///run/signer.sock\"\n") && config_check(&config, &error), "%s", error);
    static const char *const wrong[][2] = {{"noise://127.0.0.1:1", "noise://"}, {"http://127.0.0.1:1", "tcp://HOST:PORT"}, {"tcp://127.0.0.1", "tcp://HOST:PORT"},
                                           {"unix://", "path of a socket"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char toml[100];
        snprintf(toml, sizeof toml, "priv_validator_laddr = \"%s\"\n", wrong[i][0]);
        ck_assert(reads(toml));
        ck_assert(!config_check(&config, &error));
        ck_assert_msg(strstr(error, wrong[i][1]) != NULL && strstr(error, "priv_validator_laddr") != NULL, "%s", error);
    }
}
END_TEST

START_TEST(values_out_of_range_are_refused_with_their_line) {
    expect_error("\n[mempool]\nsize = -1\n", "config.toml: line 3: mempool.size = \"-1\": must not be negative");
    expect_error("[mempool]\nsize = \"many\"\n", "whole number");
    expect_error("[mempool]\nsize = 1.5\n", "no value for this setting");
    expect_error("[mempool]\nsize = 99999999999999\n", "too large");
    expect_error("[mempool]\nrecheck = 5\n", "true or false");
    expect_error("[consensus]\ntimeout_commit = \"fast\"\n", "expected a duration");
    expect_error("[consensus]\ntimeout_commit = \"-1s\"\n", "negative");
    expect_error("[consensus]\ntimeout_commit = [1]\n", "no value for this setting");
    expect_error("log_format = \"xml\"\n", "plain|json");
}
END_TEST

START_TEST(a_setting_given_twice_is_refused) {
    expect_error("moniker = \"a\"\n[p2p]\npex = true\npex = false\n", "line 4: pex is set twice (first in line 3)");
    expect_error("moniker = \"a\"\nmoniker = \"b\"\n", "twice");
}
END_TEST

START_TEST(malformed_files_are_refused_with_the_line) {
    static const char *const texts[] = {
        "moniker = \"x\n", "moniker\n", "moniker = \n", "= 1\n", "[p2p\npex = true\n", "moniker = \"a\" b\n", "moniker = word\n",
        "moniker = \"\\q\"\n", "moniker = \"\\ud800\"\n", "[rpc]\ncors_allowed_origins = [\"a\"\n", "moniker = 'a\n'\n", "[]\n", "a..b = 1\n",
        "moniker = \"\"\"never ends\n", "[p2p.]\n", "moniker = {a = 1\n", "moniker = \"a\",\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_error(texts[i], "config.toml: line ");
}
END_TEST

START_TEST(nesting_and_names_have_limits) {
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    strcpy(long_name + 300, " = 1\n");
    expect_error(long_name, "too long");
    char *large = malloc(CONFIG_TOML_BYTES_MAX + 2);
    memset(large, '\n', CONFIG_TOML_BYTES_MAX + 1);
    large[CONFIG_TOML_BYTES_MAX + 1] = '\0';
    expect_error(large, "larger than");
    free(large);
}
END_TEST

START_TEST(noise_is_survived) {
    static const char letters[] = "ab=\"'[]{}#\n\\., 0-_tpu\r\t";
    uint64_t state = 3;
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t)(state >> 40) % 60;
        char *text = malloc(size + 1);
        for (size_t k = 0; k < size; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[k] = (state >> 60) == 0 ? (char)(state >> 33) : letters[(state >> 33) % (sizeof letters - 1)];
        }
        char *what = NULL, *notes = NULL;
        (void)config_read(&config, span_of(text, size), "noise", &notes, &what);
        free(what);
        free(notes);
        free(text);
    }
}
END_TEST

START_TEST(the_environment_overrides_the_file) {
    const char *variables[] = {"PATH=/x", "CMT_P2P_LADDR=tcp://9.9.9.9:9", "CMT_MONIKER=other", "CMT_MEMPOOL_KEEP_INVALID_TXS_IN_CACHE=true",
                         "CMTHOME=/y", "CMT_CONSENSUS_TIMEOUT_COMMIT=7ms", "CMT_NOBODY=1", NULL};
    ck_assert(reads("moniker = \"mine\"\n"));
    ck_assert_msg(config_environment(&config, variables, &warning, &error), "%s", error);
    ck_assert_str_eq(config.moniker, "other");
    ck_assert_str_eq(config.p2p.laddr, "tcp://9.9.9.9:9");
    ck_assert(config.mempool.keep_invalid_txs_in_cache);
    ck_assert_int_eq(config.consensus.timeout_commit_ms, 7);
    ck_assert_ptr_nonnull(strstr(warning, "CMT_NOBODY"));
    const char *wrong[] = {"CMT_MEMPOOL_SIZE=x", NULL};
    ck_assert(!config_environment(&config, wrong, &warning, &error));
    ck_assert_ptr_nonnull(strstr(error, "environment: mempool.size"));
}
END_TEST

START_TEST(a_single_setting_can_be_set_by_name) {
    ck_assert(config_set(&config, "p2p.laddr", "tcp://h:1", &error));
    ck_assert_str_eq(config.p2p.laddr, "tcp://h:1");
    ck_assert(config_set(&config, "moniker", "m", &error));
    ck_assert(!config_set(&config, "p2p.ladr", "tcp://h:1", &error));
    ck_assert_ptr_nonnull(strstr(error, "near is [p2p] laddr"));
}
END_TEST

/* --p2p.external-address and others, as CometBFT's `start` spells them. */
START_TEST(the_options_of_cometbft_for_peers_are_ours) {
    static const char *const options[][2] = {
        {"p2p.laddr", "tcp://127.0.0.1:1"}, {"p2p.external-address", "1.2.3.4:5"}, {"p2p.seeds", "a"}, {"p2p.persistent_peers", "b"},
        {"p2p.unconditional_peer_ids", "c"}, {"p2p.pex", "true"}, {"p2p.seed_mode", "true"}, {"p2p.private_peer_ids", "d"},
        {"mempool.keep_invalid_txs_in_cache", "true"}, {"mempool.keep-invalid-txs-in-cache", "true"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        ck_assert_msg(config_set(&config, options[i][0], options[i][1], &error), "%s", error);
        ck_assert(config_is_flag(options[i][0]) == (strcmp(options[i][1], "true") == 0));
    }
    ck_assert_str_eq(config.p2p.external_address, "1.2.3.4:5");
    ck_assert_str_eq(config.p2p.private_peer_ids, "d");
    ck_assert(config.p2p.seed_mode && config.mempool.keep_invalid_txs_in_cache);
    ck_assert(!config_is_flag("p2p.nonsense") && !config_is_flag("nonsense"));
}
END_TEST

START_TEST(the_written_file_reads_back_the_same) {
    struct config other;
    ck_assert(reads("moniker = \"a\\\\\\\"\\u0001é\"\n[consensus]\ntimeout_commit = \"1500ms\"\ntimeout_propose = \"2h\"\n[rpc]\n"
                    "cors_allowed_origins = [\"*\"]\n[quorate]\nrelease = \"0.40\"\n[p2p]\nallow_only = true\n"));
    char *text = config_text(&config);
    config_init(&other, PARAMS_V038);
    ck_assert_msg(config_read(&other, span_text(text), "written", &warning, &error), "%s", error);
    ck_assert_ptr_null(warning);
    char *again = config_text(&other);
    ck_assert_str_eq(text, again);
    ck_assert_str_eq(other.moniker, config.moniker);
    ck_assert_int_eq(other.consensus.timeout_commit_ms, 1500);
    ck_assert(other.p2p.allow_only);
    free(text);
    free(again);
    config_close(&other);
}
END_TEST

START_TEST(an_application_is_a_name_that_we_have_or_an_address) {
    ck_assert(config_check(&config, &error));
    ck_assert_str_eq(config_application(&config), "ledger");
    ck_assert(!config_app_is_apart(&config));
    ck_assert(reads("proxy_app = \"tcp://127.0.0.1:26658\"\n"));
    ck_assert_msg(config_check(&config, &error), "%s", error);
    ck_assert(config_app_is_apart(&config));
    ck_assert(reads("proxy_app = \"unix:///run/app.sock\"\n") && config_check(&config, &error));
    ck_assert(reads("proxy_app = \"localhost:26658\"\n") && config_check(&config, &error));
    ck_assert(reads("abci = \"grpc\"\n"));
    ck_assert(!config_check(&config, &error));
    ck_assert_ptr_nonnull(strstr(error, "grpc is not supported here"));
    free(error);
    error = NULL;
    ck_assert(reads("proxy_app = \"quic://127.0.0.1:1\"\n"));
    ck_assert(!config_check(&config, &error));
    ck_assert_ptr_nonnull(strstr(error, "tcp://HOST:PORT or unix://PATH is wanted"));
    free(error);
    error = NULL;
    ck_assert(reads("proxy_app = \"e2e\"\n"));
    ck_assert(!config_check(&config, &error));
    ck_assert_ptr_nonnull(strstr(error, "no such application is built in"));
    free(error);
    error = NULL;
    ck_assert(reads("proxy_app = \"tcp://127.0.0.1:26658\"\n[quorate]\napplication = \"kvstore\"\n"));
    ck_assert(config_check(&config, &error));
    ck_assert_str_eq(config_application(&config), "kvstore");
    ck_assert(!config_app_is_apart(&config));
    ck_assert(reads("proxy_app = \"ledger\"\n"));
    ck_assert(!config_check(&config, &error));
    ck_assert_ptr_nonnull(strstr(error, "make them equal"));
    ck_assert(reads("proxy_app = \"kvstore\"\n"));
    ck_assert(config_check(&config, &error));
}
END_TEST

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccc"

START_TEST(only_listed_peers_are_admitted_where_only_they_are_wanted) {
    ck_assert(config_admits(&config, ID_A));
    ck_assert(reads("[p2p]\nallow_only = true\npersistent_peers = \" tcp://" ID_A "@h:1 , BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB@h:2\"\n"));
    ck_assert(config_admits(&config, ID_A) && config_admits(&config, ID_B) && !config_admits(&config, ID_C));
    ck_assert(reads("[p2p]\nunconditional_peer_ids = \"" ID_C "\"\n"));
    ck_assert(config_admits(&config, ID_C));
    teardown();
    setup();
    ck_assert(reads("[quorate]\np2p_allow_only = \"" ID_C "\"\n"));
    ck_assert(!config_admits(&config, ID_A) && config_admits(&config, ID_C));
}
END_TEST

START_TEST(lists_are_walked_without_blanks_and_empty_items) {
    const char *cursor = " a, b ,,c,";
    struct span item;
    ck_assert(config_list_next(&cursor, &item) && span_equal(item, span_text("a")));
    ck_assert(config_list_next(&cursor, &item) && span_equal(item, span_text("b")));
    ck_assert(config_list_next(&cursor, &item) && span_equal(item, span_text("c")));
    ck_assert(!config_list_next(&cursor, &item));
    cursor = "";
    ck_assert(!config_list_next(&cursor, &item));
}
END_TEST

START_TEST(durations_are_gos) {
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0}, {"0s", 0}, {"1s", 1000}, {"1.5h", 5400000}, {"1m30s", 90000}, {"168h0m0s", 604800000}, {"100ms", 100}, {"1us", 1},
                {"1\xc2\xb5s", 1}, {"1500us", 2}, {".5s", 500}, {"1.s", 1000}, {"-1s", -1000}, {"+2s", 2000}, {"1h1h", 7200000}};
    static const char *const malformed[] = {"", "1", "s", "1x", "1 s", "1s ", "-", "..5s", "1.5", "9999999999999h", "1s1", "ms"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(config_duration_parse(&ms, span_text(good[i].text)), "%s", good[i].text);
        ck_assert_msg(ms == good[i].ms, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        ck_assert_msg(!config_duration_parse(&ms, span_text(malformed[i])), "%s", malformed[i]);
    static const int64_t values[] = {0, 1, 999, 1000, 1500, 60000, 90000, 3600000, 604800000};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[CONFIG_DURATION_TEXT_SIZE];
        config_duration_text(text, values[i]);
        ck_assert(config_duration_parse(&ms, span_text(text)) && ms == values[i]);
    }
}
END_TEST

START_TEST(a_home_is_loaded_from_its_file) {
    char home[] = "/tmp/quorate-config-XXXXXX", path[128], command[128];
    struct config loaded;
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert(!config_load(&loaded, home, &warning, &error));
    ck_assert_ptr_nonnull(strstr(error, "quorate init --home"));
    free(error);
    error = NULL;
    config_close(&loaded);
    snprintf(path, sizeof path, "%s/config", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/config/config.toml", home);
    FILE *file = fopen(path, "w");
    fputs("moniker = \"loaded\"\n", file);
    fclose(file);
    ck_assert_msg(config_load(&loaded, home, &warning, &error), "%s", error);
    ck_assert_str_eq(loaded.moniker, "loaded");
    char *below = config_path(&loaded, "data/x"), *absolute = config_path(&loaded, "/data/x");
    snprintf(path, sizeof path, "%s/data/x", home);
    ck_assert_str_eq(below, path);
    ck_assert_str_eq(absolute, "/data/x");
    free(below);
    free(absolute);
    config_close(&loaded);
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *suite_config(void);
Suite *suite_config(void) {
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, values_of_every_type_are_read);
    tcase_add_test(tests, weak_types_are_taken_as_cometbft_takes_them);
    tcase_add_test(tests, defaults_are_those_of_the_release);
    tcase_add_test(tests, what_is_given_wins_over_the_releases_default);
    tcase_add_test(tests, a_misspelt_setting_is_refused_with_line_and_the_nearest_name);
    tcase_add_test(tests, what_cometbft_knows_and_we_do_not_is_named_in_one_warning);
    tcase_add_test(tests, what_would_be_dangerous_to_pass_over_is_refused);
    tcase_add_test(tests, half_a_guard_of_the_rpc_is_refused);
    tcase_add_test(tests, a_seed_exchanges_addresses_or_is_none);
    tcase_add_test(tests, a_remote_signer_connects_by_tcp_or_unix_and_by_nothing_else);
    tcase_add_test(tests, values_out_of_range_are_refused_with_their_line);
    tcase_add_test(tests, a_setting_given_twice_is_refused);
    tcase_add_test(tests, malformed_files_are_refused_with_the_line);
    tcase_add_test(tests, nesting_and_names_have_limits);
    tcase_add_test(tests, noise_is_survived);
    tcase_add_test(tests, the_environment_overrides_the_file);
    tcase_add_test(tests, a_single_setting_can_be_set_by_name);
    tcase_add_test(tests, the_options_of_cometbft_for_peers_are_ours);
    tcase_add_test(tests, the_written_file_reads_back_the_same);
    tcase_add_test(tests, an_application_is_a_name_that_we_have_or_an_address);
    tcase_add_test(tests, only_listed_peers_are_admitted_where_only_they_are_wanted);
    tcase_add_test(tests, lists_are_walked_without_blanks_and_empty_items);
    tcase_add_test(tests, durations_are_gos);
    tcase_add_test(tests, a_home_is_loaded_from_its_file);
    suite_add_tcase(suite, tests);
    return suite;
}
