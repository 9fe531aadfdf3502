/* quorate unsafe-reset-all: forgets the chain. Keys and the signing mark stay: a validator that forgot what it signed could sign again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "genesis/genesis.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/journal.h"
#include "node/votejournal.h"

static const char *home;
static bool yes, keep_address_book;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"yes", CLI_FLAG, &yes, "", "do not ask", 0, 0},
    {"keep-addr-book", CLI_FLAG, &keep_address_book, "", "keep the addresses of peers", 0, 0},
};

static const struct cli_command command = {
    .name = "unsafe-reset-all", .arguments = "[--home DIR] [--yes] [--keep-addr-book]",
    .summary = "Removes the store, the journal and the addresses of peers, so that the node begins again from genesis.json. Keys and the signing\n"
               "mark stay: for a NEW chain with the same key and heights from 1 on, remove data/priv_validator_state.* by hand, knowing that nothing\n"
               "then keeps the key from signing twice on the old one. What was voted (data/votes.db, for auditors) stays too, with a signed note of the reset:\n"
               "whoever wipes it, or the mark, can make an honest key look guilty.",
    .example = "quorate unsafe-reset-all --home net/node0 --yes", .options = options, .option_count = sizeof options / sizeof options[0]};

static bool failed;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    if (remove(path) != 0) {
        fprintf(stderr, "quorate unsafe-reset-all: %s: remove: %s\n", path, strerror(errno));
        failed = true;
    }
    return 0;
}

static void remove_tree(const char *path) {
    if (access(path, F_OK) == 0)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The store's lock is held as long as a node runs. */
static bool is_running(const char *store) {
    char *path = complaint_of("%s/LOCK", store);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

static bool is_confirmed(void) {
    char answer[16] = "";
    printf("This removes the chain in %s (keys and signing mark stay). Type yes to go on: ", home);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* The folder of the journal: all that is in it, but never the folder of the whole data. */
static char *journal_folder(const struct config *config) {
    char *path = config_path(config, config->consensus.wal_file), *slash = strrchr(path, '/');
    *slash = '\0';
    return path;
}

/* ---- the vote journal outlives a reset: what only the other journal holds moves into it, and a note that the key signs says what was done */

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate unsafe-reset-all: %s\n", what);
    _Exit(CLI_WORLD);
}

static void write_note(struct kv *kv, const struct config *config, const char *chain_id, bool rescued) {
    char text[AUDIT_LOG_NOTE_BYTES_MAX], when[32], signature[TEXT_BASE64_SIZE(64)] = "";
    struct votejournal_state state;
    time_t now = time(NULL);
    char *error = NULL, *path = config_path(config, config->priv_validator_key_file);
    struct ed25519_key *key = access(path, F_OK) == 0 ? keyfile_load_signing(path, false, &error) : NULL;
    votejournal_read_state(&state, kv, span_text(chain_id));
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    int size = snprintf(text, sizeof text, "%s unsafe-reset-all after height %" PRId64 "%s", when, state.filled, rescued ? "" : ", votes of the height at hand lost");
    if (key != NULL) {
        char signed_text[sizeof text + 16];
        uint8_t bytes[64];
        int signed_size = snprintf(signed_text, sizeof signed_text, "quorate note\n%s", text);
        ed25519_sign(key, bytes, span_of(signed_text, (size_t)signed_size));
        text_base64(signature, span_of(bytes, sizeof bytes));
        size += snprintf(text + size, sizeof text - (size_t)size, "; signed %s", signature);
    }
    votejournal_add_note(kv, span_text(chain_id), span_of(text, (size_t)size));
    printf("the vote journal stays, with a note of this: \"%s\"\n", text);
    ed25519_key_free(key);
    free(error);
    free(path);
}

static bool rescue(struct kv *kv, const struct config *config, const char *chain_id) {
    char *error = NULL, *note = NULL, *path = config_path(config, config->consensus.wal_file);
    size_t home_size = strlen(config->home);
    bool below = strncmp(path, config->home, home_size) == 0 && path[home_size] == '/' && access(path, F_OK) == 0;
    struct disk *disk = below ? disk_posix_open(config->home, (struct disk_failure){NULL, fail}, &error) : NULL;
    struct journal *journal = disk == NULL ? NULL : journal_open(disk, path + home_size + 1, &note, &error);
    bool good = journal != NULL;
    if (good)
        votejournal_rescue(kv, journal, span_text(chain_id));
    journal_close(journal);
    disk_posix_close(disk);
    free(error);
    free(note);
    free(path);
    return good;
}

static void keep_votes(const struct config *config, const char *data) {
    struct genesis genesis;
    char *error = NULL, *path = complaint_of("%s/votes.db", data), *genesis_path = config_path(config, config->genesis_file);
    if (access(path, F_OK) == 0 && genesis_load(&genesis, genesis_path, config_release(config), &error)) {
        struct kv *kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, fail}, &error);
        if (kv != NULL)
            write_note(kv, config, genesis.chain_id, rescue(kv, config, genesis.chain_id));
        kv_close(kv);
        genesis_close(&genesis);
    }
    if (error != NULL)
        fprintf(stderr, "quorate unsafe-reset-all: the vote journal stays as it is: %s\n", error);
    free(error);
    free(path);
    free(genesis_path);
}

static int reset(const struct config *config) {
    char *data = config_path(config, config->db_dir), *store = complaint_of("%s/quorate.db", data), *journal = journal_folder(config);
    char *book = config_path(config, config->p2p.addr_book_file);
    int status = CLI_GOOD;
    failed = false;
    if (is_running(store)) {
        status = cli_fail(&command, complaint_of("%s: a node is running on it; stop it first", store));
    } else if (!yes && !is_confirmed()) {
        status = cli_fail(&command, complaint_of("nothing was removed"));
    } else {
        keep_votes(config, data);
        remove_tree(store);
        if (strcmp(journal, data) != 0 && strcmp(journal, config->home) != 0)
            remove_tree(journal);
        if (!keep_address_book)
            remove_tree(book);
        printf("removed the chain in %s; the signing mark stays\n", config->home);
        status = failed ? CLI_WORLD : CLI_GOOD;
    }
    free(data);
    free(store);
    free(journal);
    free(book);
    return status;
}

int cmd_unsafe_reset_all(int argc, char **argv) {
    struct cli_rest rest;
    struct config config;
    char *warning = NULL, *error = NULL;
    int status;
    home = cli_home();
    yes = keep_address_book = false;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    status = config_load(&config, home, &warning, &error) ? reset(&config) : cli_fail(&command, error);
    free(warning);
    config_close(&config);
    return status;
}
