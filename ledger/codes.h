/* Result codes of the ledger application, codespace "ledger". They are part of results hashed into headers: never renumbered, never reused. */
#ifndef QUORATE_LEDGER_CODES_H
#define QUORATE_LEDGER_CODES_H

#define CODES_CODESPACE "ledger"

enum codes {
    CODES_OK = 0,
    CODES_INTERNAL = 1,
    CODES_PARSE = 2,
    CODES_TOO_LARGE = 3,
    CODES_BAD_SIGNATURE = 4, /* a signature for another chain or another account number looks no different, and has this code too */
    CODES_WRONG_CHAIN_ID = 5,
    CODES_UNKNOWN_ACCOUNT = 6,
    CODES_WRONG_SEQUENCE = 7,
    CODES_EXPIRED = 8,
    CODES_ROLE_MISSING = 9,
    CODES_INSUFFICIENT_FUNDS = 10,
    CODES_UNKNOWN_ASSET = 11,
    CODES_FROZEN = 12,
    CODES_RECORD_VERSION = 13,
    CODES_NAMESPACE_DENIED = 14,
    CODES_QUOTA = 15,
    CODES_OUT_OF_GAS = 16,
    CODES_INVALID_PROPOSAL = 17,
    CODES_ALREADY_VOTED = 18,
    CODES_PROPOSAL_CLOSED = 19,
    CODES_DUPLICATE_KEY = 20,
    CODES_FIELD_LIMIT = 21,
    CODES_UNKNOWN_MESSAGE = 22,
    /* of queries */
    CODES_BAD_PATH = 30,
    CODES_HEIGHT_PRUNED = 31,
    CODES_NOT_FOUND = 32,
};

#endif
