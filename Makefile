# Waggle: the build. Everything lands in build/ (or O=dir); sources are found by folder.
#   make            build/waggle (static) and build/libwaggle.a
#   make debug      the same in build-debug/ with ASan, UBSan and the IR checker
#   make test       every suite but the guests (script/test also installs what they need)
#   make bench      the tables of bench/run (PARTS="start size": only those)
#   make format     clang-format all C files in place
#   make rows       tells rows of the language without a case; the table in docs/language.md
#   make lint       rooms, head comments, cppcheck, clang-tidy
#   make install    to $(DESTDIR)$(PREFIX)
#   make fuzzers    fuzz/*fuzz.c that are for libFuzzer, in build-fuzz/ (needs clang)
#   make programs   test programs and fuzzers for O (make debug-programs: with the sanitizers)
ifeq ($(origin CC),default)
CC      := gcc
endif
O       ?= build
PREFIX  ?= /usr/local
OBJCOPY ?= objcopy

WARN    := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla
# Tables that tell how to unwind C code are for throwing exceptions through it: a sixteenth of the binary.
CFLAGS  ?= -O2 -g -fno-asynchronous-unwind-tables
LDFLAGS ?= -static -Wl,--fatal-warnings -Wl,--gc-sections
ALL_CPPFLAGS = -D_GNU_SOURCE -Iinclude -Isrc $(CPPFLAGS)
ALL_CFLAGS = -std=gnu17 $(WARN) -ffunction-sections -fdata-sections -fno-strict-aliasing $(CFLAGS)

LIB_SRC := $(filter-out src/cli/%,$(wildcard src/*.c src/*/*.c src/*/*/*.c))
CLI_SRC := $(wildcard src/cli/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o) $(if $(filter src/engine/inprocess/%,$(LIB_SRC)),$(O)/src/engine/inprocess/image.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)

