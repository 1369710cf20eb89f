# wlpack. On a fresh machine `make demo` and `make test` do everything, set-up included. `make help` lists the targets.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CFLAGS ?= -O2 -g
# `make V=1` shows the commands.
V ?=
Q = $(if $(V),,@)

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef
LIBS = libarchive libssl libcrypto libcurl jansson libdeflate libzstd libsodium
PKG_CONFIG ?= pkg-config

# SAN=1: AddressSanitizer and UBSan. FUZZ=1 (clang): libFuzzer instrumentation as well.
SAN ?=
FUZZ ?=
ifneq ($(SAN)$(FUZZ),)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifneq ($(FUZZ),)
SANFLAGS += -fsanitize=fuzzer-no-link
endif

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARN) $(CFLAGS) $(SANFLAGS) \
	-include tool/base/banned.h $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
ALL_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) $(EXTRA_LIBS) -lpthread

SRC = $(filter-out tool/main.c,$(wildcard tool/*.c tool/*/*.c registry/*.c))
OBJ = $(SRC:%.c=$(BUILD)/obj/%.o)
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
FUZZERS = $(patsubst tests/fuzz/%_fuzz.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

# The compiler of the sanitizer build: clang where there is one.
SAN_CC = $(shell command -v clang-22 || command -v clang || echo cc)

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

# Without FUZZ=1 each fuzz target is a program that runs the files and folders named to it.
$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(BUILD)/libwlpack.a
	@mkdir -p $(@D)
	$(Q)echo '  CC    $<'; $(CC) $(ALL_CFLAGS) -MMD -MP $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $< \
		$(if $(FUZZ),,tests/fuzz/replay.c) $(BUILD)/libwlpack.a $(ALL_LIBS)

unit: $(UNIT)
fuzzers: $(FUZZERS)
programs: $(BUILD)/wlpack $(UNIT) $(FUZZERS)

# --- What people type ------------------------------------------------------------------------------------------

help:
	@echo 'make            build build/wlpack (needs the libraries: make setup)'
	@echo 'make setup      packages, toolchain kits and source archives; does nothing when all is there'
	@echo 'make demo       set up, build wlpack, PHP and its images, push them to a registry on loopback, run them'
	@echo 'make test       set up and run every test: unit, end-to-end, fuzz corpus, sanitizers'
	@echo 'make check      the unit tests alone; make unit-san, make quick: see the Makefile'
	@echo 'make lint       format, shell, layers, complexity'
	@echo 'make recipes    build every recipe whose source can be had'
	@echo 'make php-tests [PHP=php-7.4.33] [RUNTIME=wasmedge|node] [FOLDERS=...]   PHP own test suite, against native PHP'
	@echo 'make php-8      the tests of PHP 8.2 and 8.4 that make test leaves out'
	@echo 'make bench      the figures of the README, measured here'
	@echo 'make golden     rewrite the golden files; look at the diff'
	@echo 'make fuzz T=recipe TIME=60    fuzz one target'
	@echo 'make registry-tests     the registry client against all registries; builds distribution 3 (needs go)'
	@echo 'make install PREFIX=/usr/local DESTDIR='

setup:
	@scripts/setup

# The set-up of a target, quiet when there is nothing to do.
.setup-build:
	@scripts/setup build kits mirror
.setup-test:
	@scripts/setup
.setup-native:
	@scripts/setup build test native kits mirror

demo: .setup-test
	@$(MAKE) --no-print-directory all
	@scripts/demo

recipes: .setup-build
	@$(MAKE) --no-print-directory all
	@scripts/build-recipes

# Everything, through prove. The heavy end-to-end tests (8x, 9x: PHP for real, containers) run once, the others also
# under the sanitizers.
test: .setup-test
	@$(MAKE) --no-print-directory programs
	@$(MAKE) --no-print-directory programs BUILD=$(BUILD)-san SAN=1 CC=$(SAN_CC)
	@BUILD=$(BUILD) scripts/run-tests

# The unit tests and the light end-to-end tests with the ordinary build only.
quick: programs
	@BUILD=$(BUILD) scripts/run-tests quick

check: $(UNIT)
	@BUILD=$(BUILD) scripts/run-tests unit

# The registry client against every registry and rival that can be had, those included that take minutes to build.
registry-tests: programs
	@REGISTRY_TESTS=1 WLPACK=$(BUILD)/wlpack prove --timer --exec env tests/e2e/4*.t

lint:
	@scripts/lint

# PHP's own tests on a module and on native PHP, see scripts/php-tests.
PHP ?= php-7.4.33
RUNTIME ?= wasmedge
php-tests: .setup-native
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) scripts/php-tests $(PHP) $(RUNTIME) $(FOLDERS)

# The later branches of PHP, all of it: build, gate on WasmEdge and Node, php -S, and the samples of their own tests.
PHP8 ?= php-8.2.32 php-8.4.24
php-8: .setup-test
	@$(MAKE) --no-print-directory all
	@WLPACK=$(BUILD)/wlpack WLPACK_TEST_PHP='$(PHP8)' WLPACK_TEST_NODE=1 prove --timer --exec env tests/e2e/89-php-8.t
	@for php in $(PHP8); do \
		WLPACK=$(BUILD)/wlpack WLPACK_TEST_PHP=$$php prove --timer --exec env tests/e2e/86-php-server.t tests/e2e/88-php-tests.t || exit 1; done

bench: all
	@scripts/bench

golden: all
	@scripts/golden

TIME ?= 60
fuzz:
	@$(MAKE) --no-print-directory $(BUILD)-fuzz/fuzz/$(T) BUILD=$(BUILD)-fuzz FUZZ=1 CC=$(SAN_CC)
	@mkdir -p $(BUILD)-fuzz/found/$(T)
	$(BUILD)-fuzz/fuzz/$(T) -max_total_time=$(TIME) -timeout=10 -print_final_stats=1 -artifact_prefix=$(BUILD)-fuzz/ \
		$(BUILD)-fuzz/found/$(T) tests/fuzz/corpus/$(T)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/wlpack $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/wlpack $(DESTDIR)$(PREFIX)/bin/wlpack
	install -m 644 man/wlpack.1 $(DESTDIR)$(PREFIX)/share/man/man1/wlpack.1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(BUILD)/wlpack completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/wlpack
	$(BUILD)/wlpack completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_wlpack
	$(BUILD)/wlpack completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/wlpack.fish
	cp -R recipes patches scripts $(DESTDIR)$(PREFIX)/share/wlpack/

clean:
	rm -rf $(BUILD) $(BUILD)-san $(BUILD)-fuzz

FORCE:
.PHONY: php-8 php-tests all unit fuzzers programs help setup .setup-build .setup-test .setup-native demo recipes test quick check registry-tests lint bench golden \
	fuzz install clean FORCE

-include $(OBJ:.o=.d) $(BUILD)/obj/tool/main.d $(UNIT:%=%.d) $(FUZZERS:%=%.d)
