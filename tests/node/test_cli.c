#include "node/cli.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "genesis/genesis.h"
#include "ledger/accounts.h"
#include "ledger/app.h"
#include "node/signer.h"
#include "tests/node/prompt.h"

static char home[128];

static void setup(void) {
    prompt_open();
    snprintf(home, sizeof home, "%s/home", prompt_folder);
    setenv("QUORATE_HOME", home, 1);
    unsetenv("CMTHOME");
}

static void teardown(void) { prompt_close(); }

#define RUN(...) prompt_run(__VA_ARGS__, (const char *)NULL)
#define EXPECT   EXPECT_RUN

static bool is_there(const char *below) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", prompt_folder, below);
    return access(path, F_OK) == 0;
}

static void load_genesis(struct genesis *genesis, const char *below) {
    char path[256], *error = NULL;
    snprintf(path, sizeof path, "%s/%s/config/genesis.json", prompt_folder, below);
    ck_assert_msg(genesis_load(genesis, path, PARAMS_V038, &error), "%s", error);
}

START_TEST(init_makes_a_home_that_a_node_can_start_from) {
    struct genesis genesis;
    struct config config;
    char *warning = NULL, *error = NULL;
    EXPECT(0, "init", "--chain-id", "demo");
    EXPECT_SAID("quorate start --home");
    load_genesis(&genesis, "home");
    ck_assert_str_eq(genesis.chain_id, "demo");
    ck_assert_uint_eq(genesis.state.validator_count, 1);
    ck_assert_ptr_nonnull(strstr(genesis.app_state, "quorate1"));
    genesis_close(&genesis);
    ck_assert_msg(config_load(&config, home, &warning, &error), "%s", error);
    ck_assert_ptr_null(warning);
    ck_assert_str_eq(config_application(&config), "ledger");
    config_close(&config);
    ck_assert(is_there("home/data/priv_validator_state.json") && is_there("home/keys/first.json"));
    EXPECT(0, "show-node-id");
    ck_assert_uint_eq(strlen(prompt_said), 41);
    EXPECT(0, "show-validator");
    EXPECT_SAID("{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"");
    EXPECT(0, "keys", "list");
    EXPECT_SAID("first");
}
END_TEST

START_TEST(init_and_testnet_overwrite_nothing) {
    struct stat before, after;
    char path[160];
    EXPECT(0, "init");
    snprintf(path, sizeof path, "%s/config/priv_validator_key.json", home);
    ck_assert_int_eq(stat(path, &before), 0);
    EXPECT(1, "init");
    EXPECT_SAID("is there already");
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert(before.st_ino == after.st_ino && before.st_size == after.st_size);
    snprintf(path, sizeof path, "%s/net", prompt_folder);
    EXPECT(0, "testnet", "--v", "2", "--o", path);
    EXPECT(1, "testnet", "--v", "3", "--o", path);
    EXPECT_SAID("is there already");
    ck_assert(!is_there("net/node2"));
}
END_TEST

START_TEST(init_refuses_what_cannot_be) {
    EXPECT(2, "init", "--app", "nothing");
    EXPECT_SAID("no such application is built in");
    EXPECT(2, "init", "--release", "0.37");
    EXPECT_SAID("0.38|0.39|0.40");
    EXPECT(2, "init", "--chain-id", "");
    EXPECT(2, "init", "--chain-id", "123456789012345678901234567890123456789012345678901");
    EXPECT(2, "init", "--chian-id", "x");
    EXPECT_SAID("there is no option --chian-id");
    EXPECT(2, "init", "x");
    EXPECT(2, "init", "--chain-id");
    EXPECT_SAID("needs a value");
    ck_assert(!is_there("home"));
}
END_TEST

START_TEST(testnet_on_loopback_names_all_peers_and_their_ports) {
    char net[128];
    struct config config;
    char *warning = NULL, *error = NULL, path[160];
    struct genesis genesis;
    snprintf(net, sizeof net, "%s/net", prompt_folder);
    EXPECT(0, "testnet", "--v=3", "--n", "1", "--o", net, "--chain-id", "c", "--loopback-base-port", "30000", "--timeout-commit", "7ms",
           "--mempool.size", "9", "--skip_timeout_commit", "true", "--accounts", "2");
    load_genesis(&genesis, "net/node3");
    ck_assert_uint_eq(genesis.state.validator_count, 3);
    ck_assert_str_eq(genesis.validators[2].name, "node2");
    genesis_close(&genesis);
    snprintf(path, sizeof path, "%s/node3", net);
    ck_assert_msg(config_load(&config, path, &warning, &error), "%s", error);
    ck_assert_str_eq(config.p2p.laddr, "tcp://127.0.0.1:30006");
    ck_assert_str_eq(config.rpc.laddr, "tcp://127.0.0.1:30007");
    ck_assert_str_eq(config.moniker, "node3");
    ck_assert_int_eq(config.consensus.timeout_commit_ms, 7);
    ck_assert_int_eq(config.mempool.size, 9);
    ck_assert(config.consensus.skip_timeout_commit && config.p2p.allow_duplicate_ip && !config.p2p.addr_book_strict);
    ck_assert_ptr_nonnull(strstr(config.p2p.persistent_peers, "@127.0.0.1:30000,"));
    ck_assert_ptr_null(strstr(config.p2p.persistent_peers, ":30006"));
    config_close(&config);
    ck_assert(is_there("net/accounts/account0.json") && is_there("net/accounts/account1.json") && !is_there("net/accounts/account2.json"));
    ck_assert(is_there("net/node2/config/priv_validator_key.json") && !is_there("net/node3/config/priv_validator_key.json"));
}
END_TEST

START_TEST(testnet_says_which_names_must_lead_where_unless_all_are_here) {
    char net[160];
    snprintf(net, sizeof net, "%s/apart", prompt_folder);
    EXPECT(0, "testnet", "--v", "2", "--o", net);
    EXPECT_SAID("the others are dialled at node0, node1: DNS or /etc/hosts must know these names; for one machine: --loopback-base-port 26656");
    snprintf(net, sizeof net, "%s/here", prompt_folder);
    EXPECT(0, "testnet", "--v", "2", "--o", net, "--loopback-base-port", "30000");
    ck_assert_ptr_null(strstr(prompt_said, "/etc/hosts"));
    snprintf(net, sizeof net, "%s/numbered", prompt_folder);
    EXPECT(0, "testnet", "--v", "2", "--o", net, "--starting-ip-address", "10.0.0.1");
    ck_assert_ptr_null(strstr(prompt_said, "/etc/hosts"));
}
END_TEST

START_TEST(testnet_counts_addresses_up) {
    char net[128], path[160], *warning = NULL, *error = NULL;
    struct config config;
    snprintf(net, sizeof net, "%s/net", prompt_folder);
    EXPECT(0, "testnet", "--v", "3", "--o", net, "--app", "kvstore", "--starting-ip-address", "10.0.0.255", "--p2p-port", "1234", "--release", "0.40");
    snprintf(path, sizeof path, "%s/node0", net);
    ck_assert(config_load(&config, path, &warning, &error));
    ck_assert_ptr_nonnull(strstr(config.p2p.persistent_peers, "@10.0.1.0:1234,"));
    ck_assert_ptr_nonnull(strstr(config.p2p.persistent_peers, "@10.0.1.1:1234"));
    ck_assert_int_eq(config.mempool.max_tx_bytes, 4194304);
    ck_assert_str_eq(config_application(&config), "kvstore");
    config_close(&config);
    ck_assert(!is_there("net/accounts"));
}
END_TEST

START_TEST(testnet_refuses_what_cannot_be) {
    EXPECT(2, "testnet", "--v", "0");
    EXPECT(2, "testnet", "--v", "x");
    EXPECT(2, "testnet", "--hostname", "a");
    EXPECT_SAID("--hostname is given 1 times, for 4 nodes");
    EXPECT(2, "testnet", "--starting-ip-address", "::1");
    EXPECT(2, "testnet", "--loopback-base-port", "65530");
    EXPECT(2, "testnet", "--laddr", "tcp://x:1");
    EXPECT_SAID("in more than one section");
    EXPECT(2, "testnet", "--timeout-commit", "fast");
    EXPECT_SAID("expected a duration");
    EXPECT(2, "testnet", "--no-such-thing", "1");
    EXPECT_SAID("there is no option --no-such-thing");
}
END_TEST

START_TEST(keys_are_made_listed_and_imported) {
    EXPECT(0, "keys", "make", "alice");
    EXPECT_SAID("secp256k1");
    EXPECT_SAID(" quorate1");
    EXPECT(0, "keys", "make", "bob", "--type", "ed25519");
    EXPECT(1, "keys", "make", "alice");
    EXPECT_SAID("is there already");
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/keys/alice.json", home);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    EXPECT(0, "keys", "import", "carol", path);
    EXPECT(0, "keys", "list");
    char *alice = strstr(prompt_said, "alice"), *carol = strstr(prompt_said, "carol");
    ck_assert(alice != NULL && carol != NULL && strstr(prompt_said, "bob") != NULL);
    ck_assert_int_eq(strncmp(strstr(alice, "quorate1"), strstr(carol, "quorate1"), 40), 0);
    EXPECT(2, "keys", "make", "../evil");
    EXPECT(2, "keys", "make", "x", "--type", "rsa");
    EXPECT(2, "keys", "make");
    EXPECT(2, "keys", "steal");
    EXPECT(2, "keys");
    EXPECT(0, "keys", "--help");
    EXPECT(1, "keys", "import", "dave", "/no/such/file");
    EXPECT_SAID("No such file");
}
END_TEST

static void write_below(const char *name, const char *text) {
    char path[256], *error = NULL;
    snprintf(path, sizeof path, "%s/%s", home, name);
    ck_assert_msg(keyfile_write(path, span_text(text), true, &error), "%s", error);
}

START_TEST(a_reset_keeps_keys_and_the_signing_mark) {
    EXPECT(0, "init");
    write_below("data/quorate.db/000001.log", "x");
    write_below("data/cs.wal/wal", "x");
    write_below("data/priv_validator_state.alt", "twin");
    write_below("config/addrbook.json", "{}");
    EXPECT(0, "unsafe-reset-all", "--yes", "--keep-addr-book");
    EXPECT_SAID("the signing mark stays");
    ck_assert(is_there("home/config/addrbook.json"));
    EXPECT(0, "unsafe-reset-all", "--yes");
    ck_assert(!is_there("home/data/quorate.db") && !is_there("home/data/cs.wal") && !is_there("home/config/addrbook.json"));
    ck_assert(is_there("home/data/priv_validator_state.json") && is_there("home/data/priv_validator_state.alt"));
    ck_assert(is_there("home/config/priv_validator_key.json") && is_there("home/config/node_key.json") && is_there("home/config/genesis.json"));
}
END_TEST

START_TEST(a_reset_asks_before_it_removes) {
    EXPECT(0, "init");
    write_below("data/cs.wal/wal", "x");
    int saved = dup(0), null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    EXPECT(1, "unsafe-reset-all");
    dup2(saved, 0);
    close(saved);
    close(null);
    EXPECT_SAID("nothing was removed");
    ck_assert(is_there("home/data/cs.wal/wal"));
}
END_TEST

START_TEST(the_store_of_a_fresh_home_opens_and_has_nothing_to_take_back) {
    EXPECT(0, "init", "--chain-id", "demo");
    EXPECT(1, "db", "stats");
    EXPECT_SAID("there is no store");
    ck_assert(!is_there("home/data/quorate.db"));
    EXPECT(0, "db", "info");
    EXPECT_SAID("chain      demo (ledger)");
    EXPECT_SAID("height     0");
    EXPECT(0, "db", "compact");
    EXPECT_SAID("bytes of files before");
    EXPECT(0, "db", "stats");
    EXPECT_SAID("head and genesis");
    EXPECT(0, "db", "stats", "--json");
    EXPECT_SAID("{\"kinds\":[{\"name\":\"blocks\"");
    EXPECT(1, "rollback");
    EXPECT_SAID("cannot be taken back");
}
END_TEST

START_TEST(new_keys_are_printed_or_kept) {
    EXPECT(0, "gen-validator");
    struct keyfile key;
    ck_assert_ptr_null(keyfile_parse(&key, span_text(prompt_said), false));
    EXPECT(0, "gen-node-key");
    ck_assert(is_there("home/config/node_key.json"));
    EXPECT(1, "gen-node-key");
}
END_TEST

START_TEST(a_signer_that_cannot_sign_says_why_and_what_to_do) {
    EXPECT(2, "signer");
    EXPECT(0, "signer", "--help");
    EXPECT_SAID("priv_validator_laddr");
    EXPECT(1, "signer", "--address", "tcp://127.0.0.1:1"); /* no home */
    EXPECT(0, "init");
    EXPECT(1, "signer", "--address", "http://127.0.0.1:1");
    write_below("data/priv_validator_state.json", "{");
    EXPECT(4, "signer", "--address", "tcp://127.0.0.1:1");
    char path[256];
    snprintf(path, sizeof path, "%s/data/priv_validator_state.json", home);
    unlink(path);
    EXPECT(1, "signer", "--address", "tcp://127.0.0.1:1"); /* a missing mark is no blank one */
    write_below("data/priv_validator_state.json", "{\"height\":\"0\",\"round\":0,\"step\":0}");
    write_below("config/genesis.json", "{");
    EXPECT(1, "signer", "--address", "tcp://127.0.0.1:1"); /* for which chain? */
}
END_TEST

START_TEST(questions_to_nobody_say_what_to_do) {
    EXPECT(1, "status", "--node", "http://127.0.0.1:1");
    EXPECT_SAID("Connection refused. Is a node running there?");
    EXPECT(1, "query", "block", "--node", "nonsense://x");
    EXPECT_SAID("http://host:port or https://host is wanted");
    EXPECT(2, "query", "block", "-5");
    EXPECT(2, "query", "tx", "12");
    EXPECT(2, "query", "account");
    EXPECT(1, "query", "account", "nobody");
    EXPECT_SAID("keys/nobody.json");
    EXPECT(2, "tx", "send");
    EXPECT_SAID("--from, --to and --amount are wanted");
    EXPECT(2, "tx", "send", "--from", "a", "--to", "b", "--amount", "5");
    EXPECT(2, "tx", "send", "--from", "a", "--to", "b", "--amount", "-5unit");
    EXPECT(2, "tx", "send", "--from", "a", "--to", "b", "--amount", "5unit", "--mode", "maybe");
    EXPECT(2, "tx", "raw", "--hex", "xy");
    EXPECT(0, "keys", "make", "a");
    EXPECT(1, "tx", "send", "--from", "a", "--to", "quorate1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "--amount", "5unit");
    EXPECT_SAID("is no address");
}
END_TEST

START_TEST(every_command_has_help_with_an_example) {
    static const char *const names[][2] = {
        {"init", NULL}, {"testnet", NULL}, {"status", NULL}, {"query", "account"}, {"query", "tx"}, {"query", "block"}, {"tx", "send"},
        {"tx", "raw"}, {"keys", "make"}, {"keys", "list"}, {"keys", "import"}, {"show-node-id", NULL}, {"show-validator", NULL},
        {"gen-validator", NULL}, {"gen-node-key", NULL}, {"unsafe-reset-all", NULL}, {"rollback", NULL}, {"db", "info"}, {"db", "stats"}, {"db", "compact"},
        {"version", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i][1] != NULL)
            EXPECT(0, names[i][0], names[i][1], "--help");
        else
            EXPECT(0, names[i][0], "--help");
        EXPECT_SAID("Example:\n  quorate ");
        EXPECT_SAID("Exit status:");
    }
    EXPECT(0, "help", "init");
    EXPECT_SAID("Example:");
    EXPECT(0, "help");
    EXPECT_SAID("unsafe-reset-all");
    EXPECT(2, "help", "nothing");
}
END_TEST

START_TEST(unknown_commands_are_refused) {
    EXPECT(2, "strat");
    EXPECT_SAID("`quorate help` lists them");
    static const char *const nothing[] = {NULL};
    ck_assert_int_eq(prompt_run_words(nothing), 2);
    EXPECT(0, "version");
    EXPECT(0, "--version");
}
END_TEST

START_TEST(the_home_comes_from_the_option_then_the_environment) {
    ck_assert_str_eq(cli_home(), home);
    unsetenv("QUORATE_HOME");
    setenv("CMTHOME", "/cmt", 1);
    ck_assert_str_eq(cli_home(), "/cmt");
    unsetenv("CMTHOME");
    setenv("HOME", "/root-of-all", 1);
    ck_assert_str_eq(cli_home(), "/root-of-all/.quorate");
    char other[128];
    snprintf(other, sizeof other, "%s/other", prompt_folder);
    EXPECT(0, "init", "--home", other);
    ck_assert(is_there("other/config/config.toml"));
}
END_TEST

/* What testnet writes is what the signer and the application take. */
START_TEST(the_blank_mark_of_a_new_home_is_a_mark) {
    struct signer_mark_state mark;
    char path[160], *error = NULL;
    EXPECT(0, "init");
    snprintf(path, sizeof path, "%s/data/priv_validator_state.json", home);
    struct blob *file = keyfile_read(path, 4096, &error);
    ck_assert(file != NULL && signer_mark_parse(&mark, blob_span(file)) && mark.height == 0);
    blob_release(file);
}
END_TEST

Suite *suite_cli(void);
Suite *suite_cli(void) {
    Suite *suite = suite_create("cli");
    TCase *tests = tcase_create("cli");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, init_makes_a_home_that_a_node_can_start_from);
    tcase_add_test(tests, init_and_testnet_overwrite_nothing);
    tcase_add_test(tests, init_refuses_what_cannot_be);
    tcase_add_test(tests, testnet_on_loopback_names_all_peers_and_their_ports);
    tcase_add_test(tests, testnet_says_which_names_must_lead_where_unless_all_are_here);
    tcase_add_test(tests, testnet_counts_addresses_up);
    tcase_add_test(tests, testnet_refuses_what_cannot_be);
    tcase_add_test(tests, keys_are_made_listed_and_imported);
    tcase_add_test(tests, a_reset_keeps_keys_and_the_signing_mark);
    tcase_add_test(tests, a_reset_asks_before_it_removes);
    tcase_add_test(tests, the_store_of_a_fresh_home_opens_and_has_nothing_to_take_back);
    tcase_add_test(tests, new_keys_are_printed_or_kept);
    tcase_add_test(tests, a_signer_that_cannot_sign_says_why_and_what_to_do);
    tcase_add_test(tests, questions_to_nobody_say_what_to_do);
    tcase_add_test(tests, every_command_has_help_with_an_example);
    tcase_add_test(tests, unknown_commands_are_refused);
    tcase_add_test(tests, the_home_comes_from_the_option_then_the_environment);
    tcase_add_test(tests, the_blank_mark_of_a_new_home_is_a_mark);
    suite_add_tcase(suite, tests);
    return suite;
}
