/* Watches the space on the home's disk. A validator whose disk fills up must not die in the middle of a signature: below a limit it stops signing, and
 * goes on when there is clearly more again. */
#ifndef QUORATE_NODE_DISKWATCH_H
#define QUORATE_NODE_DISKWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct diskwatch;

#define DISKWATCH_MS 2000

/* The pure part. `low`: what was decided last. A tenth more than the limit is wanted before it is good again. */
bool diskwatch_is_low(bool low, uint64_t bytes_free, uint64_t bytes_min);
/* Bytes that an ordinary user may still write on the disk of `path`. false: it cannot be told. */
bool diskwatch_measure(uint64_t *bytes_free, const char *path);

/* Looks now and every DISKWATCH_MS; `tell` hears of changes only: why (a sentence with the numbers) or NULL. bytes_min 0: NULL is returned, and nobody
 * looks. */
typedef void diskwatch_tell(void *context, const char *why);
struct diskwatch *diskwatch_new(struct event_base *base, const char *path, uint64_t bytes_min, diskwatch_tell *tell, void *context);
void diskwatch_free(struct diskwatch *watch); /* NULL allowed */

#endif
