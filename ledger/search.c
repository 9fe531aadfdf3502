#include "ledger/search.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/search_plan.h"

/* What things cost, in units. */
enum { COST_KEY = 100, COST_READ = 400, COST_BYTES = 4 /* a unit for so many */, COST_META = 400, PROBE_KEYS = 256 };

struct running {
    struct search *search;
    struct ledger *ledger;
    enum index_kind kind;
    struct search_plan plan;
    uint64_t work, work_max;
    int64_t reached; /* the height that was looked at last */
    uint32_t capacity;
    struct index_place *places; /* of one height: what still fits */
    uint32_t place_count, place_capacity;
    const struct query_condition *driver; /* of `equals`, or NULL */
    struct arena arena; /* of one height's results */
    bool stopped;
};

static bool fail(struct running *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct running *run, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(run->search->error, sizeof run->search->error, format, args);
    va_end(args);
    run->stopped = true;
    return false;
}

/* false: enough. */
static bool spend(struct running *run, uint64_t units) {
    run->work += units;
    if (run->work <= run->work_max || run->stopped)
        return !run->stopped;
    return fail(run, "the search would look at too much: it came to height %" PRId64 " of %" PRId64 " to %" PRId64
                     "; narrow it with %s, or ask for a value with =", run->reached, run->plan.low, run->plan.high, INDEX_HEIGHT_TAG(run->kind));
}

static bool add_hit(struct running *run, int64_t height, uint32_t tx) {
    struct search *search = run->search;
    if (search->count > 0 && search->hits[search->count - 1].height == height && search->hits[search->count - 1].tx == tx)
        return true;
    if (search->count == SEARCH_HITS_MAX)
        return fail(run, "more than %u results up to height %" PRId64 " of %" PRId64 " to %" PRId64 "; narrow it with %s", SEARCH_HITS_MAX, height,
                    run->plan.low, run->plan.high, INDEX_HEIGHT_TAG(run->kind));
    if (search->count == run->capacity) {
        run->capacity = run->capacity == 0 ? 64 : 2 * run->capacity;
        search->hits = realloc(search->hits, run->capacity * sizeof *search->hits);
        assert(search->hits != NULL);
    }
    search->hits[search->count++] = (struct search_hit){height, tx};
    return true;
}

/* ---- by height or hash alone */

static bool find_heights(struct running *run) {
    struct ledger_meta meta;
    for (int64_t height = run->plan.low; height <= run->plan.high; height++) {
        run->reached = height;
        if (!spend(run, COST_META))
            return false;
        if (!search_plan_height_fits(&run->plan, height) || !ledger_block_meta(run->ledger, &meta, height))
            continue;
        uint32_t count = run->kind == INDEX_TXS ? meta.tx_count : 1;
        for (uint32_t tx = 0; tx < count; tx++)
            if (!add_hit(run, height, tx))
                return false;
    }
    return true;
}

static bool find_hash(struct running *run) {
    uint8_t hash[64];
    size_t size;
    int64_t height;
    uint32_t tx;
    struct span text = run->plan.hash->operand;
    if (text.size == 0)
        return fail(run, "error while retrieving the result: transaction hash cannot be empty");
    if (text.size % 2 == 1)
        return fail(run, "error during searching for a hash in the query: encoding/hex: odd length hex string");
    if (text.size > 2 * sizeof hash)
        return true;
    if (!text_hex_decode(hash, &size, sizeof hash, text))
        return fail(run, "error during searching for a hash in the query: encoding/hex: invalid byte");
    return size != 32 || !ledger_find_tx(run->ledger, hash, &height, &tx) || add_hit(run, height, tx);
}

/* ---- one height */

static void add_place(struct running *run, struct index_place place) {
    if (run->place_count == run->place_capacity) {
        run->place_capacity = run->place_capacity == 0 ? 256 : 2 * run->place_capacity;
        run->places = realloc(run->places, run->place_capacity * sizeof *run->places);
        assert(run->places != NULL);
    }
    run->places[run->place_count++] = place;
}

