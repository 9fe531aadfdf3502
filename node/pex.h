/* The exchange of addresses on channel 00 and the addresses learned from it (protocol.md §4.5; cometbft: p2p/pex). In memory; what a peer says is bounded,
 * checked, and never more than a hint whom to dial: the handshake proves who answers. */
#ifndef QUORATE_NODE_PEX_H
#define QUORATE_NODE_PEX_H

#include "crypto/arena.h"
#include "node/link.h"

#define PEX_KNOWN_MAX       1000
#define PEX_ANSWER_MAX      32
#define PEX_REQUEST_GAP_MS  10000 /* a third of ensurePeersPeriod: faster requests are punished, two are free */
#define PEX_ATTEMPTS_MAX    16

struct pex_known {
    struct netaddress address;
    uint32_t attempts;
    int64_t next_dial_ms;
};

struct pex {
    bool strict; /* only routable addresses */
    const char *private_ids;
    struct pex_known *known;
    uint32_t count, cursor;
    struct arena arena;
};

struct pex_talk { /* per peer */
    bool asked;  /* an answer is due from it */
    uint32_t requests;
    int64_t last_request_ms;
};

void pex_init(struct pex *pex, bool strict, const char *private_ids);
void pex_close(struct pex *pex);
void pex_peer_up(struct pex *pex, struct pex_talk *talk, const struct link *link); /* its listen address is worth knowing */
bool pex_wants_addresses(const struct pex *pex, const struct link *link);
void pex_ask(struct pex *pex, struct pex_talk *talk, struct link *link);
/* NULL, or why the peer is dropped and banned. */
const char *pex_receive(struct pex *pex, struct pex_talk *talk, struct link *link, struct span bytes, int64_t now_ms);
/* The next address to try, if one is due; counts the attempt. */
bool pex_pick(struct pex *pex, struct netaddress *out, int64_t now_ms);
void pex_note(struct pex *pex, const struct netaddress *address); /* takes it into the table if it is acceptable */

#endif
