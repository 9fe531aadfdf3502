#include "ledger/app_state.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/text.h"
#include "ledger/cosmos_tx.h"

struct load {
    struct overlay *state;
    struct arena *arena;
    struct span *error;
    char prefix[ACCOUNTS_PREFIX_MAX + 1];
    size_t account, coin; /* where we are, for the error */
};

static bool refuse(struct load *load, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct load *load, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (!arena_copy(load->arena, load->error, span_text(line)))
        *load->error = span_text("app_state is malformed");
    return false;
}

static struct span text_of(const json_t *value) { return span_of(json_string_value(value), json_string_length(value)); }

/* Only the named fields: a misspelt one would silently be nothing. */
static const char *foreign_field(json_t *object, const char *const *known) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        bool is_known = false;
        for (const char *const *field = known; *field != NULL; field++)
            is_known |= strcmp(*field, name) == 0;
        if (!is_known)
            return name;
    }
    return NULL;
}

static bool load_coin(struct load *load, const uint8_t *address, json_t *coin) {
    static const char *const fields[] = {"denom", "amount", NULL};
    const char *foreign = json_is_object(coin) ? foreign_field(coin, fields) : NULL;
    json_t *denom = json_object_get(coin, "denom"), *text = json_object_get(coin, "amount");
    amount value;
    if (foreign != NULL)
        return refuse(load, "accounts[%zu].coins[%zu]: unknown field \"%.40s\"", load->account, load->coin, foreign);
    if (!json_is_string(denom) || !cosmos_tx_denom_valid(text_of(denom)))
        return refuse(load, "accounts[%zu].coins[%zu]: \"denom\" must be 3 to 128 of a-z A-Z 0-9 / : . _ -, a letter first", load->account,
                      load->coin);
    if (!json_is_string(text) || !amount_parse(&value, text_of(text)) || value == 0)
        return refuse(load, "accounts[%zu].coins[%zu]: \"amount\" must be a text with a positive decimal number of at most 128 bits",
                      load->account, load->coin);
    if (accounts_balance(load->state, address, text_of(denom)) != 0)
        return refuse(load, "accounts[%zu].coins[%zu]: denom \"%s\" comes twice", load->account, load->coin, json_string_value(denom));
    if (!accounts_mint(load->state, address, text_of(denom), value))
        return refuse(load, "accounts[%zu].coins[%zu]: the supply of \"%s\" would pass 128 bits", load->account, load->coin,
                      json_string_value(denom));
    return true;
}

static bool load_coins(struct load *load, const uint8_t *address, json_t *coins) {
    if (coins != NULL && !json_is_array(coins))
        return refuse(load, "accounts[%zu]: \"coins\" must be a list", load->account);
    for (load->coin = 0; load->coin < json_array_size(coins); load->coin++)
        if (!load_coin(load, address, json_array_get(coins, load->coin)))
            return false;
    return true;
}

static bool load_key(struct load *load, struct pubkey *key, const uint8_t *address, json_t *value) {
    static const char *const fields[] = {"type", "value", NULL};
    if (value == NULL)
        return true;
    json_t *type = json_object_get(value, "type"), *text = json_object_get(value, "value");
    if (!json_is_string(type) || !json_is_string(text) || foreign_field(value, fields) != NULL)
        return refuse(load, "accounts[%zu]: \"pub_key\" must have the texts \"type\" and \"value\"", load->account);
    size_t size = 0;
    key->type = pubkey_type_from_json_tag(text_of(type));
    if (key->type == PUBKEY_NONE)
        return refuse(load, "accounts[%zu]: unknown type of public key \"%.60s\"", load->account, json_string_value(type));
    if (!text_base64_decode(key->bytes, &size, sizeof key->bytes, text_of(text)) || size != (key->type == PUBKEY_ED25519 ? 32 : 33))
        return refuse(load, "accounts[%zu]: the public key's value is not base64 of the right size", load->account);
    key->size = (uint8_t)size;
    struct address derived = pubkey_address(key);
    if (memcmp(derived.bytes, address, ACCOUNTS_ADDRESS_BYTES) != 0)
        return refuse(load, "accounts[%zu]: the address is not that of its public key", load->account);
    return true;
}

static bool load_account(struct load *load, json_t *entry) {
    static const char *const fields[] = {"address", "pub_key", "coins", NULL};
    if (!json_is_object(entry))
        return refuse(load, "accounts[%zu] must be an object", load->account);
    const char *foreign = foreign_field(entry, fields);
    if (foreign != NULL)
        return refuse(load, "accounts[%zu]: unknown field \"%.40s\"", load->account, foreign);
    json_t *text = json_object_get(entry, "address");
    uint8_t address[ACCOUNTS_ADDRESS_BYTES];
    struct account known;
    struct pubkey key = {.type = PUBKEY_NONE};
    if (!json_is_string(text) || !accounts_parse_address(address, load->prefix, text_of(text)))
        return refuse(load, "accounts[%zu]: \"address\" must be a bech32 address of 20 bytes that begins with \"%s1\"", load->account,
                      load->prefix);
    if (accounts_get(load->state, &known, address))
        return refuse(load, "accounts[%zu]: address %.90s comes twice", load->account, json_string_value(text));
    if (!load_key(load, &key, address, json_object_get(entry, "pub_key")))
        return false;
    accounts_create(load->state, address, &key);
    return load_coins(load, address, json_object_get(entry, "coins"));
}

static bool load_prefix(struct load *load, json_t *prefix) {
    struct span text = prefix == NULL ? span_text(ACCOUNTS_PREFIX) : text_of(prefix);
    bool good = prefix == NULL || json_is_string(prefix);
    good = good && text.size > 0 && text.size <= ACCOUNTS_PREFIX_MAX;
    for (size_t i = 0; good && i < text.size; i++)
        good = (text.data[i] >= 'a' && text.data[i] <= 'z') || (i > 0 && text.data[i] >= '0' && text.data[i] <= '9');
    if (!good)
        return refuse(load, "\"prefix\" must be a text of 1 to %d lower-case letters and digits", ACCOUNTS_PREFIX_MAX);
    accounts_set_prefix(load->state, text);
    accounts_prefix(load->state, load->prefix);
    return true;
}

static bool load_root(struct load *load, json_t *root) {
    static const char *const fields[] = {"prefix", "accounts", NULL};
    if (!json_is_object(root) && !json_is_null(root))
        return refuse(load, "app_state must be an object");
    const char *foreign = json_is_object(root) ? foreign_field(root, fields) : NULL;
    if (foreign != NULL)
        return refuse(load, "unknown field \"%.40s\"", foreign);
    json_t *accounts = json_object_get(root, "accounts");
    if (accounts != NULL && !json_is_array(accounts))
        return refuse(load, "\"accounts\" must be a list");
    if (!load_prefix(load, json_object_get(root, "prefix")))
        return false;
    for (load->account = 0; load->account < json_array_size(accounts); load->account++) {
        overlay_mark(load->state);
        if (!load_account(load, json_array_get(accounts, load->account)))
            return false;
    }
    return true;
}

bool app_state_load(struct overlay *state, struct span json, struct arena *arena, struct span *error) {
    struct load load = {.state = state, .arena = arena, .error = error};
    if (json.size == 0)
        return load_prefix(&load, NULL);
    json_error_t fault;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (root == NULL)
        return refuse(&load, "not JSON at line %d, column %d: %.160s", fault.line, fault.column, fault.text);
    bool good = load_root(&load, root);
    json_decref(root);
    return good;
}
