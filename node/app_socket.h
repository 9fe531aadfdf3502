/* An application in another process, over ABCI 2.0 sockets, as a `struct app` (ledger/app.h): four connections, opened in CometBFT's order (query,
 * snapshot, mempool, consensus; cometbft: proxy/multi_app_conn.go), each answering in order. Its calls block; only the query connection's may be
 * made from another thread than the rest (abci_info, abci_query).
 *
 * An application that goes, hangs, throws an exception or answers nonsense ends the node: settings.fail is called with one line that says which
 * call, what was wrong and what to do, and must not return. Nothing is lost thereby (ledger/handshake.h). */
#ifndef QUORATE_NODE_APP_SOCKET_H
#define QUORATE_NODE_APP_SOCKET_H

#include "ledger/app.h"
#include "node/world.h"

struct event_base;

#define APP_SOCKET_RETRY_MS 3000 /* as there: dialRetryIntervalSeconds */

struct app_socket_settings { /* texts are loans for the application's life */
    const char *address;
    const char *version; /* of CometBFT, as Info tells it */
    int64_t limit_ms;    /* for one answer; 0: none */
    void *context;
    bool (*stopping)(void *context); /* the node was asked to stop */
    void (*log)(void *context, enum world_level level, const char *text);
    void (*fail)(void *context, const char *what) __attribute__((noreturn));
};

/* Waits until the application is there, and says so every few seconds. NULL with *error (malloc'ed): asked to stop before. */
struct app *app_socket_open(const struct app_socket_settings *settings, char **error);
/* From now on what happens on the connections between questions is noticed by the loop. Until close. */
void app_socket_watch(struct app *app, struct event_base *base);

#endif
