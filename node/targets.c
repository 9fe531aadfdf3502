#include "node/targets.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "crypto/random.h"
#include "node/complaint.h"

/* The next item of a comma-separated list, without the spaces around it; false at the end. Items may be empty. */
static bool next_item(const char **at, struct span *item) {
    if (*at == NULL || **at == '\0')
        return false;
    size_t size = strcspn(*at, ",");
    *item = span_of(*at, size);
    *at += size + ((*at)[size] == ',');
    while (item->size > 0 && isspace(item->data[0]))
        *item = span_of(item->data + 1, item->size - 1);
    while (item->size > 0 && isspace(item->data[item->size - 1]))
        item->size--;
    return true;
}

bool targets_list_has(const char *list, const char *id) {
    struct span item;
    while (next_item(&list, &item))
        if (item.size >= 40 && strncasecmp((const char *)item.data, id, 40) == 0 && (item.size == 40 || item.data[40] == '@'))
            return true;
    return false;
}

struct target *targets_find(const struct targets *targets, const char *id) {
    for (uint32_t i = 0; i < targets->count; i++)
        if (strcmp(targets->targets[i].id, id) == 0)
            return &targets->targets[i];
    return NULL;
}

char *targets_read(struct targets *targets, const char *name, const char *list, const char *own_id) {
    *targets = (struct targets){0, calloc(TARGETS_MAX, sizeof(struct target))};
    assert(targets->targets != NULL);
    struct span item;
    while (next_item(&list, &item)) {
        if (item.size == 0)
            continue;
        struct target target = {0};
        enum netaddress_verdict verdict = netaddress_parse(&target.address, item);
        if (verdict == NETADDRESS_GOOD && target.address.port == 0)
            verdict = NETADDRESS_BAD_PORT;
        if (verdict != NETADDRESS_GOOD)
            return complaint_of("%s: \"%.*s\": %s; give id@host:port, separated by commas", name, (int)item.size, (const char *)item.data,
                                netaddress_verdict_text(verdict));
        for (size_t i = 0; i < sizeof target.id; i++)
            target.id[i] = (char)tolower((unsigned char)target.address.id_text[i]);
        if (strcmp(target.id, own_id) == 0 || targets_find(targets, target.id) != NULL)
            continue;
        if (targets->count == TARGETS_MAX)
            return complaint_of("%s: more than %d nodes", name, TARGETS_MAX);
        targets->targets[targets->count++] = target;
    }
    return NULL;
}

void targets_close(struct targets *targets) {
    free(targets->targets);
    *targets = (struct targets){0};
}

void targets_plan(struct target *target, int64_t now_ms, int64_t cap_ms) {
    uint32_t doublings = target->attempts < 20 ? target->attempts : 20, chance;
    int64_t delay = (int64_t)TARGETS_REDIAL_FIRST_MS << doublings;
    if (delay > cap_ms)
        delay = cap_ms;
    random_fill(&chance, sizeof chance);
    target->attempts++;
    target->next_ms = now_ms + delay / 2 + (int64_t)(chance % (uint32_t)(delay / 2 + 1));
}
