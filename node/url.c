#include "node/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool split_port(struct url *url, char *authority) {
    char *host = authority, *colon = strrchr(authority, ':'), *bracket = strchr(authority, ']');
    if (authority[0] == '[' && bracket != NULL) {
        host++;
        *bracket = '\0';
        colon = bracket[1] == ':' ? bracket + 1 : NULL;
    }
    if (colon != NULL)
        *colon = '\0';
    snprintf(url->port, sizeof url->port, "%s", colon != NULL ? colon + 1 : url->secure ? "443" : "80");
    return snprintf(url->host, sizeof url->host, "%s", host) < (int)sizeof url->host && host[0] != '\0' && url->port[0] != '\0' &&
           strspn(url->port, "0123456789") == strlen(url->port);
}

static const char *skip_scheme(struct url *url, const char *text) {
    const char *scheme = strstr(text, "://");
    url->secure = strncmp(text, "https://", 8) == 0;
    if (scheme == NULL)
        return text;
    return url->secure || strncmp(text, "http://", 7) == 0 || strncmp(text, "tcp://", 6) == 0 ? scheme + 3 : NULL;
}

bool url_parse(struct url *url, const char *text) {
    char authority[256];
    const char *begin = skip_scheme(url, text);
    size_t size = begin == NULL ? 0 : strcspn(begin, "/?#");
    if (size == 0 || size >= sizeof authority || memchr(begin, '@', size) != NULL || strlen(begin + size) >= sizeof url->path - 1)
        return false;
    memcpy(authority, begin, size);
    authority[size] = '\0';
    snprintf(url->shown, sizeof url->shown, "%s", authority);
    snprintf(url->path, sizeof url->path, "%s%s", begin[size] == '/' ? "" : "/", begin + size);
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ')
            return false;
    return split_port(url, authority);
}

bool url_same_origin(const struct url *a, const struct url *b) {
    return a->secure == b->secure && strcasecmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}
