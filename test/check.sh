#!/bin/sh
# Every test, in order of cost; goes on after a failure. Variables, from the Makefile: B MODELS ZOO PY.
# STEPS="unit conform" runs only these; the last line counts what all of them counted. Before it stands what each cost:
# seconds on the clock and of processors, which on a machine that others use too say more. After it stand again the last
# lines of each step that failed; the whole of what NAME printed is in $B/steps/NAME.out.
# --step NAME: nothing but that, and no account
cd "$(dirname "$0")/.." || exit 1
z=$B/check/zenithc
log=$B/check.log d=$B/steps only= queue=
[ "${1-}" != --step ] || only=$2
export BEGAN=${BEGAN:-$(date +%s)}

wanted() {
	case " ${STEPS-${1%%:*}} " in *" ${1%%:*} "*) [ "${only:-$1}" = "$1" ];; *) false;; esac
}

number() { grep -oE "[0-9]+ $1" "$d/$name.out" | tail -1 | cut -d' ' -f1; }

# a command in a shell of its own, which knows the processor seconds of all that has ended in it
measure() (
	at=$(date +%s)
	echo "== $name ($((at - BEGAN)) s)"
	"$@" 2>&1
	echo $? >"$d/$name.rc"
	times >"$d/$name.times"
	cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); n += t[1]*60 + t[2] } print int(n + .5) }' "$d/$name.times")
	printf '%-20s %6d s %6d s of processors\n' "$name" $(($(date +%s) - at)) "$cpu" >>"$log.cost"
)

# step NAME COMMAND...: its last line with "N passed, N failed" counts; without one it is one test
step() {
	wanted "$1" || return 0
	name=$1; shift
	echo 1 >"$d/$name.rc"
	measure "$@" | tee "$d/$name.out"
	rc=$(cat "$d/$name.rc") p=$(number passed) f=$(number failed) s=$(number skipped)
	[ "$rc" = 0 ] && [ -z "$p" ] && p=1
	[ "$rc" != 0 ] && [ "${f:-0}" = 0 ] && f=1 && echo "FAIL $name: exit $rc"
	[ "${f:-0}" = 0 ] || { echo "== failed: $name"; tail -n 20 "$d/$name.out" | cut -c1-400; } >>"$log.failed"
	echo "${p:-0} ${f:-0} ${s:-0}" >>"$log.counts"
	ran=1
}

# a step that keeps one core busy: `together` starts it
small() {
	if [ "$only" ]; then step "$@"; elif wanted "$1"; then queue="$queue $1"; fi
}

# the small steps that wait, two at a time; what each printed when it has ended
together() {
	[ "$queue" ] || return 0
	printf '%s\n' $queue | xargs -P 2 -I @ \
		sh -c 'sh test/check.sh --step @ >"$0/@.told" 2>&1 || echo "0 1 0" >>"$1"; echo @' "$d" "$log.counts" |
		while read -r name; do cat "$d/$name.told"; done
	queue=
}

# a step that WHOLE=1 runs: another pair of level and compiler, which takes long and has found little
whole() {
	if [ -n "${WHOLE-}" ]; then step "$@"; else left="${left-} $1"; fi
}
# all variants of kernels of the models of others are compiled in generated, too
HOST=--host
[ -z "${WHOLE-}" ] || ZOO_TOO="--zoo $ZOO" HOST=

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

[ -x "$PY" ] || { echo "no $PY: run ./bootstrap first"; exit 1; }
mkdir -p "$d"
[ "$only" ] || for f in cost failed counts; do : >"$log.$f"; done
small unit units
small golden sh test/golden.sh "$z"
small cli sh test/cli.sh "$z"
small io "$PY" test/io.py "$z"
small lint lint
small bench "$PY" test/bench.py "$z"
small faults faults
small decoder "$PY" test/decoder.py "$z" "$ZOO"
small cases cases
small beside beside
small proto "$PY" test/proto.py compiler/onnx/onnx.proto
small attributes "$PY" test/attributes.py compiler
small zoo fill
together
step attacks "$PY" test/attacks.py "$z"
step opsets "$PY" test/opsets.py "$z"
step contrib "$PY" test/contrib.py "$z"
step recurrent "$PY" test/recurrent.py --zenithc "$z"
step families "$PY" test/families.py --zenithc "$z"
step convs "$PY" test/convs.py --zenithc "$z"
step quantised "$PY" test/quantised.py --zenithc "$z"
step conform:O3-gcc conform -O3 --cc "gcc -O1 -w"
whole conform:O3-clang conform -O3 --cc "clang -O1 -w"
whole conform:O0-gcc conform -O0 --cc "gcc -O1 -w"
step conform:O0-clang conform -O0 --cc "clang -O1 -w"
step models:O3-gcc models -O3 --cc "gcc -O3 -w" $HOST
step models:O3-clang models -O3 --cc "clang -O1 -w" $HOST ${ZOO_TOO:---zoo none}
step models:O0-gcc models -O0 --cc "gcc -O2 -w"
whole models:O0-clang models -O0 --cc "clang -O2 -w"
step threads sh test/threads.sh "$z" examples/digits/digits.onnx $(threaded)
step conform:threads conform -O3 --threads 3 --cc "gcc -O1 -w" 'lstm|gru|attention|softmax|layer_norm|_loop|scan|conv_|concat|scatter|light_'
step asan sanitized all
step generated:O3 generated -O3
step attacks:asan "$PY" test/attacks.py "$B/asan/zenithc"
step hostile "$PY" test/hostile.py "$B/asan/zenithc" 40 examples/digits/digits.onnx test/golden/*.onnx
step fuzz sanitized fuzz-smoke
step random "$PY" test/random_graphs.py --zenithc "$z" --asan "$B/asan/zenithc" --count 300 --kernels 120 --keep "$B/random"
step features "$PY" test/features.py --zenithc "$z"
step control "$PY" -W ignore test/control.py --zenithc "$z"
step draws "$PY" -W ignore test/draws.py --zenithc "$z"
step sequences "$PY" test/sequences.py --zenithc "$z" --count 60
step growth sh test/growth.sh "$B/zenithc" "$PY"
small vector sh test/vector.sh "$B/check/unit/vector"
small firmware "$PY" test/firmware.py "$B/zenithc" "$MODELS" "$B/firmware"
small arguments "$PY" -W ignore test/arguments.py "$z" "$MODELS"
small cross sh test/cross.sh "$B/zenithc"
small plan "$PY" test/plan.py --zenithc "$B/zenithc" --models "$MODELS" --zoo "$ZOO"
small ci sh test/ci.sh "$z" examples/digits/digits.onnx test/golden/loop.onnx test/golden/matmul_dynamic.onnx
small server sh test/server.sh "$z" "$PY"
small found sh test/fuzz/found.sh "$B/asan/zenithc"
small filetype sh test/examples.sh filetype "$z" "$B"
small voice sh test/examples.sh voice "$z" "$B"
small denormals "$PY" test/denormals.py "$B/zenithc" "$B/libzenith_rt.a"
small dotprod "$PY" test/dotprod.py "$B/zenithc"
together
[ -z "$only" ] || { [ "${ran-}" ]; exit; }
cat "$log.cost"
[ -n "${STEPS-}" ] || [ -z "${left-}" ] || echo "not run without WHOLE=1:$left, the zoo in models:O3-clang"
echo "== all tests in $(($(date +%s) - BEGAN)) s"
cat "$log.failed"
awk '{ p += $1; f += $2; s += $3 } END { print p+0 " passed, " f+0 " failed, " s+0 " skipped"; exit f > 0 }' "$log.counts"
