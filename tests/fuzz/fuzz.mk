# make fuzz [MINUTES=m] [TARGET=name] [FUZZ_JOBS=n]   fuzzes every target, or one, with clang's libFuzzer
# make fuzz-replay                                    feeds the kept inputs and the seeds to all targets, without a fuzzer (SAN=1 for sanitizers)
MINUTES   ?= 10
TARGET    ?=
FUZZ_JOBS ?= 2

FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_COMMON  := tests/fuzz/fuzz.c tests/fuzz/world.c tests/fuzz/server.c tests/ledger/chain.c tests/ledger/wallet.c
FUZZ_SOURCES := $(foreach r,$(ROOMS),$(call sources,$(r))) $(FUZZ_COMMON)
FUZZ_FLAGS   := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	clang $(filter-out -fsanitize% -fno-sanitize%,$(ALL_CFLAGS)) $(FUZZ_FLAGS) -c -o $@ $<
build/fuzz/all.a: $(FUZZ_SOURCES:%.c=build/fuzz/obj/%.o)
	@rm -f $@ && ar cr $@ $^
build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o build/fuzz/all.a
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

.PHONY: fuzz fuzz-replay
fuzz: $(patsubst %,build/fuzz/fuzz_%,$(or $(TARGET),$(FUZZ_TARGETS))) $(OUT)/fuzz-seeds
	@$(OUT)/fuzz-seeds build/fuzz/corpus "$(VECTORS)"
	@sh tests/fuzz/run.sh $(MINUTES) $(FUZZ_JOBS) $(or $(TARGET),$(FUZZ_TARGETS))

# Here all targets are one program, so their entry points are named target_NAME.
$(OUT)/tests/fuzz/fuzz_%.o: EXTRA_CFLAGS = -DLLVMFuzzerTestOneInput=$(patsubst fuzz_%.o,target_%,$(notdir $@))
$(OUT)/tests/fuzz/replay.o: EXTRA_CFLAGS = -DTARGETS='$(foreach t,$(FUZZ_TARGETS),TARGET($t))'
$(OUT)/tests/fuzz/replay.o: $(FUZZ_TARGETS:%=tests/fuzz/fuzz_%.c)
$(OUT)/fuzz-replay: $(FUZZ_TARGETS:%=$(OUT)/tests/fuzz/fuzz_%.o) $(OUT)/tests/fuzz/replay.o $(call objects,$(ROOMS)) $(FUZZ_COMMON:%.c=$(OUT)/%.o)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/fuzz-seeds: $(OUT)/tests/fuzz/seeds.o $(call objects,$(ROOMS)) $(FUZZ_COMMON:%.c=$(OUT)/%.o)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
fuzz-replay: $(OUT)/fuzz-replay $(OUT)/fuzz-seeds
	@rm -rf $(OUT)/seeds && $(OUT)/fuzz-seeds $(OUT)/seeds "$(VECTORS)"
	@$(OUT)/fuzz-replay $(OUT)/seeds tests/fuzz/corpus
