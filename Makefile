# zenithc: see README.md. Variables may be set on the command line or in config.mk.
.SUFFIXES:
VERSION = $(shell sed -n 's/^.define ZENITHC_VERSION "\(.*\)"/\1/p' compiler/zenithc.h)
CC = gcc
AR = ar
CFLAGS = -O2 -g -Wall -Wextra
CPPFLAGS =
LDLIBS = -lprotobuf-c -lcjson -lm -ldl
B = build
prefix = /usr/local
MODELS ?= ../shared/models
ZOO ?= $(HOME)/.cache/zenithc/zoo
PY = build/venv/bin/python
-include config.mk

ALLCPP = -std=gnu11 -I$B -Icompiler -I. -MMD -MP $(CPPFLAGS)
SRC = $(sort $(wildcard compiler/*.c compiler/*/*.c codegen/*.c) bench/limit.c)
GEN = $B/onnx.pb-c.c $B/embedded.c
OBJ = $(SRC:%.c=$B/%.o) $(GEN:.c=.o)
LIBOBJ = $(filter-out $B/compiler/main.o,$(OBJ))
EMBED = $(sort $(wildcard templates/* templates/*/*.* runtime/*.[ch]))
RUNTIME = $(patsubst %.c,$B/%.o,$(wildcard runtime/*.c))
LIB = $(if $(RUNTIME),$B/libzenith_rt.a)
UNIT = $(patsubst test/unit/%.c,%,$(wildcard test/unit/*.c))
MAN = $(wildcard man/*.[1-9])

all: $B/zenithc $(LIB)

$B/zenithc: $(OBJ)
	$(CC) $(LDFLAGS) -o $@ $(OBJ) $(LDLIBS)

$B/libzenith_rt.a: $(RUNTIME)
	rm -f $@; $(AR) rcs $@ $(RUNTIME)

$(RUNTIME): $B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=gnu99 $(CFLAGS) -fPIC -Iruntime -MMD -MP -c -o $@ $<

$B/%.o: %.c | $B/onnx.pb-c.c
	@mkdir -p $(@D)
	$(CC) $(ALLCPP) $(CFLAGS) -c -o $@ $<

$B/%.o: $B/%.c
	$(CC) $(ALLCPP) $(CFLAGS) -c -o $@ $<

$B/onnx.pb-c.c: compiler/onnx/onnx.proto
	@mkdir -p $B
	protoc-c --c_out=$B --proto_path=compiler/onnx onnx.proto

# every file of templates/ and runtime/ as bytes; compiler/embed.h declares the table
$B/embedded.c: $(EMBED) Makefile
	@mkdir -p $B
	@{ echo '#include "embed.h"'; n=0; \
	for f in $(EMBED); do n=$$((n + 1)); echo "static const char f$$n[] = {"; \
		od -An -v -to1 $$f | sed "s/ \([0-7][0-7]*\)/'\\\\\1',/g"; echo "0};"; done; \
	echo 'const Embedded embedded[] = {'; n=0; \
	for f in $(EMBED); do n=$$((n + 1)); echo "	{\"$$f\", f$$n, sizeof f$$n - 1},"; done; \
	echo '	{0, 0, 0},'; echo '};'; } > $@

# unit tests link with the compiler's objects, built with the verifier on between passes
check-build:
	@$(MAKE) --no-print-directory B=$B/check CPPFLAGS='-DZN_CHECKS $(CPPFLAGS)' all units

units: $(UNIT:%=$B/unit/%)

$B/unit/%: test/unit/%.c $(LIBOBJ)
	@mkdir -p $(@D)
	$(CC) $(ALLCPP) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBOBJ) -lcmocka $(LDLIBS)

test: all check-build
	@for t in $(UNIT:%=$B/check/unit/%); do echo "== $$t"; $$t || exit 1; done
	@sh test/golden.sh $B/check/zenithc

check: all check-build
	@B=$B MODELS='$(MODELS)' ZOO='$(ZOO)' PY='$(PY)' sh test/check.sh

# lines executed by quick tests, by gcov: minutes
coverage:
	@$(MAKE) --no-print-directory B=$B/coverage CFLAGS='-O0 -g -w --coverage' LDFLAGS=--coverage all
	@sh test/coverage.sh $B/coverage $(PY) '$(MODELS)'

# vector functions on every float: a quarter of an hour
soak: check-build
	@sh test/vector.sh $B/check/unit/vector soak

zoo:
	@if [ -f $(MODELS)/../zoo/fill.py ]; then sh test/zoo.sh $(PY) $(MODELS)/../zoo/fill.py '$(ZOO)'; \
	else echo "no folder $(MODELS)/../zoo: nothing to fill"; fi

include bench/bench.mk test/fuzz/fuzz.mk

demo: all
	@$(MAKE) --no-print-directory -C examples/digits ZENITHC='$(abspath $B)/zenithc' OUT='$(abspath $B)/demo' run

install: all
	mkdir -p $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/include $(DESTDIR)$(prefix)/lib/pkgconfig
	cp $B/zenithc $(DESTDIR)$(prefix)/bin/
	for f in $(wildcard runtime/zenith.h); do cp $$f $(DESTDIR)$(prefix)/include/; done
	for f in $(LIB); do cp $$f $(DESTDIR)$(prefix)/lib/; done
	for f in $(MAN); do d=$(DESTDIR)$(prefix)/share/man/man$${f##*.}; mkdir -p $$d && cp $$f $$d/; done
	sed 's|@prefix@|$(prefix)|; s|@version@|$(VERSION)|' zenith.pc.in > $(DESTDIR)$(prefix)/lib/pkgconfig/zenith.pc
	d=$(DESTDIR)$(prefix)/share/bash-completion/completions; mkdir -p $$d; \
	for f in $(wildcard man/zenithc.bash); do cp $$f $$d/zenithc; done

# the Python environment stays: bootstrap made it
clean:
	[ ! -d $B ] || find $B -mindepth 1 -maxdepth 1 ! -name venv ! -name bootstrap.stamp -exec rm -rf {} +

.PHONY: all check check-build clean coverage demo install soak test units zoo
.SECONDARY:

-include $(OBJ:.o=.d) $(RUNTIME:.o=.d) $(UNIT:%=$B/unit/%.d)
