# make bench, bench-kernels, bench-flags; part of the Makefile
#
# zenithc beside ONNX Runtime and OpenVINO, after ./bootstrap bench: bench/README.md
THREADS = 1
SECONDS = 10
CLOCK = wall
NETS =
SHAPES =
AGAINST =
BENCH = $B/bench/threads-$(THREADS)
BENCHOBJ = $(patsubst %,$B/bench/%.o,bench compare job limit ort ov yard zn)
DNNL = $(firstword $(wildcard /usr/include/oneapi/dnnl/dnnl.h /usr/local/include/oneapi/dnnl/dnnl.h))

$B/bench/run: $(BENCHOBJ)
	$(CC) $(LDFLAGS) -o $@ $(BENCHOBJ) -lm -ldl -pthread

bench: all $B/bench/run
	@$(PY) bench/bench.py --zenithc $B/zenithc --run $B/bench/run --runtime $B/libzenith_rt.a --work $B/bench/work \
		--models '$(MODELS)' --zoo '$(ZOO)' --threads $(THREADS) --seconds $(SECONDS) --clock $(CLOCK) \
		--json $(BENCH).json --svg $(BENCH).svg $(if $(AGAINST),--against '$(AGAINST)') $(NETS)

# single shapes beside oneDNN 2, where its header is
$B/bench/kernels.o: $(DNNL)

$B/bench/kernels: $(addprefix $B/bench/,kernels.o job.o yard.o) $(LIBOBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(if $(DNNL),-ldnnl) $(LDLIBS) -pthread

bench-kernels: SECONDS = 2
bench-kernels: all $B/bench/kernels
	@$(PY) bench/kernels.py --zenithc $B/zenithc --run $B/bench/kernels --work $B/bench/work --threads $(THREADS) --seconds $(SECONDS) \
		--json $B/bench/kernels-$(THREADS).json $(SHAPES)

# what -march=native would add to -O3
bench-flags: SECONDS = 5
bench-flags: all $B/bench/flags
	@$(PY) bench/flags.py --zenithc $B/zenithc --run $B/bench/flags --work $B/bench/work --seconds $(SECONDS) \
		--models '$(MODELS)' --zoo '$(ZOO)' $(NETS)

$B/bench/flags: bench/flags.c runtime/zenith.h
	@mkdir -p $(@D)
	$(CC) $(ALLCPP) $(CFLAGS) $(LDFLAGS) -o $@ $< -ldl

.PHONY: bench bench-flags bench-kernels
-include $(BENCHOBJ:.o=.d) $B/bench/kernels.d
