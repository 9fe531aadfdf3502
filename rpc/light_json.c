#include "rpc/light_json.h"

#include "rpc/document.h"
#include "rpc/shapes.h"

static bool finish(const struct document *document, const char **error) {
    if (document->wrong != NULL)
        *error = document->wrong;
    return document->wrong == NULL;
}

bool light_json_commit(struct header *header, struct commit *commit, const char **error, struct span result, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span signed_header, part;
    header_init(header);
    *commit = (struct commit){0};
    if (!document_object(&document, &signed_header, result, "signed_header"))
        document_fault(&document, "signed_header");
    else if (!document_object(&document, &part, signed_header, "header"))
        document_fault(&document, "header");
    else
        document_header(&document, header, part);
    if (document.wrong == NULL && !document_object(&document, &part, signed_header, "commit"))
        document_fault(&document, "commit");
    else if (document.wrong == NULL)
        document_commit(&document, commit, part);
    return finish(&document, error);
}

static void read_members(struct document *document, struct validator *members, uint32_t *count, struct span list) {
    struct span key, item;
    for (struct scan_walk walk = scan_walk(list); document->wrong == NULL && scan_next(&walk, &key, &item);) {
        if (*count == VALSET_COUNT_MAX)
            return document_fault(document, "validators");
        document_validator(document, &members[(*count)++], item);
    }
}

bool light_json_validators(struct validator *members, uint32_t *count, int64_t *total, int64_t *height, const char **error, struct span result,
                           struct arena *arena) {
    struct document document = {.arena = arena};
    struct span list;
    uint32_t before = *count;
    *total = document_int64(&document, result, "total");
    *height = document_int64(&document, result, "block_height");
    if (!document_list(&document, &list, result, "validators"))
        document_fault(&document, "validators");
    else
        read_members(&document, members, count, list);
    if (document.wrong == NULL && *count == before)
        document_fault(&document, "validators");
    if (document.wrong == NULL && (*total <= 0 || *total > VALSET_COUNT_MAX))
        document_fault(&document, "total");
    return finish(&document, error);
}

bool light_json_valset(struct valset *set, const char **error, struct span value, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span list, part;
    struct validator proposer;
    uint32_t count = 0;
    struct validator *members = NULL;
    if (!document_list(&document, &list, value, "validators"))
        document_fault(&document, "validators");
    else if (scan_count(list) > VALSET_COUNT_MAX || (members = arena_take(arena, scan_count(list), sizeof *members)) == NULL)
        document_fault(&document, "validators");
    else
        read_members(&document, members, &count, list);
    bool has_proposer = document_object(&document, &part, value, "proposer");
    if (has_proposer)
        document_validator(&document, &proposer, part);
    if (document.wrong == NULL && light_block_set_of(set, members, count) != VALSET_GOOD)
        document_fault(&document, "validators");
    if (document.wrong == NULL && has_proposer) {
        set->proposer = valset_find(set, &proposer.address);
        if (set->proposer < 0)
            document_fault(&document, "proposer");
    }
    return finish(&document, error);
}

struct light_block *light_json_block(const char **error, struct span value, struct arena *arena) {
    struct header header;
    struct commit commit;
    struct valset set;
    struct span part;
    struct light_block *block = NULL;
    valset_init(&set);
    if (!light_json_commit(&header, &commit, error, value, arena))
        return NULL;
    if (!scan_member(value, &part, "validator_set"))
        *error = "validator_set";
    else if (light_json_valset(&set, error, part, arena))
        block = light_block_new(&header, &commit, &set);
    valset_close(&set);
    return block;
}

void light_json_write(struct emit *emit, const struct light_block *block) {
    emit_open(emit, '{');
    emit_key(emit, "signed_header");
    emit_open(emit, '{');
    emit_key(emit, "header");
    shapes_header(emit, &block->header);
    emit_key(emit, "commit");
    shapes_commit(emit, &block->commit);
    emit_shut(emit, '}');
    emit_key(emit, "validator_set");
    shapes_valset(emit, &block->set);
    emit_shut(emit, '}');
}
