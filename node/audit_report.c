#include "node/audit_report.h"

#include <inttypes.h>

#include "crypto/text.h"
#include "node/complaint.h"

enum { SHORT = 6, NAME_SIZE = 2 * SHORT + 4 };

static void hex(char *out, struct span bytes) {
    text_hex_upper(out, bytes);
}

/* "nil", or the beginning of the hash. */
static const char *block_name(char out[static NAME_SIZE], const struct block_id *id) {
    if (block_id_is_nil(id))
        return "nil";
    hex(out, span_of(id->hash.bytes, SHORT));
    return out;
}

static double percent(int64_t power, int64_t total) { return total > 0 ? 100.0 * (double)power / (double)total : 0; }

/* Whoever shows light clients a block of their own has tried to fork the chain, whether or not two thirds went along. */
enum audit_exit audit_report_exit(const struct docket *docket) {
    if (docket->report.third_reached && (docket_is_fork(docket) || docket->audit.light_attack))
        return AUDIT_ATTRIBUTED;
    if (docket_is_fork(docket))
        return AUDIT_UNRESOLVED;
    return docket_is_whole(docket) ? AUDIT_NO_FORK : AUDIT_BAD_INPUT;
}

static const char *verdict_text(enum audit_exit status, bool is_fork) {
    if (status == AUDIT_ATTRIBUTED)
        return is_fork ? "fork, and more than a third of the voting power is convicted"
                       : "no fork of the chain, but light clients were shown one; more than a third of the voting power is convicted";
    if (status == AUDIT_BAD_INPUT)
        return "no fork is shown, but not all that was given could be used (see above)";
    return status == AUDIT_UNRESOLVED ? "fork, not resolved yet" : "no fork";
}

/* ---- for people */

static void show_commits(FILE *out, const struct docket *docket) {
    char name[NAME_SIZE];
    if (docket_is_fork(docket))
        fprintf(out, "FORK: two blocks are decided at height %" PRId64 "\n", docket->height);
    for (int i = 0; i < 2; i++) {
        const struct audit_commit *commit = docket->commits[i];
        uint32_t signers = 0;
        int64_t power = 0;
        if (commit == NULL)
            continue;
        for (uint32_t j = 0; j < commit->commit.count; j++)
            if (commit->commit.sigs[j].flag == COMMIT_FOR_BLOCK) {
                signers++;
                power += docket->set->validators[j].power;
            }
        fprintf(out, "  block %s at round %d, signed by %u of %u validators (%.1f %% of the power)\n", block_name(name, &commit->id), commit->commit.round,
                signers, docket->set->count, percent(power, docket->set->total_power));
    }
    for (uint32_t i = 0; i < docket->refusal_count; i++)
        fprintf(out, "  block %s does not count: %s\n", block_name(name, &docket->refusals[i].id), docket->refusals[i].why);
    if (docket->other_branch != NULL)
        fprintf(out, "  block %s of height %" PRId64 " is on another branch: ask whoever gave its commit for that of height %" PRId64 " too\n",
                block_name(name, &docket->other_branch->id), docket->other_branch->header.height, docket->height);
    fprintf(out, "  the validators follow from what is trusted at height %" PRId64 " over %u other header%s\n", docket->trust.height, docket->link_count,
            docket->link_count == 1 ? "" : "s");
}

static void show_source(FILE *out, const struct docket_source *source) {
    char text[sizeof source->name], words[sizeof source->note];
    snprintf(text, sizeof text, "%s", source->name);
    complaint_plain(text);
    fprintf(out, "  %s: ", text);
    snprintf(words, sizeof words, "%s", source->note);
    complaint_plain(words);
    bool is_silent = source->votes == 0 && source->records == 0 && source->headers == 0 && source->damaged_bytes == 0 && words[0] != '\0';
    if (is_silent) { /* the note is all that there is to say */
        fprintf(out, "%s\n", words);
        return;
    }
    if (source->votes > 0 || source->records > 0)
        fprintf(out, "%" PRIu64 " votes, %" PRIu64 " of them new", source->votes, source->kept);
    else
        fprintf(out, "%" PRIu64 " header%s", source->headers, source->headers == 1 ? "" : "s");
    for (int note = AUDIT_VOTE_ADDED + 2; note < AUDIT_NOTES; note++)
        if (source->dropped[note] > 0)
            fprintf(out, "; %" PRIu64 " %s", source->dropped[note], audit_note_text((enum audit_note)note));
    if (source->damaged_bytes > 0)
        fprintf(out, "; %" PRIu64 " bytes are no record", source->damaged_bytes);
    fprintf(out, words[0] != '\0' ? "; %s\n" : "%s\n", words);
}

