/* The words of an audit. */
#include "tendermint/audit.h"

static const char *const rules[] = {[AUDIT_STRICT] = "strict", [AUDIT_COMET] = "comet", [AUDIT_PAPER] = "paper"};

const char *audit_rule_text(enum audit_rule rule) { return rule <= AUDIT_PAPER ? rules[rule] : "unknown"; }

bool audit_rule_parse(enum audit_rule *rule, struct span text) {
    for (int i = AUDIT_STRICT; i <= AUDIT_PAPER; i++)
        if (span_equal(text, span_text(rules[i]))) {
            *rule = (enum audit_rule)i;
            return true;
        }
    return false;
}

const char *audit_kind_text(enum audit_kind kind) {
    static const char *const names[] = {"?", "E1", "E2", "E3", "E4", "E5", "A1", "A2", "SET"};
    return names[kind <= AUDIT_SET ? kind : 0];
}

const char *audit_kind_phrase(enum audit_kind kind) {
    switch (kind) {
    case AUDIT_E1: return "signed two votes of one round and type";
    case AUDIT_E2: return "signed two proposals of one round";
    case AUDIT_E3: return "signed both commits, which are of one round";
    case AUDIT_E4: return "voted for blocks on two different parents";
    case AUDIT_E5: return "voted for a header that contradicts the blocks before it";
    case AUDIT_A1: return "prevoted against its lock";
    case AUDIT_A2: return "precommitted without a polka";
    case AUDIT_SET: return "is one of those who switched between the blocks";
    }
    return "unknown";
}

const char *audit_status_text(enum audit_status status) {
    switch (status) {
    case AUDIT_PROVEN: return "PROVEN";
    case AUDIT_CONVICTED_BY_LOG: return "CONVICTED_BY_LOG";
    case AUDIT_CONVICTED_BY_SILENCE: return "CONVICTED_BY_SILENCE";
    case AUDIT_SUSPECT: return "SUSPECT";
    case AUDIT_SET_ONLY: return "SET_ONLY";
    case AUDIT_CLEARED: return "CLEARED";
    }
    return "unknown";
}
