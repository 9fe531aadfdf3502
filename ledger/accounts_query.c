#include "ledger/accounts_query.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/text.h"
#include "ledger/cosmos_tx.h"

struct asked { /* one question on its way */
    const struct accounts_query *where;
    struct abci_answer *out;
    struct span data; /* of the request; or the rest of the path */
    struct arena *arena;
};

static void refuse(struct asked *asked, enum codes code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct asked *asked, enum codes code, const char *format, ...) {
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    asked->out->code = code;
    asked->out->codespace = span_text(CODES_CODESPACE);
    if (!arena_copy(asked->arena, &asked->out->log, span_text(line)))
        asked->out->log = span_text("");
}

/* Measures, takes that much from the arena, and writes. */
static void answer_with(struct asked *asked, void (*write)(struct proto_writer *, const void *), const void *value) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write(&writer, value);
    uint8_t *place = arena_take(asked->arena, writer.size, 1);
    if (place == NULL) {
        refuse(asked, CODES_INTERNAL, "the answer is too large");
        return;
    }
    proto_writer_init(&writer, place, writer.size);
    write(&writer, value);
    asked->out->value = proto_writer_span(&writer);
}

/* {1 text, 2 text}: what all requests here look like; more fields (pagination) are passed over. */
static bool read_request(struct asked *asked, struct span *first, struct span *second) {
    struct proto_reader reader = proto_reader_over(asked->data);
    struct proto_field field;
    *first = *second = span_of(NULL, 0);
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            *first = proto_bytes(&reader, &field);
        else if (field.number == 2)
            *second = proto_bytes(&reader, &field);
    }
    if (reader.bad)
        refuse(asked, CODES_PARSE, "malformed request");
    return !reader.bad;
}

static bool read_address(struct asked *asked, uint8_t *address, struct span text) {
    if (accounts_parse_address(address, asked->where->prefix, text))
        return true;
    refuse(asked, CODES_PARSE, "rpc error: code = InvalidArgument desc = invalid address, expected %s1...", asked->where->prefix);
    return false;
}

/* ---- cosmos.auth.v1beta1.Query/Account */

struct account_answer {
    const char *address;
    struct account account;
};

static void write_account(struct proto_writer *writer, const void *value) {
    const struct account_answer *answer = value;
    size_t any = proto_begin(writer, 1);
    proto_put_text(writer, 1, "/cosmos.auth.v1beta1.BaseAccount");
    size_t base = proto_begin(writer, 2);
    proto_put_text(writer, 1, answer->address);
    cosmos_tx_write_key(writer, 2, &answer->account.key);
    proto_put_uint64(writer, 3, answer->account.number);
    proto_put_uint64(writer, 4, answer->account.sequence);
    proto_end(writer, base);
    proto_end(writer, any);
}

static bool find_account(struct asked *asked, struct account *account, char *text, uint8_t *address, struct span asked_text) {
    if (!read_address(asked, address, asked_text))
        return false;
    bool fits = text_bech32(text, asked->where->prefix, span_of(address, ACCOUNTS_ADDRESS_BYTES));
    assert(fits);
    if (accounts_get(asked->where->committed, account, address))
        return true;
    /* The words by which CosmJS knows that there is none. */
    refuse(asked, CODES_NOT_FOUND, "rpc error: code = NotFound desc = account %s not found: key not found", text);
    return false;
}

static void ask_account(struct asked *asked) {
    struct span text, rest;
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    char canonical[TEXT_BECH32_MAX + 1];
    struct account_answer answer = {.address = canonical};
    if (read_request(asked, &text, &rest) && find_account(asked, &answer.account, canonical, address, text))
        answer_with(asked, write_account, &answer);
}

/* ---- cosmos.bank.v1beta1.Query/… */

struct coins_answer {
    uint32_t count;
    struct cosmos_tx_coin coins[ACCOUNTS_QUERY_BALANCES_MAX];
    struct arena *arena;
};

static void write_coin(struct proto_writer *writer, const void *coin) { cosmos_tx_write_coin(writer, 1, coin); }

static void write_coins(struct proto_writer *writer, const void *value) {
    const struct coins_answer *answer = value;
    for (uint32_t i = 0; i < answer->count; i++)
        cosmos_tx_write_coin(writer, 1, &answer->coins[i]);
}

static void ask_balance(struct asked *asked) {
    struct span text;
    struct cosmos_tx_coin coin;
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    if (!read_request(asked, &text, &coin.denom) || !read_address(asked, address, text))
        return;
    if (!cosmos_tx_denom_valid(coin.denom)) {
        refuse(asked, CODES_PARSE, "rpc error: code = InvalidArgument desc = invalid denom");
        return;
    }
    coin.amount = accounts_balance(asked->where->committed, address, coin.denom);
    answer_with(asked, write_coin, &coin);
}

