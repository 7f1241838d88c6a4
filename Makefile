# Waggle: the build. Everything lands in build/ (or O=dir); sources are found by folder.
#   make            build/waggle (static) and build/libwaggle.a
#   make debug      the same in build-debug/ with ASan, UBSan and the IR checker
#   make test       unit and behaviour tests (script/test also installs what they need)
#   make bench lint format install
CC      ?= gcc
O       ?= build
PREFIX  ?= /usr/local
VERSION := $(shell sed -n 's/^\#define WAGGLE_VERSION "\(.*\)"/\1/p' include/waggle.h)

WARN    := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla
CFLAGS  ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Isrc
ALL_CFLAGS = -std=gnu17 $(WARN) -ffunction-sections -fdata-sections -fno-strict-aliasing $(CFLAGS)
LDFLAGS ?= -static -Wl,--fatal-warnings -Wl,--gc-sections

LIB_SRC := $(filter-out src/cli/%,$(wildcard src/*.c src/*/*.c src/*/*/*.c))
CLI_SRC := $(wildcard src/cli/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)

all: $(O)/waggle $(O)/libwaggle.a

$(O)/waggle: $(CLI_OBJ) $(O)/libwaggle.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

$(O)/libwaggle.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d)

SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
debug:
	$(MAKE) O=build-debug CFLAGS="-O1 -g $(SAN)" CPPFLAGS="-DWAGGLE_DEBUG" LDFLAGS="$(SAN)"

clean:
	rm -rf build build-*

.PHONY: all debug clean
.DELETE_ON_ERROR:
