#include "ledger/accounts.h"

#include <assert.h>

#include "crypto/text.h"

struct place { /* a key of the store being put together */
    uint8_t bytes[ACCOUNTS_KEY_MAX];
    size_t size;
};

static void place_add(struct place *place, const void *bytes, size_t size) {
    assert(size <= sizeof place->bytes - place->size);
    memcpy(place->bytes + place->size, bytes, size);
    place->size += size;
}

static struct place place_of(const char *begin) {
    struct place place = {.size = 0};
    place_add(&place, begin, strlen(begin));
    return place;
}

static struct span span(const struct place *place) { return span_of(place->bytes, place->size); }

static struct place account_place(const uint8_t *address) {
    struct place place = place_of("s/acc/");
    place_add(&place, address, ACCOUNTS_ADDRESS_BYTES);
    return place;
}

static struct place balance_place(const uint8_t *address, struct span denom) {
    struct place place = place_of("s/bank/b");
    place_add(&place, address, ACCOUNTS_ADDRESS_BYTES);
    place_add(&place, denom.data, denom.size);
    return place;
}

static struct place supply_place(struct span denom) {
    struct place place = place_of("s/bank/u");
    place_add(&place, denom.data, denom.size);
    return place;
}

/* ---- accounts */

enum { FIELD_KEY = 2, FIELD_NUMBER = 3, FIELD_SEQUENCE = 4 };

static void decode(struct account *out, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    *out = (struct account){.number = 0};
    while (proto_next(&reader, &field)) {
        if (field.number == FIELD_KEY) {
            struct proto_reader sub = proto_sub(&reader, &field);
            pubkey_read(&out->key, &sub);
            proto_join(&reader, &sub);
        } else if (field.number == FIELD_NUMBER) {
            out->number = proto_uint64(&reader, &field);
        } else if (field.number == FIELD_SEQUENCE) {
            out->sequence = proto_uint64(&reader, &field);
        }
    }
    assert(!reader.bad);
}

bool accounts_get(struct overlay *state, struct account *out, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES]) {
    struct place place = account_place(address);
    struct span bytes = overlay_get(state, span(&place));
    if (bytes.data == NULL)
        return false;
    decode(out, bytes);
    return true;
}

void accounts_put(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], const struct account *account) {
    uint8_t bytes[128];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    size_t mark = proto_begin(&writer, FIELD_KEY); /* always written, so that no value is empty */
    pubkey_write(&writer, &account->key);
    proto_end(&writer, mark);
    proto_put_uint64(&writer, FIELD_NUMBER, account->number);
    proto_put_uint64(&writer, FIELD_SEQUENCE, account->sequence);
    assert(!writer.overflow);
    struct place place = account_place(address);
    overlay_put(state, span(&place), proto_writer_span(&writer));
}

static uint64_t account_count(struct overlay *state) {
    struct span bytes = overlay_get(state, span_text("s/sys/accounts"));
    uint64_t count = 0;
    assert(bytes.data == NULL || bytes.size == 8);
    for (size_t i = 0; i < bytes.size; i++)
        count = count << 8 | bytes.data[i];
    return count;
}

static void set_account_count(struct overlay *state, uint64_t count) {
    uint8_t bytes[8];
    for (size_t i = 8; i-- > 0; count >>= 8)
        bytes[i] = (uint8_t)count;
    overlay_put(state, span_text("s/sys/accounts"), span_of(bytes, sizeof bytes));
}

void accounts_create(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], const struct pubkey *key) {
    struct account account = {.key = *key, .number = account_count(state)};
    accounts_put(state, address, &account);
    set_account_count(state, account.number + 1);
}

/* ---- balances */

static amount get_amount(struct overlay *state, const struct place *place) {
    struct span bytes = overlay_get(state, span(place));
    amount value = 0;
    bool good = bytes.data == NULL || amount_decode(&value, bytes);
    assert(good);
    return value;
}

static void put_amount(struct overlay *state, const struct place *place, amount value) {
    uint8_t bytes[AMOUNT_BYTES];
    amount_encode(bytes, value);
    if (value == 0)
        overlay_delete(state, span(place));
    else
        overlay_put(state, span(place), span_of(bytes, sizeof bytes));
}

amount accounts_balance(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom) {
    struct place place = balance_place(address, denom);
    return get_amount(state, &place);
}

amount accounts_supply(struct overlay *state, struct span denom) {
    struct place place = supply_place(denom);
    return get_amount(state, &place);
}

bool accounts_debit(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value) {
    struct place place = balance_place(address, denom);
    amount rest;
    if (!amount_sub(&rest, get_amount(state, &place), value))
        return false;
    put_amount(state, &place, rest);
    return true;
}

static bool add_amount(struct overlay *state, const struct place *place, amount value) {
    amount sum;
    if (!amount_add(&sum, get_amount(state, place), value))
        return false;
    put_amount(state, place, sum);
    return true;
}

bool accounts_credit(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value) {
    struct place place = balance_place(address, denom);
    return add_amount(state, &place, value);
}

bool accounts_mint(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value) {
    struct place place = supply_place(denom);
    if (!add_amount(state, &place, value))
        return false;
    bool credited = accounts_credit(state, address, denom, value);
    assert(credited); /* no balance is above the supply */
    return true;
}

/* ---- addresses as text */

void accounts_set_prefix(struct overlay *state, struct span prefix) { overlay_put(state, span_text("s/sys/prefix"), prefix); }

void accounts_prefix(struct overlay *state, char out[static ACCOUNTS_PREFIX_MAX + 1]) {
    struct span prefix = overlay_get(state, span_text("s/sys/prefix"));
    if (prefix.data == NULL)
        prefix = span_text(ACCOUNTS_PREFIX);
    assert(prefix.size <= ACCOUNTS_PREFIX_MAX);
    memcpy(out, prefix.data, prefix.size);
    out[prefix.size] = 0;
}

bool accounts_parse_address(uint8_t out[static ACCOUNTS_ADDRESS_BYTES], const char *prefix, struct span text) {
    uint8_t bytes[64];
    size_t size;
    if (!text_bech32_decode(bytes, &size, sizeof bytes, prefix, text) || size != ACCOUNTS_ADDRESS_BYTES)
        return false;
    memcpy(out, bytes, ACCOUNTS_ADDRESS_BYTES);
    return true;
}

/* ---- the store, key by key */

struct walk {
    accounts_visit *visit;
    void *context;
    size_t prefix_size;
};

static bool walk_one(void *context, struct span key, struct span value) {
    const struct walk *walk = context;
    amount balance = 0;
    bool good = amount_decode(&balance, value);
    assert(good);
    return walk->visit(walk->context, span_of(key.data + walk->prefix_size, key.size - walk->prefix_size), balance);
}

void accounts_each_balance(struct kv *kv, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], accounts_visit *visit, void *context) {
    struct place from = balance_place(address, span_text("")), to = from;
    struct walk walk = {visit, context, from.size};
    place_add(&to, "\xff", 1); /* no denom begins so */
    kv_scan(kv, span(&from), span(&to), false, walk_one, &walk);
}
