/* The auditor: stands outside of all replicas and believes nobody. With a ledger of its own it judges and executes every block that an honest node
 * applied, follows the headers from genesis as a light client does, and keeps book of every transaction and of what nodes take in memory. Its complaints
 * are the simulation's. */
#ifndef QUORATE_NODE_SIM_CHECK_H
#define QUORATE_NODE_SIM_CHECK_H

#include "node/sim_load.h"

struct sim_check;

struct sim_check *sim_check_new(const struct sim_plan *plan, const struct sim_load *load); /* loans */
void sim_check_free(struct sim_check *check);
void sim_check_begin(struct sim_check *check, struct sim *sim); /* before the first start */
void sim_check_applied(struct sim_check *check, uint32_t node, struct block *block);
void sim_check_admitted(struct sim_check *check, struct span tx); /* an honest node took it */
/* Of those admitted since the last sim_check_expect, how many are in no block yet. */
void sim_check_expect(struct sim_check *check);
uint32_t sim_check_missing(const struct sim_check *check);
uint32_t sim_check_waiting(const struct sim_check *check); /* of the missing, how many some node still holds */
/* When all is done: every committed transaction is known to every honest node, and no coin came or went. */
void sim_check_end(struct sim_check *check);
uint64_t sim_check_txs(const struct sim_check *check);     /* committed */
int64_t sim_check_height(const struct sim_check *check);   /* the last one audited; 0: none */
const char *sim_check_note(const struct sim_check *check); /* what is no fault but remarkable, or "" */

#endif
