#include "ledger/amount.h"

bool amount_parse(amount *out, struct span text) {
    amount value = 0;
    if (text.size == 0 || text.size >= AMOUNT_TEXT_SIZE || (text.data[0] == '0' && text.size > 1))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, (amount)10, &value) || !amount_add(&value, value, digit))
            return false;
    }
    *out = value;
    return true;
}

size_t amount_text(char out[static AMOUNT_TEXT_SIZE], amount value) {
    char reversed[AMOUNT_TEXT_SIZE];
    size_t size = 0;
    do {
        reversed[size++] = (char)('0' + (unsigned)(value % 10));
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < size; i++)
        out[i] = reversed[size - 1 - i];
    out[size] = 0;
    return size;
}

bool amount_add(amount *sum, amount a, amount b) {
    if (b > ~(amount)0 - a)
        return false;
    *sum = a + b;
    return true;
}

bool amount_sub(amount *rest, amount a, amount b) {
    if (b > a)
        return false;
    *rest = a - b;
    return true;
}

void amount_encode(uint8_t out[static AMOUNT_BYTES], amount value) {
    for (int i = AMOUNT_BYTES; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

bool amount_decode(amount *out, struct span bytes) {
    if (bytes.size != AMOUNT_BYTES)
        return false;
    amount value = 0;
    for (size_t i = 0; i < AMOUNT_BYTES; i++)
        value = value << 8 | bytes.data[i];
    *out = value;
    return true;
}
