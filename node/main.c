#include <signal.h>

#include "node/cli.h"

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    return cli_run(argc, argv);
}
