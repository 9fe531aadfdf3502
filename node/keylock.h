/* One process at a time signs with a home's mark: each of two would know only half of what the key has signed. */
#ifndef QUORATE_NODE_KEYLOCK_H
#define QUORATE_NODE_KEYLOCK_H

/* Takes the lock next to the mark ("…/data/priv_validator_state.json": "…/data/priv_validator_state.lock"), for as long as the process lives or until
 * the handle is closed. −1 with *error: another process has it, or the folder is not there. */
int keylock_take(const char *mark_path, char **error);

#endif
