/* Applications as processes, one for each node of a fleet, ours and others'. */
#ifndef QUORATE_TESTS_ABCI_APPS_H
#define QUORATE_TESTS_ABCI_APPS_H

#include "tests/interop/fleet.h"

enum { APPS_MAX = 8 };

struct apps_wish {
    const char *folder;  /* of the fleet */
    const char *quorate, *programs; /* ours; the folder of others' */
    const char *kinds;   /* one letter a node: b built in, o `quorate abci`, c abci-cli kvstore, e CometBFT's end-to-end application, r kvstore-rs, p pyABCI */
    const char *app;     /* of b and o: "kvstore", "ledger", "extender" */
    uint16_t base_port;  /* node i: +i, for those that know no unix sockets */
    int64_t extensions_from; /* told to e */
};

struct apps {
    struct apps_wish wish;
    uint32_t count;
    pid_t pids[APPS_MAX]; /* 0: does not run, or is built in */
    char addresses[APPS_MAX][LOCALNET_PATH_MAX];
    const char *proxy_apps[APPS_MAX]; /* for fleet_wish: NULL: built in */
};

void apps_init(struct apps *apps, const struct apps_wish *wish);
/* What one of the kinds needs and is not there; NULL: nothing. */
const char *apps_missing(const struct apps *apps);
bool apps_start(struct apps *apps, char **error); /* those that do not run; returns when they listen */
void apps_kill(struct apps *apps, uint32_t index); /* -9, and waits for its end */
void apps_close(struct apps *apps);

#endif
