/* quorate audit demo: a fork, made from nothing, and who did it. Four whole nodes in virtual time; two of them forget their locks. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "node/audit_draw.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/conspiracy.h"
#include "node/localnet.h"
#include "node/sim.h"
#include "rpc/shapes.h"

enum { NODES = 4, VICTIMS = 2, FORK_HEIGHT = 3, PATIENCE_MS = 600000, WIRE_BYTES = 65536 };

static const char *folder;
static bool double_votes;

static const struct cli_option options[] = {
    {"dir", CLI_TEXT, &folder, "DIR", "where the files go (default audit-demo)", 0, 0},
    {"double-votes", CLI_FLAG, &double_votes, "", "the two vote twice in a round, instead of forgetting their locks", 0, 0},
};

static const struct cli_command command = {
    .name = "audit demo",
    .arguments = "[--dir DIR] [--double-votes]",
    .summary = "Makes a network of four validators on this machine, with toy keys, in virtual time. Two of them break the rules and let the other two, who\n"
               "do not hear each other, decide different blocks. Then the fork is audited step by step, and a third party verifies the result with\n"
               "nothing but the genesis. All files are left in the folder, with a picture of the fork (fork.svg).",
    .example = "quorate audit demo --dir audit-demo\nquorate audit verify audit-demo/proof-next --genesis audit-demo/genesis.json\n"
               "quorate audit verify audit-demo/proof --genesis audit-demo/genesis.json --silence-known",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

struct demo {
    struct sim *sim;
    struct conspiracy plot;
    struct valset set;
    struct arena arena;
    bool needs_silence; /* the first bundle convicts more than a third only with who kept silent */
    char *error;
};

/* ---- the crime. Nodes 0 and 1 conspire; 2 and 3 are the victims */

static struct demo *on_stage; /* while the simulation runs: its watchers get no other context than this */

static void on_arrived(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message) {
    struct demo *demo = on_stage;
    struct wire_consensus heard;
    (void)context;
    if (demo == NULL || from < NODES - VICTIMS || to != 0)
        return;
    arena_reset(&demo->arena);
    if (wire_consensus_decode(&heard, message, channel, 1, &demo->arena) == NULL)
        conspiracy_hear(&demo->plot, from - (NODES - VICTIMS), &heard);
}

static void swallow(void *context, uint32_t to, uint8_t channel, struct span message) {
    (void)context;
    (void)to;
    (void)channel;
    (void)message;
}

static void whisper(struct demo *demo) {
    for (uint32_t victim = 0; victim < VICTIMS; victim++) {
        struct wire_consensus message;
        uint8_t bytes[WIRE_BYTES];
        while (conspiracy_next(&demo->plot, victim, &message)) {
            struct proto_writer writer;
            proto_writer_init(&writer, bytes, sizeof bytes);
            wire_consensus_write(&writer, &message);
            sim_inject(demo->sim, 0, NODES - VICTIMS + victim, wire_consensus_channel(message.kind), proto_writer_span(&writer));
        }
    }
}

static bool fork_chain(struct demo *demo) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = NODES;
    config.forks_allowed = true;
    config.watch.arrived = on_arrived;
    on_stage = NULL;
    demo->sim = sim_new(&config);
    if (!sim_run_to_height(demo->sim, FORK_HEIGHT - 1, PATIENCE_MS))
        return false;
    valset_copy(&demo->set, replica_engine(sim_replica(demo->sim, NODES - 1))->begin.validators);
    conspiracy_init(&demo->plot, double_votes ? CONSPIRACY_DOUBLE_VOTES : CONSPIRACY_AMNESIA, "sim", &demo->set, FORK_HEIGHT);
    for (uint32_t i = 0; i < NODES; i++) {
        if (i < NODES - VICTIMS)
            conspiracy_add_key(&demo->plot, sim_key(demo->sim, i));
        else
            conspiracy_add_victim(&demo->plot, (uint32_t)valset_find(&demo->set, sim_address(demo->sim, i)));
        if (i < NODES - VICTIMS)
            sim_set_speaker(demo->sim, i, swallow, NULL);
        if (i < NODES - VICTIMS)
            sim_set_faulty(demo->sim, i);
    }
    sim_sever(demo->sim, NODES - 2, NODES - 1, true);
    on_stage = demo;
    for (int64_t ms = 0; ms < PATIENCE_MS && !conspiracy_done(&demo->plot, FORK_HEIGHT + 1); ms += 10) {
        sim_run_for(demo->sim, 10);
        whisper(demo);
    }
    on_stage = NULL;
    return sim_forked(demo->sim);
}

/* ---- the files that everybody can have: the genesis, commits, the victims' logs */

