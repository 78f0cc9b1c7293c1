#!/bin/sh
# Every test, in order of cost; goes on after a failure. Variables, from the Makefile: B MODELS ZOO PY.
# STEPS="unit conform" runs only these; the last line counts what all of them counted. Before it stands what each cost:
# seconds on the clock and of processors, which on a machine that others use too say more. After it stand again the last
# lines of each step that failed.
cd "$(dirname "$0")/.." || exit 1
z=$B/check/zenithc
passed=0 failed=0 skipped=0 log=$B/check.log began=$(date +%s)

number() { grep -oE "[0-9]+ $1" "$log" | tail -1 | cut -d' ' -f1; }

# processor seconds of all that has ended so far; in this shell, since another has none
spent() {
	times >"$log.times"
	cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); n += t[1]*60 + t[2] } print int(n + .5) }' "$log.times")
}

# step NAME COMMAND...: its last line with "N passed, N failed" counts; without one it is one test
step() {
	name=$1; shift
	case " ${STEPS-${name%%:*}} " in *" ${name%%:*} "*) ;; *) return;; esac
	spent
	at=$(date +%s) before=$cpu
	echo "== $name ($((at - began)) s)"
	{ "$@" 2>&1; echo $? >"$log.rc"; } | tee "$log"
	rc=$(cat "$log.rc") p=$(number passed) f=$(number failed) s=$(number skipped)
	[ "$rc" = 0 ] && [ -z "$p" ] && p=1
	[ "$rc" != 0 ] && [ "${f:-0}" = 0 ] && f=1 && echo "FAIL $name: exit $rc"
	spent
	printf '%-20s %6d s %6d s of processors\n' "$name" $(($(date +%s) - at)) $((cpu - before)) >>"$log.cost"
	[ "${f:-0}" = 0 ] || { echo "== failed: $name"; tail -n 20 "$log" | cut -c1-400; } >>"$log.failed"
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
}

# a step that WHOLE=1 runs: another pair of level and compiler, which takes long and has found little
whole() {
	if [ -n "${WHOLE-}" ]; then step "$@"; else left="${left-} $1"; fi
}
[ -z "${WHOLE-}" ] || ZOO_TOO="--zoo $ZOO"

units() {
	p=0 f=0
	for t in test/unit/*.c; do
		[ -f "$t" ] || continue
		t=$B/check/unit/$(basename "$t" .c)
		if $t >"$log.unit" 2>&1; then p=$((p + 1)); else f=$((f + 1)); echo "FAIL $t"; cat "$log.unit"; fi
	done
	echo "$p passed, $f failed"
	[ $f = 0 ]
}

# warnings of both compilers are errors
lint() {
	for c in gcc clang; do
		for f in compiler/*.c compiler/*/*.c codegen/*.c bench/*.c; do
			$c -std=gnu11 -I"$B" -Icompiler -I. -Wall -Wextra -Werror -fsyntax-only "$f" || return 1
		done
	done
}

conform() { "$PY" test/conform.py --zenithc "$z" --cases "$B/cases" "$@"; }
models() { "$PY" test/models.py --timeout 900 --zenithc "$z" --models "$MODELS" --zoo "$ZOO" --out "$B/cases-models" "$@"; }
faults() { gcc -O1 -fPIC -shared -o "$B/faults.so" test/faults.c -ldl && "$PY" test/faults.py "$z" "$B/faults.so"; }
beside() { make -s B="$B" "$B/bench/run" && "$PY" test/beside.py "$B"; }
threaded() {
	for m in apollo_policy bert_mrpc_keras_toy crop_and_resize_loop dtln_model_1 mlperf_kws_dscnn_qdq mnist8_cntk \
			point_history_lstm self_attention_mnist silero_vad_v5 yunet_n_dynamic; do
		echo "$MODELS/$m/model.onnx"
	done
}
fill() { make -s zoo B="$B" MODELS="$MODELS" ZOO="$ZOO" PY="$PY"; }
cases() { "$PY" -W ignore test/backend.py "$B/cases"; }
generated() { sh test/ccheck.sh "$z" "$B/asan/zenithc" "$@" examples/digits/digits.onnx "$MODELS"/*/model.onnx; }
sanitized() { s=-fsanitize=address,undefined; make -s -j2 B="$B/asan" CFLAGS="-O1 -g1 -w $s -fno-sanitize-recover=undefined" LDFLAGS="$s" "$1"; }

