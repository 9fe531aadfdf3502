#include "node/peerstate.h"

#include "tendermint/engine.h"

void peerstate_init(struct peerstate *peer) {
    *peer = (struct peerstate){.round = -1, .last_commit_round = -1, .pol_round = -1, .catchup_round = -1};
    bit_array_init(&peer->parts);
    bit_array_init(&peer->pol);
    bit_array_init(&peer->prevotes);
    bit_array_init(&peer->precommits);
    bit_array_init(&peer->last_commit);
    bit_array_init(&peer->catchup);
}

void peerstate_close(struct peerstate *peer) {
    bit_array_close(&peer->parts);
    bit_array_close(&peer->pol);
    bit_array_close(&peer->prevotes);
    bit_array_close(&peer->precommits);
    bit_array_close(&peer->last_commit);
    bit_array_close(&peer->catchup);
}

static void swap(struct bit_array *a, struct bit_array *b) {
    struct bit_array kept = *a;
    *a = *b;
    *b = kept;
}

static void load(struct bit_array *array, const struct wire_bits *bits) {
    bit_array_resize(array, bits->bits);
    for (uint32_t i = 0; i < (bits->bits + 63) / 64; i++)
        array->words[i] = bits->words[i];
}

static bool is_newer(const struct peerstate *peer, const struct wire_consensus *step) {
    if (step->height != peer->height)
        return step->height > peer->height;
    if (step->round != peer->round)
        return step->round > peer->round;
    return step->step > peer->step;
}

static void forget_proposal(struct peerstate *peer) {
    peer->proposal = false;
    peer->parts_header = (struct part_header){0};
    bit_array_resize(&peer->parts, 0);
    peer->pol_round = -1;
    bit_array_resize(&peer->pol, 0);
}

/* Its precommits of the finished height are what it has of the last commit. */
static void carry_last_commit(struct peerstate *peer, const struct wire_consensus *step) {
    bool same_commit = peer->height == step->height - 1 && peer->round == step->last_commit_round;
    if (same_commit)
        swap(&peer->last_commit, &peer->precommits);
    else
        bit_array_resize(&peer->last_commit, 0);
    peer->last_commit_round = step->last_commit_round;
    peer->catchup_round = -1;
    bit_array_resize(&peer->catchup, 0);
}

bool peerstate_step(struct peerstate *peer, const struct wire_consensus *step, bool *moved) {
    if (moved != NULL)
        *moved = false;
    if (!is_newer(peer, step))
        return false;
    bool new_height = step->height != peer->height;
    bool new_round = new_height || step->round != peer->round;
    if (new_round)
        forget_proposal(peer);
    if (new_height)
        carry_last_commit(peer, step);
    if (new_round) {
        bit_array_resize(&peer->prevotes, 0);
        /* what it got of the commit's votes while in an earlier round it still has in the commit's round */
        if (!new_height && step->round == peer->catchup_round)
            bit_array_copy(&peer->precommits, &peer->catchup);
        else
            bit_array_resize(&peer->precommits, 0);
    }
    peer->height = step->height;
    peer->round = step->round;
    peer->step = step->step;
    if (moved != NULL)
        *moved = new_round;
    return true;
}

void peerstate_valid_block(struct peerstate *peer, const struct wire_consensus *message) {
    if (peer->height != message->height || (peer->round != message->round && !message->is_commit))
        return;
    peer->parts_header = message->parts;
    load(&peer->parts, &message->bits);
}

void peerstate_pol(struct peerstate *peer, const struct wire_consensus *message) {
    if (peer->height == message->height && peer->pol_round == message->round)
        load(&peer->pol, &message->bits);
}

void peerstate_note_proposal(struct peerstate *peer, const struct proposal *proposal) {
    if (peer->height != proposal->height || peer->round != proposal->round || peer->proposal)
        return;
    if (proposal->block_id.parts.total > PART_SET_TOTAL_MAX) /* nobody can have those: the gate judges it */
        return;
    peer->proposal = true;
    if (!part_header_is_zero(&peer->parts_header)) /* set by NewValidBlock */
        return;
    peer->parts_header = proposal->block_id.parts;
    bit_array_resize(&peer->parts, proposal->block_id.parts.total);
    peer->pol_round = proposal->pol_round;
    bit_array_resize(&peer->pol, 0);
}

void peerstate_note_part(struct peerstate *peer, int64_t height, int32_t round, uint32_t index) {
    if (peer->height == height && peer->round == round)
        bit_array_set(&peer->parts, index, true);
}

void peerstate_expect_parts(struct peerstate *peer, const struct part_header *header) {
    peer->parts_header = *header;
    bit_array_resize(&peer->parts, header->total);
}

static void ensure(struct bit_array *array, uint32_t bits) {
    if (array->bits != bits)
        bit_array_resize(array, bits);
}

void peerstate_ensure_votes(struct peerstate *peer, int64_t height, uint32_t validators) {
    if (peer->height == height) {
        ensure(&peer->prevotes, validators);
        ensure(&peer->precommits, validators);
        if (peer->pol_round >= 0)
            ensure(&peer->pol, validators);
    } else if (height == peer->height - 1) {
        ensure(&peer->last_commit, validators);
    }
}

void peerstate_ensure_catchup(struct peerstate *peer, int64_t height, int32_t round, uint32_t validators) {
    if (peer->height != height || peer->catchup_round == round)
        return;
    peer->catchup_round = round;
    if (round == peer->round)
        bit_array_copy(&peer->catchup, &peer->precommits);
    else
        bit_array_resize(&peer->catchup, 0);
    ensure(&peer->catchup, validators);
}

struct bit_array *peerstate_votes(struct peerstate *peer, int64_t height, int32_t round, int32_t type) {
    bool prevote = type == VOTE_PREVOTE;
    if (height == peer->height) {
        if (round == peer->round)
            return prevote ? &peer->prevotes : &peer->precommits;
        if (!prevote && round == peer->catchup_round)
            return &peer->catchup;
        if (prevote && round == peer->pol_round)
            return &peer->pol;
    } else if (height == peer->height - 1 && !prevote && round == peer->last_commit_round) {
        return &peer->last_commit;
    }
    return NULL;
}

void peerstate_note_vote(struct peerstate *peer, int64_t height, int32_t round, int32_t type, int32_t index) {
    struct bit_array *votes = peerstate_votes(peer, height, round, type);
    if (votes != NULL && index >= 0)
        bit_array_set(votes, (uint32_t)index, true);
}

static void clear(struct bit_array *array) { bit_array_resize(array, array->bits); }

void peerstate_forget_sent(struct peerstate *peer) {
    peer->proposal = false;
    struct bit_array *arrays[] = {&peer->parts, &peer->pol, &peer->prevotes, &peer->precommits, &peer->last_commit, &peer->catchup};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        clear(arrays[i]);
}

/* About the votes for that block it knows better than we: its word replaces ours there, and only there. No bits at all: it has none of them. */
void peerstate_vote_bits(struct peerstate *peer, const struct wire_consensus *message, const struct bit_array *ours) {
    struct bit_array *votes = peerstate_votes(peer, message->height, message->round, message->type);
    const struct wire_bits *said = &message->bits;
    if (votes == NULL || (said->bits != 0 && said->bits != votes->bits))
        return;
    for (uint32_t i = 0; i < (votes->bits + 63) / 64; i++) {
        uint64_t about = ours == NULL ? ~0ull : i < (ours->bits + 63) / 64 ? ours->words[i] : 0;
        votes->words[i] = (votes->words[i] & ~about) | (said->bits == 0 ? 0 : said->words[i]);
    }
}
