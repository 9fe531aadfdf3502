/* The exchange of addresses on channel 00 (protocol.md §4.5; cometbft: p2p/pex/pex_reactor.go), over the address book. What a peer says is bounded, checked,
 * and never more than a hint whom to dial: the handshake proves who answers. Who tells is known by the address that it speaks from, not by the one that it
 * claims: the groups of the book depend on it. `now_ms` is of the monotonic clock, `wall_ms` of the other. */
#ifndef QUORATE_NODE_PEX_H
#define QUORATE_NODE_PEX_H

#include "crypto/arena.h"
#include "node/addrbook.h"
#include "node/link.h"

#define PEX_REQUEST_GAP_MS   10000 /* a third of ensurePeersPeriod: faster requests are punished, two are free */
#define PEX_SEED_NEW_PERCENT 30    /* of what a seed tells */

struct pex {
    struct addrbook book;
    bool seed_mode;
    struct arena arena;
};

struct pex_talk { /* per peer; zero at first */
    bool asked;    /* an answer is due from it */
    bool answered; /* it answered us */
    bool told;     /* a seed told it, once: it may go */
    uint32_t requests;
    int64_t last_request_ms;
};

void pex_init(struct pex *pex, const char *own_id, bool strict, const char *private_ids, bool seed_mode);
void pex_close(struct pex *pex);
void pex_peer_up(struct pex *pex, const struct link *link, int64_t wall_ms); /* its listen address is worth knowing */
/* It stayed or answered: what the book has of it is no longer in vain. If that is where we dialled it, it is proven and becomes old. */
void pex_peer_good(struct pex *pex, const struct link *link, int64_t wall_ms);
void pex_ask(struct pex_talk *talk, struct link *link); /* unless an answer is due, or it does not talk of addresses */
/* NULL, or why the peer is dropped and banned. */
const char *pex_receive(struct pex *pex, struct pex_talk *talk, struct link *link, struct span bytes, int64_t now_ms, int64_t wall_ms);

#endif