static void take_places(struct running *run, struct span record, struct span tag) {
    struct index_place place;
    struct index_run from = index_run_of(record, tag);
    run->place_count = 0;
    while (index_next(&from, &place))
        add_place(run, place);
}

static int order_places(const struct index_place *a, const struct index_place *b) {
    if (a->tx != b->tx)
        return a->tx < b->tx ? -1 : 1;
    return (a->event > b->event) - (a->event < b->event);
}

/* Both are ascending. */
static void keep_common(struct running *run, struct span record, struct span tag) {
    struct index_place place;
    struct index_run from = index_run_of(record, tag);
    uint32_t kept = 0;
    bool more = index_next(&from, &place);
    for (uint32_t i = 0; i < run->place_count; i++) {
        while (more && order_places(&place, &run->places[i]) < 0)
            more = index_next(&from, &place);
        if (more && order_places(&place, &run->places[i]) == 0)
            run->places[kept++] = run->places[i];
    }
    run->place_count = kept;
}

static bool keep_equals(struct running *run, int64_t height) {
    for (uint32_t i = 0; i < run->plan.equal_count && run->place_count > 0; i++) {
        const struct query_condition *condition = run->plan.equals[i];
        if (condition == run->driver)
            continue;
        struct blob *record = index_value_at(run->ledger->kv, run->kind, condition->operand, height);
        bool good = spend(run, COST_READ + (record == NULL ? 0 : record->size));
        keep_common(run, record == NULL ? span_of(NULL, 0) : blob_span(record), condition->tag);
        blob_release(record);
        if (!good)
            return false;
    }
    return true;
}

static bool event_has(struct running *run, const struct abci_event *event, struct span tag, const struct query_condition *condition,
                      const struct search_range *range) {
    run->work += event->count;
    for (uint32_t i = 0; i < event->count; i++) {
        const struct abci_attribute *attribute = &event->attributes[i];
        if (index_is_tag(event, attribute, tag) && index_takes(run->kind, event, attribute) &&
            (range != NULL ? search_plan_in_range(range, attribute->value) : query_holds(condition, attribute->value)))
            return true;
    }
    return false;
}

static bool event_fits(struct running *run, const struct abci_event *event) {
    for (uint32_t i = 0; i < run->plan.other_count; i++)
        if (!event_has(run, event, run->plan.others[i]->tag, run->plan.others[i], NULL))
            return false;
    for (uint32_t i = 0; i < run->plan.range_count; i++)
        if (!event_has(run, event, run->plan.ranges[i].tag, NULL, &run->plan.ranges[i]))
            return false;
    return true;
}

static bool load_results(struct running *run, struct abci_finalized *finalized, int64_t height) {
    arena_reset(&run->arena);
    struct key key = keys_height('r', height);
    struct blob *bytes = kv_get(run->ledger->kv, keys_span(&key));
    size_t size = bytes == NULL ? 0 : bytes->size;
    struct span copy;
    bool good = spend(run, COST_READ + size / COST_BYTES) && bytes != NULL && arena_copy(&run->arena, &copy, blob_span(bytes)) &&
                abci_finalized_decode(finalized, copy, &run->arena);
    blob_release(bytes);
    return good;
}

static const struct abci_events *events_of(const struct running *run, const struct abci_finalized *finalized, uint32_t tx) {
    return run->kind == INDEX_BLOCKS ? &finalized->events : &finalized->tx_results[tx].events;
}

static bool check_places(struct running *run, const struct abci_finalized *finalized, int64_t height) {
    for (uint32_t i = 0; i < run->place_count && spend(run, 0); i++) {
        struct index_place place = run->places[i];
        bool there = run->kind == INDEX_BLOCKS || place.tx < finalized->tx_count;
        const struct abci_events *events = there ? events_of(run, finalized, place.tx) : NULL;
        if (there && place.event < events->count && event_fits(run, &events->list[place.event]) && !add_hit(run, height, place.tx))
            return false;
    }
    return !run->stopped;
}

