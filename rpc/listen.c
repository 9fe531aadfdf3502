#include "rpc/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };
static const char tcp[] = "tcp://", local[] = "unix://";

static bool begins(const char *text, const char *head) { return strncmp(text, head, strlen(head)) == 0; }

static bool split_address(const char *text, char host[static 256], char port[static 16]) {
    const char *colon = strrchr(text, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    if (colon == NULL || size >= 256 || strlen(colon + 1) >= 16 || colon[1] == '\0')
        return false;
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    strcpy(port, colon + 1);
    return true;
}

struct door { /* who is to be called */
    struct event_base *base;
    evconnlistener_cb accept;
    void *context;
};

static struct evconnlistener *bind_to(const struct door *door, const struct sockaddr *address, socklen_t size) {
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    return evconnlistener_new_bind(door->base, door->accept, door->context, flags, BACKLOG, address, (int)size);
}

static struct evconnlistener *listen_tcp(const struct door *door, const char *where, const char **why) {
    char host[256], port[16];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    if (!split_address(where, host, port)) {
        *why = "must be like tcp://127.0.0.1:26657";
        return NULL;
    }
    int result = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    if (result != 0) {
        *why = gai_strerror(result);
        return NULL;
    }
    struct evconnlistener *listener = bind_to(door, found->ai_addr, found->ai_addrlen);
    int failure = errno;
    freeaddrinfo(found);
    errno = failure;
    return listener;
}

/* A socket file that nobody listens at was left behind by a killed node. */
static void unlink_dead(const struct sockaddr_un *address) {
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED)
        unlink(address->sun_path);
    if (probe >= 0)
        close(probe);
}

static struct evconnlistener *listen_unix(const struct door *door, const char *path, const char **why) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        *why = "the path is too long for a socket";
        return NULL;
    }
    strcpy(address.sun_path, path);
    unlink_dead(&address);
    return bind_to(door, (struct sockaddr *)&address, sizeof address);
}

struct evconnlistener *listen_at(struct event_base *base, const char *laddr, evconnlistener_cb accept, void *context, const char **why) {
    struct door door = {base, accept, context};
    *why = NULL;
    if (begins(laddr, tcp))
        return listen_tcp(&door, laddr + strlen(tcp), why);
    if (begins(laddr, local))
        return listen_unix(&door, laddr + strlen(local), why);
    *why = "must begin with tcp:// or unix://";
    return NULL;
}

uint16_t listen_port(struct evconnlistener *listener) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port) : 0;
}

void listen_close(struct evconnlistener *listener, const char *laddr) {
    evconnlistener_free(listener);
    if (begins(laddr, local))
        unlink(laddr + strlen(local));
}
