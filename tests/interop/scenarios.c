#include "tests/interop/scenarios.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "genesis/scan.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "tests/interop/voter.h"

#define STEADY       200 /* heights under load */
#define PART_MS      20000
#define SYNC_HEIGHTS 2000

/* ---- all up */

static void judge_steady(struct row *row, int load_status) {
    struct chain_facts facts;
    if (!row_is_of_one_mind(row, &facts, 1))
        return;
    row_hear_extensions(row, &facts);
    ROW_TELL(compared, ", proposed");
    for (uint32_t i = 0; i < row->fleet.net.count; i++) {
        ROW_TELL(compared, " %c%u", row->kinds[i], facts.proposed[i]);
        row_want(row, facts.proposed[i] > 0, "a validator never proposed");
    }
    ROW_TELL(compared, ", rounds above 0: %u, nil/absent precommits: %u/%u", facts.late_rounds, facts.nils, facts.absent);
    row_want(row, facts.last >= STEADY, "too few heights");
    row_want(row, facts.txs >= STEADY, "next to no transactions");
    row_want(row, load_status == 0, "the load lost or doubled transactions, see load.log");
    row_look_into_logs(row, 0);
}

void scenario_steady(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    wish.pex = true;
    if (!row_set_up(row, &wish, 0))
        return;
    pid_t load = row_start_load(row, "60");
    bool good = row_reach(row, ROW_ALL, STEADY + 2, 180000);
    int load_status = row_stop_load(load);
    if (good && row_go_on(row, ROW_ALL, 3, 30000))
        judge_steady(row, load_status);
}

/* ---- kill -9 */

static bool kill_and_restart(struct row *row, uint32_t nodes, int64_t missed) {
    for (uint32_t i = 0; i < row->fleet.net.count; i++)
        if ((nodes >> i & 1) != 0)
            fleet_kill(&row->fleet, i);
    if (missed > 0 && !row_go_on(row, ~nodes, missed, 60000))
        return false;
    if (!row_restart(row) || !row_go_on(row, ROW_ALL, 4, 90000)) {
        ROW_TELL(why, " (after kill -9 of the nodes of mask %x, restarted %" PRId64 " heights later)", nodes, missed);
        return false;
    }
    return true;
}

static bool kill_in_turn(struct row *row) {
    for (uint32_t i = 0; i < 4; i++)
        if (!kill_and_restart(row, 1u << i, 6))
            return false;
    for (uint32_t i = 0; i < 4; i++)
        if (!kill_and_restart(row, 1u << i, 0))
            return false;
    return kill_and_restart(row, 0xf, 0);
}

/* After anything rough. */
static void judge_rough(struct row *row) {
    struct chain_facts facts;
    if (!row_is_of_one_mind(row, &facts, 1))
        return;
    row_hear_extensions(row, &facts);
    ROW_TELL(compared, ", rounds above 0: %u", facts.late_rounds);
    row_want(row, facts.late_rounds > 0, "no round above 0 was provoked");
    row_want(row, facts.txs > 100, "next to no transactions");
    row_look_into_logs(row, FLEET_LOG_ROUGH);
}

void scenario_kills(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    if (!row_set_up(row, &wish, 0))
        return;
    pid_t load = row_start_load(row, "40");
    bool good = kill_in_turn(row);
    row_stop_load(load);
    if (good && row_go_on(row, ROW_ALL, 3, 30000))
        judge_rough(row);
}

/* ---- partitions */

static bool part_and_heal(struct row *row, uint32_t side, uint32_t going_on, enum relays_mode mode) {
    relays_part(row->fleet.relays, side, mode);
    fleet_rest(3000); /* what was under way arrives */
    int64_t before[RELAYS_NODES_MAX];
    for (uint32_t i = 0; i < 4; i++)
        before[i] = fleet_height(&row->fleet, i);
    fleet_rest(PART_MS - 3000);
    for (uint32_t i = 0; i < 4; i++) {
        int64_t more = fleet_height(&row->fleet, i) - before[i];
        if (((going_on >> i & 1) != 0) != (more > 0))
            return row_want(row, false, more > 0 ? "heights were decided without a quorum: the cut does not cut" : "the larger side stood still");
    }
    relays_part(row->fleet.relays, side, RELAYS_OPEN);
    int64_t healed_ms = fleet_clock();
    if (!row_go_on(row, ROW_ALL, 5, 90000)) {
        ROW_TELL(why, " (after the cut %x | %x, %s)", side, 15 & ~side, mode == RELAYS_SILENT ? "silent" : "refused");
        return false;
    }
    ROW_TELL(compared, "%s%s healed in %.1f s", row->compared[0] == '\0' ? "" : ", ", going_on != 0 ? "3|1" : "2|2", (double)(fleet_clock() - healed_ms) / 1000);
    return true;
}

