#include "node/load_report.h"

#include <inttypes.h>

#define LOST_SHOWN 10

const char *load_report_duration(char out[static LOAD_REPORT_DURATION_SIZE], int64_t us) {
    if (us < 1000)
        snprintf(out, LOAD_REPORT_DURATION_SIZE, "%" PRId64 " µs", us);
    else if (us < 1000000)
        snprintf(out, LOAD_REPORT_DURATION_SIZE, "%.*f ms", us < 100000 ? 2 : 0, (double)us / 1e3);
    else
        snprintf(out, LOAD_REPORT_DURATION_SIZE, "%.2f s", (double)us / 1e6);
    return out;
}

static void print_latency(FILE *out, const char *what, const struct load_latency *latency) {
    char p50[LOAD_REPORT_DURATION_SIZE], p90[LOAD_REPORT_DURATION_SIZE], p99[LOAD_REPORT_DURATION_SIZE],
        longest[LOAD_REPORT_DURATION_SIZE];
    if (latency->count == 0)
        return;
    fprintf(out, "%-12s p50 %s  p90 %s  p99 %s  max %s\n", what, load_report_duration(p50, load_latency_at(latency, 500)),
            load_report_duration(p90, load_latency_at(latency, 900)), load_report_duration(p99, load_latency_at(latency, 990)),
            load_report_duration(longest, latency->longest_us));
}

static void print_refusals(FILE *out, const struct load_report *report) {
    for (uint32_t i = 0; i <= LOAD_REFUSALS_MAX; i++) {
        const struct load_refusal *refusal = &report->refusals[i];
        if (refusal->count > 0)
            fprintf(out, "    %" PRIu64 " × %s%" PRId64 " %s\n", refusal->count, refusal->is_error ? "error " : "code ", refusal->code,
                    refusal->text);
    }
}

static void print_troubles(FILE *out, const struct load_report *report) {
    const struct load_tally *tally = report->tally;
    if (tally->unknown > 0)
        fprintf(out, "unanswered   %" PRIu64 " (%" PRIu64 " broken connections)\n", tally->unknown, report->breaks);
    if (report->answers_wrong > 0)
        fprintf(out, "wrong        %" PRIu64 " answers were malformed or named another hash\n", report->answers_wrong);
    if (report->failed_in_block > 0)
        fprintf(out, "failed       %" PRIu64 " were committed with a code other than 0\n", report->failed_in_block);
    if (report->resyncs > 0)
        fprintf(out, "sequences    %" PRIu64 " times set anew\n", report->resyncs);
    if (report->sent_to_none > 1)
        fprintf(out, "late         %" PRIu64 " that the rate asked for found no free connection\n", report->sent_to_none);
    if (report->reached_limit)
        fprintf(out, "ended early: as many transactions as --remember allows\n");
    if (report->reader_fault[0] != '\0')
        fprintf(out, "blocks could not be read to the end: %s\n", report->reader_fault);
}

static void print_rate(FILE *out, const struct load_report *report) {
    const struct load_window *window = &report->window;
    fprintf(out, "rate         %.1f tx/s from the first submission to the last block\n", report->per_second_overall);
    fprintf(out, "between      %.1f tx/s by the blocks' times, %.1f tx/s by our clock%s\n", report->per_second_by_blocks,
            report->per_second_by_clock, report->is_window_whole ? " (sending and after it, for want of blocks)" : "");
    fprintf(out, "blocks       %" PRIu64 " (heights %" PRId64 " to %" PRId64 "), every %.2f ms, %.0f bytes of transactions in each\n",
            window->blocks, window->first_height, window->last_height, report->block_interval_ms,
            window->blocks == 0 ? 0 : (double)window->bytes / (double)window->blocks);
}

void load_report_text(FILE *out, const struct load_report *report) {
    const struct load_tally *tally = report->tally;
    fprintf(out, "submitted    %" PRIu64 " in %.2f s (%.1f/s)\n", tally->sent, report->seconds,
            report->seconds > 0 ? (double)tally->sent / report->seconds : 0);
    fprintf(out, "accepted     %" PRIu64 "\nrejected     %" PRIu64 "\n", tally->accepted, tally->rejected);
    print_refusals(out, report);
    fprintf(out, "committed    %" PRIu64 "\nlost         %" PRIu64 "\nduplicates   %" PRIu64 "\n", tally->committed, report->lost,
            tally->duplicates);
    print_troubles(out, report);
    print_rate(out, report);
    print_latency(out, "to answer", &tally->answered);
    print_latency(out, "to block", &tally->seen);
    fprintf(out, "own CPU      %.2f s (%.1f µs per transaction)\n", report->own_cpu_seconds,
            tally->sent == 0 ? 0 : report->own_cpu_seconds * 1e6 / (double)tally->sent);
}

