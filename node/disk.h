/* Named small files of a node's home (journal, signing mark), as a table so that the simulator can lose, tear and fill them. Real
 * files are in disk_posix.c. Names are relative ("data/cs.wal/wal"). A failure of the world (I/O, full disk) calls the owner's
 * failure handler with one line (path, operation, errno) and does not return; "not there" is no failure. */
#ifndef QUORATE_NODE_DISK_H
#define QUORATE_NODE_DISK_H

#include "crypto/blob.h"

struct disk;

struct disk_table {
    int64_t (*size)(struct disk *disk, const char *name); /* −1: not there */
    struct blob *(*read)(struct disk *disk, const char *name, int64_t offset, size_t size); /* shorter at the end; NULL: not there */
    void (*append)(struct disk *disk, const char *name, struct span bytes); /* makes the file if missing; not yet durable */
    /* Replaces the content in place, without a second file; not yet durable and may be torn by a crash. */
    void (*overwrite)(struct disk *disk, const char *name, struct span bytes);
    /* Replaces by temporary file, sync, rename, folder sync: durable and never torn. Two flushes. */
    void (*replace)(struct disk *disk, const char *name, struct span bytes);
    void (*sync)(struct disk *disk, const char *name); /* one flush */
    void (*truncate)(struct disk *disk, const char *name, int64_t size);
    void (*rename)(struct disk *disk, const char *from, const char *to); /* and the folder synced */
    void (*remove)(struct disk *disk, const char *name);                 /* gone already is fine; the folder synced */
    /* The names (without folder) of the files in `folder`, in no order; a folder that is not there is empty. */
    void (*list)(struct disk *disk, const char *folder, void (*visit)(void *context, const char *name), void *context);
};

struct disk { /* first member of every implementation */
    const struct disk_table *table;
    uint64_t flushes; /* counted, for tests and metrics */
};

#define DISK_NAME_BYTES_MAX 256 /* of a name, NUL included; longer ones, and ones that lead out of the home, are our bug */

struct disk_failure {
    void *context;
    void (*fail)(void *context, const char *what) __attribute__((noreturn));
};

/* Files below folder `home`; keeps file handles open. Folders on the way are made (0700), files too (0600). The first sync of a new file also
 * syncs its folder, so that its name outlives the power (wound 49). NULL with *error malloc'ed. */
struct disk *disk_posix_open(const char *home, struct disk_failure failure, char **error);
void disk_posix_close(struct disk *disk);

/* In memory, for tests and simulation: what was not synced is lost, kept or torn at disk_memory_crash, file by file, as `chance` decides: the first
 * changes arrive and the next one is cut at any byte, or filled with zeroes as by a file system that knew the size but not yet the content; or of
 * what a file grew by each sector of 512 bytes is there or is zeroes, in no order. */
struct disk *disk_memory_new(struct disk_failure failure);
void disk_memory_crash(struct disk *disk, uint64_t chance);
struct disk_memory_counts { /* of all crashes: changes, files, names */
    uint64_t lost, torn, kept, by_sectors, names_lost;
};
void disk_memory_count(const struct disk *disk, struct disk_memory_counts *out);
/* The `calls`-th changing call from now (1: the next) calls the failure handler instead of doing its work; 0: never. */
void disk_memory_fail_after(struct disk *disk, uint64_t calls);
/* Likewise; FULL: there is no room (of an append half is written), IO: reading a file that is there fails too. `stays`: so does every such call from
 * then on, crash or not, but a full disk lets files be removed. */
enum disk_break { DISK_BREAK_FULL, DISK_BREAK_IO };
void disk_memory_break(struct disk *disk, enum disk_break breaks, uint64_t calls, bool stays);
/* While frozen every change is ignored: a dead process being cleared away writes nothing more. */
void disk_memory_freeze(struct disk *disk, bool frozen);
/* A bit of one of the files flips, as `chance` decides, until it is written anew or disk_memory_unflip; `what` names it. false: no file has bytes. */
bool disk_memory_flip(struct disk *disk, uint64_t chance, char *what, size_t size);
void disk_memory_unflip(struct disk *disk);
void disk_memory_free(struct disk *disk);

#endif