static bool part_in_turn(struct row *row) {
    return part_and_heal(row, 0x3, 0, RELAYS_REFUSING) && part_and_heal(row, 0x5, 0, RELAYS_SILENT) && part_and_heal(row, 0x1, 0xe, RELAYS_REFUSING) &&
           part_and_heal(row, 0x8, 0x7, RELAYS_SILENT) && part_and_heal(row, 0x2, 0xd, RELAYS_SILENT) && part_and_heal(row, 0x4, 0xb, RELAYS_REFUSING);
}

void scenario_partitions(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    wish.relayed = true;
    wish.timeout_commit_ms = 200;
    if (!row_set_up(row, &wish, 0))
        return;
    pid_t load = row_start_load(row, "20");
    bool good = part_in_turn(row);
    row_stop_load(load);
    if (good && row_go_on(row, ROW_ALL, 3, 30000))
        judge_rough(row);
}

/* ---- validators come and go */

static int64_t power_of(const struct row *row, uint32_t node) {
    struct load_call call;
    struct span result, list, key, member, text;
    int64_t power = 0;
    load_call_open(&call, &row->fleet.net.nodes[0].rpc);
    if (load_call_method(&call, &result, "validators", "{}", 5000) && load_scan_path(&list, result, "validators")) {
        struct scan_walk walk = scan_walk(list);
        while (scan_next(&walk, &key, &member))
            if (load_scan_path(&text, member, "address") && span_equal(text, span_text(row->fleet.nodes[node].address)) &&
                load_scan_path(&text, member, "voting_power"))
                load_scan_number(&power, text);
    }
    load_call_close(&call);
    return power;
}

/* kvstore's val=TYPE!KEY!POWER, said to `at`. */
static bool weigh(struct row *row, uint32_t node, int64_t power, uint32_t at) {
    char tx[160], *error = NULL;
    snprintf(tx, sizeof tx, "val=ed25519!%s!%" PRId64, row->fleet.nodes[node].key_base64, power);
    return fleet_send(&row->fleet, at, tx, &error) || row_fail(row, error);
}

/* Everyone's power becomes that of the list, and those who have some sign and propose, the others do not. */
static bool change(struct row *row, const int64_t powers[6], uint32_t at) {
    struct chain_facts facts;
    for (uint32_t i = 0; i < 6; i++)
        if (power_of(row, i) != powers[i] && !weigh(row, i, powers[i], at))
            return false;
    if (!row_go_on(row, ROW_ALL, 8, 60000))
        return false;
    int64_t first = fleet_highest(&row->fleet);
    if (!row_reach(row, ROW_ALL, first + 40, 90000))
        return false;
    if (!chain_compare(&facts, &row->fleet, first, first + 38))
        return row_fail(row, strdup(facts.fault));
    for (uint32_t i = 0; i < 6; i++)
        if (power_of(row, i) != powers[i] || (facts.proposed[i] > 0) != (powers[i] > 0) || (facts.signed_for[i] > 0) != (powers[i] > 0)) {
            ROW_TELL(why, "node%u (%c) was given power %" PRId64 ", has %" PRId64 ", proposed %u and signed %u of %" PRId64 " blocks from %" PRId64 " on", i,
                 row->kinds[i], powers[i], power_of(row, i), facts.proposed[i], facts.signed_for[i], facts.last - facts.first + 1, first);
            row->outcome = OUTCOME_FAILED;
            return false;
        }
    return true;
}

void scenario_validators(struct row *row) {
    static const int64_t steps[][6] = {
        {1, 1, 1, 1, 2, 0}, /* node4 comes, */
        {1, 1, 1, 1, 2, 3}, /* node5 too */
        {5, 1, 4, 1, 2, 3}, /* one of each kind weighs more, */
        {5, 0, 4, 0, 2, 3}, /* one of each goes, */
        {2, 0, 2, 0, 1, 1}, /* all change at once, */
        {2, 1, 2, 1, 0, 0}, /* two come back where two go */
    };
    struct fleet_wish wish = row_wish(row);
    wish.validators = 4;
    if (!row_set_up(row, &wish, 0))
        return;
    pid_t load = row_start_load(row, "20");
    bool good = true;
    for (size_t i = 0; good && i < sizeof steps / sizeof steps[0]; i++)
        good = change(row, steps[i], i % 4);
    row_stop_load(load);
    struct chain_facts facts;
    if (good && row_go_on(row, ROW_ALL, 3, 30000) && row_is_of_one_mind(row, &facts, 1)) {
        ROW_TELL(compared, ", powers as sent after each of 6 changes, proposers and signers are those with power");
        row_look_into_logs(row, 0);
    }
}

/* ---- block sync */