/* JSON */

static void json_latency(FILE *out, const char *name, const struct load_latency *latency) {
    fprintf(out, ",\"%s\":{\"count\":%" PRIu64 ",\"mean\":%.1f,\"p50\":%" PRId64 ",\"p90\":%" PRId64 ",\"p99\":%" PRId64 ",\"max\":%" PRId64 "}",
            name, latency->count, load_latency_mean_us(latency), load_latency_at(latency, 500), load_latency_at(latency, 900),
            load_latency_at(latency, 990), latency->longest_us);
}

/* The texts are as they stood in JSON, but may be cut within an escape. */
static void json_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text != '\0'; text++)
        if (*text != '\\' && *text != '"' && (unsigned char)*text >= 32)
            fputc(*text, out);
    fputc('"', out);
}

static void json_refusals(FILE *out, const struct load_report *report) {
    const char *comma = "";
    fprintf(out, ",\"refusals\":[");
    for (uint32_t i = 0; i <= LOAD_REFUSALS_MAX; i++) {
        const struct load_refusal *refusal = &report->refusals[i];
        if (refusal->count == 0)
            continue;
        fprintf(out, "%s{\"code\":%" PRId64 ",\"error\":%s,\"count\":%" PRIu64 ",\"text\":", comma, refusal->code,
                refusal->is_error ? "true" : "false", refusal->count);
        json_text(out, refusal->text);
        fputc('}', out);
        comma = ",";
    }
    fputc(']', out);
}

static void json_window(FILE *out, const struct load_report *report) {
    const struct load_window *window = &report->window;
    fprintf(out, ",\"tx_per_s_overall\":%.1f,\"tx_per_s_by_blocks\":%.1f,\"tx_per_s_by_clock\":%.1f,\"window_whole\":%s,\"blocks\":%" PRIu64
            ",\"first_height\":%" PRId64 ",\"last_height\":%" PRId64 ",\"block_interval_ms\":%.3f,\"block_tx_bytes\":%.0f",
            report->per_second_overall, report->per_second_by_blocks, report->per_second_by_clock, report->is_window_whole ? "true" : "false", window->blocks,
            window->first_height, window->last_height, report->block_interval_ms,
            window->blocks == 0 ? 0 : (double)window->bytes / (double)window->blocks);
}

void load_report_json(FILE *out, const struct load_report *report) {
    const struct load_tally *tally = report->tally;
    fprintf(out, "{\"clean\":%s,\"seconds\":%.3f,\"submitted\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64
            ",\"unanswered\":%" PRIu64 ",\"committed\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"wrong\":%" PRIu64
            ",\"failed_in_block\":%" PRIu64 ",\"late\":%" PRIu64 ",\"resyncs\":%" PRIu64 ",\"reached_limit\":%s",
            load_is_clean(report) ? "true" : "false", report->seconds, tally->sent, tally->accepted, tally->rejected, tally->unknown,
            tally->committed, report->lost, tally->duplicates, report->answers_wrong, report->failed_in_block, report->sent_to_none,
            report->resyncs, report->reached_limit ? "true" : "false");
    json_window(out, report);
    json_latency(out, "answer_us", &tally->answered);
    json_latency(out, "block_us", &tally->seen);
    fprintf(out, ",\"own_cpu_s\":%.3f", report->own_cpu_seconds);
    json_refusals(out, report);
    fprintf(out, "}\n");
}

void load_report_lost(FILE *out, const struct load_tally *tally) {
    unsigned shown = 0;
    for (uint32_t i = load_tally_next_lost(tally, 0); i != LOAD_TALLY_NONE && shown < LOST_SHOWN; i = load_tally_next_lost(tally, i + 1)) {
        char hex[TEXT_HEX_SIZE(32)];
        text_hex_upper(hex, span_of(tally->txs[i].hash, 32));
        fprintf(out, "%s%s\n", shown++ == 0 ? "accepted and in no block, among others:\n    " : "    ", hex);
    }
}
