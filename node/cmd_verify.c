/* quorate verify commit|tx|state: files held against each other, without any node (and without trusting the one that they came from). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "ledger/accounts.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "rpc/light_json.h"
#include "rpc/light_results.h"
#include "tendermint/light_verify.h"

enum { EXIT_NOT_VALID = 5, FILE_BYTES_MAX = 64 << 20, KEY_MAX = 512 };

static const char *chain_id, *hash_text, *from_file, *validators_file, *block_file, *key_text, *store_name, *balance;

struct verifying {
    const struct cli_command *command;
    struct arena arena;
    char *error;
};

/* ---- files */

static bool read_whole(struct span *out, const char *path, struct verifying *verifying) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t capacity = 1 << 16, size = 0, got;
    uint8_t *bytes = malloc(capacity);
    while (file != NULL && bytes != NULL && (got = fread(bytes + size, 1, capacity - size, file)) > 0) {
        size += got;
        if (size == capacity && capacity < FILE_BYTES_MAX)
            bytes = realloc(bytes, capacity *= 2);
    }
    bool good = file != NULL && !ferror(file) && size < FILE_BYTES_MAX && arena_copy(&verifying->arena, out, span_of(bytes, size));
    if (!good)
        verifying->error = complaint_of("%s: %s", path, file == NULL || ferror(file) ? strerror(errno) : "too large");
    if (file != NULL && file != stdin)
        fclose(file);
    free(bytes);
    return good;
}

/* JSON as a node answered it: the whole of an answer, or its result. */
static bool read_json(struct span *out, const char *path, struct verifying *verifying) {
    struct span bytes, result;
    size_t bad_at;
    if (!read_whole(&bytes, path, verifying))
        return false;
    if (!scan_value(out, bytes, &bad_at)) {
        verifying->error = complaint_of("%s: no JSON, from byte %zu on", path, bad_at);
        return false;
    }
    if (scan_member(*out, &result, "result"))
        *out = result;
    return true;
}

/* A light block; or a commit, whose validators are in another file. */
static struct light_block *read_block(const char *path, const char *validators, struct verifying *verifying) {
    struct span json, set_json;
    struct header header;
    struct commit commit;
    struct valset set;
    const char *wrong = "validator_set";
    struct light_block *block = NULL;
    valset_init(&set);
    if (!read_json(&json, path, verifying))
        return NULL;
    if (validators == NULL) {
        block = light_json_block(&wrong, json, &verifying->arena);
    } else if (read_json(&set_json, validators, verifying) && light_json_commit(&header, &commit, &wrong, json, &verifying->arena) &&
               light_json_valset(&set, &wrong, set_json, &verifying->arena)) {
        block = light_block_new(&header, &commit, &set);
    }
    valset_close(&set);
    if (block == NULL && verifying->error == NULL)
        verifying->error = complaint_of("%s: no light block: \"%s\" is missing or malformed (quorate light --once --json writes one; or name the answers of"
                                        " /commit and, with --validators, of /validators)", path, wrong);
    return block;
}

static int not_valid(const struct cli_command *command, const char *why) {
    fprintf(stderr, "quorate %s: NOT VALID: %s\n", command->name, why);
    return EXIT_NOT_VALID;
}

static int finish(struct verifying *verifying, int status) {
    arena_close(&verifying->arena);
    return verifying->error == NULL ? status : cli_fail(verifying->command, verifying->error);
}

static bool begin(struct verifying *verifying, const struct cli_command *command, struct cli_rest *rest, int *status, int argc, char **argv) {
    chain_id = hash_text = from_file = validators_file = block_file = key_text = store_name = balance = NULL;
    *verifying = (struct verifying){.command = command};
    if (!cli_parse(command, rest, status, 1, argc, argv))
        return false;
    if (rest->count != 1) {
        *status = cli_misuse(command, "one file is wanted (- reads from stdin)");
        return false;
    }
    arena_init(&verifying->arena, (size_t)FILE_BYTES_MAX * 4);
    return true;
}

static bool parse_hash(struct digest *out, const char *text) {
    size_t size = 0;
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    bool good = text_hex_decode(out->bytes, &size, 32, span_text(text)) && size == 32;
    out->size = good ? 32 : 0;
    return good;
}

/* ---- commit */

static const struct cli_option commit_options[] = {
    {"chain-id", CLI_TEXT, &chain_id, "ID", "of which chain (default: what the header says)", 0, 0},
    {"hash", CLI_TEXT, &hash_text, "HEX", "the header must have this hash", 0, 0},
    {"from", CLI_TEXT, &from_file, "FILE", "a light block that is trusted, lower: its validators must have signed too (a third, or all if adjacent)", 0, 0},
    {"validators", CLI_TEXT, &validators_file, "FILE", "the validators, where FILE has a commit only", 0, 0},
};

