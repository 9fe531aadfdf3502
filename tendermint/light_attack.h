/* Evidence of an attack on light clients, made of what the examination found (cometbft: light/detector.go newLightClientAttackEvidence;
 * protocol.md §9, §10). */
#ifndef QUORATE_TENDERMINT_LIGHT_ATTACK_H
#define QUORATE_TENDERMINT_LIGHT_ATTACK_H

#include "tendermint/evidence.h"
#include "tendermint/light_block.h"

enum light_attack_kind { LIGHT_ATTACK_LUNATIC, LIGHT_ATTACK_EQUIVOCATION, LIGHT_ATTACK_AMNESIA };
const char *light_attack_kind_text(enum light_attack_kind kind);
enum light_attack_kind light_attack_kind_of(const struct light_block *conflicting, const struct light_block *trusted);

/* The accused block, the one held to be true (at its height, or the latest below it), and the last common one. Memory from the arena. Of amnesia,
 * the list of byzantine validators is empty: who forgot his lock cannot be told from two commits. false: no room. */
bool light_attack_evidence(struct evidence *out, const struct light_block *conflicting, const struct light_block *trusted,
                           const struct light_block *common, struct arena *arena);

#endif