static bool check_all(struct running *run, const struct abci_finalized *finalized, int64_t height) {
    uint32_t count = run->kind == INDEX_BLOCKS ? 1 : finalized->tx_count;
    for (uint32_t tx = 0; tx < count && spend(run, 1); tx++) {
        const struct abci_events *events = events_of(run, finalized, tx);
        bool found = false;
        for (uint32_t e = 0; e < events->count && !found; e++)
            found = event_fits(run, &events->list[e]);
        if (found && !add_hit(run, height, tx))
            return false;
    }
    return !run->stopped;
}

static bool add_places(struct running *run, int64_t height) {
    for (uint32_t i = 0; i < run->place_count; i++)
        if (!add_hit(run, height, run->places[i].tx))
            return false;
    return true;
}

static bool visit_value(void *context, int64_t height, struct span record) {
    struct running *run = context;
    struct abci_finalized finalized;
    run->reached = height;
    if (!spend(run, COST_KEY + record.size))
        return false;
    take_places(run, record, run->driver->tag);
    if (!keep_equals(run, height))
        return false;
    if (run->place_count == 0)
        return true;
    if (run->plan.other_count + run->plan.range_count == 0)
        return add_places(run, height);
    return load_results(run, &finalized, height) ? check_places(run, &finalized, height) : !run->stopped;
}

static bool visit_tag(void *context, int64_t height, struct span record) {
    struct running *run = context;
    struct abci_finalized finalized;
    (void)record;
    run->reached = height;
    if (!spend(run, COST_KEY))
        return false;
    return load_results(run, &finalized, height) ? check_all(run, &finalized, height) : !run->stopped;
}

/* ---- which condition leads */

struct probe {
    uint64_t keys, bytes;
};

static bool count_key(void *context, int64_t height, struct span record) {
    struct probe *probe = context;
    (void)height;
    probe->bytes += record.size + 16;
    return ++probe->keys < PROBE_KEYS;
}

/* The condition whose value is rarest in the window, as far as a short look tells. */
static void choose_driver(struct running *run) {
    const struct search_plan *plan = &run->plan;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < plan->equal_count; i++) {
        struct probe probe = {0};
        if (plan->equal_count > 1)
            index_each_value(run->ledger->kv, run->kind, plan->equals[i]->operand, plan->low, plan->high, count_key, &probe);
        run->work += COST_KEY * probe.keys;
        if (probe.bytes < least) {
            least = probe.bytes;
            run->driver = plan->equals[i];
        }
    }
}

static struct span leading_tag(struct running *run) {
    const struct search_plan *plan = &run->plan;
    struct span best = span_of(NULL, 0);
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < plan->other_count + plan->range_count; i++) {
        struct span tag = i < plan->other_count ? plan->others[i]->tag : plan->ranges[i - plan->other_count].tag;
        struct probe probe = {0};
        index_each_tag(run->ledger->kv, run->kind, tag, plan->low, plan->high, count_key, &probe);
        run->work += COST_KEY * probe.keys;
        if (probe.keys < least) {
            least = probe.keys;
            best = tag;
        }
    }
    return best;
}

static void find_events(struct running *run) {
    choose_driver(run);
    if (run->driver != NULL)
        index_each_value(run->ledger->kv, run->kind, run->driver->operand, run->plan.low, run->plan.high, visit_value, run);
    else
        index_each_tag(run->ledger->kv, run->kind, leading_tag(run), run->plan.low, run->plan.high, visit_tag, run);
}

bool search_run(struct search *search, struct ledger *ledger, enum index_kind kind, const struct query *query, uint64_t work_max) {
    struct running *run = calloc(1, sizeof *run);
    assert(run != NULL);
    *search = (struct search){0};
    *run = (struct running){.search = search, .ledger = ledger, .kind = kind, .work_max = work_max};
    arena_init(&run->arena, (size_t)1 << 30);
    search_plan_make(&run->plan, kind, query, ledger_index_base(ledger), ledger->state.height);
    if (run->plan.hash != NULL)
        find_hash(run);
    else if (!run->plan.finds_nothing && run->plan.by_height)
        find_heights(run);
    else if (!run->plan.finds_nothing)
        find_events(run);
    bool good = !run->stopped;
    arena_close(&run->arena);
    free(run->places);
    free(run);
    return good;
}

void search_close(struct search *search) {
    free(search->hits);
    *search = (struct search){0};
}
