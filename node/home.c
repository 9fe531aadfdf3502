#include "node/home.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"
#include "ledger/accounts.h"
#include "node/complaint.h"
#include "node/signer.h"

static const char *const files[] = {"config/config.toml",   "config/genesis.json",           "config/node_key.json", "config/priv_validator_key.json",
                                    "data/priv_validator_state.json", "data/quorate.db"};

bool home_is_free(const char *home, char **error) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = complaint_of("%s/%s", home, files[i]);
        bool is_there = access(path, F_OK) == 0;
        if (is_there)
            *error = complaint_of("%s: is there already, and nothing is overwritten. Choose another folder, or remove this one if the node in it "
                                  "is not needed any more (never while its validator key signs for a chain)",
                                  path);
        free(path);
        if (is_there)
            return false;
    }
    return true;
}

static bool write_below(const char *home, const char *name, const char *text, char **error) {
    char *path = complaint_of("%s/%s", home, name);
    bool good = keyfile_write(path, span_text(text), false, error);
    free(path);
    return good;
}

static bool save_below(const char *home, const char *name, const struct keyfile *key, bool is_node_key, char **error) {
    char *path = complaint_of("%s/%s", home, name);
    bool good = keyfile_save(key, path, is_node_key, false, error);
    free(path);
    return good;
}

bool home_write_keys(const char *home, struct home_keys *keys, bool is_validator, char **error) {
    char mark[SIGNER_MARK_TEXT_SIZE];
    signer_mark_text(mark, sizeof mark, &(struct signer_mark_state){0});
    keyfile_generate(&keys->node, PUBKEY_ED25519);
    keyfile_generate(&keys->validator, PUBKEY_ED25519);
    keyfile_id(keys->id, &keys->node);
    return save_below(home, "config/node_key.json", &keys->node, true, error) &&
           (!is_validator || save_below(home, "config/priv_validator_key.json", &keys->validator, false, error)) &&
           write_below(home, "data/priv_validator_state.json", mark, error);
}

bool home_write_texts(const char *home, const struct config *config, const char *genesis, char **error) {
    char *text = config_text(config);
    bool good = write_below(home, "config/config.toml", text, error) && write_below(home, "config/genesis.json", genesis, error);
    free(text);
    return good;
}

void home_account_generate(struct home_account *account, uint8_t key_type) {
    keyfile_generate(&account->key, key_type);
    struct address address = pubkey_address(&account->key.public_key);
    bool fits = text_bech32(account->address, ACCOUNTS_PREFIX, address_span(&address));
    assert(fits);
}

char *home_app_state(const struct home_account *accounts, size_t count, int64_t coins) {
    size_t capacity = 128 + count * 256, size;
    char *text = malloc(capacity);
    assert(text != NULL);
    size = (size_t)snprintf(text, capacity, "{\"prefix\":\"%s\",\"accounts\":[", ACCOUNTS_PREFIX);
    for (size_t i = 0; i < count; i++) {
        size += (size_t)snprintf(text + size, capacity - size, "%s{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"%lld\"}]}",
                                 i == 0 ? "" : ",", accounts[i].address, (long long)coins);
        assert(size < capacity);
    }
    snprintf(text + size, capacity - size, "]}");
    return text;
}

struct timestamp home_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct timestamp){now.tv_sec, (int32_t)now.tv_nsec};
}

void home_random_chain_id(char out[static VOTE_CHAIN_ID_BYTES_MAX + 1]) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t chance[6];
    random_fill(chance, sizeof chance);
    strcpy(out, "chain-");
    for (size_t i = 0; i < sizeof chance; i++)
        out[6 + i] = letters[chance[i] % (sizeof letters - 1)];
    out[12] = '\0';
}
