#define _GNU_SOURCE
#include "node/load_accounts.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "crypto/secp256k1_key.h"
#include "genesis/scan.h"
#include "ledger/cosmos_tx.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_scan.h"

#define FILE_BYTES_MAX 65536
#define GAS_LIMIT      200000

/* Key files */

static void take_key(struct load_account *account, const struct keyfile *key) {
    struct address address = pubkey_address(&key->public_key);
    account->key = key->public_key;
    if (key->type == PUBKEY_ED25519)
        account->ed25519 = ed25519_key_new(key->secret);
    else
        memcpy(account->secp256k1, key->secret, sizeof account->secp256k1);
    bool fits = text_bech32(account->address, LOAD_ACCOUNTS_PREFIX, address_span(&address));
    assert(fits);
    buffer_init(&account->texts);
}

const char *load_accounts_add(struct load_accounts *accounts, struct span json) {
    struct keyfile key;
    const char *fault = keyfile_parse(&key, json, false);
    if (fault == NULL && accounts->count == LOAD_ACCOUNTS_MAX)
        fault = "more accounts than are taken";
    if (fault != NULL)
        return fault;
    if ((accounts->count & (accounts->count - 1)) == 0) { /* full: grows at the powers of two */
        uint32_t capacity = accounts->count == 0 ? 1 : accounts->count * 2;
        accounts->accounts = realloc(accounts->accounts, capacity * sizeof *accounts->accounts);
        assert(accounts->accounts != NULL);
    }
    struct load_account *account = &accounts->accounts[accounts->count++];
    *account = (struct load_account){0};
    take_key(account, &key);
    keyfile_wipe(&key);
    return NULL;
}

static bool read_file(struct load_accounts *accounts, const char *folder, const char *name, char **error) {
    static uint8_t text[FILE_BYTES_MAX];
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        *error = complaint_of("%s: the path is too long", folder);
        return false;
    }
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        *error = complaint_of("%s: cannot be opened: %s", path, strerror(errno));
        return false;
    }
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    const char *fault = load_accounts_add(accounts, span_of(text, size));
    OPENSSL_cleanse(text, size);
    if (fault != NULL)
        *error = complaint_of("%s: %s", path, fault);
    return fault == NULL;
}