static const char *type_name(int32_t type) { return type == VOTE_PREVOTE ? "prevote" : "precommit"; }

static void show_vote(FILE *out, const struct vote *vote) {
    char name[NAME_SIZE];
    fprintf(out, "%s %s at height %" PRId64 " round %d", type_name(vote->type), block_name(name, &vote->block_id), vote->height, vote->round);
}

static void show_finding(FILE *out, const struct docket *docket, const struct audit_finding *finding) {
    char address[TEXT_HEX_SIZE(20)], one[NAME_SIZE], other[NAME_SIZE];
    hex(address, address_span(&finding->who));
    fprintf(out, "  %s  %5.1f %%  %-20s %-3s ", address, percent(finding->power, docket->report.total_power), audit_status_text(finding->status),
            audit_kind_text(finding->kind));
    if (finding->status == AUDIT_CLEARED) {
        fprintf(out, "a polka of round %d allowed its ", finding->excuse_round);
        show_vote(out, finding->b);
    } else if (finding->kind == AUDIT_E2) {
        fprintf(out, "%s: %s and %s at round %d", audit_kind_phrase(finding->kind), block_name(one, &finding->proposals[0]->block_id),
                block_name(other, &finding->proposals[1]->block_id), finding->proposals[0]->round);
    } else {
        fprintf(out, "%s: ", audit_kind_phrase(finding->kind));
        show_vote(out, finding->a);
        if (finding->b != NULL) {
            fprintf(out, ", then ");
            show_vote(out, finding->b);
        }
        if (finding->wrong != NULL)
            fprintf(out, " (%s, by executing them)", finding->wrong);
    }
    fprintf(out, "\n");
}

static void show_missing(FILE *out, const struct docket *docket) {
    const struct audit_report *report = &docket->report;
    char address[TEXT_HEX_SIZE(20)];
    uint32_t asked = 0;
    if (!docket_is_fork(docket) || report->third_reached)
        return;
    fprintf(out, "what is missing:\n");
    if (!report->has_polka)
        fprintf(out, "  a log with the polka for the later block: ask any honest validator that signed its commit\n"
                     "  (quorate audit export --home DIR --height %" PRId64 ", or its journal folder)\n", docket->height);
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->findings[i].status != AUDIT_SUSPECT)
            continue;
        hex(address, address_span(&report->findings[i].who));
        fprintf(out, "  %s: its log, or a polka that allowed its vote (request %u)\n", address, ++asked);
    }
    if (asked > 0)
        fprintf(out, "  each answers with: quorate audit answer REQUEST.json --home DIR (--requests DIR writes the requests); give the answers with --answers DIR, and\n"
                     "  the time until which they were due with --deadline\n");
    if (report->set_power > 0)
        fprintf(out, "  nothing: under this lock rule the guilty can hide behind the honest. Of those marked SET_ONLY (%.1f %% of the power) at least %.1f %%\n"
                     "  of all power is guilty\n", percent(report->set_power, report->total_power), percent(report->set_guilty_power, report->total_power));
}

void audit_report_show(FILE *out, const struct docket *docket) {
    const struct audit_report *report = &docket->report;
    int64_t total = report->total_power;
    fprintf(out, "audit of chain \"%s\", height %" PRId64 ", lock rule %s\n", docket->chain_id, docket->height, audit_rule_text(docket->rule));
    show_commits(out, docket);
    fprintf(out, "what was handed in:\n");
    for (uint32_t i = 0; i < docket->source_count; i++)
        show_source(out, &docket->sources[i]);
    fprintf(out, report->count == 0 ? "nobody broke a rule, as far as this tells\n" : "who:\n");
    for (uint32_t i = 0; i < report->count; i++)
        show_finding(out, docket, &report->findings[i]);
    fprintf(out, "power: proven %.1f %%, convicted by their own logs %.1f %%, by silence %.1f %%, suspect %.1f %%", percent(report->proven_power, total),
            percent(report->by_log_power, total), percent(report->by_silence_power, total), percent(report->suspect_power, total));
    if (report->next_proven_power > 0)
        fprintf(out, "; at the next height, by two parents, %.1f %%", percent(report->next_proven_power, report->next_total_power));
    fprintf(out, "\n");
    show_missing(out, docket);
    fprintf(out, "verdict: %s\n", verdict_text(audit_report_exit(docket), docket_is_fork(docket)));
}

