#include "node/sim_load.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/ed25519.h"
#include "crypto/sha256.h"

static void make_account(struct load_account *account, uint32_t number) {
    uint8_t seed[32], key[32];
    char name[32];
    snprintf(name, sizeof name, "account %u", number);
    sha256_once(seed, span_text(name));
    account->ed25519 = ed25519_key_new(seed);
    ed25519_key_public(account->ed25519, key);
    account->key = pubkey_ed25519(key);
    account->number = number;
    struct address address = pubkey_address(&account->key);
    text_bech32(account->address, LOAD_ACCOUNTS_PREFIX, address_span(&address));
}

static void make_accounts(struct sim_load *load) {
    struct load_accounts *accounts = &load->accounts;
    accounts->accounts = calloc(SIM_LOAD_ACCOUNTS, sizeof *accounts->accounts);
    assert(accounts->accounts != NULL);
    accounts->count = SIM_LOAD_ACCOUNTS;
    strcpy(accounts->chain_id, "sim");
    strcpy(accounts->denom, LOAD_ACCOUNTS_DENOM);
    strcpy(accounts->run, "sim");
    size_t size = (size_t)snprintf(load->app_state, sizeof load->app_state, "{\"prefix\":\"%s\",\"accounts\":[", LOAD_ACCOUNTS_PREFIX);
    for (uint32_t i = 0; i < SIM_LOAD_ACCOUNTS; i++) {
        make_account(&accounts->accounts[i], i);
        size += (size_t)snprintf(load->app_state + size, sizeof load->app_state - size,
                                 "%s{\"address\":\"%s\",\"coins\":[{\"denom\":\"%s\",\"amount\":\"%d\"}]}", i == 0 ? "" : ",",
                                 accounts->accounts[i].address, LOAD_ACCOUNTS_DENOM, SIM_LOAD_FUNDS);
    }
    snprintf(load->app_state + size, sizeof load->app_state - size, "]}");
}

void sim_load_init(struct sim_load *load, const char *app, size_t tx_bytes) {
    *load = (struct sim_load){.is_ledger = strcmp(app, "ledger") == 0, .tx_bytes = tx_bytes};
    load->pair = malloc(tx_bytes + 64);
    assert(load->pair != NULL);
    if (load->is_ledger)
        make_accounts(load);
}

void sim_load_close(struct sim_load *load) {
    free(load->pair);
    if (load->is_ledger)
        load_accounts_close(&load->accounts);
}

struct span sim_load_next(struct sim_load *load, struct sim *sim, uint32_t node) {
    (void)sim;
    load->made++;
    if (load->is_ledger)
        return load_accounts_next(&load->accounts, node % SIM_LOAD_ACCOUNTS);
    size_t size = (size_t)snprintf(load->pair, 64, "k%" PRIu64 "=v", load->made);
    for (; size < load->tx_bytes; size++)
        load->pair[size] = 'v';
    return span_of(load->pair, size);
}

/* ---- questions to the application */

static void make_question(char path[static 128], struct abci_query *question, const struct load_account *account) {
    snprintf(path, 128, "/ledger/account/%s", account->address);
    *question = (struct abci_query){.path = span_text(path)};
}

/* Of a ledger that stands outside. */
static struct span ask(struct ledger *ledger, const struct load_account *account, struct arena *arena) {
    char path[128];
    struct abci_query question;
    struct abci_answer answer = {0};
    make_question(path, &question, account);
    ledger->app->table->query(ledger->app, &answer, &question, arena);
    return answer.value;
}

/* A question may be what the node dies of. */
static struct span ask_node(struct sim *sim, uint32_t node, const struct load_account *account, struct arena *arena) {
    char path[128];
    struct abci_query question;
    struct abci_answer answer = {0};
    make_question(path, &question, account);
    return sim_query(sim, node, &answer, &question, arena) ? answer.value : span_of(NULL, 0);
}

/* The number after "name":" anywhere; −1: none. */
static int64_t number_after(struct span json, const char *name) {
    char wanted[48], text[4096];
    if (json.size >= sizeof text)
        return -1;
    memcpy(text, json.data == NULL ? (const uint8_t *)"" : json.data, json.size);
    text[json.size] = '\0';
    snprintf(wanted, sizeof wanted, "\"%s\":", name);
    const char *at = strstr(text, wanted);
    if (at == NULL)
        return -1;
    at += strlen(wanted);
    return strtoll(*at == '"' ? at + 1 : at, NULL, 10);
}

void sim_load_note(struct sim_load *load, struct sim *sim, uint32_t node, enum mempool_verdict verdict) {
    if (!load->is_ledger || verdict == MEMPOOL_ADDED || verdict == MEMPOOL_KNOWN)
        return;
    struct load_account *account = &load->accounts.accounts[node % SIM_LOAD_ACCOUNTS];
    if (verdict != MEMPOOL_REFUSED || !sim_is_alive(sim, node)) {
        account->sequence--;
        return;
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    int64_t sequence = number_after(ask_node(sim, node, account, &arena), "sequence");
    account->sequence = sequence < 0 ? 0 : (uint64_t)sequence;
    arena_close(&arena);
}

int64_t sim_load_coins(const struct sim_load *load, struct ledger *ledger) {
    int64_t sum = 0;
    for (uint32_t i = 0; load->is_ledger && i < SIM_LOAD_ACCOUNTS; i++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        int64_t amount = number_after(ask(ledger, &load->accounts.accounts[i], &arena), "amount");
        arena_close(&arena);
        if (amount < 0)
            return -1;
        sum += amount;
    }
    return load->is_ledger ? sum : -1;
}