static bool write_file(struct demo *demo, const char *name, struct span bytes) {
    char *path = complaint_of("%s/%s", folder, name);
    bool good = keyfile_write(path, bytes, true, &demo->error);
    free(path);
    return good;
}

static bool write_genesis(struct demo *demo) {
    const struct state_genesis *genesis = sim_genesis(demo->sim);
    struct genesis_validator validators[NODES] = {0};
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        validators[i].member = genesis->validators[i];
        snprintf(validators[i].name, sizeof validators[i].name, "node%u", i);
    }
    struct genesis_plan plan = {.chain_id = "sim", .time = genesis->time, .initial_height = 1, .params = genesis->params, .validators = validators,
                                .validator_count = genesis->validator_count, .app_hash = genesis->app_hash};
    char *text = genesis_text(&plan);
    bool good = write_file(demo, "genesis.json", span_text(text));
    free(text);
    return good;
}

static bool write_commit(struct demo *demo, uint32_t node, int64_t height, const char *name) {
    struct ledger_meta meta;
    struct commit commit;
    struct emit emit;
    arena_reset(&demo->arena);
    if (!ledger_block_meta(sim_ledger(demo->sim, node), &meta, height) || !ledger_seen_commit(sim_ledger(demo->sim, node), &commit, height, &demo->arena)) {
        demo->error = complaint_of("node%u has no block %" PRId64, node, height);
        return false;
    }
    emit_init(&emit);
    emit_open(&emit, '{');
    emit_key(&emit, "signed_header");
    emit_open(&emit, '{');
    emit_key(&emit, "header");
    shapes_header(&emit, &meta.header);
    emit_key(&emit, "commit");
    shapes_commit(&emit, &commit);
    emit_shut(&emit, '}');
    emit_shut(&emit, '}');
    bool good = write_file(demo, name, span_of(emit.data, emit.size));
    emit_close(&emit);
    return good;
}

/* `of`: whose key signs; the items are those of the nodes in `from`. */
static struct blob *make_log(struct demo *demo, uint32_t of, const uint32_t *from, uint32_t count) {
    struct blob *parts[NODES];
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = votejournal_items(sim_votes(demo->sim, from[i]), span_text("sim"), FORK_HEIGHT, SIZE_MAX);
        size += parts[i]->size;
    }
    struct blob *items = blob_reserve(size);
    for (uint32_t i = 0, at = 0; i < count; at += (uint32_t)parts[i]->size, blob_release(parts[i]), i++)
        memcpy(items->data + at, parts[i]->data, parts[i]->size);
    bool is_whole = false; /* of a height that was undisputed for it a node keeps its own votes only */
    for (uint32_t i = 0; i < count; i++)
        is_whole |= votejournal_is_whole(sim_votes(demo->sim, from[i]), span_text("sim"), FORK_HEIGHT);
    struct audit_log_manifest manifest = {.chain_id = span_text("sim"), .height = FORK_HEIGHT, .complete = is_whole, .complete_from = 1,
                                          .address = *sim_address(demo->sim, of)};
    uint8_t bytes[512], message[AUDIT_LOG_SIGN_BYTES];
    struct signature signature = {.size = 64};
    struct proto_writer writer, whole;
    proto_writer_init(&writer, bytes, sizeof bytes);
    audit_log_manifest_write(&writer, &manifest, blob_span(items));
    audit_log_sign_bytes(message, proto_writer_span(&writer));
    ed25519_sign(sim_key(demo->sim, of), signature.bytes, span_of(message, sizeof message));
    struct blob *log = blob_reserve(items->size + 1024);
    proto_writer_init(&whole, log->data, log->size);
    audit_log_write(&whole, proto_writer_span(&writer), &signature, blob_span(items));
    assert(!whole.overflow && !writer.overflow);
    struct blob *exact = blob_new(proto_writer_span(&whole));
    blob_release(log);
    blob_release(items);
    return exact;
}

static bool write_log(struct demo *demo, uint32_t of, const uint32_t *from, uint32_t count, const char *name) {
    struct blob *log = make_log(demo, of, from, count);
    bool good = write_file(demo, name, blob_span(log));
    blob_release(log);
    return good;
}

static bool write_files(struct demo *demo) {
    static const uint32_t two[] = {2}, three[] = {3}, both[] = {2, 3};
    return write_genesis(demo) && write_commit(demo, 2, FORK_HEIGHT, "commit-a.json") && write_commit(demo, 3, FORK_HEIGHT, "commit-b.json") &&
           write_commit(demo, 2, FORK_HEIGHT + 1, "next-a.json") && write_commit(demo, 3, FORK_HEIGHT + 1, "next-b.json") &&
           write_log(demo, 2, two, 1, "honest-a.log") && write_log(demo, 3, three, 1, "honest-b.log") && write_log(demo, 0, both, 2, "guilty.log");
}

/* ---- the audit, from the files alone */

struct hearing {
    const char *commits[4];
    const char *logs[4];
    bool deadline_passed;
    const char *bundle, *svg;
};

static struct blob *read_file(struct demo *demo, const char *name) {
    char *path = complaint_of("%s/%s", folder, name);
    struct blob *file = cmd_audit_read(path, &demo->error);
    free(path);
    return file;
}

static bool add(struct demo *demo, struct docket *docket, const char *name, bool is_log) {
    struct blob *file = read_file(demo, name);
    if (file == NULL)
        return false;
    struct docket_source *source = docket_source(docket, name);
    if (is_log)
        docket_add_log(docket, source, blob_span(file));
    else
        docket_add_json(docket, source, blob_span(file));
    blob_release(file);
    return true;
}

static bool write_picture(struct demo *demo, const struct docket *docket, const char *name) {
    struct emit emit;
    emit_init(&emit);
    audit_draw(&emit, docket);
    bool good = write_file(demo, name, span_of(emit.data, emit.size));
    emit_close(&emit);
    return good;
}

static bool judge(struct demo *demo, struct docket *docket, const struct hearing *hearing) {
    for (int i = 0; i < 4 && hearing->commits[i] != NULL; i++)
        if (!add(demo, docket, hearing->commits[i], false))
            return false;
    demo->error = docket_settle(docket, FORK_HEIGHT);
    for (int i = 0; demo->error == NULL && i < 4 && hearing->logs[i] != NULL; i++)
        if (!add(demo, docket, hearing->logs[i], true))
            return false;
    if (demo->error == NULL)
        demo->error = docket_judge(docket, hearing->deadline_passed);
    return demo->error == NULL && (hearing->bundle == NULL || write_file(demo, hearing->bundle, docket->bundle)) &&
           (hearing->svg == NULL || write_picture(demo, docket, hearing->svg));
}

static bool hear(struct demo *demo, const struct hearing *hearing, enum audit_exit *status) {
    struct audit_base base;
    char *path = complaint_of("%s/genesis.json", folder);
    bool good = cmd_audit_base(&base, path, NULL, &demo->error);
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    free(path);
    if (good) {
        docket_init(docket, AUDIT_STRICT, span_text(base.chain_id));
        docket_trust(docket, base.trust.height, &base.set);
        good = judge(demo, docket, hearing);
        if (good)
            audit_report_show(stdout, docket);
        *status = good ? audit_report_exit(docket) : AUDIT_BAD_INPUT;
        docket_close(docket);
    }
    free(docket);
    valset_close(&base.set);
    return good;
}

static bool verify(struct demo *demo, const char *name, enum audit_exit *status) {
    struct audit_base base;
    struct audit_verified seen;
    char *path = complaint_of("%s/genesis.json", folder);
    struct blob *file = read_file(demo, name);
    size_t offset;
    bool good = file != NULL && cmd_audit_base(&base, path, NULL, &demo->error);
    free(path);
    if (!good)
        return false;
    arena_reset(&demo->arena);
    const char *wrong = audit_verify(&seen, &offset, blob_span(file), &base.trust, span_text(base.chain_id), NULL, &demo->arena);
    if (wrong == NULL)
        audit_report_show_verified(stdout, &seen, true);
    else
        demo->error = complaint_of("the bundle does not hold: %s", wrong);
    *status = wrong == NULL ? audit_report_verified_exit(&seen, true) : AUDIT_BAD_INPUT;
    demo->needs_silence |= wrong == NULL && audit_report_verified_exit(&seen, false) != AUDIT_ATTRIBUTED;
    blob_release(file);
    valset_close(&base.set);
    return wrong == NULL;
}

/* ---- the story */

static void step(int number, const char *text) { printf("\n--- %d. %s\n\n", number, text); }

static void tell_crime(const struct demo *demo) {
    const struct conspiracy *plot = &demo->plot;
    char names[2][TEXT_HEX_SIZE(20)];
    for (uint32_t i = 0; i < 2; i++)
        text_hex_upper(names[i], address_span(sim_address(demo->sim, i)));
    printf("Four validators of equal power; node0 (%.12s…) and node1 (%.12s…) conspire: half of the power, when agreement bears a third.\n", names[0],
           names[1]);
    printf("node2 and node3 are honest, and do not hear each other. Two heights went well. At height %d, round %d, one of the honest proposes;\n", FORK_HEIGHT,
           plot->lock_round);
    printf("the two conspirators precommit its block, and with them it is decided there. ");
    if (double_votes)
        printf("To the other honest node they say nil in the same round,\nand let its own block be decided at round %d.\n", plot->betrayal_round);
    else
        printf("The other honest node hears their votes, but not those of the\nfirst; so for it nothing is decided. At round %d it proposes itself. The conspirators ought to hold on to what they precommitted; they\n"
               "forget it, and prevote and precommit the second block. Nobody signed two votes of one round.\n",
               plot->betrayal_round);
}

static bool tell(struct demo *demo) {
    const struct hearing hearings[] = {
        {{"commit-a.json", "commit-b.json"}, {NULL}, false, NULL, NULL},
        {{"commit-a.json", "commit-b.json"}, {"honest-a.log", "honest-b.log"}, false, NULL, "fork-suspects.svg"},
        {{"commit-a.json", "commit-b.json"}, {"honest-a.log", "honest-b.log", "guilty.log"}, true, "proof", "fork.svg"},
        {{"commit-a.json", "commit-b.json", "next-a.json", "next-b.json"}, {NULL}, false, "proof-next", NULL},
    };
    enum audit_exit status[6];
    tell_crime(demo);
    if (!write_files(demo))
        return false;
    printf("(what everybody can get, and what the nodes export, is now in %s)\n", folder);
    step(2, "An auditor has the two commits and nothing else. A fork is proven, but nobody in particular");
    if (!hear(demo, &hearings[0], &status[0]))
        return false;
    step(3, double_votes ? "The two honest nodes export their logs of that height. Put together they hold two votes of one round"
                         : "The two honest nodes export their logs of that height. Who prevoted against its lock, without a polka that allowed it?");
    if (!hear(demo, &hearings[1], &status[1]))
        return false;
    step(4, "Each suspect was asked for its own log. One hands it in; the other keeps silent until the deadline");
    if (!hear(demo, &hearings[2], &status[2]))
        return false;
    step(5, double_votes ? "A third party has the bundle and the genesis, and trusts neither the auditor nor any node"
                         : "A third party has the bundle and the genesis, and trusts neither the auditor nor any node; who kept silent it saw itself");
    if (!verify(demo, "proof", &status[3]))
        return false;
    step(6, "Both branches went on for a height. Now the commits alone convict: nobody honest votes on two different parents");
    if (!hear(demo, &hearings[3], &status[4]) || !verify(demo, "proof-next", &status[5]))
        return false;
    bool as_promised = status[0] == AUDIT_UNRESOLVED && status[2] == AUDIT_ATTRIBUTED && status[3] == AUDIT_ATTRIBUTED && status[4] == AUDIT_ATTRIBUTED &&
                       status[5] == AUDIT_ATTRIBUTED;
    if (!as_promised)
        demo->error = complaint_of("not every step ended as it should");
    return as_promised;
}

/* Commands that end as it was told: with 10. */
static void tell_commands(const struct demo *demo) {
    printf("Check it yourself; both end with status 10, more than a third is convicted:\n  quorate audit verify %s/proof --genesis %s/genesis.json%s\n", folder, folder,
           demo->needs_silence ? " --silence-known" : "");
    if (demo->needs_silence)
        printf("    (One of the two is convicted because it kept silent, and that it did no bundle can prove. --silence-known says that you know it, as you saw\n"
               "     it here; without, a third party sees one convicted, and ends with 11: not resolved.)\n");
    printf("  quorate audit verify %s/proof-next --genesis %s/genesis.json\n    (Both branches went on for a height: the signatures alone convict, and nobody had to be asked.)\n",
           folder, folder);
}

int cmd_audit_demo(int argc, char **argv) {
    struct cli_rest rest;
    struct demo *demo = calloc(1, sizeof *demo);
    int status;
    assert(demo != NULL);
    folder = "audit-demo";
    double_votes = false;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv)) {
        free(demo);
        return status;
    }
    clock_t began = clock();
    arena_init(&demo->arena, 64u << 20);
    valset_init(&demo->set);
    if (!localnet_make_folders(folder))
        demo->error = complaint_of("%s: cannot be made", folder);
    step(1, "A fork is made, from nothing");
    if (demo->error == NULL && !fork_chain(demo))
        demo->error = complaint_of("no fork came about: %s", sim_complaint(demo->sim));
    bool good = demo->error == NULL && tell(demo);
    if (good) {
        printf("\nDone in %.1f s of this machine's time. The picture: %s/fork.svg\n", (double)(clock() - began) / CLOCKS_PER_SEC, folder);
        tell_commands(demo);
    }
    status = good ? CLI_GOOD : cli_fail(&command, demo->error);
    if (demo->sim != NULL)
        sim_free(demo->sim);
    valset_close(&demo->set);
    arena_close(&demo->arena);
    free(demo);
    return status;
}
