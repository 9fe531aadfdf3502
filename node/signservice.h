/* The signer's side of a remote signer (`quorate signer`; cometbft privval/{signer_dialer_endpoint,signer_requestHandler}.go): dials the node's
 * priv_validator_laddr, again and again, and answers what it asks with the key and the mark of node/signer.h. The double-sign rules are the mark's: no
 * node is trusted with them.
 *
 * Between dials the pause doubles from redial_min_ms to redial_max_ms, and begins anew only behind a link that signed something, or lasted
 * steady_ms: a node that hangs up at once must not cost a port each time (wound 47). */
#ifndef QUORATE_NODE_SIGNSERVICE_H
#define QUORATE_NODE_SIGNSERVICE_H

#include "node/signer.h"
#include "node/signlink.h"
#include "node/world.h"

#define SIGNSERVICE_REDIAL_MIN_MS 100
#define SIGNSERVICE_REDIAL_MAX_MS 3000
#define SIGNSERVICE_STEADY_MS     10000
#define SIGNSERVICE_SHAKE_MS      5000
#define SIGNSERVICE_IDLE_MS       15000 /* the node pings every 3.3 s */

struct signservice_settings { /* texts are loans for the service's life; times 0: the above */
    struct event_base *base;
    const char *address;
    const char *chain_id; /* nothing else is signed for */
    size_t message_bytes_max;
    int64_t redial_min_ms, redial_max_ms, steady_ms, shake_ms, idle_ms;
};

struct signservice;

/* The signer is a loan. */
struct signservice *signservice_new(const struct signservice_settings *settings, struct signer *signer,
                                    void (*log)(enum world_level level, const char *text), char **error);
void signservice_free(struct signservice *service); /* NULL allowed */
uint64_t signservice_dials(const struct signservice *service); /* so far */

/* The answer to a question: false when it is none. Loans of the question, and static texts, go into the answer. */
bool signservice_answer(struct signer *signer, struct wire_privval *answer, const struct wire_privval *question, struct span chain_id);

#endif