static bool collect_coin(void *context, struct span denom, amount balance) {
    struct coins_answer *answer = context;
    struct cosmos_tx_coin *coin = &answer->coins[answer->count];
    coin->amount = balance;
    if (!arena_copy(answer->arena, &coin->denom, denom))
        return false;
    return ++answer->count < ACCOUNTS_QUERY_BALANCES_MAX;
}

static struct coins_answer *balances_of(struct asked *asked, const uint8_t *address) {
    struct coins_answer *answer = arena_take(asked->arena, 1, sizeof *answer);
    if (answer == NULL) {
        refuse(asked, CODES_INTERNAL, "the answer is too large");
        return NULL;
    }
    answer->arena = asked->arena;
    accounts_each_balance(asked->where->kv, address, collect_coin, answer);
    return answer;
}

static void ask_all_balances(struct asked *asked) {
    struct span text, rest;
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    if (!read_request(asked, &text, &rest) || !read_address(asked, address, text))
        return;
    struct coins_answer *answer = balances_of(asked, address);
    if (answer != NULL)
        answer_with(asked, write_coins, answer);
}

static void ask_supply(struct asked *asked) {
    struct cosmos_tx_coin coin;
    struct span rest;
    if (!read_request(asked, &coin.denom, &rest))
        return;
    if (!cosmos_tx_denom_valid(coin.denom)) {
        refuse(asked, CODES_PARSE, "rpc error: code = InvalidArgument desc = invalid denom");
        return;
    }
    coin.amount = accounts_supply(asked->where->committed, coin.denom);
    answer_with(asked, write_coin, &coin);
}

/* ---- /ledger/account/<address>: nothing in it needs escaping */

struct json_answer {
    const char *address;
    struct account account;
    const struct coins_answer *coins;
};

static void put(struct proto_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct proto_writer *writer, const char *format, ...) {
    char piece[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    assert(size >= 0 && (size_t)size < sizeof piece);
    proto_put_raw(writer, span_of(piece, (size_t)size));
}

static void write_json(struct proto_writer *writer, const void *value) {
    const struct json_answer *answer = value;
    put(writer, "{\"address\":\"%s\",\"account_number\":\"%" PRIu64 "\",\"sequence\":\"%" PRIu64 "\",\"coins\":[", answer->address,
        answer->account.number, answer->account.sequence);
    for (uint32_t i = 0; i < answer->coins->count; i++) {
        const struct cosmos_tx_coin *coin = &answer->coins->coins[i];
        char text[AMOUNT_TEXT_SIZE];
        amount_text(text, coin->amount);
        put(writer, "%s{\"denom\":\"%.*s\",\"amount\":\"%s\"}", i == 0 ? "" : ",", (int)coin->denom.size, (const char *)coin->denom.data, text);
    }
    put(writer, "]}");
}

static void ask_json(struct asked *asked) {
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    char canonical[TEXT_BECH32_MAX + 1];
    struct json_answer answer = {.address = canonical};
    if (!find_account(asked, &answer.account, canonical, address, asked->data))
        return;
    answer.coins = balances_of(asked, address);
    if (answer.coins != NULL)
        answer_with(asked, write_json, &answer);
}

/* ---- by path */

static const struct path {
    const char *text;
    bool goes_on; /* the rest of the path is the request */
    void (*ask)(struct asked *asked);
} paths[] = {
    {"/cosmos.auth.v1beta1.Query/Account", false, ask_account},
    {"/cosmos.bank.v1beta1.Query/Balance", false, ask_balance},
    {"/cosmos.bank.v1beta1.Query/AllBalances", false, ask_all_balances},
    {"/cosmos.bank.v1beta1.Query/SupplyOf", false, ask_supply},
    {"/ledger/account/", true, ask_json},
};

static const struct path *path_of(struct span text) {
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t size = strlen(paths[i].text);
        if (text.size >= size && memcmp(text.data, paths[i].text, size) == 0 && (text.size == size || paths[i].goes_on))
            return &paths[i];
    }
    return NULL;
}

/* filter_peers asks every application whom the node may speak with: this one keeps nobody out. */
static bool is_about_peers(struct span path) { return path.size >= 12 && memcmp(path.data, "/p2p/filter/", 12) == 0; }

void accounts_query_answer(const struct accounts_query *where, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct asked asked = {.where = where, .out = out, .data = question->data, .arena = arena};
    *out = (struct abci_answer){.height = where->height};
    const struct path *path = path_of(question->path);
    if (path == NULL && is_about_peers(question->path))
        return;
    if (path == NULL) {
        refuse(&asked, CODES_BAD_PATH, "unknown query path");
        return;
    }
    if (question->height != 0 && question->height != where->height) {
        refuse(&asked, CODES_HEIGHT_PRUNED, "only the state of the latest height %" PRId64 " is kept", where->height);
        return;
    }
    size_t size = strlen(path->text);
    if (path->goes_on)
        asked.data = span_of(question->path.data + size, question->path.size - size);
    path->ask(&asked);
}
