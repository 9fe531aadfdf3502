# make sim SEED=n [ARGS="--trace …"]                whole nodes in virtual time, all from one seed
# make soak HOURS=h | MINUTES=m [FIRST=n]           seeds on all cores; those that fail are shrunk and kept in tests/sim/seeds.txt
# make sim-check                                    the kept seeds and SIM_COUNT others, and a slice of them with sanitizers
SEED      ?= 1
ARGS      ?=
HOURS     ?=
FIRST     ?= $(shell date +%s)000
SIM_COUNT ?= 500
SIM_FIRST ?= 1
SIM_SLICE ?= 25

SIM_MINUTES = $(if $(HOURS),$(shell awk 'BEGIN { printf "%d", 60 * $(HOURS) }'),$(or $(MINUTES),10))

.PHONY: sim soak sim-check sim-slice
sim: $(OUT)/quorate
	@$< sim --seed $(SEED) $(ARGS)

soak: $(OUT)/quorate
	@echo "soak: $(SIM_MINUTES) minutes from seed $(FIRST) on"
	@$< sim --seed $(FIRST) --minutes $(SIM_MINUTES) --seeds-file tests/sim/seeds.txt

# The same trace twice first: without that no seed means anything.
sim-check: $(OUT)/quorate
	@a=$$($< sim --seed 12 2>/dev/null | grep ^trace) && b=$$($< sim --seed 12 2>/dev/null | grep ^trace) && test -n "$$a" && test "$$a" = "$$b" || \
	{ echo "two runs of seed 12 differ" >&2; exit 1; }
	@$< sim --replay tests/sim/seeds.txt
	@$< sim --seed $(SIM_FIRST) --count $(SIM_COUNT)
	@$(MAKE) --no-print-directory SAN=1 sim-slice

sim-slice: $(OUT)/quorate
	@$< sim --seed $(SIM_FIRST) --count $(SIM_SLICE) --skip-large
