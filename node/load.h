/* The measuring load: sends transactions to one or more nodes over JSON-RPC, remembers what was accepted, reads the blocks back from the first
 * node, and says what was committed, how fast, and whether anything was lost or came twice. Any CometBFT-compatible node will do.
 * One thread, on the event base given; of a transaction nothing is kept but load_tally.h's record. */
#ifndef QUORATE_NODE_LOAD_H
#define QUORATE_NODE_LOAD_H

#include "node/load_accounts.h"
#include "node/load_http.h"
#include "node/load_tally.h"

#define LOAD_BATCH_MAX       256
#define LOAD_LANES_MAX       4096
#define LOAD_REFUSALS_MAX    16 /* different texts told apart; the rest is counted together */
#define LOAD_REMEMBER        8000000 /* default limit of transactions of a run: about half a gigabyte */
#define LOAD_AHEAD_MAX       400000  /* transfers signed before the start: about 150 MB */

struct event_base;
struct load;

enum load_mode { LOAD_SYNC, LOAD_ASYNC, LOAD_COMMIT };

struct load_options {
    const struct load_http_place *places; /* loans for the run */
    uint32_t place_count;
    uint32_t connections; /* to each place */
    uint32_t batch;       /* transactions per request; 1: without the list */
    enum load_mode mode;
    double rate;     /* transactions per second; 0: as many as are answered */
    double seconds;  /* of sending, warm-up included; 0: no limit */
    uint64_t count;  /* of transactions; 0: no limit */
    double warmup;   /* seconds at the start that do not count for rates and durations */
    double grace;    /* seconds an accepted transaction may take once nothing more happens */
    unsigned poll_ms;
    size_t size;                     /* of a kvstore transaction */
    struct load_accounts *accounts;  /* transfers instead; a loan for the run */
    uint64_t sign_ahead;             /* transfers in all, before the start */
    uint32_t remember;
};

struct load_refusal {
    int64_t code;
    uint64_t count;
    bool is_error; /* a JSON-RPC error, not a code of the application */
    char text[120];
};

struct load_window { /* blocks with transactions of ours: the first and the last, and what is between */
    uint64_t blocks;                 /* heights after the first */
    uint64_t txs, bytes;             /* in them, the first block's not among them */
    int64_t first_height, last_height;
    int64_t first_time_ns, last_time_ns; /* the blocks' own times */
    int64_t first_seen_us, last_seen_us; /* our clock */
};

struct load_report {
    double seconds;                  /* from first sending to the last */
    const struct load_tally *tally;  /* a loan while the load lives */
    uint64_t lost;                   /* accepted and in no block */
    uint64_t sent_to_none;           /* the schedule's, that no connection was free for in time */
    uint64_t answers_wrong;          /* of another hash, malformed, missing in a batch */
    uint64_t failed_in_block;        /* broadcast_tx_commit: committed with another code than 0 */
    uint64_t resyncs;                /* sequences asked or read anew */
    uint64_t breaks;                 /* broken connections */
    struct load_window window;
    bool is_window_whole;            /* too few blocks while sending: what came after counts too */
    double per_second_by_blocks, per_second_by_clock, block_interval_ms;
    double per_second_overall; /* all after the warm-up, from its end to the last sight of one in a block: no backlog flatters it */
    double own_cpu_seconds;
    uint32_t refusal_count;
    struct load_refusal refusals[LOAD_REFUSALS_MAX + 1]; /* the last: all other texts */
    bool reached_limit;              /* ended early, because `remember` was reached */
    char reader_fault[160];          /* "": blocks could be read to the end */
};

/* Asks the first node for its height and chain, for each account its number and sequence, and signs ahead: all before it returns. NULL
 * with *error malloc'ed. `done` is called once, from the loop, when everything owed is found or the grace is over. */
struct load *load_new(struct event_base *base, const struct load_options *options, void (*done)(void *context), void *context,
                      char **error);
void load_begin(struct load *load);
void load_stop(struct load *load); /* sends nothing more; waits for what is owed */
void load_free(struct load *load);

const struct load_tally *load_tally(const struct load *load);
void load_measure(const struct load *load, struct load_report *out); /* at any time */
bool load_is_clean(const struct load_report *report); /* nothing lost, doubled or wrongly answered */
int64_t load_now_us(void); /* monotonic */
struct event_base *load_base_new(void); /* with timers finer than a millisecond */

#endif
