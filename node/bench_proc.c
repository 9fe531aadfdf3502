#include "node/bench_proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_text(char *out, size_t size, pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    out[fread(out, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

/* proc(5): the name in parentheses may hold anything, so counting begins after the last one. utime and stime are fields 14 and 15. */
bool bench_proc_parse_stat(double *cpu_seconds, const char *text, long ticks_per_second) {
    unsigned long long user, system;
    const char *at = strrchr(text, ')');
    if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return false;
    *cpu_seconds = (double)(user + system) / (double)ticks_per_second;
    return true;
}

uint64_t bench_proc_parse_line(const char *text, const char *name) {
    size_t size = strlen(name);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, size) == 0 && at[size] == ':')
            return strtoull(at + size + 1, NULL, 10);
    }
    return 0;
}

bool bench_proc_read(struct bench_proc *out, pid_t pid) {
    char stat[1024], io[1024], status[4096];
    *out = (struct bench_proc){0};
    if (!read_text(stat, sizeof stat, pid, "stat") || !read_text(status, sizeof status, pid, "status") ||
        !bench_proc_parse_stat(&out->cpu_seconds, stat, sysconf(_SC_CLK_TCK)))
        return false;
    out->peak_bytes = bench_proc_parse_line(status, "VmHWM") * 1024;
    out->resident_bytes = bench_proc_parse_line(status, "VmRSS") * 1024;
    if (read_text(io, sizeof io, pid, "io"))
        out->written_bytes = bench_proc_parse_line(io, "write_bytes");
    return true;
}
