/* One connection to an application, as the node has four (protocol.md §5): questions out, answers in, in order, each behind its length. It blocks:
 * the core cannot go on without the answer. While it waits it reads and writes at once, so that neither side can hold the other up with a full
 * socket.
 *
 * What goes wrong is told in words that go on after "the application at ADDRESS"; after that the link is of no use. Nothing that is announced is
 * believed before it has come: memory grows with the bytes. */
#ifndef QUORATE_NODE_ABCI_LINK_H
#define QUORATE_NODE_ABCI_LINK_H

#include "ledger/abci_response.h"

#define ABCI_LINK_WHY_SIZE 256

struct abci_link;

struct abci_link_settings {
    int64_t limit_ms; /* of one answer; 0: none */
    void *context;
    bool (*stopping)(void *context);                      /* asked several times a second; true: an answer that took some seconds is not waited for */
    void (*waited)(void *context, const char *what, int64_t ms); /* now and then, when an answer takes long: "FinalizeBlock" */
};

/* "tcp://HOST:PORT", "unix://PATH", "HOST:PORT". NULL when good, else a static text why not. */
const char *abci_link_check(const char *address);
/* NULL: *why says what the system had against it. Names are looked up. */
struct abci_link *abci_link_dial(const char *address, const struct abci_link_settings *settings, char why[static ABCI_LINK_WHY_SIZE]);
void abci_link_close(struct abci_link *link); /* NULL allowed */
int abci_link_fd(const struct abci_link *link);

/* Into the queue, which is sent while answers are awaited, and earlier when it is long. */
void abci_link_send(struct abci_link *link, const struct abci_request *request);
/* The next answer, decoded, whatever it is; it lives in the arena. `call` is only for the words. */
bool abci_link_receive(struct abci_link *link, struct abci_response *response, enum abci_call call, struct arena *arena,
                       char why[static ABCI_LINK_WHY_SIZE]);
bool abci_link_has_more(const struct abci_link *link); /* bytes came that belong to no answer taken so far */
/* Between questions: has the other side gone, or said something that nobody asked? false: neither. */
bool abci_link_is_broken(struct abci_link *link, char why[static ABCI_LINK_WHY_SIZE]);

#endif
