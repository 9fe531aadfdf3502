/* quorate unsafe-reset-all: forgets the chain. Keys and the signing mark stay: a validator that forgot what it signed could sign again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/complaint.h"

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
               "then keeps the key from signing twice on the old one.",
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