: >"$log.cost"
: >"$log.failed"
[ -x "$PY" ] || { echo "no $PY: run ./bootstrap first"; exit 1; }
step unit units
step golden sh test/golden.sh "$z"
step cli sh test/cli.sh "$z"
step io "$PY" test/io.py "$z"
step attacks "$PY" test/attacks.py "$z"
step faults faults
step bench "$PY" test/bench.py "$z"
step beside beside
step lint lint
step proto "$PY" test/proto.py compiler/onnx/onnx.proto
step opsets "$PY" test/opsets.py "$z"
step contrib "$PY" test/contrib.py "$z"
step decoder "$PY" test/decoder.py "$z" "$ZOO"
step recurrent "$PY" test/recurrent.py --zenithc "$z"
step families "$PY" test/families.py --zenithc "$z"
step convs "$PY" test/convs.py --zenithc "$z"
step quantised "$PY" test/quantised.py --zenithc "$z"
step cases cases
step zoo fill
step conform:O3-gcc conform -O3 --cc "gcc -O1 -w"
whole conform:O3-clang conform -O3 --cc "clang -O1 -w"
whole conform:O0-gcc conform -O0 --cc "gcc -O1 -w"
step conform:O0-clang conform -O0 --cc "clang -O1 -w"
step models:O3-gcc models -O3 --cc "gcc -O3 -w"
step models:O3-clang models -O3 --cc "clang -O1 -w" ${ZOO_TOO:---zoo none}
step models:O0-gcc models -O0 --cc "gcc -O2 -w"
whole models:O0-clang models -O0 --cc "clang -O2 -w"
step threads sh test/threads.sh "$z" examples/digits/digits.onnx $(threaded)
step conform:threads conform -O3 --threads 3 --cc "gcc -O1 -w" 'lstm|gru|attention|softmax|layer_norm|_loop|scan|conv_|concat|scatter|light_'
step asan sanitized all
step generated:O3 generated -O3
step attacks:asan "$PY" test/attacks.py "$B/asan/zenithc"
step hostile "$PY" test/hostile.py "$B/asan/zenithc" 40 examples/digits/digits.onnx test/golden/*.onnx
step found sh test/fuzz/found.sh "$B/asan/zenithc"
step fuzz sanitized fuzz-smoke
step random "$PY" test/random_graphs.py --zenithc "$z" --asan "$B/asan/zenithc" --count 300 --kernels 120 --keep "$B/random"
step filetype sh test/examples.sh filetype "$z" "$B"
step voice sh test/examples.sh voice "$z" "$B"
step features "$PY" test/features.py --zenithc "$z"
step control "$PY" -W ignore test/control.py --zenithc "$z"
step draws "$PY" -W ignore test/draws.py --zenithc "$z"
step sequences "$PY" test/sequences.py --zenithc "$z" --count 60
step denormals "$PY" test/denormals.py "$B/zenithc" "$B/libzenith_rt.a"
step arguments "$PY" -W ignore test/arguments.py "$z" "$MODELS"
step server sh test/server.sh "$z" "$PY"
step ci sh test/ci.sh "$z" examples/digits/digits.onnx test/golden/loop.onnx test/golden/matmul_dynamic.onnx
step cross sh test/cross.sh "$B/zenithc"
step firmware "$PY" test/firmware.py "$B/zenithc" "$MODELS" "$B/firmware"
step dotprod "$PY" test/dotprod.py "$B/zenithc"
step vector sh test/vector.sh "$B/check/unit/vector"
step plan "$PY" test/plan.py --zenithc "$B/zenithc" --models "$MODELS" --zoo "$ZOO"
step growth sh test/growth.sh "$B/zenithc" "$PY"
cat "$log.cost"
[ -n "${STEPS-}" ] || [ -z "${left-}" ] || echo "not run without WHOLE=1:$left, the zoo in models:O3-clang"
echo "== all tests in $(($(date +%s) - began)) s"
cat "$log.failed"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
