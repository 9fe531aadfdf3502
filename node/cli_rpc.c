#include "node/cli_rpc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/httpclient.h"
#include "node/passport.h"

#define ANSWER_BYTES_MAX (64u << 20)

const char *cli_rpc_ca, *cli_rpc_tokens;
static struct passport *passport; /* of this command */

void cli_rpc_begin(void) {
    cli_rpc_ca = cli_rpc_tokens = NULL;
    passport_close(passport);
    passport = NULL;
}

const struct passport *cli_rpc_passport(char **error) {
    if (passport == NULL)
        passport = passport_open(cli_rpc_ca, cli_rpc_tokens, error);
    return passport;
}

static json_t *result_of(json_t *answer, const char *node, const char *method, char **error) {
    const json_t *failure = json_object_get(answer, "error");
    json_t *result = json_object_get(answer, "result");
    if (json_is_object(failure)) {
        const char *message = cli_rpc_text(failure, "message"), *data = cli_rpc_text(failure, "data");
        *error = complaint_of("%s: %s: %s%s%s", node, method, message, data[0] == '\0' ? "" : ": ", data);
    } else if (result == NULL) {
        *error = complaint_of("%s: %s: the answer is no JSON-RPC", node, method);
    }
    return *error == NULL ? json_incref(result) : NULL;
}

json_t *cli_rpc_call(const char *node, const char *method, json_t *params, char **error) {
    *error = NULL;
    if (cli_rpc_passport(error) == NULL) {
        json_decref(params);
        return NULL;
    }
    struct httpclient_limits limits = {ANSWER_BYTES_MAX, 30000, passport};
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method, "params", params);
    char *body = json_dumps(request, JSON_COMPACT);
    int status;
    assert(body != NULL);
    struct blob *blob = httpclient_ask(&status, node, span_text(body), &limits, error);
    json_t *answer = blob == NULL ? NULL : json_loadb((const char *)blob->data, blob->size, 0, NULL), *result = NULL;
    if (answer != NULL)
        result = result_of(answer, node, method, error);
    else if (blob != NULL)
        *error = complaint_of("%s: %s: the answer (HTTP %d) is no JSON. Is this the RPC port of a node?", node, method, status);
    blob_release(blob);
    json_decref(answer);
    json_decref(request);
    free(body);
    return result;
}

const json_t *cli_rpc_at(const json_t *result, const char *path) {
    char name[64];
    while (result != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, path);
        result = json_object_get(result, name);
        path += size + (path[size] == '.');
    }
    return result;
}

const char *cli_rpc_text(const json_t *result, const char *path) {
    const json_t *value = cli_rpc_at(result, path);
    return json_is_string(value) ? json_string_value(value) : "";
}

int64_t cli_rpc_number(const json_t *result, const char *path) {
    const json_t *value = cli_rpc_at(result, path);
    return json_is_integer(value) ? json_integer_value(value) : json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : 0;
}

void cli_rpc_dump(const json_t *result) {
    json_dumpf(result, stdout, JSON_INDENT(2));
    putchar('\n');
}

json_t *cli_rpc_base64(struct span bytes) {
    char *text = malloc(TEXT_BASE64_SIZE(bytes.size));
    assert(text != NULL);
    text_base64(text, bytes);
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *decode_value(const char *base64) {
    uint8_t bytes[65536];
    size_t size;
    if (!text_base64_decode(bytes, &size, sizeof bytes, span_text(base64)))
        return NULL;
    return json_loadb((const char *)bytes, size, 0, NULL);
}

json_t *cli_rpc_account(const char *node, const char *address, char **error) {
    char *path = complaint_of("/ledger/account/%s", address);
    json_t *result = cli_rpc_call(node, "abci_query", json_pack("{s:s, s:s}", "path", path, "data", ""), error), *account = NULL;
    free(path);
    if (result == NULL)
        return NULL;
    int64_t code = cli_rpc_number(result, "response.code");
    if (code == 0)
        account = decode_value(cli_rpc_text(result, "response.value"));
    if (code != 0)
        *error = complaint_of("%s: account %s: code %lld: %s", node, address, (long long)code, cli_rpc_text(result, "response.log"));
    else if (account == NULL)
        *error = complaint_of("%s: account %s: the answer is not the ledger's. Does this chain run the ledger application?", node, address);
    json_decref(result);
    return account;
}