/* A follower is asked at a short visit. */
static bool can_sync(struct row *row, uint32_t quorate) {
    bool is_late = quorate == row->fleet.net.count, can = false;
    row->fleet.net.count += is_late;
    if (!row_restart(row))
        return false;
    for (int64_t end = fleet_clock() + 5000; !can && fleet_clock() < end; fleet_rest(200))
        can = fleet_has_channel(&row->fleet, quorate, "40");
    if (is_late)
        fleet_kill(&row->fleet, quorate);
    row->fleet.net.count -= is_late;
    if (!can) {
        row->outcome = OUTCOME_NOT_YET;
        ROW_TELL(why, "block sync (Quorate does not announce channel 40)");
    }
    return can;
}

void scenario_block_sync(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    uint32_t late = (uint32_t)strlen(row->kinds) - 1, quorate = row->kinds[late] == 'Q' ? late : 0;
    wish.validators = late;
    wish.timeout_commit_ms = 1;
    if (!row_set_up(row, &wish, late) || !can_sync(row, quorate))
        return;
    pid_t load = row_start_load(row, "100");
    bool good = row_reach(row, ROW_ALL, SYNC_HEIGHTS, 600000);
    row->fleet.net.count = late + 1;
    int64_t target = fleet_highest(&row->fleet), began_ms = fleet_clock();
    good = good && row_restart(row) && row_reach(row, 1u << late, target, 300000);
    ROW_TELL(compared, "%" PRId64 " heights fetched in %.1f s", target, (double)(fleet_clock() - began_ms) / 1000);
    good = good && row_go_on(row, ROW_ALL, 20, 60000);
    row_stop_load(load);
    struct chain_facts facts;
    if (good && row_is_of_one_mind(row, &facts, 1)) {
        row_hear_extensions(row, &facts);
        row_look_into_logs(row, FLEET_LOG_ROUGH);
    }
}

/* ---- vote extensions, switched on by transactions */

static bool extend_from(struct row *row, uint32_t node, int64_t height) {
    char tx[64], *error = NULL;
    snprintf(tx, sizeof tx, "extend=%" PRId64, height);
    return (fleet_send(&row->fleet, node, tx, &error) || row_fail(row, error)) && row_go_on(row, ROW_ALL, 4, 60000);
}

void scenario_switch(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    if (!row_set_up(row, &wish, 0))
        return;
    int64_t first = fleet_highest(&row->fleet) + 60;
    bool good = extend_from(row, 2, first + 1000) && extend_from(row, 0, first) && row_reach(row, ROW_ALL, first + 20, 90000);
    for (uint32_t node = 0; good && node < 4; node++) /* one of each kind falls in the middle of an extended height */
        if (node % 2 == 1)
            good = kill_and_restart(row, 1u << node, 3);
    good = good && extend_from(row, 3, 0) && extend_from(row, 1, first + 5000) && row_go_on(row, ROW_ALL, 20, 60000); /* too late */
    struct chain_facts facts;
    if (!good || !row_is_of_one_mind(row, &facts, 1))
        return;
    row_want(row, row_told(row, 0, first - 1) == 0 && row_told(row, 2, first - 1) == 0, "extensions of the height before the switch");
    row->extensions_from = first;
    row_hear_extensions(row, &facts);
    row_look_into_logs(row, FLEET_LOG_ROUGH);
}

/* ---- validators by script: home 3 is no node */

/* Far above what kvstore takes off for each fault. The node that hears the votes proposes seldom, so that another has the evidence first: CometBFT
 * tells it at once only to peers that it knows beyond that height, and to the rest ten seconds later. */
static bool weigh_all(struct row *row, const int64_t powers[4]) {
    for (uint32_t i = 0; i < 4; i++)
        if (!weigh(row, i, powers[i], 0))
            return false;
    return row_go_on(row, ROW_ALL, 6, 60000);
}

static bool is_committed(struct row *row, struct chain_facts *facts, int64_t first) {
    uint32_t found = 0;
    if (!chain_compare(facts, &row->fleet, first, 0))
        return row_fail(row, strdup(facts->fault));
    for (uint32_t i = 0; i < row->fleet.net.count; i++)
        found += facts->evidence[i];
    return found > 0;
}

/* One fault, and until it is in a block: kvstore of CometBFT halts its node when two of one validator come in one block. false: no block holds it. */
static bool vote_twice_once(struct row *row, struct voter *voter, struct chain_facts *facts, uint32_t at) {
    int64_t height = fleet_height(&row->fleet, at) + 1;
    voter_say(voter, height, VOTE_PREVOTE, 1, 0);
    voter_say(voter, height, VOTE_PREVOTE, 2, 0);
    for (int64_t end = fleet_clock() + 30000; voter_is_heard(voter) && row->outcome == OUTCOME_GOOD && fleet_clock() < end;) {
        voter_turn(voter, 500);
        if (is_committed(row, facts, height - 3))
            return true;
    }
    return false;
}

