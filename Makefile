# Quorate. `make` builds build/quorate; `make run` shows it at work; `make check` proves it.
#
#   make run [FOR=seconds]   a four-validator network on loopback that commits real transfers
#   make check               installs what is missing, then builds and runs every test (gcc and clang, sanitizers)
#   make vectors [VECTORS=D] the protocol's test vectors, a line per file
#   make test-ROOM           one room's tests (SAN=1: with ASan and UBSan)
#   make trials              all random trials of the rooms' tests, of which a build with sanitizers tries a fifth
#   make test-threads        what runs on several threads, under ThreadSanitizer
#   make rpc-siege [FOR=s]   four validators, in peace and with their RPC ports under attack
#   make bench               measures four validators on this machine
#   make bench-sync          measures how fast a node that joins late catches up
#   make sync [FOR=seconds]  a node taught by a script, then block sync among liars under kill -9
#   make twins               two engines share a key: all scenarios of some rounds, and the honest agree
#   make audit-walks WALKS=n random walks that fork: nobody honest is convicted, and more than a third always is
#   make sim SEED=n          whole nodes in virtual time with faults and liars (make soak HOURS=h: many seeds)
#   make disk                a validator that prunes under load, then on a disk that is full (root: on a tmpfs of its own)
#   make mutants [ONLY=word] breaks the code in known-dangerous places, one by one, and looks which test notices
#   make routes              every route of a real node by curl, subscriptions by a WebSocket client of our own
#   make ui                  looks at the page /ui in a headless browser, and leaves screenshots
#   make clients             CosmJS, wscat, curl and Prometheus, installed into ./clients, at a network of ours
#   make abci [ONLY=rows]    nodes and applications as separate processes: ours, CometBFT's and others', in every pairing
#   make interop [ONLY=rows] real CometBFT nodes, built with Go into ./interop, and ours in one network

ifeq ($(origin CC),default)
CC      := gcc
endif
SAN     ?=
VECTORS ?= ../shared/vectors
FOR     ?=

comma := ,
ROOMS := crypto tendermint ledger mempool genesis rpc node
VARIANT := $(notdir $(CC))$(if $(SAN),$(if $(filter thread,$(SAN)),-tsan,-san))
SANITIZE := $(if $(SAN),-fsanitize=$(if $(filter thread,$(SAN)),thread,address$(comma)undefined))
OUT   := build/$(VARIANT)

VERSION := 0.1.0
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Werror
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -I. -MMD -MP $(WARN) $(CFLAGS) -fno-strict-aliasing -fno-omit-frame-pointer -fstack-protector-strong -DQUORATE_VERSION='"$(VERSION)"' \
	$(if $(SAN),$(SANITIZE) -fno-sanitize-recover=all)
LDLIBS := -lleveldb -lutf8proc -lwslay -levent_openssl -levent -ljansson -lsecp256k1 -lssl -lcrypto -lpthread -lm
LDFLAGS += $(SANITIZE)

# The stair: a room's tests link the room and those below it, nothing above.
BELOW_crypto     := crypto
BELOW_tendermint := $(BELOW_crypto) tendermint
BELOW_ledger     := $(BELOW_tendermint) ledger
BELOW_mempool    := $(BELOW_ledger) mempool
BELOW_genesis    := $(BELOW_mempool) genesis
BELOW_rpc        := $(BELOW_genesis) rpc
BELOW_node       := $(BELOW_rpc) node

# What a room's tests borrow from the tests of a room below.
BORROWED_node := tests/ledger/chain.c tests/tendermint/smith.c tests/rpc/lab.c tests/rpc/socket.c tests/rpc/certificate.c

sources = $(filter-out node/main.c,$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(OUT)/%.o,$(foreach r,$(1),$(call sources,$(r))))

.PHONY: all run check vectors bench bench-sync kill sync far disk routes clients mutants abci abci-slice interop ui clean deps $(ROOMS:%=test-%)
.DELETE_ON_ERROR:
.SECONDARY:

all: build/quorate

build/quorate: $(OUT)/quorate
	@ln -sfn $(VARIANT)/quorate $@

$(OUT)/quorate: $(call objects,$(ROOMS)) $(OUT)/node/main.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