static const char *judge_commit(const struct light_block *block, const struct light_block *from, const struct digest *hash) {
    struct span id = chain_id != NULL ? span_text(chain_id) : header_chain_id(&block->header);
    struct light_rules rules = LIGHT_RULES_FOREVER;
    enum light_verdict verdict = light_check(block, id);
    if (verdict == LIGHT_GOOD)
        verdict = light_verify_own_commit(block, id);
    if (verdict == LIGHT_GOOD && from != NULL)
        verdict = light_verify(block, &from->header, &from->set, &rules, &block->header.time);
    if (verdict != LIGHT_GOOD)
        return light_verdict_text(verdict);
    return hash->size == 0 || digest_equal(hash, &block->hash) ? NULL : "the header has another hash";
}

static int64_t power_of(const struct light_block *block) {
    int64_t power = 0;
    for (uint32_t i = 0; i < block->commit.count && i < block->set.count; i++)
        power += block->commit.sigs[i].flag == COMMIT_FOR_BLOCK ? block->set.validators[i].power : 0;
    return power;
}

static int verify_commit(int argc, char **argv) {
    static const struct cli_command command = {
        .name = "verify commit", .arguments = "FILE [--hash HEX] [--from FILE] [--validators FILE]",
        .summary = "Is a block decided: have more than two thirds of its validators signed it? Without --hash or --from this says nothing about\n"
                   "whose validators they are: the set comes from the same file. Exit status: 0 yes, 5 no.",
        .example = "quorate light demo --once --json > block.json && quorate verify commit block.json --hash 0123…CDEF\n"
                   "curl -s '127.0.0.1:26657/commit?height=7' > c.json; curl -s '127.0.0.1:26657/validators?height=7&per_page=100' > v.json\n"
                   "quorate verify commit c.json --validators v.json --chain-id demo",
        .options = commit_options, .option_count = 4, .rest_max = 1};
    struct cli_rest rest;
    struct verifying verifying;
    struct digest hash = {0};
    int status;
    if (!begin(&verifying, &command, &rest, &status, argc, argv))
        return status;
    if (hash_text != NULL && !parse_hash(&hash, hash_text))
        return finish(&verifying, cli_misuse(&command, "--hash: 64 hex digits are wanted"));
    struct light_block *from = from_file == NULL ? NULL : read_block(from_file, NULL, &verifying);
    struct light_block *block = verifying.error == NULL ? read_block(rest.values[0], validators_file, &verifying) : NULL;
    if (block != NULL) {
        const char *why = judge_commit(block, from, &hash);
        char text[TEXT_HEX_SIZE(32)];
        text_hex_upper(text, digest_span(&block->hash));
        status = why == NULL ? CLI_GOOD : not_valid(&command, why);
        if (why == NULL)
            printf("valid: block %" PRId64 " of %s, %s\nsigned by %" PRId64 " of %" PRId64 " voting power%s\n", block->header.height, block->header.chain_id, text,
                   power_of(block), block->set.total_power, from != NULL ? ", and vouched for by the trusted block" : "");
    }
    light_block_release(block);
    light_block_release(from);
    return finish(&verifying, status);
}

/* ---- tx */

static const struct cli_option tx_options[] = {
    {"block", CLI_TEXT, &block_file, "FILE", "the light block of the transaction's height", 0, 0},
    {"hash", CLI_TEXT, &hash_text, "HEX", "the transaction must have this hash", 0, 0},
};

static int verify_tx(int argc, char **argv) {
    static const struct cli_command command = {
        .name = "verify tx", .arguments = "FILE --block FILE [--hash HEX]",
        .summary = "Is a transaction in a block? FILE is the answer of /tx with prove=true, --block a light block that is trusted. Its commit is checked\n"
                   "too; its result (code, log) is proven by nobody. Exit status: 0 yes, 5 no.",
        .example = "curl -s '127.0.0.1:26657/tx?hash=0x0123…CDEF&prove=true' > tx.json\nquorate light demo --verify 7 --json > block.json\n"
                   "quorate verify tx tx.json --block block.json",
        .options = tx_options, .option_count = 2, .rest_max = 1};
    struct cli_rest rest;
    struct verifying verifying;
    struct digest hash = {0}, data_hash;
    struct span json;
    int64_t height = 0;
    int status;
    if (!begin(&verifying, &command, &rest, &status, argc, argv))
        return status;
    if (block_file == NULL || (hash_text != NULL && !parse_hash(&hash, hash_text)))
        return finish(&verifying, cli_misuse(&command, "--block FILE is wanted, and --hash has 64 hex digits"));
    struct light_block *block = read_block(block_file, NULL, &verifying);
    if (block != NULL && read_json(&json, rest.values[0], &verifying)) {
        const char *why = judge_commit(block, NULL, &(struct digest){0});
        if (why == NULL)
            why = light_results_tx(json, &hash, &height, &data_hash, &verifying.arena);
        if (why == NULL && height != block->header.height)
            why = "it says that it is in another block than this one";
        if (why == NULL && !digest_equal(&data_hash, &block->header.data_hash))
            why = "the proof does not lead to the block's data hash";
        status = why == NULL ? CLI_GOOD : not_valid(&command, why);
        if (why == NULL)
            printf("valid: the transaction is in block %" PRId64 " of %s\n", height, block->header.chain_id);
    }
    light_block_release(block);
    return finish(&verifying, status);
}