# Test programs: tests/NAME/test_*.c are cmocka programs, fuzz/*.c and tests/NAME/tool_*.c plain
# ones; each is one file linked with the library.
UNIT_SRC := $(wildcard tests/*/test_*.c)
TOOL_SRC := $(wildcard tests/*/tool_*.c fuzz/*.c)
UNIT_EXE := $(UNIT_SRC:%.c=$(O)/%)
TOOL_EXE := $(TOOL_SRC:%.c=$(O)/%)
BEHAVE   := $(O)/tests/behave/behave
TRACED   := $(O)/tests/behave/traced $(O)/tests/behave/vm

# Without commands there is only the library.
all: $(if $(CLI_SRC),$(O)/waggle) $(O)/libwaggle.a $(O)/conformance $(O)/rows.proven

# A dynamic link gets libc's tables with libc, and a sanitizer unwinds by them.
LEAN = $(if $(filter -static,$(LDFLAGS)),-T src/cli/waggle.ld)
$(O)/waggle: $(CLI_OBJ) $(O)/libwaggle.a src/cli/waggle.ld
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LEAN) -o $@ $(filter %.o %.a,$^)

# Runs bytes of a program over bytes of memory: what tests of the instruction set drive.
$(O)/conformance: $(O)/tests/conformance/tool_conformance
	cp $< $@

# What programs link: one object whose only global names begin with waggle_. inner.a has all names, for
# the tests and fuzzers of what is inside.
$(O)/libwaggle.a: $(LIB_OBJ) Makefile
	@rm -f $@
	$(LD) -r -o $(O)/libwaggle.o $(LIB_OBJ)
	$(OBJCOPY) -w --keep-global-symbol='waggle_*' $(O)/libwaggle.o
	$(AR) rcs $@ $(O)/libwaggle.o
	@rm $(O)/libwaggle.o

$(O)/inner.a: $(LIB_OBJ) $(O)/.members
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

# The flags are a prerequisite: another CC or CFLAGS for the same folder builds it anew.
FLAGS := $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS)
$(O)/.flags: force
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
# So is what belongs to the library: a source may go, and fuzzers need other parts of it.
$(O)/.members: force
	@mkdir -p $(@D)
	@echo '$(LIB_OBJ)' | cmp -s - $@ || echo '$(LIB_OBJ)' >$@
force:

# Rooms that nobody waits for are made small, where the rest is made fast.
SMALL_ROOMS := cli strace demangle query target
$(SMALL_ROOMS:%=$(O)/src/%/%.o) $(O)/src/vm/lanes_%.o: SMALL = $(if $(filter -O2,$(CFLAGS)),-Os)

$(O)/%.o: %.c $(O)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(SMALL) -MMD -MP -c -o $@ $<

# The agent of the in-process engine: our machine once more, free of any C library, linked to one
# address and carried in the library packed. Never with sanitizers: it lives in other programs.
AGENT     := $(O)/agent
AGENT_SRC := $(wildcard src/engine/inprocess/agent/*.c) $(filter-out %/fault.c %/help_current.c %/cgroup.c src/vm/lanes%,$(wildcard src/vm/*.c)) \
	src/btf/read.c src/btf/index.c src/isa/code.c src/isa/kinds.c src/isa/ops.c src/base/base.c src/base/buf.c src/base/diag.c src/object/object.c
AGENT_OBJ := $(AGENT_SRC:%.c=$(AGENT)/%.o) $(AGENT)/src/engine/inprocess/agent/entry.o
AGENT_CFLAGS := -include src/engine/inprocess/agent/include/hidden.h -std=gnu17 $(WARN) -O2 -g0 -fPIE -ffunction-sections -fdata-sections \
	-fno-strict-aliasing -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -U_FORTIFY_SOURCE
$(AGENT)/%.o: %.c $(O)/.flags
	@mkdir -p $(@D)
	$(CC) -Isrc/engine/inprocess/agent/include $(ALL_CPPFLAGS) $(AGENT_CFLAGS) -MMD -MP -c -o $@ $<
$(AGENT)/%.o: %.S src/engine/inprocess/agent.h $(O)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -c -o $@ $<
$(AGENT)/agent.elf: src/engine/inprocess/agent/agent.ld $(AGENT_OBJ)
	$(CC) -nostdlib -static -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--build-id=none -Wl,-T,$< -o $@ $(AGENT_OBJ) -lgcc
$(AGENT)/agent.bin: $(AGENT)/agent.elf
	objcopy -O binary -j .agent $< $@
$(AGENT)/agent.gz: $(AGENT)/agent.bin
	gzip -9nc $< >$@
$(O)/src/engine/inprocess/image.o: src/engine/inprocess/image.S $(AGENT)/agent.gz
	@mkdir -p $(@D)
	$(CC) -DIMAGE='"$(AGENT)/agent.gz"' -c -o $@ $<

# packed, without indents and comments of their own lines
$(O)/src/sink/flame.js.gz: src/sink/flame.js
	@mkdir -p $(@D)
	sed -e 's/^[[:blank:]]*//' -e '/^\/\*.*\*\/$$/d' -e '/^\/\*/,/\*\//d' -e '/^$$/d' $< | gzip -9nc >$@
$(O)/src/sink/flame_svg.o: $(O)/src/sink/flame.js.gz
$(O)/src/sink/flame_svg.o: ALL_CFLAGS += -Wa,-I$(O)/src/sink
TOOLS_GZ := $(patsubst tools/%.bt,$(O)/tools/%.gz,$(wildcard tools/*.bt))
$(O)/tools/%.gz: tools/%.bt
	@mkdir -p $(@D)
	gzip -9nc $< >$@
$(O)/src/cli/tools.o: $(TOOLS_GZ)
$(O)/src/cli/tools.o: ALL_CFLAGS += -Wa,-I$(O)/tools

programs: $(UNIT_EXE) $(TOOL_EXE)

$(UNIT_EXE): LINK = $(filter-out -static,$(LDFLAGS))
$(UNIT_EXE): LDLIBS += -lcmocka
$(O)/tests/unit/test_btf $(O)/tests/unit/test_object_load $(O)/tests/waist/tool_waist $(O)/tests/objects/tool_objects $(O)/tests/inspect/tool_links: LDLIBS += -lbpf # an oracle
$(O)/tests/unit/test_classic $(O)/tests/filter/tool_compile $(O)/fuzz/filterfuzz: LDLIBS += -lpcap # an oracle
$(TOOL_EXE): LINK = $(filter-out -static,$(LDFLAGS))
$(O)/tests/tracer/tool_stacks.o $(O)/bench/work.o: ALL_CFLAGS += -fno-omit-frame-pointer # bench/levels.h
$(UNIT_EXE) $(TOOL_EXE): $(O)/%: $(O)/%.o $(O)/inner.a
	$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $^ $(LDLIBS)

# The behaviour runner goes into guests that have no libraries: static, free of sanitizers.
$(BEHAVE): LINK = -static
$(BEHAVE): $(patsubst %.c,$(O)/%.o,$(wildcard tests/behave/*.c))
	$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $^
behave: $(BEHAVE) $(TRACED)
# What the cases trace, beside the runner: static too.
$(TRACED): $(O)/tests/behave/%: tests/traced/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -O1 -g -static -o $@ $< -pthread
# Which case proves which row of the language: docs/language.md has the table.
ROWS  := $(O)/tests/rows/rows
CASES = $(wildcard tests/behave/*.case tests/guest/*.case)
$(ROWS): LINK = $(filter-out -static,$(LDFLAGS))
$(ROWS): $(O)/tests/rows/rows.o $(patsubst %,$(O)/tests/behave/%.o,case needs text) $(O)/inner.a
	$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $^
rows: $(ROWS)
	$(ROWS) -w docs/language.md $(CASES)
# Every row has a case, every case that names rows names those that there are, and the page has that table.
$(O)/rows.proven: $(ROWS) docs/language.md $(CASES)
	@$(ROWS) docs/language.md $(CASES) >$@ || { cat $@; rm -f $@; exit 1; }
# Scratch memory of programs that can be preempted, as it would be without claims: must fail.
torn: $(O)/waggle-torn
$(O)/waggle-torn: src/script/lower_claim.c $(O)/waggle $(O)/inner.a
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -DWAGGLE_PLAIN_SLOTS -c -o $(O)/lower_torn.o $<
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(CLI_OBJ) $(O)/lower_torn.o $(O)/inner.a

SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
DEBUG = $(MAKE) --no-print-directory O=build-debug CFLAGS="-O1 -g $(SAN)" CPPFLAGS="-DWAGGLE_DEBUG" LDFLAGS="$(SAN)"
debug:
	+$(DEBUG) all
debug-programs:
	+$(DEBUG) all programs

# What includes fuzz/one.h is for libFuzzer. With that and sanitizers a file takes five times as long to
# compile: so only what these fuzzers need, which a link of what is built already tells. SAN stops at
# the first thing found.
FUZZERS = $(basename $(shell grep -l '"one.h"' fuzz/*.c))
fuzzers: $(FUZZERS:%=$(O)/%.o) $(LIB_OBJ)
	@rm -f $(O)/thin.a
	@$(AR) rcsT $(O)/thin.a $(LIB_OBJ)
	+$(MAKE) --no-print-directory O=build-fuzz CC=clang CFLAGS="-O1 -g $(SAN) -fno-sanitize=pointer-overflow -fsanitize=fuzzer-no-link" \
		CPPFLAGS="-DWAGGLE_DEBUG -DWAGGLE_LIBFUZZER" LDFLAGS="$(SAN) -fsanitize=fuzzer" \
		LIB_SRC="`for f in $(FUZZERS); do $(LD) -r -t -o /dev/null $(O)/$$f.o $(O)/thin.a; done | \
			sed -n 's|.*$(O)/\(src/.*\)\.o$$|\1.c|p' | sort -u | tr '\n' ' '`" $(FUZZERS:%=build-fuzz/%)

test:
	script/test -n -x guest

# The bench: its own programs, the workload static. bench/run makes bench-twins, programs by hand,
# where clang and libbpf are installed. The map of a link from the objects tells how big rooms are.
BENCH     := $(O)/bench
BENCH_OWN := $(addprefix bench/,work.c load.c sink.c) # programs of one file
BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out $(BENCH_OWN),$(wildcard bench/*.c)))
TWINS     := $(patsubst bench/twins/%.c,$(BENCH)/%.o,$(wildcard bench/twins/*.bpf.c))
bench-programs: all $(BENCH)/bench $(BENCH)/work $(BENCH)/sink $(BENCH)/waggle.map
$(BENCH)/bench: $(BENCH_OBJ) $(O)/inner.a
	$(CC) $(ALL_CFLAGS) -static -o $@ $^ -lm
$(BENCH)/work $(BENCH)/sink: $(BENCH)/%: $(BENCH)/%.o $(O)/inner.a
	$(CC) $(ALL_CFLAGS) -static -o $@ $^
$(BENCH)/load: $(BENCH)/load.o
	$(CC) $(ALL_CFLAGS) -o $@ $^ -lbpf
$(BENCH)/%.bpf.o: bench/twins/%.bpf.c bench/twins/twin.h
	@mkdir -p $(@D)
	clang -O2 -g -Wall -Wextra -Wno-unused-parameter -target bpf \
		-idirafter /usr/include/$$(uname -m)-linux-gnu -c -o $@ $<
$(BENCH)/drop.bpf.o: tests/packet/drop.bpf.c
	@mkdir -p $(@D)
	clang -O2 -g -Wall -Wextra -target bpf -idirafter /usr/include/$$(uname -m)-linux-gnu -c -o $@ $<
bench-twins: $(BENCH)/load $(TWINS) $(BENCH)/drop.bpf.o
$(BENCH)/waggle.map: $(CLI_OBJ) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LEAN) -Wl,-Map=$@ -o /dev/null $^

# Programs on our machine, gcc's, the kernel's: clang compiles them for BPF.
VM_BENCH := $(patsubst bench/vm/%.c,$(BENCH)/vm/%.o,$(filter-out %.bpf.c,$(wildcard bench/vm/*.c)))
$(BENCH)/vm/%.bpf.o: bench/vm/%.bpf.c bench/vm/algorithms.h
	@mkdir -p $(@D)
	clang -O2 -g -Wall -Wextra -target bpf -mcpu=v3 -c -o $@ $<
$(BENCH)/vm/%.o: bench/vm/%.c $(O)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BENCH)/vm/vm: $(VM_BENCH) $(O)/inner.a
	$(CC) $(ALL_CFLAGS) -static -o $@ $^ -lm
bench-vm: $(BENCH)/vm/vm $(BENCH)/vm/user.bpf.o $(BENCH)/vm/kernel.bpf.o $(BENCH)/vm/maps.bpf.o

# Models of packet filters: writes docs/models.md and its drawings.
$(BENCH)/models $(BENCH)/filters: $(BENCH)/%: bench/models/%.c $(O)/inner.a $(O)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -o $@ $< $(O)/inner.a -lpcap -lm
bench-filters: $(BENCH)/filters
bench-models: $(BENCH)/models
	$(BENCH)/models docs

bench: bench-programs
	bench/run -b $(BENCH) -w $(O)/waggle $(PARTS)

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r ls -d 2>/dev/null)
format:
	clang-format -i $(C_FILES)

lint:
	script/lint

MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	install -s -m 755 $(O)/waggle $(DESTDIR)$(PREFIX)/bin/waggle
	install -m 644 $(O)/libwaggle.a $(DESTDIR)$(PREFIX)/lib/libwaggle.a
	install -m 644 include/waggle.h $(DESTDIR)$(PREFIX)/include/waggle.h
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	$(O)/waggle help man >$(DESTDIR)$(MANDIR)/man1/waggle.1
	$(O)/waggle completion bash >$(DESTDIR)$(BASHDIR)/waggle
	$(O)/waggle completion zsh >$(DESTDIR)$(ZSHDIR)/_waggle
	$(O)/waggle completion fish >$(DESTDIR)$(FISHDIR)/waggle.fish

clean:
	rm -rf build build-*

# Any .d file: objects of the library, the commands and the programs alike.
-include $(AGENT_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_EXE:=.d) $(TOOL_EXE:=.d)
-include $(wildcard $(O)/tests/behave/*.d $(O)/tests/rows/*.d $(O)/bench/*.d $(O)/bench/vm/*.d)

.PHONY: fuzzers torn all rows debug debug-programs programs behave test bench bench-programs \
	bench-twins bench-vm bench-models bench-filters format lint install clean force
.SECONDARY:
.DELETE_ON_ERROR:
