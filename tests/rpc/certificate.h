/* Keys and certificates for tests, as NAME.pem and NAME.key in a folder of its own. */
#ifndef QUORATE_TESTS_RPC_CERTIFICATE_H
#define QUORATE_TESTS_RPC_CERTIFICATE_H

struct certificate {
    const char *name;   /* of the files, and the subject's CN */
    const char *issuer; /* the name of one made before; NULL: itself, and then it is an authority */
    const char *names;  /* whom it is for: "DNS:localhost,IP:127.0.0.1"; NULL: nobody */
    long from_s, to_s;  /* both 0: an hour ago, and for a day */
};

void certificate_folder_make(void);
void certificate_folder_drop(void);
const char *certificate_path(const char *file); /* one of eight static buffers */
void certificate_make(const struct certificate *wish);

#endif
