#include "tests/rpc/certificate.h"

#include <check.h>
#include <stdbool.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[64];

const char *certificate_path(const char *file) {
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, file);
    return path;
}

void certificate_folder_make(void) {
    snprintf(folder, sizeof folder, "/tmp/quorate-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void certificate_folder_drop(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static FILE *open_file(const char *name, const char *end, const char *mode) {
    char file_name[48];
    snprintf(file_name, sizeof file_name, "%s.%s", name, end);
    FILE *file = fopen(certificate_path(file_name), mode);
    ck_assert_ptr_nonnull(file);
    return file;
}

static void extend(X509 *cert, int kind, const char *text) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, text);
    ck_assert_ptr_nonnull(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static EVP_PKEY *take_issuer(X509 *cert, const char *issuer) {
    FILE *file = open_file(issuer, "key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    file = open_file(issuer, "pem", "r");
    X509 *above = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    X509_set_issuer_name(cert, X509_get_subject_name(above));
    X509_free(above);
    return key;
}

void certificate_make(const struct certificate *wish) {
    bool usual = wish->from_s == 0 && wish->to_s == 0;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *signing = key;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), rand() & 0xffffff);
    X509_gmtime_adj(X509_getm_notBefore(cert), usual ? -3600 : wish->from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), usual ? 3600 * 24 : wish->to_s);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)wish->name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    if (wish->issuer != NULL)
        signing = take_issuer(cert, wish->issuer);
    else
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    if (wish->names != NULL)
        extend(cert, NID_subject_alt_name, wish->names);
    ck_assert_int_gt(X509_sign(cert, signing, EVP_sha256()), 0);
    FILE *file = open_file(wish->name, "pem", "w");
    PEM_write_X509(file, cert);
    fclose(file);
    file = open_file(wish->name, "key", "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    if (signing != key)
        EVP_PKEY_free(signing);
    EVP_PKEY_free(key);
    X509_free(cert);
}
