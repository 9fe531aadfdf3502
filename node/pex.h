/* The exchange of addresses on channel 00 and the addresses learned from it (protocol.md §4.5; cometbft: p2p/pex). In memory; what a peer says is bounded,
 * checked, and never more than a hint whom to dial: the handshake proves who answers. What was proven is not replaced by hearsay, and one peer's
 * hearsay cannot fill the table. Times are of the monotonic clock. */
#ifndef QUORATE_NODE_PEX_H
#define QUORATE_NODE_PEX_H

#include "crypto/arena.h"
#include "node/link.h"

#define PEX_KNOWN_MAX       1000
#define PEX_SOURCE_MAX      (PEX_KNOWN_MAX / 4) /* addresses in the table that one peer told of */
#define PEX_ANSWER_MAX      250   /* more is refused by the protocol */
#define PEX_REQUEST_GAP_MS  10000 /* a third of ensurePeersPeriod: faster requests are punished, two are free */
#define PEX_ATTEMPTS_MAX    16    /* after so many dials in vain an address is neither tried nor told any more */

struct pex_known {
    struct netaddress address;
    char id[41];   /* lower case */
    char source[41]; /* who told; the node itself if it speaks of itself */
    bool proven;   /* we dialled it, and its key answered there */
    uint32_t attempts;
    int64_t next_dial_ms;
};

struct pex {
    bool strict; /* only routable addresses */
    const char *own_id, *private_ids; /* loans; neither is kept nor told */
    struct pex_known *known;
    uint32_t count, cursor;
    struct arena arena;
};

struct pex_talk { /* per peer; zero at first */
    bool asked;  /* an answer is due from it */
    uint32_t requests;
    int64_t last_request_ms;
};

void pex_init(struct pex *pex, const char *own_id, bool strict, const char *private_ids);
void pex_close(struct pex *pex);
void pex_peer_up(struct pex *pex, const struct link *link); /* its listen address is worth knowing */
void pex_good(struct pex *pex, const char *id);             /* it stayed: worth dialling again when it leaves */
void pex_ask(struct pex_talk *talk, struct link *link);     /* unless an answer is due, or it does not talk of addresses */
/* NULL, or why the peer is dropped and banned. */
const char *pex_receive(struct pex *pex, struct pex_talk *talk, struct link *link, struct span bytes, int64_t now_ms);
/* The next address to try, if one is due and wanted; counts the attempt. */
bool pex_pick(struct pex *pex, struct netaddress *out, int64_t now_ms, bool (*wanted)(void *context, const struct pex_known *known), void *context);
void pex_note(struct pex *pex, const struct netaddress *address, const char *source); /* takes it into the table if it is acceptable */

#endif
