#include "node/signer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"

enum { STEP_PROPOSE = 1, STEP_PREVOTE = 2, STEP_PRECOMMIT = 3 };
enum { JSON = 0, TWIN = 1, FILES = 2 };

struct mark_file {
    char name[DISK_NAME_BYTES_MAX];
    bool is_there;
    bool is_signed; /* holds a whole signed mark, padded: may be written in place */
    bool is_whole;
    struct signer_mark_state mark;
};

struct signer {
    struct disk *disk; /* a loan */
    struct ed25519_key *key;
    struct signer_mark_state mark;
    struct mark_file files[FILES];
    int newest; /* the file that surely holds `mark` on the platter */
    bool is_stopped;
};

const char *signer_verdict_text(enum signer_verdict verdict) {
    switch (verdict) {
    case SIGNER_SIGNED: return "signed";
    case SIGNER_SAME: return "signed before, the same signature given back";
    case SIGNER_REGRESSION_HEIGHT: return "height regression: a higher height was signed before";
    case SIGNER_REGRESSION_ROUND: return "round regression: a higher round of this height was signed before";
    case SIGNER_REGRESSION_STEP: return "step regression: a later step of this round was signed before";
    case SIGNER_CONFLICT: return "conflicting data: something else was signed at this height, round and step";
    case SIGNER_STOPPED: return "signing is stopped";
    }
    return "unknown";
}

/* What sign bytes tell. Votes: CanonicalVote, time in field 5; proposals: CanonicalProposal, time in field 6. */
struct told {
    int32_t type;
    int64_t height, round;
    struct timestamp time;
    struct block_id block_id; /* of a vote */
};

static bool read_sign_bytes(struct told *told, struct span sign_bytes) {
    struct span body;
    if (proto_delimited(&body, sign_bytes, VOTE_SIGN_BYTES_MAX) != (long)sign_bytes.size)
        return false;
    struct proto_reader reader = proto_reader_over(body);
    struct proto_field field;
    *told = (struct told){.time = TIMESTAMP_ZERO};
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            told->type = proto_int32(&reader, &field);
        else if (field.number == 2)
            told->height = proto_sfixed64(&reader, &field);
        else if (field.number == 3)
            told->round = proto_sfixed64(&reader, &field);
        else if (field.number == (told->type == VOTE_PROPOSAL ? 6 : 5))
            timestamp_get(&told->time, &reader, &field);
        else if (field.number == 4 && told->type != VOTE_PROPOSAL)
            block_id_get(&told->block_id, &reader, &field);
    }
    return !reader.bad;
}

static int32_t step_of(int32_t type) {
    return type == VOTE_PROPOSAL ? STEP_PROPOSE : type == VOTE_PREVOTE ? STEP_PREVOTE : type == VOTE_PRECOMMIT ? STEP_PRECOMMIT : 0;
}

/* Loading */

static bool is_ours(const struct signer *signer, const struct signer_mark_state *mark) {
    uint8_t public_key[ED25519_PUBLIC_BYTES];
    struct span sign_bytes = span_of(mark->sign_bytes, mark->sign_bytes_size);
    struct told told;
    ed25519_key_public(signer->key, public_key);
    return mark->signature.size == ED25519_SIGNATURE_BYTES && read_sign_bytes(&told, sign_bytes) && told.height == mark->height &&
           told.round == mark->round && step_of(told.type) == mark->step &&
           ed25519_verify_vartime(public_key, sign_bytes, mark->signature.bytes);
}

static void load_file(struct signer *signer, struct mark_file *file) {
    struct blob *blob = signer->disk->table->read(signer->disk, file->name, 0, 64 * 1024);
    file->is_there = blob != NULL;
    if (blob == NULL)
        return;
    bool parsed = signer_mark_parse(&file->mark, blob_span(blob));
    file->is_signed = parsed && file->mark.sign_bytes_size > 0 && is_ours(signer, &file->mark) && blob->size == SIGNER_MARK_TEXT_SIZE;
    file->is_whole = parsed && (file->mark.sign_bytes_size == 0 || is_ours(signer, &file->mark));
    blob_release(blob);
}

