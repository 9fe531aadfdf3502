# make sim SEED=n [ARGS="--trace …"]                whole nodes in virtual time, all from one seed
# make soak HOURS=h | MINUTES=m | CPU_MINUTES=m [FIRST=n]   seeds on all cores; those that fail are shrunk and kept in tests/sim/seeds.txt
# make sim-speed                                    heights a second, and a hundred validators against real time
# make sim-check                                    the kept seeds and SIM_COUNT others, and a slice of them with sanitizers
SEED      ?= 1
ARGS      ?=
HOURS     ?=
FIRST     ?= $(shell date +%s)000
SIM_COUNT ?= 500
SIM_FIRST ?= 1
SIM_SLICE ?= 50

SIM_MINUTES = $(if $(HOURS),$(shell awk 'BEGIN { printf "%d", 60 * $(HOURS) }'),$(or $(MINUTES),10))

.PHONY: sim-speed sim soak sim-twice sim-check sim-slice
sim: $(OUT)/quorate
	@$< sim --seed $(SEED) $(ARGS)

soak: $(OUT)/quorate
	@echo "soak: $(if $(CPU_MINUTES),$(CPU_MINUTES) minutes of CPU,$(SIM_MINUTES) minutes) from seed $(FIRST) on"
	@$< sim --seed $(FIRST) $(if $(CPU_MINUTES),--cpu-minutes $(CPU_MINUTES),--minutes $(SIM_MINUTES)) --seeds-file tests/sim/seeds.txt

# Heights a second of four quiet validators, and a hundred over the matrix of regions, in one thread.
sim-speed: $(OUT)/quorate
	@$< sim --speed --latency tests/sim/regions.txt

# Two processes, at other addresses each, must have the same trace; without that no seed means anything. Then the kept seeds and all that may happen.
SIM_TWICE ?= 12 16 41 425
sim-twice: $(OUT)/quorate
	@for seed in $(SIM_TWICE); do \
	a=$$($< sim --seed $$seed --heights 20 2>/dev/null | grep ^trace) && b=$$(env MALLOC_PERTURB_=165 $< sim --seed $$seed --heights 20 2>/dev/null | grep ^trace) && \
	test -n "$$a" && test "$$a" = "$$b" || { echo "two runs of seed $$seed differ: $$a, $$b" >&2; exit 1; }; done; echo "two runs of each of the seeds $(SIM_TWICE) are the same"

sim-check: $(OUT)/quorate sim-twice
	@$< sim --replay tests/sim/seeds.txt
	@$< sim --seed $(SIM_FIRST) --count $(SIM_COUNT) $(if $(filter 500,$(SIM_COUNT)),--want-all)
	@$(MAKE) --no-print-directory SAN=1 sim-slice

sim-slice: $(OUT)/quorate
	@$< sim --seed $(SIM_FIRST) --count $(SIM_SLICE) --skip-large