/* ---- for programs */

static void emit_vote(struct emit *emit, const struct vote *vote) {
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, type_name(vote->type));
    emit_key(emit, "height");
    emit_int64(emit, vote->height);
    emit_key(emit, "round");
    emit_number(emit, vote->round);
    emit_key(emit, "block");
    emit_hex(emit, digest_span(&vote->block_id.hash));
    emit_shut(emit, '}');
}

static void emit_finding(struct emit *emit, const struct audit_finding *finding) {
    emit_open(emit, '{');
    emit_key(emit, "address");
    emit_hex(emit, address_span(&finding->who));
    emit_key(emit, "power");
    emit_int64(emit, finding->power);
    emit_key(emit, "status");
    emit_cstring(emit, audit_status_text(finding->status));
    emit_key(emit, "claim");
    emit_cstring(emit, audit_kind_text(finding->kind));
    emit_key(emit, "says");
    emit_cstring(emit, audit_kind_phrase(finding->kind));
    emit_key(emit, "votes");
    emit_open(emit, '[');
    if (finding->a != NULL)
        emit_vote(emit, finding->a);
    if (finding->b != NULL)
        emit_vote(emit, finding->b);
    emit_shut(emit, ']');
    if (finding->wrong != NULL) {
        emit_key(emit, "wrong");
        emit_cstring(emit, finding->wrong);
    }
    if (finding->excuse_round >= 0) {
        emit_key(emit, "polka_round");
        emit_number(emit, finding->excuse_round);
    }
    emit_shut(emit, '}');
}

static void emit_power(struct emit *emit, const char *key, int64_t power) {
    emit_key(emit, key);
    emit_int64(emit, power);
}

static void emit_source(struct emit *emit, const struct docket_source *source) {
    emit_open(emit, '{');
    emit_key(emit, "name");
    emit_cstring(emit, source->name);
    emit_power(emit, "votes", (int64_t)source->votes);
    emit_power(emit, "new", (int64_t)source->kept);
    emit_power(emit, "other_height", (int64_t)source->dropped[AUDIT_VOTE_OTHER_HEIGHT]);
    emit_power(emit, "malformed", (int64_t)source->dropped[AUDIT_VOTE_MALFORMED]);
    emit_power(emit, "strangers", (int64_t)source->dropped[AUDIT_VOTE_STRANGER]);
    emit_power(emit, "forged", (int64_t)source->dropped[AUDIT_VOTE_FORGED]);
    emit_power(emit, "no_room", (int64_t)source->dropped[AUDIT_VOTE_NO_ROOM]);
    emit_power(emit, "damaged_bytes", (int64_t)source->damaged_bytes);
    emit_key(emit, "note");
    emit_cstring(emit, source->note);
    emit_shut(emit, '}');
}

static void emit_commits(struct emit *emit, const struct docket *docket) {
    emit_key(emit, "commits");
    emit_open(emit, '[');
    for (int i = 0; i < 2; i++) {
        if (docket->commits[i] == NULL)
            continue;
        emit_open(emit, '{');
        emit_key(emit, "block");
        emit_hex(emit, digest_span(&docket->commits[i]->id.hash));
        emit_key(emit, "round");
        emit_number(emit, docket->commits[i]->commit.round);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
}

void audit_report_emit(struct emit *emit, const struct docket *docket) {
    const struct audit_report *report = &docket->report;
    emit_open(emit, '{');
    emit_key(emit, "chain_id");
    emit_cstring(emit, docket->chain_id);
    emit_key(emit, "height");
    emit_int64(emit, docket->height);
    emit_key(emit, "lock_rule");
    emit_cstring(emit, audit_rule_text(docket->rule));
    emit_key(emit, "fork");
    emit_bool(emit, docket_is_fork(docket));
    emit_commits(emit, docket);
    emit_key(emit, "refused_commits");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < docket->refusal_count; i++) {
        emit_open(emit, '{');
        emit_key(emit, "block");
        emit_hex(emit, digest_span(&docket->refusals[i].id.hash));
        emit_key(emit, "why");
        emit_cstring(emit, docket->refusals[i].why);
        emit_shut(emit, '}');
    }
    emit_shut(emit, ']');
    emit_power(emit, "total_power", report->total_power);
    emit_power(emit, "proven_power", report->proven_power);
    emit_power(emit, "by_log_power", report->by_log_power);
    emit_power(emit, "by_silence_power", report->by_silence_power);
    emit_power(emit, "suspect_power", report->suspect_power);
    emit_power(emit, "next_total_power", report->next_total_power);
    emit_power(emit, "next_proven_power", report->next_proven_power);
    emit_power(emit, "set_power", report->set_power);
    emit_power(emit, "set_guilty_power", report->set_guilty_power);
    emit_key(emit, "third_reached");
    emit_bool(emit, report->third_reached);
    emit_key(emit, "verdict");
    emit_cstring(emit, verdict_text(audit_report_exit(docket), docket_is_fork(docket)));
    emit_key(emit, "findings");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < report->count; i++)
        emit_finding(emit, &report->findings[i]);
    emit_shut(emit, ']');
    emit_key(emit, "sources");
    emit_open(emit, '[');
    for (uint32_t i = 0; i < docket->source_count; i++)
        emit_source(emit, &docket->sources[i]);
    emit_shut(emit, ']');
    emit_shut(emit, '}');
}