static int mark_compare(const struct signer_mark_state *a, const struct signer_mark_state *b) {
    if (a->height != b->height)
        return a->height < b->height ? -1 : 1;
    if (a->round != b->round)
        return a->round < b->round ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (a->sign_bytes_size > 0) - (b->sign_bytes_size > 0);
}

static char *missing(const struct signer *signer, int64_t chain_height) {
    const char *advice = "Restore it; or, only if this key has surely never signed for this chain, make it with the content "
                         "{\"height\":\"0\",\"round\":0,\"step\":0}";
    if (signer->files[TWIN].is_there)
        return complaint_of("%s: the signing mark is missing, though its twin %s is there: signing without it could sign twice. %s",
                            signer->files[JSON].name, signer->files[TWIN].name, advice);
    return complaint_of("%s: the signing mark is missing, though the chain has %" PRId64 " blocks: signing without it could sign twice. %s",
                        signer->files[JSON].name, chain_height, advice);
}

static char *unreadable(const struct signer *signer) {
    const char *twin = signer->files[TWIN].is_there ? ", and neither does its twin" : "";
    return complaint_of("%s: does not hold a whole signing mark of this key%s. If the key was changed, or the file is lost: find the last height "
                        "H that this key may have signed (an explorer, another node), remove both files, and write "
                        "{\"height\":\"H\",\"round\":0,\"step\":3} into it: nothing at or below H will be signed again",
                        signer->files[JSON].name, twin);
}

/* The newest whole mark is made sure on the platter before anything is written next to it: it may have come there unsynced. */
static bool choose_mark(struct signer *signer, int64_t chain_height, char **error) {
    struct mark_file *json = &signer->files[JSON], *twin = &signer->files[TWIN];
    if (!json->is_there && (chain_height > 0 || twin->is_there)) {
        *error = missing(signer, chain_height);
        return false;
    }
    if (!json->is_there)
        return true;
    if (!json->is_whole && !twin->is_whole) {
        *error = unreadable(signer);
        return false;
    }
    bool twin_wins = twin->is_whole && (!json->is_whole || mark_compare(&twin->mark, &json->mark) > 0);
    signer->newest = twin_wins ? TWIN : JSON;
    signer->mark = signer->files[signer->newest].mark;
    signer->disk->table->sync(signer->disk, signer->files[signer->newest].name);
    return true;
}

static void name_files(struct signer *signer, const char *json_name) {
    size_t size = strlen(json_name);
    const char *dot = strrchr(json_name, '.');
    if (dot != NULL && strchr(dot, '/') == NULL)
        size = (size_t)(dot - json_name);
    assert(size + 8 < DISK_NAME_BYTES_MAX && strlen(json_name) < DISK_NAME_BYTES_MAX);
    strcpy(signer->files[JSON].name, json_name);
    snprintf(signer->files[TWIN].name, DISK_NAME_BYTES_MAX, "%.*s.alt", (int)size, json_name);
}

struct signer *signer_open(struct disk *disk, const char *json_name, struct ed25519_key *key, int64_t chain_height, char **error) {
    struct signer *signer = calloc(1, sizeof *signer);
    assert(signer != NULL);
    signer->disk = disk;
    signer->key = key;
    signer->newest = TWIN;
    name_files(signer, json_name);
    load_file(signer, &signer->files[JSON]);
    load_file(signer, &signer->files[TWIN]);
    if (choose_mark(signer, chain_height, error))
        return signer;
    signer_free(signer);
    return NULL;
}

void signer_free(struct signer *signer) {
    if (signer == NULL)
        return;
    ed25519_key_free(signer->key);
    free(signer);
}

/* Saving */

