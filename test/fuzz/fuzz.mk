# make fuzz; part of the Makefile
#
# test/fuzz/run.sh says how; clang-19, for its libFuzzer
FUZZ_CC = $(firstword $(shell command -v clang-19))
FUZZ_SECONDS = 60
FUZZ = import compile data
FUZZ_SAN = -fsanitize=address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined

fuzz-build:
	@$(MAKE) --no-print-directory B=$B/fuzz/obj CC=$(FUZZ_CC) CFLAGS='-O1 -g -w -fsanitize=fuzzer-no-link $(FUZZ_SAN)' \
		LDFLAGS='-fsanitize=fuzzer $(FUZZ_SAN)' FUZZING=1 $(FUZZ:%=$B/fuzz/obj/fuzz/%)

fuzz: $(if $(FUZZ_CC),fuzz-build)
	@$(if $(FUZZ_CC),PY='$(PY)' MODELS='$(MODELS)' sh test/fuzz/run.sh $B $(FUZZ_SECONDS) $(FUZZ),\
		echo 'no clang-19, whose libFuzzer this needs: skipped')

$B/fuzz/%: $B/test/fuzz/%.o $B/test/fuzz/fuzz.o $(LIBOBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)

# the same without libFuzzer and any compiler, for a tenth of a minute: smoke.c
$B/fuzz/%-smoke: $B/test/fuzz/%.o $B/test/fuzz/fuzz.o $B/test/fuzz/smoke.o $(LIBOBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)

fuzz-smoke: $(FUZZ:%=$B/fuzz/%-smoke)
	@sh test/fuzz/smoke.sh $B $(FUZZ)

$B/fuzz/import $B/fuzz/compile $B/fuzz/import-smoke $B/fuzz/compile-smoke: $B/test/fuzz/mutate.o

# names of attributes, and their values that are text, as the rules of operators spell them
$B/test/fuzz/mutate.o: $B/words.h
$B/words.h: $(wildcard compiler/ops/*.c compiler/onnx/upgrade.c)
	@{ echo 'static const char *const words[] = {'; \
	grep -ohE 'attr[a-z_]*\([a-z>-]+, "[a-zA-Z_]+"' $^ | sed 's/.*\("[^"]*"\).*/\1,/' | LC_ALL=C sort -u; \
	echo '}, *const values[] = {'; grep -ohE '"[a-z_]{3,20}"|"[A-Z_]{2,14}"' $^ | LC_ALL=C sort -u | sed 's/$$/,/'; echo '};'; } > $@

.PHONY: fuzz fuzz-build fuzz-smoke
-include $(wildcard $B/test/fuzz/*.d)
