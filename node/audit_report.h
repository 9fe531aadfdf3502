/* An audit for people and for programs: who, how much power, which proof, what is missing and whom to ask. */
#ifndef QUORATE_NODE_AUDIT_REPORT_H
#define QUORATE_NODE_AUDIT_REPORT_H

#include <stdio.h>

#include "genesis/emit.h"
#include "node/docket.h"
#include "tendermint/audit_verify.h"

/* ATTRIBUTED: more than a third is convicted, of a fork, or of having signed a second block that the chain did not take. */
enum audit_exit { AUDIT_NO_FORK = 0, AUDIT_BAD_INPUT = 2, AUDIT_ATTRIBUTED = 10, AUDIT_UNRESOLVED = 11 };

enum audit_exit audit_report_exit(const struct docket *docket);
void audit_report_show(FILE *out, const struct docket *docket);
void audit_report_emit(struct emit *emit, const struct docket *docket);

void audit_report_show_verified(FILE *out, const struct audit_verified *seen, bool silence_counts);
enum audit_exit audit_report_verified_exit(const struct audit_verified *seen, bool silence_counts);

#endif