static void write_file(struct signer *signer, struct mark_file *file, struct span text, bool sync) {
    const struct disk_table *table = signer->disk->table;
    if (!file->is_signed) {
        table->replace(signer->disk, file->name, text);
    } else {
        table->overwrite(signer->disk, file->name, text);
        if (sync)
            table->sync(signer->disk, file->name);
    }
    file->is_there = file->is_signed = file->is_whole = true;
}

static void save_mark(struct signer *signer) {
    char text[SIGNER_MARK_TEXT_SIZE];
    memset(text, ' ', sizeof text);
    size_t size = signer_mark_text(text, sizeof text, &signer->mark);
    text[size] = '\n';
    struct span padded = span_of(text, sizeof text);
    struct mark_file *older = &signer->files[1 - signer->newest], *newer = &signer->files[signer->newest];
    write_file(signer, older, padded, true);
    signer->newest = 1 - signer->newest;
    write_file(signer, newer, padded, false);
}

/* Signing */

/* SIGNER_SIGNED: may be signed. SIGNER_SAME: this place was signed before. */
static enum signer_verdict judge_place(const struct signer *signer, int64_t height, int32_t round, int32_t step) {
    const struct signer_mark_state *mark = &signer->mark;
    if (signer->is_stopped)
        return SIGNER_STOPPED;
    if (height != mark->height)
        return height < mark->height ? SIGNER_REGRESSION_HEIGHT : SIGNER_SIGNED;
    if (round != mark->round)
        return round < mark->round ? SIGNER_REGRESSION_ROUND : SIGNER_SIGNED;
    if (step != mark->step)
        return step < mark->step ? SIGNER_REGRESSION_STEP : SIGNER_SIGNED;
    return mark->sign_bytes_size > 0 ? SIGNER_SAME : SIGNER_CONFLICT; /* signed, but nobody knows what */
}

static void sign_new(struct signer *signer, int64_t height, int32_t round, int32_t step, struct span sign_bytes) {
    struct signer_mark_state *mark = &signer->mark;
    *mark = (struct signer_mark_state){.height = height, .round = round, .step = step};
    memcpy(mark->sign_bytes, sign_bytes.data, sign_bytes.size);
    mark->sign_bytes_size = (uint32_t)sign_bytes.size;
    ed25519_sign(signer->key, mark->signature.bytes, sign_bytes);
    mark->signature.size = ED25519_SIGNATURE_BYTES;
    save_mark(signer);
}

static bool is_marked(const struct signer *signer, struct span sign_bytes) {
    return span_equal(sign_bytes, span_of(signer->mark.sign_bytes, signer->mark.sign_bytes_size));
}

static struct timestamp marked_time(const struct signer *signer) {
    struct told told;
    bool good = read_sign_bytes(&told, span_of(signer->mark.sign_bytes, signer->mark.sign_bytes_size));
    assert(good);
    return told.time;
}

static void sign_extension(const struct signer *signer, struct vote *vote, struct span chain_id) {
    if (vote->extension.data == NULL || vote->type != VOTE_PRECOMMIT || block_id_is_nil(&vote->block_id))
        return;
    size_t capacity = vote->extension.size + 128;
    uint8_t *bytes = malloc(capacity);
    assert(bytes != NULL);
    size_t size = vote_extension_sign_bytes(bytes, capacity, vote->extension, vote->height, vote->round, chain_id);
    assert(size > 0);
    ed25519_sign(signer->key, vote->extension_signature.bytes, span_of(bytes, size));
    vote->extension_signature.size = ED25519_SIGNATURE_BYTES;
    free(bytes);
}

