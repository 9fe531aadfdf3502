/* What Linux counts for a process: read before and after a measurement, subtracted. */
#ifndef QUORATE_NODE_BENCH_PROC_H
#define QUORATE_NODE_BENCH_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_proc {
    double cpu_seconds;      /* user and system */
    uint64_t written_bytes;  /* handed to the storage */
    uint64_t peak_bytes;     /* resident, at most so far */
    uint64_t resident_bytes; /* now */
};

bool bench_proc_read(struct bench_proc *out, pid_t pid); /* false: gone, or not ours to read */
bool bench_proc_parse_stat(double *cpu_seconds, const char *text, long ticks_per_second);
uint64_t bench_proc_parse_line(const char *text, const char *name); /* "VmHWM:\t 8200 kB" → 8200; 0: not there */

#endif
