/* tendermint.types.ConsensusParams on the wire. A section that is present replaces the whole section, one that is absent
 * leaves what was (cometbft: types/params.go Update). */
#include "tendermint/params.h"

enum { NANOS_PER_SECOND = 1000000000 };

static void put_duration(struct proto_writer *writer, uint32_t field, int64_t ns) {
    size_t mark = proto_begin(writer, field);
    proto_put_int64(writer, 1, ns / NANOS_PER_SECOND);
    proto_put_int64(writer, 2, ns % NANOS_PER_SECOND);
    proto_end(writer, mark);
}

static void get_duration(int64_t *ns, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader sub = proto_sub(reader, outer);
    struct proto_field field;
    int64_t seconds = 0;
    int32_t nanos = 0;
    while (proto_next(&sub, &field)) {
        if (field.number == 1)
            seconds = proto_int64(&sub, &field);
        else if (field.number == 2)
            nanos = proto_int32(&sub, &field);
    }
    bool agree = nanos > -NANOS_PER_SECOND && nanos < NANOS_PER_SECOND && (nanos == 0 || seconds == 0 || (nanos < 0) == (seconds < 0));
    if (!agree || __builtin_mul_overflow(seconds, NANOS_PER_SECOND, ns) || __builtin_add_overflow(*ns, nanos, ns))
        sub.bad = true;
    proto_join(reader, &sub);
}

static void write_block(struct proto_writer *writer, const struct params *params) {
    size_t mark = proto_begin(writer, 1);
    proto_put_int64(writer, 1, params->block_bytes_max);
    proto_put_int64(writer, 2, params->block_gas_max);
    proto_end(writer, mark);
}

static void write_evidence(struct proto_writer *writer, const struct params *params) {
    size_t mark = proto_begin(writer, 2);
    proto_put_int64(writer, 1, params->evidence_age_blocks_max);
    put_duration(writer, 2, params->evidence_age_ns_max);
    proto_put_int64(writer, 3, params->evidence_bytes_max);
    proto_end(writer, mark);
}

static void write_validator(struct proto_writer *writer, const struct params *params) {
    size_t mark = proto_begin(writer, 3);
    for (uint32_t i = 0; i < params->key_type_count; i++)
        proto_put_bytes_always(writer, 1, span_text(params->key_types[i]));
    proto_end(writer, mark);
}

void params_write(struct proto_writer *writer, const struct params *params) {
    write_block(writer, params);
    write_evidence(writer, params);
    write_validator(writer, params);
    size_t mark = proto_begin(writer, 4);
    proto_put_uint64(writer, 1, params->version_app);
    proto_end(writer, mark);
    mark = proto_begin(writer, 5);
    proto_put_int64(writer, 1, params->extensions_enable_height);
    proto_end(writer, mark);
}

static void read_key_type(struct params *params, struct proto_reader *reader, const struct proto_field *field) {
    struct span name = proto_bytes(reader, field);
    bool fits = params->key_type_count < PARAMS_KEY_TYPES_MAX && name.size < PARAMS_KEY_TYPE_BYTES &&
                (name.size == 0 || memchr(name.data, '\0', name.size) == NULL);
    if (reader->bad || !fits) {
        reader->bad = true;
        return;
    }
    char *place = params->key_types[params->key_type_count++];
    memset(place, 0, PARAMS_KEY_TYPE_BYTES);
    if (name.size > 0)
        memcpy(place, name.data, name.size);
}

static void read_in_section(struct params *params, uint32_t section, struct proto_reader *sub, const struct proto_field *field) {
    switch (section << 8 | (field->number & 0xff)) {
    case 1 << 8 | 1: params->block_bytes_max = proto_int64(sub, field); break;
    case 1 << 8 | 2: params->block_gas_max = proto_int64(sub, field); break;
    case 2 << 8 | 1: params->evidence_age_blocks_max = proto_int64(sub, field); break;
    case 2 << 8 | 2: get_duration(&params->evidence_age_ns_max, sub, field); break;
    case 2 << 8 | 3: params->evidence_bytes_max = proto_int64(sub, field); break;
    case 3 << 8 | 1: read_key_type(params, sub, field); break;
    case 4 << 8 | 1: params->version_app = proto_uint64(sub, field); break;
    case 5 << 8 | 1: params->extensions_enable_height = proto_int64(sub, field); break;
    }
}

static void read_section(struct params *params, struct proto_reader *reader, const struct proto_field *section) {
    struct proto_reader sub = proto_sub(reader, section);
    struct proto_field field;
    while (proto_next(&sub, &field))
        if (field.number <= 0xff)
            read_in_section(params, section->number, &sub, &field);
    proto_join(reader, &sub);
}

static void clear_section(struct params *params, uint32_t section) {
    switch (section) {
    case 1: params->block_bytes_max = params->block_gas_max = 0; break;
    case 2: params->evidence_age_blocks_max = params->evidence_age_ns_max = params->evidence_bytes_max = 0; break;
    case 3: params->key_type_count = 0; break;
    case 4: params->version_app = 0; break;
    case 5: params->extensions_enable_height = 0; break;
    }
}

void params_read(struct params *params, struct proto_reader *reader) {
    struct params read = *params;
    bool seen[6] = {false};
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number > 5)
            continue;
        if (!seen[field.number])
            clear_section(&read, field.number);
        seen[field.number] = true;
        read_section(&read, reader, &field);
    }
    if (!reader->bad)
        *params = read;
}