enum signer_verdict signer_vote(struct signer *signer, struct vote *vote, struct span chain_id) {
    assert(vote_type_is_vote(vote->type) && vote->height >= 0 && vote->round >= 0);
    assert(vote->extension.size == 0 || (vote->type == VOTE_PRECOMMIT && !block_id_is_nil(&vote->block_id)));
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    enum signer_verdict verdict = judge_place(signer, vote->height, vote->round, step_of(vote->type));
    struct vote twin = *vote;
    if (verdict == SIGNER_SIGNED) {
        size_t size = vote_sign_bytes(bytes, vote, chain_id);
        sign_new(signer, vote->height, vote->round, step_of(vote->type), span_of(bytes, size));
    } else if (verdict == SIGNER_SAME) {
        twin.timestamp = marked_time(signer);
        if (!is_marked(signer, span_of(bytes, vote_sign_bytes(bytes, &twin, chain_id))))
            verdict = SIGNER_CONFLICT;
    }
    if (verdict > SIGNER_SAME)
        return verdict;
    vote->timestamp = twin.timestamp;
    vote->signature = signer->mark.signature;
    sign_extension(signer, vote, chain_id);
    return verdict;
}

enum signer_verdict signer_proposal(struct signer *signer, struct proposal *proposal, struct span chain_id) {
    assert(proposal->type == VOTE_PROPOSAL && proposal->height >= 0 && proposal->round >= 0);
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    enum signer_verdict verdict = judge_place(signer, proposal->height, proposal->round, STEP_PROPOSE);
    struct proposal twin = *proposal;
    if (verdict == SIGNER_SIGNED) {
        size_t size = proposal_sign_bytes(bytes, proposal, chain_id);
        sign_new(signer, proposal->height, proposal->round, STEP_PROPOSE, span_of(bytes, size));
    } else if (verdict == SIGNER_SAME) {
        twin.timestamp = marked_time(signer);
        if (!is_marked(signer, span_of(bytes, proposal_sign_bytes(bytes, &twin, chain_id))))
            verdict = SIGNER_CONFLICT;
    }
    if (verdict > SIGNER_SAME)
        return verdict;
    proposal->timestamp = twin.timestamp;
    proposal->signature = signer->mark.signature;
    return verdict;
}

void signer_public(const struct signer *signer, struct pubkey *out) {
    uint8_t bytes[ED25519_PUBLIC_BYTES];
    ed25519_key_public(signer->key, bytes);
    *out = pubkey_ed25519(bytes);
}

bool signer_marked_prevote(const struct signer *signer, struct vote *vote, struct span chain_id) {
    const struct signer_mark_state *mark = &signer->mark;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct told told;
    if (signer->is_stopped || vote->type != VOTE_PREVOTE || vote->height != mark->height || vote->round != mark->round || mark->step != STEP_PREVOTE ||
        mark->sign_bytes_size == 0 || !read_sign_bytes(&told, span_of(mark->sign_bytes, mark->sign_bytes_size)))
        return false;
    struct vote marked = *vote;
    marked.block_id = told.block_id;
    marked.timestamp = told.time;
    marked.signature = mark->signature;
    if (!is_marked(signer, span_of(bytes, vote_sign_bytes(bytes, &marked, chain_id))))
        return false; /* of another chain */
    *vote = marked;
    return true;
}

bool signer_marked_vote(const struct signer *signer, struct vote *vote, struct span chain_id) {
    const struct signer_mark_state *mark = &signer->mark;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    struct told told;
    if ((mark->step != STEP_PREVOTE && mark->step != STEP_PRECOMMIT) || mark->sign_bytes_size == 0 ||
        !read_sign_bytes(&told, span_of(mark->sign_bytes, mark->sign_bytes_size)))
        return false;
    struct vote marked;
    vote_init(&marked);
    marked.type = mark->step == STEP_PREVOTE ? VOTE_PREVOTE : VOTE_PRECOMMIT;
    marked.height = mark->height;
    marked.round = mark->round;
    marked.block_id = told.block_id;
    marked.timestamp = told.time;
    marked.signature = mark->signature;
    if (!is_marked(signer, span_of(bytes, vote_sign_bytes(bytes, &marked, chain_id))))
        return false;
    *vote = marked;
    return true;
}

void signer_mark(const struct signer *signer, int64_t *height, int32_t *round, int32_t *step) {
    *height = signer->mark.height;
    *round = signer->mark.round;
    *step = signer->mark.step;
}

void signer_stop(struct signer *signer) { signer->is_stopped = true; }