static int is_json(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

bool load_accounts_read(struct load_accounts *accounts, const char *folder, char **error) {
    struct dirent **names;
    uint8_t run[8];
    *accounts = (struct load_accounts){.denom = LOAD_ACCOUNTS_DENOM};
    random_fill(run, sizeof run);
    text_hex_lower(accounts->run, span_of(run, sizeof run));
    int count = scandir(folder, &names, is_json, alphasort);
    if (count < 0) {
        *error = complaint_of("%s: %s", folder, strerror(errno));
        return false;
    }
    bool good = true;
    for (int i = 0; i < count; i++) {
        good = good && read_file(accounts, folder, names[i]->d_name, error);
        free(names[i]);
    }
    free(names);
    if (good && accounts->count < 2) {
        *error = complaint_of("%s: holds %d key file(s) (*.json), and transfers need two accounts", folder, count);
        good = false;
    }
    if (!good)
        load_accounts_close(accounts);
    return good;
}

static void forget_ahead(struct load_account *account) {
    buffer_close(&account->texts);
    free(account->ends);
    account->ends = NULL;
    account->ahead = 0;
}

void load_accounts_close(struct load_accounts *accounts) {
    for (uint32_t i = 0; i < accounts->count; i++) {
        forget_ahead(&accounts->accounts[i]);
        ed25519_key_free(accounts->accounts[i].ed25519);
    }
    if (accounts->accounts != NULL)
        OPENSSL_cleanse(accounts->accounts, accounts->count * sizeof *accounts->accounts);
    free(accounts->accounts);
    accounts->accounts = NULL;
    accounts->count = 0;
}

/* Signing */

static size_t write_body(const struct load_accounts *accounts, uint32_t index, uint64_t sequence, size_t padding, uint8_t *out, size_t capacity) {
    char memo[COSMOS_TX_MEMO_MAX + 1], value[512];
    const struct load_account *from = &accounts->accounts[index], *to = &accounts->accounts[(index + 1) % accounts->count];
    struct cosmos_tx_send send = {span_text(from->address), span_text(to->address), 1, {{span_text(accounts->denom), 1}}};
    struct proto_writer inner, outer;
    int size = snprintf(memo, sizeof memo, "%s-%llu", accounts->run, (unsigned long long)sequence);
    if (padding > sizeof memo - 1 - (size_t)size)
        padding = sizeof memo - 1 - (size_t)size;
    memset(memo + size, '.', padding);
    proto_writer_init(&inner, value, sizeof value);
    cosmos_tx_write_send(&inner, &send);
    struct cosmos_tx_any message = {span_text(COSMOS_TX_SEND_URL), proto_writer_span(&inner)};
    proto_writer_init(&outer, out, capacity);
    cosmos_tx_write_body(&outer, &message, 1, span_of(memo, (size_t)size + padding), 0);
    assert(!inner.overflow && !outer.overflow);
    return outer.size;
}

static void sign(const struct load_account *account, struct signature *signature, struct span doc) {
    signature->size = 64;
    if (account->ed25519 != NULL) {
        ed25519_sign(account->ed25519, signature->bytes, doc);
        return;
    }
    bool signed_it = secp256k1_key_sign(signature->bytes, account->secp256k1, doc);
    assert(signed_it);
}

static size_t write_tx(const struct load_accounts *accounts, uint32_t index, uint64_t sequence, size_t padding, uint8_t *out) {
    uint8_t body[1024], auth[256], doc[1536];
    const struct load_account *account = &accounts->accounts[index];
    struct signature signature;
    struct proto_writer writer;
    struct span body_bytes = span_of(body, write_body(accounts, index, sequence, padding, body, sizeof body));
    proto_writer_init(&writer, auth, sizeof auth);
    cosmos_tx_write_auth_info(&writer, &account->key, sequence, NULL, 0, GAS_LIMIT);
    struct span auth_bytes = proto_writer_span(&writer);
    assert(!writer.overflow);
    proto_writer_init(&writer, doc, sizeof doc);
    cosmos_tx_write_sign_doc(&writer, body_bytes, auth_bytes, span_text(accounts->chain_id), account->number);
    assert(!writer.overflow);
    sign(account, &signature, proto_writer_span(&writer));
    proto_writer_init(&writer, out, LOAD_ACCOUNTS_TX_MAX);
    cosmos_tx_write_raw(&writer, body_bytes, auth_bytes, &signature);
    assert(!writer.overflow);
    return writer.size;
}

/* What the memo must add to reach the size, to a few bytes, since lengths of lengths move too. Found once by trial. */
static size_t padding_of(const struct load_accounts *accounts, uint32_t index) {
    uint8_t plain[LOAD_ACCOUNTS_TX_MAX];
    struct load_account *account = &accounts->accounts[index];
    if (!account->has_padding) {
        size_t size = write_tx(accounts, index, account->sequence, 0, plain);
        account->padding = accounts->size > size ? accounts->size - size : 0;
        account->has_padding = true;
    }
    return account->padding;
}

void load_accounts_sign_ahead(struct load_accounts *accounts, uint64_t count) {
    for (uint32_t i = 0; i < accounts->count; i++) {
        struct load_account *account = &accounts->accounts[i];
        forget_ahead(account);
        account->first = account->sequence;
        account->ends = malloc((count == 0 ? 1 : count) * sizeof *account->ends);
        assert(account->ends != NULL);
        size_t padding = padding_of(accounts, i);
        for (; account->ahead < count; account->ahead++) {
            uint8_t *room = buffer_reserve(&account->texts, LOAD_ACCOUNTS_TX_MAX);
            buffer_add(&account->texts, write_tx(accounts, i, account->first + account->ahead, padding, room));
            account->ends[account->ahead] = buffer_size(&account->texts);
        }
    }
}

struct span load_accounts_next(struct load_accounts *accounts, uint32_t index) {
    struct load_account *account = &accounts->accounts[index];
    uint64_t sequence = account->sequence++, at = sequence - account->first;
    if (sequence >= account->first && at < account->ahead) {
        size_t begin = at == 0 ? 0 : account->ends[at - 1];
        return span_of(buffer_span(&account->texts).data + begin, account->ends[at] - begin);
    }
    return span_of(accounts->tx, write_tx(accounts, index, sequence, padding_of(accounts, index), accounts->tx));
}

/* Sequences */

static struct span member_text(struct span json, const char *path) {
    struct span value;
    return load_scan_path(&value, json, path) ? value : span_of(NULL, 0);
}

static bool read_number(uint64_t *out, struct span json, const char *path) {
    int64_t number;
    if (!load_scan_number(&number, member_text(json, path)) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

#define ANSWER_BYTES_MAX 65536

static bool decode_answer(struct span *json, uint8_t text[static ANSWER_BYTES_MAX], struct span response) {
    size_t size;
    return text_base64_decode(text, &size, ANSWER_BYTES_MAX, member_text(response, "value")) &&
           scan_value(json, span_of(text, size), NULL);
}

void load_accounts_take_denom(struct load_accounts *accounts, struct span response) {
    uint8_t text[ANSWER_BYTES_MAX];
    struct span json, coins, key, coin, denom;
    if (!decode_answer(&json, text, response) || !scan_member(json, &coins, "coins"))
        return;
    struct scan_walk walk = scan_walk(coins);
    if (scan_next(&walk, &key, &coin) && load_scan_path(&denom, coin, "denom") && denom.size < sizeof accounts->denom) {
        memcpy(accounts->denom, denom.data, denom.size);
        accounts->denom[denom.size] = '\0';
    }
}

bool load_accounts_understand(struct load_account *account, struct span response) {
    uint8_t text[ANSWER_BYTES_MAX];
    struct span json;
    uint64_t number, sequence;
    if (!decode_answer(&json, text, response) || !read_number(&number, json, "account_number") ||
        !read_number(&sequence, json, "sequence"))
        return false;
    account->number = number;
    account->sequence = sequence;
    return true;
}

bool load_accounts_expected(uint64_t *sequence, struct span log) {
    static const char word[] = "expected ";
    const uint8_t *at = log.size == 0 ? NULL : memmem(log.data, log.size, word, sizeof word - 1);
    if (at == NULL)
        return false;
    at += sizeof word - 1;
    const uint8_t *end = log.data + log.size, *digit = at;
    while (digit < end && *digit >= '0' && *digit <= '9')
        digit++;
    int64_t number;
    if (!load_scan_number(&number, span_of(at, (size_t)(digit - at))))
        return false;
    *sequence = (uint64_t)number;
    return true;
}
