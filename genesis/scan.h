/* JSON as Go's encoding/json reads it (RFC 8259), without a tree: a value is a loan of its own text, looked into on demand.
 * So a request costs no allocation, numbers keep their digits, and app_state keeps its bytes. Nothing here recurses; nesting
 * beyond SCAN_DEPTH_MAX is refused. Every function but scan_value takes text that scan_value has found good. */
#ifndef QUORATE_GENESIS_SCAN_H
#define QUORATE_GENESIS_SCAN_H

#include "crypto/arena.h"

#define SCAN_DEPTH_MAX 512

/* Is `text`, but for white space around it, one value? Then *value is that value; else *bad_at (may be NULL) says how many bytes were
 * good and *value is untouched. */
bool scan_value(struct span *value, struct span text, size_t *bad_at);

enum scan_kind { SCAN_NULL, SCAN_BOOL, SCAN_NUMBER, SCAN_TEXT, SCAN_LIST, SCAN_OBJECT };
enum scan_kind scan_kind(struct span value);
const char *scan_kind_name(struct span value); /* "null", "bool", "number", "string", "array", "object" */
static inline bool scan_is_null(struct span value) { return value.size > 0 && value.data[0] == 'n'; }

/* Walks the members of an object or the items of a list. */
struct scan_walk {
    const uint8_t *at, *end;
    bool is_object;
};
struct scan_walk scan_walk(struct span value); /* of a list or an object; of anything else: nothing to walk */
bool scan_next(struct scan_walk *walk, struct span *key, struct span *item); /* key: raw, in quotes; for a list empty. false: the end */
size_t scan_count(struct span value);

/* The member of that name; of several the last, as Go's maps have it. false: none, or not an object; *out is then empty. */
bool scan_member(struct span object, struct span *out, const char *name);
/* Does the raw key (in quotes, perhaps with escapes) say `name`? `fold`: letters of either case, as Go fills structs. */
bool scan_key_is(struct span key, const char *name, bool fold);

/* The text of a string value: a loan if it holds neither escapes nor bytes beyond ASCII, else from the arena, with U+FFFD for whatever is not
 * UTF-8. false: not a string, or no room. */
bool scan_text(struct span *out, struct span value, struct arena *arena);
/* Whole numbers as libs/json takes them: decimal digits in a string ("64"), no sign but '-', in range. */
bool scan_int64_text(int64_t *out, struct span value);
bool scan_uint64_text(uint64_t *out, struct span value);
/* A JSON number that is a whole number within int64 once its fraction and exponent are carried out (1.0, 1e3; not 1.5, 1e20). */
bool scan_int64_number(int64_t *out, struct span value);
/* The size of the UTF-8 character at `at` < `end`, or 0: malformed (overlong, surrogate, beyond U+10FFFF, cut short). */
size_t scan_utf8_size(const uint8_t *at, const uint8_t *end);

#endif