$(OUT)/rpc/ui.o: $(wildcard rpc/ui/*)

# One test program per room; its main is generated from the names of the files: test_NOUN.c gives suite_NOUN.
define room_tests
$(OUT)/tests/main_$(1).c: $(wildcard tests/$(1)/test_*.c) tests/main.sh
	@mkdir -p $$(@D)
	@sh tests/main.sh $(1) $$(filter %.c,$$^) > $$@
$(OUT)/tests/main_$(1).o: $(OUT)/tests/main_$(1).c
	$$(CC) $$(ALL_CFLAGS) -Wno-missing-prototypes -c -o $$@ $$<
$(OUT)/test_$(1): $(call objects,$(BELOW_$(1))) $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/$(1)/*.c) $(BORROWED_$(1))) $(OUT)/tests/main_$(1).o $(OUT)/tests/runner.o
	$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcheck -lsubunit -lrt $$(LDLIBS)
test-$(1): $(OUT)/test_$(1)
	$$<
endef
$(foreach r,$(ROOMS),$(eval $(call room_tests,$(r))))

$(OUT)/vectors: $(call objects,$(ROOMS)) $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/vectors/*.c) tests/rpc/lab.c tests/rpc/socket.c tests/ledger/chain.c)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
vectors: $(OUT)/vectors
	@if [ -d "$(VECTORS)" ]; then $< "$(VECTORS)"; else \
	echo "!! NO TEST VECTORS at $(VECTORS): nothing was compared with other implementations; say where they are with VECTORS=DIR"; fi

# What several threads share: the store's views and the rpc beside the core.
THREAD_SUITES_ledger := view kv
THREAD_SUITES_rpc    := mailbox apart subscriber guard
.PHONY: test-threads
test-threads:
	@$(MAKE) --no-print-directory -j2 SAN=thread build/$(notdir $(CC))-tsan/test_ledger build/$(notdir $(CC))-tsan/test_rpc
	@$(foreach r,ledger rpc,for s in $(THREAD_SUITES_$(r)); do TSAN_OPTIONS=suppressions=tests/threads.supp CK_RUN_SUITE=$$s build/$(notdir $(CC))-tsan/test_$(r) || exit 1; done;)

# That a failed test, a crashed one and a suite that never ran are told.
$(OUT)/runner_bad: $(OUT)/tests/runner_bad.o $(OUT)/tests/runner.o
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lpthread -lm
.PHONY: test-runner
test-runner: $(OUT)/runner_bad
	@$< good >$<.log || { cat $<.log; exit 1; }
	@if $< >$<.log 2>&1; then echo "the runner takes bad suites for good"; exit 1; fi
	@grep -q ':F:failing:does_not_hold:' $<.log && grep -q ':E:crashing:crashes:' $<.log && grep -q 'suite gone: its process ended with status 7' $<.log && \
	grep -q '^bad: 4 suites, 3 checks, 3 failed' $<.log || { cat $<.log; exit 1; }
	@echo "the runner tells what fails"

.PHONY: tests
tests: test-runner test-node $(filter-out test-node,$(ROOMS:%=test-%)) # the longest first

# The test cases called "trials" are random ones, of which a build with sanitizers tries a part (tests/trials.h): all of them.
.PHONY: trials
trials: $(OUT)/test_tendermint $(OUT)/test_node
	@CK_RUN_CASE=trials $(OUT)/test_tendermint
	@CK_RUN_CASE=trials $(OUT)/test_node

# Everything that tests: both compilers, with the sanitizers, then real processes of the release build.
check: deps
	@$(MAKE) --no-print-directory -j2 CC=gcc all
	@$(MAKE) --no-print-directory -j2 CC=clang build/clang/quorate
	@$(MAKE) --no-print-directory -j2 CC=gcc SAN=1 tests vectors
	@$(MAKE) --no-print-directory -j2 CC=clang SAN=1 tests vectors
	@$(MAKE) --no-print-directory -j2 CC=gcc trials
	@$(MAKE) --no-print-directory -j2 CC=clang SAN=1 fuzz-replay
	@$(MAKE) --no-print-directory -j2 CC=clang test-threads
	@$(MAKE) --no-print-directory -j2 CC=gcc sim-check
	@$(MAKE) --no-print-directory -j2 CC=gcc kill FOR=12
	@$(MAKE) --no-print-directory -j2 CC=gcc fork
	@$(MAKE) --no-print-directory -j2 CC=gcc light-attack
	@$(MAKE) --no-print-directory -j2 CC=gcc rpc-siege FOR=6
	@$(MAKE) --no-print-directory -j2 CC=gcc abci-slice
	@$(MAKE) --no-print-directory -j2 CC=gcc sync FOR=8
	@$(MAKE) --no-print-directory -j2 CC=gcc disk
	@$(MAKE) --no-print-directory -j2 CC=gcc far
	@$(MAKE) --no-print-directory -j2 CC=gcc routes
	@echo "make check: all good"

# What building needs, and what testing needs beyond it; installed if it can be, else named.
RUN_PACKAGES   := gcc libc6-dev make pkg-config libssl-dev libleveldb-dev libevent-dev libjansson-dev libsecp256k1-dev libutf8proc-dev libwslay-dev
CHECK_PACKAGES := $(RUN_PACKAGES) clang libclang-rt-dev check libsubunit-dev curl

define DEPS_SCRIPT
probe() {
    case $$1 in
    gcc|clang|make|pkg-config|curl) command -v $$1 >/dev/null; return ;;
    libc6-dev) header=stdint.h ;; libssl-dev) header=openssl/sha.h ;; libleveldb-dev) header=leveldb/c.h ;; libevent-dev) header=event2/event.h ;;
    libjansson-dev) header=jansson.h ;; libsecp256k1-dev) header=secp256k1.h ;; libutf8proc-dev) header=utf8proc.h ;; libwslay-dev) header=wslay/wslay.h ;; check) header=check.h ;;
    libsubunit-dev) header=subunit/child.h ;; *) return 0 ;;
    esac
    echo "#include <$$header>" | cc -E -x c - >/dev/null 2>&1
}
missing=
if command -v dpkg-query >/dev/null; then
    there=" $$(dpkg-query -W -f '$${Package}=$${db:Status-Status} ' "$$@" 'libclang-rt-*dev' 2>/dev/null) "
    for found in $$there; do # the sanitizers' library of any version will do
        case $$found in libclang-rt-*dev=installed) there=" libclang-rt-dev=installed$$there" ;; esac
    done
    for package; do
        case $$there in
        *" $$package=installed "*) ;;
        *) missing="$$missing $$package" ;;
        esac
    done
else
    for package; do probe $$package || missing="$$missing $$package"; done
fi
[ -z "$$missing" ] && exit 0
line="apt-get update && apt-get install -y --no-install-recommends$$missing"
if ! command -v apt-get >/dev/null; then
    echo "make: these are missing (names as in Debian; install what your system calls them):$$missing" >&2
    exit 1
elif [ "$$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    sh -c "$$line"
elif sudo -n true 2>/dev/null; then
    sudo -n env DEBIAN_FRONTEND=noninteractive sh -c "$$line"
else
    echo "make: something is missing; type this, then again what you typed:" >&2
    echo "    sudo sh -c '$$line'" >&2
    exit 1
fi
endef
export DEPS_SCRIPT

deps:
	@sh -c "$$DEPS_SCRIPT" deps $(CHECK_PACKAGES)

# Four validators on loopback; with FOR=seconds it ends by itself, proves what it showed, and fails if anything was wrong.
run:
	@sh -c "$$DEPS_SCRIPT" deps $(RUN_PACKAGES)
	@$(MAKE) --no-print-directory -j2 build/quorate
	@exec build/quorate demo --dir run $(if $(FOR),--for $(FOR))

BENCH_FOR ?= 20
bench:
	@sh -c "$$DEPS_SCRIPT" deps $(RUN_PACKAGES)
	@$(MAKE) --no-print-directory -j2 build/quorate
	@exec build/quorate bench --dir build/bench --for $(BENCH_FOR)

# Block sync alone, without a network: blocks per second.
$(OUT)/bench-sync: $(call objects,$(ROOMS)) $(OUT)/tests/bench/sync.o $(OUT)/tests/ledger/chain.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
bench-sync: $(OUT)/bench-sync
	@$<
	@if command -v go >/dev/null || [ -x interop/bin/$(COMETBFT)/cometbft ]; then $(MAKE) --no-print-directory interop ONLY=s; else \
	echo "!! no Go here: nothing is compared with CometBFT's block sync"; fi

# What the vote journal costs.
$(OUT)/bench-votes: $(call objects,$(ROOMS)) $(OUT)/tests/bench/votes.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.PHONY: bench-votes
bench-votes: $(OUT)/bench-votes
	@$<

# Blocks go on at their pace while everybody attacks the RPC ports.
$(OUT)/rpc-siege: $(call objects,$(ROOMS)) $(OUT)/tests/processes/siege.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.PHONY: rpc-siege
rpc-siege: $(OUT)/rpc-siege $(OUT)/quorate
	@$< $(OUT)/quorate $(or $(FOR),20)

# Real processes, killed with -9 under load.
$(OUT)/kill: $(call objects,$(ROOMS)) $(OUT)/tests/processes/kill.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
kill: $(OUT)/kill $(OUT)/quorate
	@$< $(OUT)/quorate $(FOR)

# Pruning, a full disk, `quorate db`, with a real node.
$(OUT)/disk: $(call objects,$(ROOMS)) $(OUT)/tests/processes/disk.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
disk: $(OUT)/disk $(OUT)/quorate
	@$< $(OUT)/quorate

# A node and peers by script, then block sync among liars under kill -9: the wire, without a foreign program.
$(OUT)/sync: $(call objects,$(ROOMS)) $(patsubst %,$(OUT)/tests/%.o,processes/sync processes/actor node/outsider ledger/chain)
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
sync: $(OUT)/sync $(OUT)/quorate
	@$< $(OUT)/quorate $(FOR)

# `quorate signer` as a process.
$(OUT)/far: $(call objects,$(ROOMS)) $(OUT)/tests/processes/far.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
far: $(OUT)/far $(OUT)/quorate
	@$< $(OUT)/quorate

# Real processes that really fork, by two scripted validators; then the audit, with the commands alone.
$(OUT)/fork: $(call objects,$(ROOMS)) $(patsubst %,$(OUT)/tests/%.o,processes/fork processes/command node/outsider)
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
$(OUT)/invalid: $(call objects,$(ROOMS)) $(patsubst %,$(OUT)/tests/%.o,processes/invalid processes/actor processes/command node/outsider ledger/chain)
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
.PHONY: fork
fork: $(OUT)/fork $(OUT)/invalid $(OUT)/quorate
	@$(OUT)/fork $(OUT)/quorate
	@$(OUT)/invalid $(OUT)/quorate

# Real validators, and a light client that is shown blocks which they never decided: found out, named, committed, audited.
$(OUT)/light-attack: $(call objects,$(ROOMS)) $(patsubst %,$(OUT)/tests/%.o,$(addprefix processes/,attack scene command committed forger booth false_node ear) node/outsider)
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
.PHONY: light-attack
light-attack: $(OUT)/light-attack $(OUT)/quorate
	@$< $(OUT)/quorate

# Two honest engines that share a key, in all ways of hearing each other for some rounds: `make twins`, or `make twins DEEP=deep`.
$(OUT)/twins: $(call objects,$(BELOW_tendermint)) $(patsubst %,$(OUT)/tests/tendermint/%.o,twins twins_net twins_state story) $(OUT)/tests/twins/main.o
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
twins: $(OUT)/twins
	@nice -n 5 $< $(DEEP)

# Random walks that fork, each judged by the audit: nobody honest is convicted, and under our lock rule more than a third always is.
WALKS ?= 100000
$(OUT)/audit-walks: $(call objects,$(BELOW_tendermint)) $(patsubst %,$(OUT)/tests/tendermint/%.o,walk walk_network walk_paper walk_judge story) $(OUT)/tests/audit/main.o
	$(CC) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(LDLIBS)
.PHONY: audit-walks
audit-walks: $(OUT)/audit-walks
	@nice -n 5 $< $(WALKS)

# Does every test that matters notice? Known-dangerous changes, one by one, in a copy of the tree; ONLY=word picks some.
mutants:
	@sh tests/mutants/run.sh . build/mutants $(CC) $(ONLY)

include tests/fuzz/fuzz.mk
include tests/sim/sim.mk

# One network of ours and of CometBFT's, on loopback; everything foreign stays in ./interop, which is not committed.
COMETBFT      := 0.38.26
COMETBFT_NEXT := 0.40.0
ONLY          ?=
$(OUT)/interop: $(call objects,$(ROOMS)) $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/interop/*.c)) $(patsubst %,$(OUT)/tests/%.o,node/outsider processes/actor ledger/chain $(addprefix processes/,committed forger booth false_node))
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
interop: $(OUT)/interop $(OUT)/quorate
	@sh tests/interop/obtain.sh $(COMETBFT) interop priv_val_server
	@sh tests/interop/obtain.sh $(COMETBFT_NEXT) interop || true
	@$< $(OUT)/quorate interop $(COMETBFT) $(COMETBFT_NEXT) $(ONLY)

# A slice of the clients, with what every machine has.
$(OUT)/routes: $(call objects,$(ROOMS)) $(OUT)/tests/processes/routes.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
routes: $(OUT)/routes $(OUT)/quorate
	@$< $(OUT)/quorate

# Clients that nobody here wrote; everything foreign stays in ./clients, which is not committed.
clients: $(OUT)/quorate
	@sh tests/clients/run.sh $< clients

# Nodes and applications as separate processes in every pairing; what is foreign stays in ./interop, which is not committed.
$(OUT)/abci: $(call objects,$(ROOMS)) $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/abci/*.c) $(addprefix tests/interop/,fleet.c fleet_log.c relays.c chain.c))
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
abci: $(OUT)/abci $(OUT)/quorate
	@sh tests/interop/obtain.sh $(COMETBFT) interop || true
	@sh tests/abci/obtain.sh $(COMETBFT) interop
	@$< $(OUT)/quorate interop $(COMETBFT) $(ONLY)
# The rows that need nothing foreign.
abci-slice: $(OUT)/abci $(OUT)/quorate
	@$< $(OUT)/quorate build/apart $(COMETBFT) slice

# The page at /ui in a headless Chromium over four validators, of which one dies; screenshots in build/ui/screenshots.
ui: $(OUT)/quorate
	@sh tests/ui/ui.sh $(OUT)/quorate build/ui

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