/* Until a block of a node of another kind than that of `at` holds evidence. */
static bool vote_twice(struct row *row, uint32_t at) {
    struct voter voter;
    struct chain_facts facts;
    char *error = NULL;
    uint32_t own = 0, others = 0;
    if (!voter_open(&voter, &row->fleet, 3, at, &error))
        return row_fail(row, error);
    for (uint32_t tries = 0; others == 0 && tries < 6 && vote_twice_once(row, &voter, &facts, at); tries++) {
        for (uint32_t i = 0; i < row->fleet.net.count; i++)
            *(row->kinds[i] == row->kinds[at] ? &own : &others) += facts.evidence[i];
        if (!row_go_on(row, ~8u, 4 + tries % 4, 30000)) /* out of sight for the next, and not always at the same turn of the proposers */
            break;
    }
    bool heard = voter_is_heard(&voter);
    voter_close(&voter);
    ROW_TELL(compared, "%sdouble votes said to %c: evidence in %u blocks of its kind, %u of the other", row->compared[0] == '\0' ? "" : ", ", row->kinds[at],
         own, others);
    return row_want(row, heard, "the node closed the connection with the voter") && row_want(row, others > 0, "no block of the other kind holds the evidence");
}

void scenario_double_vote(struct row *row) {
    static const int64_t at_theirs[4] = {100, 100, 20, 100}, at_ours[4] = {20, 20, 200, 60};
    struct fleet_wish wish = row_wish(row);
    struct chain_facts facts;
    wish.timeout_commit_ms = 700;
    if (!row_set_up(row, &wish, 3))
        return;
    if (!fleet_has_channel(&row->fleet, 0, "38")) {
        row->outcome = OUTCOME_NOT_YET;
        ROW_TELL(why, "evidence pool (Quorate does not announce channel 38)");
        return;
    }
    if (weigh_all(row, at_theirs) && vote_twice(row, 2) && weigh_all(row, at_ours) && vote_twice(row, 0) && row_is_of_one_mind(row, &facts, 1))
        row_look_into_logs(row, FLEET_LOG_ROUGH | FLEET_LOG_DOUBLE_VOTES);
}

/* For so long it precommits nil at every height, five seconds late. false: it was not heard. */
static bool vote_nil(struct row *row, unsigned ms) {
    struct voter voter;
    char *error = NULL;
    int64_t said = 0;
    if (!voter_open(&voter, &row->fleet, 3, 2, &error))
        return row_fail(row, error);
    for (int64_t end = fleet_clock() + ms; voter_is_heard(&voter) && fleet_clock() < end;) {
        int64_t height = fleet_height(&row->fleet, 2) + 1;
        if (height > said)
            voter_say(&voter, said = height, VOTE_PRECOMMIT, 0, 5000);
        voter_turn(&voter, 20);
    }
    bool heard = voter_is_heard(&voter);
    voter_close(&voter);
    return row_want(row, heard, "the node closed the connection with the voter");
}

void scenario_nil_times(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    struct chain_facts facts;
    wish.timeout_commit_ms = 300;
    if (!row_set_up(row, &wish, 3) || !vote_nil(row, 25000) || !row_go_on(row, ROW_ALL, 3, 30000) || !row_is_of_one_mind(row, &facts, 1))
        return;
    ROW_TELL(compared, ", %u nil precommits with late times in the commits, rounds above 0: %u", facts.nils, facts.late_rounds);
    row_want(row, facts.nils >= 5, "next to no nil precommit came into a commit");
    row_look_into_logs(row, FLEET_LOG_ROUGH);
}

void scenario_wrong_release(struct row *row) {
    static const int64_t powers[4] = {10, 1, 10, 5}; /* theirs decide without ours, so that ours sees what the others voted for */
    struct fleet_wish wish = row_wish(row);
    struct chain_facts facts;
    wish.timeout_commit_ms = 300;
    wish.release = strcmp(row->release, "0.38") == 0 ? "0.40" : "0.38";
    if (!row_set_up(row, &wish, 3) || !weigh_all(row, powers) || !vote_nil(row, 12000) || !row_is_of_one_mind(row, &facts, 1))
        return;
    uint32_t refused = fleet_log_count(&row->fleet, 1, "wrong time");
    ROW_TELL(compared, ", no fork; times refused by ours: %u; it stands at height %" PRId64 ", the others at %" PRId64, refused, fleet_height(&row->fleet, 1),
         fleet_height(&row->fleet, 0));
    row_want(row, refused > 0, "the releases were expected to differ here");
    if (row->outcome == OUTCOME_GOOD && fleet_log_count(&row->fleet, 1, "release") == 0) {
        row->outcome = OUTCOME_NOT_YET;
        ROW_TELL(why, "our log does not name the switch [quorate] release");
    }
}