/* ---- what the third party saw */

enum audit_exit audit_report_verified_exit(const struct audit_verified *seen, bool silence_counts) {
    if ((seen->third_seen || (silence_counts && seen->third_said)) && (seen->is_fork || seen->light_attack))
        return AUDIT_ATTRIBUTED;
    return seen->is_fork ? AUDIT_UNRESOLVED : AUDIT_NO_FORK;
}

static void show_statement(FILE *out, const struct audit_verified *seen, const struct audit_verified_statement *statement) {
    char address[TEXT_HEX_SIZE(20)], name[NAME_SIZE];
    bool is_seen = statement->status <= AUDIT_CONVICTED_BY_LOG;
    hex(address, address_span(&statement->who));
    fprintf(out, "  %s  %5.1f %%  %-20s %-3s %s: %s at round %d", address, percent(statement->power, seen->total_power), audit_status_text(statement->status),
            audit_kind_text(statement->kind), audit_kind_phrase(statement->kind), block_name(name, &statement->block_a), statement->round_a);
    if (statement->round_b >= 0)
        fprintf(out, ", %s at round %d", block_name(name, &statement->block_b), statement->round_b);
    if (statement->wrong != NULL)
        fprintf(out, " (%s, by executing them)", statement->wrong);
    fprintf(out, is_seen ? "\n" : "  (that nothing excuses it is the reporter's word)\n");
}

void audit_report_show_verified(FILE *out, const struct audit_verified *seen, bool silence_counts) {
    char name[NAME_SIZE];
    fprintf(out, "the bundle holds: chain \"%.*s\", height %" PRId64 ", lock rule %s\n", (int)seen->chain_id.size, (const char *)seen->chain_id.data, seen->height,
            audit_rule_text(seen->rule));
    fprintf(out, "  built on what you trust at height %" PRId64 ", over %u other header%s\n", seen->trust.height, seen->link_count, seen->link_count == 1 ? "" : "s");
    for (int i = 0; i < (seen->is_fork ? 2 : 1); i++)
        fprintf(out, "  block %s was decided at round %d by two thirds of the validators\n", block_name(name, &seen->blocks[i]), seen->rounds[i]);
    for (uint32_t i = 0; i < seen->statement_count; i++)
        show_statement(out, seen, &seen->statements[i]);
    fprintf(out, "power: proven %.1f %%, by their own logs %.1f %%", percent(seen->proven_power, seen->total_power), percent(seen->by_log_power, seen->total_power));
    if (seen->next_proven_power > 0)
        fprintf(out, ", at the next height %.1f %%", percent(seen->next_proven_power, seen->next_total_power));
    fprintf(out, "; the reporter's word: silent %.1f %%, suspect %.1f %%\n", percent(seen->by_silence_power, seen->total_power),
            percent(seen->suspect_power, seen->total_power));
    fprintf(out, "verdict: %s\n", verdict_text(audit_report_verified_exit(seen, silence_counts), seen->is_fork));
    if (seen->third_said && !seen->third_seen && !silence_counts)
        fprintf(out, "With those who are said to have kept silent it would be more than a third. That somebody did not answer no bundle can prove: if you know it\n"
                     "yourself, because you asked too or saw where the answers were due, say so with --silence-known\n");
}
