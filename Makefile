# `make help` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# Debian's gdb looks below /usr/share/gdb alone.
GDBDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/usr/share/gdb/auto-load,$(PREFIX)/share/gdb/auto-load)
DESTDIR ?=
SECONDS = 600
HOURS = 2
THREADS = 8
CARGO ?= cargo
CC ?= cc
CFLAGS ?= -O2
INSTALL ?= install
OBJCOPY ?= objcopy
# Rust's name of another platform: what is built for it goes to target/TRIPLE/release.
TRIPLE ?=
WRITE ?=

TARGET := target
LIBRARIES := $(TARGET)/$(if $(TRIPLE),$(TRIPLE)/)release
SHARED := $(LIBRARIES)/libtinyalloc.so
ARCHIVE := $(LIBRARIES)/libtinyalloc.a
COMMAND := command/$(TARGET)/release/tinyalloc
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SONAME := libtinyalloc.so.0
SHARED_FILE := libtinyalloc.so.$(VERSION)
JEMALLOC := $(LIBRARIES)/libtinyalloc-jemalloc.so
JEMALLOC_SONAME := libtinyalloc-jemalloc.so.0
JEMALLOC_FILE := libtinyalloc-jemalloc.so.$(VERSION)
# Cargo has one name for both libraries, so that the second is built in a folder of its own.
JEMALLOC_BUILT := $(TARGET)/jemalloc/$(if $(TRIPLE),$(TRIPLE)/)release/libtinyalloc.so
HEADERS := $(wildcard include/*.h include/*.hpp)
CMAKEDIR := $(LIBDIR)/cmake/tinyalloc
PACKAGE_FILES := pkgconfig/tinyalloc.pc cmake/tinyalloc/tinyalloc-config.cmake cmake/tinyalloc/tinyalloc-config-version.cmake
GDB_FOLDER := $(GDBDIR)$(LIBDIR)
GDB_SCRIPTS := $(GDB_FOLDER)/$(SHARED_FILE)-gdb.py $(GDB_FOLDER)/tinyalloc_gdb.py
FOLDERS := $(LIBDIR) $(INCLUDEDIR) $(MANDIR)/man1 $(MANDIR)/man3 $(MANDIR)/man7 $(LIBDIR)/pkgconfig $(CMAKEDIR) $(GDB_FOLDER)
INSTALLED := $(GDB_SCRIPTS) $(addprefix $(LIBDIR)/,$(SHARED_FILE) $(SONAME) libtinyalloc.so libtinyalloc.a $(PACKAGE_FILES)) \
    $(addprefix $(LIBDIR)/,$(JEMALLOC_FILE) $(JEMALLOC_SONAME) libtinyalloc-jemalloc.so) \
    $(addprefix $(INCLUDEDIR)/,$(notdir $(HEADERS))) \
    $(foreach section,1 3 7,$(addprefix $(MANDIR)/man$(section)/,$(notdir $(wildcard docs/man/*.$(section))))) $(BINDIR)/tinyalloc
STRESS := $(TARGET)/c-tests/stress
BUILD := $(CARGO) rustc --release --lib --locked --no-default-features $(if $(TRIPLE),--target $(TRIPLE))

# A shared library is not linked statically, as Rust links programs for musl.
ifneq ($(findstring -musl,$(TRIPLE)),)
export RUSTFLAGS += -C target-feature=-crt-static
export CARGO_TARGET_$(shell echo $(TRIPLE) | tr a-z- A-Z_)_LINKER ?= musl-gcc
endif

.PHONY: help all jemalloc windows command check test models c-tests stress demo compat defrag embedded budget many-cores bench bench-quick bench-rust bench-servers \
    features reach musl inject tsan fuzz soak security header abi reproducible sbom debs packages install install-command uninstall clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  variables: PREFIX BINDIR LIBDIR INCLUDEDIR MANDIR GDBDIR DESTDIR SECONDS HOURS THREADS CARGO CC CFLAGS OBJCOPY TRIPLE WRITE"

# Cargo knows what has changed; make does not ask it twice.
all: jemalloc ## build libtinyalloc.so, libtinyalloc.a and libtinyalloc-jemalloc.so in target/release
	$(BUILD) --features c-abi --target-dir $(TARGET) --crate-type cdylib,staticlib
	@# Programs and other libraries bring functions of these names along, C++ programs operators: theirs come first then.
	@# And dlopen is for the shared library alone: in a static program it would stand for the C library's.
	@$(OBJCOPY) --wildcard $(foreach name,reallocarr recallocarray freezero '_Z[nd][wal]*' '__alloc_token_*',--weaken-symbol=$(name)) --localize-symbol=dlopen $(ARCHIVE)
	@ln -sf libtinyalloc.so $(LIBRARIES)/$(SONAME)

jemalloc: ## build libtinyalloc-jemalloc.so alone, which has jemalloc's interface as well
	$(BUILD) --features jemalloc --target-dir $(TARGET)/jemalloc --crate-type cdylib
	@mkdir -p $(LIBRARIES)
	@cmp -s $(JEMALLOC_BUILT) $(JEMALLOC) || cp $(JEMALLOC_BUILT) $(JEMALLOC)
	@ln -sf libtinyalloc-jemalloc.so $(LIBRARIES)/$(JEMALLOC_SONAME)

windows: ## build tinyalloc.dll and its import library, libtinyalloc.dll.a, in target/x86_64-pc-windows-gnu/release
	$(CARGO) rustc --release --lib --locked --no-default-features --features c-abi --target-dir $(TARGET) --target x86_64-pc-windows-gnu \
	    --crate-type cdylib

command: ## build the command tinyalloc, which reads heap profiles; cargo fetches the crates that it needs
	$(CARGO) build --release --locked --manifest-path command/Cargo.toml --target-dir command/$(TARGET)

check: ## install what the tests need, run all of them, end with: N passed, N failed
	@.ci/check

test: ## the Rust tests alone
	$(CARGO) test --workspace --locked

models: ## check locks and remote frees in every order of their steps (loom), the whole engine in thousands (shuttle; MODEL_RUNS=N: N times as many)
	RUSTFLAGS="--cfg loom" $(CARGO) test --release --locked -p tinyalloc-alloc --test loom_remote --test loom_lock --test shuttle --target-dir $(TARGET)/loom \
	    -- --skip ::tests::
	RUSTFLAGS="--cfg loom" $(CARGO) test --release --locked -p tinyalloc-stack --test loom_lock --target-dir $(TARGET)/loom

c-tests: all ## the C tests alone
	c-tests/run

$(STRESS): c-tests/stress.c c-tests/expect.h Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) -fno-builtin -Wall -Wextra -pthread -rdynamic -Ic-tests -o $@ $< -ldl

stress: all $(STRESS) ## threads, sizes and remote frees at random for SECONDS (600), every block checked
	LD_PRELOAD=$(CURDIR)/$(SHARED) $(STRESS) $(SECONDS) $(THREADS)

demo: all ## real programs with and without tinyalloc: time, peak memory, the heap's own summary
	scripts/demo

compat: all ## run the real programs and write docs/COMPATIBILITY.md
	scripts/install-test-tools
	scripts/programs --compat

defrag: jemalloc ## redis from Debian's source moves its blocks together, with tinyalloc and with its own jemalloc: four minutes
	scripts/defrag

embedded: ## the embedded crate on emulated Cortex-M, RISC-V and AVR; installs what that needs, writes the figures of docs/EMBEDDED.md
	scripts/embedded --write

budget: all ## hold the hit paths and small runs to bench/budget.json: instructions, page faults, system calls, atomic operations
	scripts/budget

many-cores: all ## count what up to 64 threads cost each other, under valgrind, and write docs/MANY_CORES.md: ten minutes
	scripts/many-cores --write

bench: all ## compare with all other allocators and write bench/results and docs/figures: half an hour
	scripts/install-test-tools --bench
	scripts/bench

bench-quick: all ## the same with less work and no counts: under three minutes once the peers are built
	scripts/install-test-tools --bench
	scripts/bench --quick

bench-rust: ## compare through Rust's GlobalAlloc with other crates, and write bench/results/rust.md
	scripts/bench-rust --write

bench-servers: all ## run servers on glibc, jemalloc, mimalloc, tcmalloc and tinyalloc, and write docs/SERVERS.md: three hours
	scripts/install-test-tools --bench
	scripts/bench-servers --write
	scripts/bench-servers --steady --write

features: ## check the sets of features that are sensible together
	scripts/features

reach: ## run the tests on every platform that can be emulated here and write docs/PLATFORMS.md: an hour or more
	scripts/install-test-tools --reach
	scripts/reach --write

musl: ## measure statically linked programs with musl's own malloc, mimalloc and ours
	scripts/musl

inject: all ## make system calls of whole programs fail, one at a time and from then on: thousands of points
	scripts/inject

tsan: ## run the tests in which threads meet under ThreadSanitizer: a minute or two
	scripts/tsan

fuzz: ## fuzz the engine, ten minutes for each target
	scripts/fuzz --all --seconds 600

soak: all ## a server's load for HOURS (2): contents, statistics and resident memory checked
	scripts/soak $(HOURS)

security: all ## make every heap mistake with tinyalloc and others, and write bench/results/security.md
	scripts/security

header: ## write include/tinyalloc.h anew, from the sources of the C API
	$(CARGO) run --quiet --locked -p tinyalloc-header

abi: ## compare the C and the Rust interface with the baselines in packaging/abi (WRITE=--write: write them)
	scripts/abi $(WRITE)
	scripts/rust-api $(WRITE)

reproducible: ## build the libraries in two folders, at other times, and compare them to the byte: a minute
	scripts/reproducible

sbom: ## write what the libraries and the command are made of to target/*.spdx.json
	scripts/sbom library $(TARGET)/libtinyalloc.spdx.json
	scripts/sbom command $(TARGET)/tinyalloc.spdx.json

debs: ## build the Debian packages in target/debs, and look for mistakes in them with lintian
	rm -rf $(TARGET)/debs
	mkdir -p $(TARGET)/debs/tinyalloc
	cp -r packaging/debian $(TARGET)/debs/tinyalloc
	cd $(TARGET)/debs/tinyalloc && TOP=$(CURDIR) VARIABLES=CARGO=$(CARGO) dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
	lintian --suppress-tags initial-upload-closes-no-bugs $(TARGET)/debs/*.changes

packages: ## make the package of every crate, in order, and build each from the packages alone: a minute or two
	$(CARGO) package --workspace --exclude tinyalloc-header --exclude tinyalloc-lines --locked --target-dir $(TARGET)/packages

install: all ## install the libraries, headers, manual pages, pkg-config and CMake files, and gdb's script, below PREFIX (/usr/local)
	$(INSTALL) -d $(FOLDERS:%="$(DESTDIR)%")
	$(INSTALL) -m 755 $(SHARED) "$(DESTDIR)$(LIBDIR)/$(SHARED_FILE)"
	ln -sf $(SHARED_FILE) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libtinyalloc.so"
	$(INSTALL) -m 644 $(ARCHIVE) "$(DESTDIR)$(LIBDIR)/libtinyalloc.a"
	$(INSTALL) -m 755 $(JEMALLOC) "$(DESTDIR)$(LIBDIR)/$(JEMALLOC_FILE)"
	ln -sf $(JEMALLOC_FILE) "$(DESTDIR)$(LIBDIR)/$(JEMALLOC_SONAME)"
	ln -sf $(JEMALLOC_SONAME) "$(DESTDIR)$(LIBDIR)/libtinyalloc-jemalloc.so"
	$(INSTALL) -m 644 $(HEADERS) "$(DESTDIR)$(INCLUDEDIR)"
	$(INSTALL) -m 644 $(wildcard docs/man/*.1) "$(DESTDIR)$(MANDIR)/man1"
	$(INSTALL) -m 644 $(wildcard docs/man/*.3) "$(DESTDIR)$(MANDIR)/man3"
	$(INSTALL) -m 644 $(wildcard docs/man/*.7) "$(DESTDIR)$(MANDIR)/man7"
	$(INSTALL) -m 644 packaging/gdb/tinyalloc-gdb.py "$(DESTDIR)$(GDB_FOLDER)/$(SHARED_FILE)-gdb.py"
	$(INSTALL) -m 644 packaging/gdb/tinyalloc_gdb.py "$(DESTDIR)$(GDB_FOLDER)/tinyalloc_gdb.py"
	for file in $(PACKAGE_FILES); do \
	    sed -e 's|@VERSION@|$(VERSION)|g; s|@PREFIX@|$(PREFIX)|g; s|@LIBDIR@|$(LIBDIR)|g; s|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
	        "packaging/$${file##*/}.in" > "$(DESTDIR)$(LIBDIR)/$$file" || exit 1; \
	done

install-command: command ## install the command tinyalloc and its manual page; the library comes with install
	$(INSTALL) -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(MANDIR)/man1"
	$(INSTALL) -m 755 $(COMMAND) "$(DESTDIR)$(BINDIR)/tinyalloc"
	$(INSTALL) -m 644 $(wildcard docs/man/*.1) "$(DESTDIR)$(MANDIR)/man1"

uninstall: ## remove what install and install-command put there, with the same variables
	rm -f $(INSTALLED:%="$(DESTDIR)%")
	-rmdir "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(GDB_FOLDER)" 2>/dev/null

clean: ## remove everything that was built
	$(CARGO) clean --target-dir $(TARGET)
	$(CARGO) clean --manifest-path command/Cargo.toml --target-dir command/$(TARGET)
