/* Private to the ledger's own files. */
#ifndef QUORATE_LEDGER_LEDGER_PUT_H
#define QUORATE_LEDGER_LEDGER_PUT_H

#include "ledger/ledger.h"

/* The head, and with it the next validators and the parameters where they are to be found by their height. */
void ledger_put_state(struct ledger *ledger, const struct state *state, bool validators, bool params);

/* *error is malloc'ed; always false. */
bool ledger_refuse(char **error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
