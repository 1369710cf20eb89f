# wlpack. `make` builds build/wlpack; `make demo` and `make test` do all the set-up themselves. `make help` lists the targets.

BUILD ?= build
PREFIX ?= /usr/local
CC ?= cc
# `make V=1` shows the commands.
V ?=
Q = $(if $(V),,@)
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef
LIBS = libarchive libcrypto libcurl jansson
PKG_CONFIG ?= pkg-config

SAN ?=
ifneq ($(SAN),)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARN) $(CFLAGS) $(SANFLAGS) \
	-include tool/base/banned.h -DWLPACK_DATADIR='"$(PREFIX)/share/wlpack"' $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) -lpthread

SRC = $(filter-out tool/main.c,$(wildcard tool/*.c tool/*/*.c registry/*.c))
OBJ = $(SRC:%.c=$(BUILD)/obj/%.o)
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))

all: $(BUILD)/wlpack

$(BUILD)/wlpack: $(BUILD)/obj/tool/main.o $(BUILD)/libwlpack.a
	$(Q)echo '  LD    $@'; $(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/libwlpack.a: $(OBJ)
	$(Q)rm -f $@; ar rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)echo '  CC    $<'; $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Objects are rebuilt when the compiler or the flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','\'',$(ALL_CFLAGS))' | cmp -s - $@ || echo '$(CC) $(subst ','\'',$(ALL_CFLAGS))' > $@

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libwlpack.a
	@mkdir -p $(@D)
	$(Q)echo '  CC    $<'; $(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/libwlpack.a $(ALL_LIBS) -lcmocka

unit: $(UNIT)

# Runs the unit tests alone, without set-up.
check: $(UNIT) $(BUILD)/wlpack
	@set -e; for t in $(UNIT); do $$t; done

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all unit check clean FORCE

-include $(OBJ:.o=.d) $(BUILD)/obj/tool/main.d $(UNIT:%=%.d)
