#include "tests/interop/voter.h"

#include <assert.h>
#include <time.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "node/wire.h"

/* Where the node has it among its validators; it moves with the powers. −1: nowhere. */
static int32_t find_index(const struct voter *voter) {
    struct load_call call;
    struct span result, list, key, member, address;
    int32_t found = -1;
    load_call_open(&call, &voter->fleet->net.nodes[voter->at].rpc);
    if (load_call_method(&call, &result, "validators", "{}", 2000) && load_scan_path(&list, result, "validators")) {
        struct scan_walk walk = scan_walk(list);
        for (int32_t i = 0; scan_next(&walk, &key, &member); i++)
            if (load_scan_path(&address, member, "address") && span_equal(address, span_text(voter->fleet->nodes[voter->self].address)))
                found = i;
    }
    load_call_close(&call);
    return found;
}

bool voter_open(struct voter *voter, const struct fleet *fleet, uint32_t self, uint32_t at, char **error) {
    char path[LOCALNET_PATH_MAX + 64];
    *voter = (struct voter){.line = {.fd = -1}, .fleet = fleet, .self = self, .at = at};
    snprintf(path, sizeof path, "%s/config/priv_validator_key.json", fleet->net.nodes[self].home);
    voter->key = keyfile_load_signing(path, false, error);
    if (voter->key == NULL)
        return false;
    uint8_t bytes[ED25519_PUBLIC_BYTES];
    ed25519_key_public(voter->key, bytes);
    struct pubkey key = pubkey_ed25519(bytes);
    voter->address = pubkey_address(&key);
    int fd = outsider_connect(fleet->net.nodes[at].p2p_port, 1);
    if (fd >= 0) {
        outsider_open(&voter->line, fd, 77 + at, fleet->chain_id, OUTSIDER_UP);
        voter_turn(voter, 500);
        if (voter->line.stage == OUTSIDER_UP && voter_is_heard(voter))
            return true;
    }
    *error = complaint_of("%s lets no peer by script in", fleet->net.nodes[at].name);
    return false;
}

void voter_close(struct voter *voter) {
    outsider_close(&voter->line);
    ed25519_key_free(voter->key);
    voter->key = NULL;
}

bool voter_is_heard(const struct voter *voter) { return !outsider_is_cut_off(&voter->line); }

void voter_turn(struct voter *voter, unsigned ms) {
    for (int64_t end = fleet_clock() + ms; fleet_clock() < end && voter_is_heard(voter); fleet_rest(1))
        outsider_pump(&voter->line);
}

void voter_say(struct voter *voter, int64_t height, int32_t type, uint8_t name, int64_t later_ms) {
    uint8_t signed_bytes[VOTE_SIGN_BYTES_MAX], bytes[1024];
    struct timespec now;
    struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
    clock_gettime(CLOCK_REALTIME, &now);
    vote_init(&message.vote);
    message.vote.type = type;
    message.vote.height = height;
    message.vote.timestamp = (struct timestamp){now.tv_sec + later_ms / 1000, (int32_t)now.tv_nsec};
    message.vote.validator_address = voter->address;
    message.vote.validator_index = find_index(voter);
    if (name != 0) {
        message.vote.block_id.hash.size = message.vote.block_id.parts.hash.size = 32;
        memset(message.vote.block_id.hash.bytes, name, 32);
        memset(message.vote.block_id.parts.hash.bytes, name, 32);
        message.vote.block_id.parts.total = 1;
    }
    size_t size = vote_sign_bytes(signed_bytes, &message.vote, span_text(voter->fleet->chain_id));
    message.vote.signature.size = 64;
    ed25519_sign(voter->key, message.vote.signature.bytes, span_of(signed_bytes, size));
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_consensus_write(&writer, &message);
    assert(!writer.overflow);
    outsider_say(&voter->line, WIRE_VOTE, bytes, writer.size);
}