/* ---- state */

static const struct cli_option state_options[] = {
    {"block", CLI_TEXT, &block_file, "FILE", "the light block one above the answer's height: it has the app hash", 0, 0},
    {"store", CLI_TEXT, &store_name, "NAME", "of the application: acc, bank, … (/store/NAME/key was asked)", 0, 0},
    {"key", CLI_TEXT, &key_text, "HEX", "the key that was asked for", 0, 0},
    {"balance", CLI_TEXT, &balance, "ADDRESS/DENOM", "instead of both: the ledger application's balance", 0, 0},
};

/* bank 'b' ‖ address ‖ denom (ledger/accounts.h) */
static bool balance_key(uint8_t *key, size_t *size) {
    const char *slash = strchr(balance, '/'), *one = strchr(balance, '1');
    char prefix[ACCOUNTS_PREFIX_MAX + 1];
    if (slash == NULL || one == NULL || one > slash || one - balance > ACCOUNTS_PREFIX_MAX || strlen(slash + 1) > 128)
        return false;
    snprintf(prefix, sizeof prefix, "%.*s", (int)(one - balance), balance);
    key[0] = 'b';
    if (!accounts_parse_address(key + 1, prefix, span_of(balance, (size_t)(slash - balance))))
        return false;
    *size = 1 + ACCOUNTS_ADDRESS_BYTES + strlen(slash + 1);
    memcpy(key + 1 + ACCOUNTS_ADDRESS_BYTES, slash + 1, strlen(slash + 1));
    return true;
}

static bool asked_key(uint8_t *key, size_t *size) {
    if (balance != NULL) {
        store_name = "bank";
        return balance_key(key, size);
    }
    return store_name != NULL && strlen(store_name) < 64 && key_text != NULL &&
           text_hex_decode(key, size, KEY_MAX, span_text(key_text + (strncmp(key_text, "0x", 2) == 0 ? 2 : 0))) && *size > 0;
}

static void show_state(const struct light_results_query *query) {
    char text[AMOUNT_TEXT_SIZE];
    amount value = 0;
    if (balance != NULL && (query->value.size == 0 || amount_decode(&value, query->value))) {
        amount_text(text, value);
        printf("valid: after height %" PRId64 " the balance of %s is %s\n", query->height, balance, text);
    } else if (query->value.size == 0) {
        printf("valid: after height %" PRId64 " there is no such key\n", query->height);
    } else {
        char *hex = malloc(TEXT_HEX_SIZE(query->value.size));
        text_hex_upper(hex, query->value);
        printf("valid: after height %" PRId64 " the value is %s\n", query->height, hex);
        free(hex);
    }
}

static int verify_state(int argc, char **argv) {
    static const struct cli_command command = {
        .name = "verify state", .arguments = "FILE --block FILE --balance ADDRESS/DENOM | --store NAME --key HEX",
        .summary = "Is this a piece of the application's state? FILE is the answer of abci_query to the path /store/NAME/key with prove=true; --block is a\n"
                   "light block that is trusted, of the height above the answer's. Exit status: 0 yes, 5 no.",
        .example = "curl -s '127.0.0.1:26657/abci_query?path=\"/store/bank/key\"&data=0x62…&prove=true' > state.json\n"
                   "quorate light demo --verify 8 --json > block.json       # the answer says height 7\n"
                   "quorate verify state state.json --block block.json --balance quorate1…/token",
        .options = state_options, .option_count = 4, .rest_max = 1};
    struct cli_rest rest;
    struct verifying verifying;
    struct span json;
    uint8_t key[KEY_MAX];
    size_t size = 0;
    int status;
    if (!begin(&verifying, &command, &rest, &status, argc, argv))
        return status;
    if (block_file == NULL || !asked_key(key, &size))
        return finish(&verifying, cli_misuse(&command, "--block FILE and either --balance ADDRESS/DENOM, or --store NAME and --key HEX, are wanted"));
    struct light_block *block = read_block(block_file, NULL, &verifying);
    if (block != NULL && read_json(&json, rest.values[0], &verifying)) {
        struct light_results_query query;
        char *path = complaint_of("/store/%s/key", store_name);
        const char *why = judge_commit(block, NULL, &(struct digest){0});
        if (why == NULL)
            why = light_results_query(&query, json, &verifying.arena);
        if (why == NULL && query.height + 1 != block->header.height)
            why = "the block is not of the height above the answer's: that one has the app hash";
        if (why == NULL)
            why = light_results_query_verify(&query, span_text(path), span_of(key, size), &block->header.app_hash);
        status = why == NULL ? CLI_GOOD : not_valid(&command, why);
        if (why == NULL)
            show_state(&query);
        free(path);
    }
    light_block_release(block);
    return finish(&verifying, status);
}

int cmd_verify(int argc, char **argv) {
    static const struct cli_choice choices[] = {{"commit", "a block's commit against its validators", verify_commit},
                                                {"tx", "that a transaction is in a block", verify_tx},
                                                {"state", "a piece of the application's state", verify_state}};
    return cli_choose("verify", choices, 3, argc, argv);
}
