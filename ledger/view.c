#include "ledger/view.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/kv_group.h"

/* The state that was written along with what the snapshot shows. */
static void read_state(struct ledger *shown) {
    struct key key = keys_plain('h');
    struct blob *head = kv_get(shown->kv, keys_span(&key));
    if (head != NULL && !state_decode(&shown->state, blob_span(head)))
        assert(!"we wrote the head ourselves");
    blob_release(head);
}

struct view *view_new(const struct ledger *ledger) {
    struct view *view = calloc(1, sizeof *view);
    assert(view != NULL);
    struct ledger *shown = &view->ledger;
    atomic_init(&view->holders, 1);
    shown->kv = kv_snapshot(ledger->kv);
    shown->index_transactions = ledger->index_transactions;
    shown->keep_results = ledger->keep_results;
    shown->pruned_results = ledger->pruned_results;
    shown->pruned_index = ledger->pruned_index;
    state_init(&shown->state);
    state_copy(&shown->state, &ledger->state);
    if (kv_group_count(ledger->kv) > 0)
        read_state(shown);
    shown->state.release = ledger->state.release; /* not stored */
    shown->base = ledger->base <= shown->state.height ? ledger->base : 0;
    return view;
}

struct view *view_hold(struct view *view) {
    unsigned before = atomic_fetch_add(&view->holders, 1);
    assert(before > 0);
    (void)before;
    return view;
}

void view_release(struct view *view) {
    if (view == NULL || atomic_fetch_sub(&view->holders, 1) > 1)
        return;
    state_close(&view->ledger.state);
    kv_close(view->ledger.kv);
    free(view);
}
