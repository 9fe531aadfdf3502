/* What an audit leaves behind: the report for people or programs, and the files. */
#include <stdlib.h>

#include "node/audit_draw.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"

static bool write_text(const char *path, struct emit *emit, char **error) {
    struct emit indented;
    emit_init(&indented);
    emit_indented(&indented, span_of(emit->data, emit->size));
    emit_raw(&indented, span_text("\n"));
    bool good = cmd_audit_write(path, span_of(indented.data, indented.size), error);
    emit_close(&indented);
    return good;
}

static bool write_requests(const struct audit_results *results, const struct docket *docket, char **error) {
    uint32_t number = 0;
    if (results->requests == NULL)
        return true;
    for (uint32_t i = 0; i < docket->report.count && *error == NULL; i++) {
        const struct audit_finding *finding = &docket->report.findings[i];
        struct audit_request request;
        struct emit emit;
        if (finding->status != AUDIT_SUSPECT)
            continue;
        audit_request_of(&request, &docket->audit, finding);
        emit_init(&emit);
        audit_request_emit(&emit, &request, results->deadline);
        char *path = complaint_of("%s/request-%u.json", results->requests, ++number);
        write_text(path, &emit, error);
        free(path);
        emit_close(&emit);
    }
    return *error == NULL;
}

static bool write_picture(const struct audit_results *results, const struct docket *docket, char **error) {
    struct emit emit;
    if (results->svg == NULL)
        return true;
    emit_init(&emit);
    audit_draw(&emit, docket);
    bool good = cmd_audit_write(results->svg, span_of(emit.data, emit.size), error);
    emit_close(&emit);
    return good;
}

bool cmd_audit_results(const struct audit_results *results, const struct docket *docket, char **error) {
    struct emit emit, indented;
    emit_init(&emit);
    emit_init(&indented);
    audit_report_emit(&emit, docket);
    emit_indented(&indented, span_of(emit.data, emit.size));
    if (results->json)
        printf("%.*s\n", (int)indented.size, indented.data);
    else
        audit_report_show(stdout, docket);
    emit_close(&indented);
    bool good = (results->out == NULL || write_text(results->out, &emit, error)) && write_requests(results, docket, error) &&
                write_picture(results, docket, error) && (results->bundle == NULL || cmd_audit_write(results->bundle, docket->bundle, error));
    emit_close(&emit);
    if (good && results->bundle != NULL && !results->json)
        printf("the bundle is in %s (%zu bytes); anybody checks it with `quorate audit verify %s --%s FILE`\n", results->bundle, docket->bundle.size,
               results->bundle, results->built_on);
    return good;
}
