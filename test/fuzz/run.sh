#!/bin/sh
# The fuzz targets TARGET... of B/fuzz/obj/fuzz, one after the other, each for SECONDS; exit 1 if there are findings.
# usage: run.sh B SECONDS TARGET...        environment: PY MODELS
#   B/fuzz/corpus/TARGET   what reached new code, kept; made of seeds.py's the first time
#   B/fuzz/found/TARGET    inputs that crash, take more than 20 s or too much memory: one is a finding until it is fixed
#                          and lies, made small, in test/fuzz/found
#   B/fuzz/log             a line per run: target, processor seconds, executions, findings. The sums are printed
# Several may run at once.
b=$1/fuzz seconds=$2; shift 2
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
common="-rss_limit_mb=2500 -malloc_limit_mb=600 -timeout=20 -max_len=32768 -len_control=0 -print_final_stats=1"
log=$b/log tmp=$b/tmp.$$ found=0

# processor seconds of what has ended; of this shell, since one behind a pipe has none
cpu() { times >"$tmp/times"; awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); n += t[1]*60 + t[2] } print int(n + .5) }' "$tmp/times"; }
kind() { [ "$1" = data ] && echo data || echo model; }

seeds() {
	[ -d "$b/seeds" ] || "$PY" test/fuzz/seeds.py "$b/seeds" test/golden examples/digits "$MODELS" "${b%/fuzz}/cases" || exit 1
	[ -d "$b/corpus/$1" ] && return
	echo "$1: a corpus from the seeds, which takes minutes"
	mkdir -p "$b/corpus/$1"
	"$b/obj/fuzz/$1" -merge=1 $common -artifact_prefix="$tmp/found/" "$b/corpus/$1" "$b/seeds/$(kind "$1")" >"$tmp/merge" 2>&1
}

# a short run begins with a part of the corpus, since all of it takes minutes to read
start() {
	mkdir "$tmp/in"
	if [ "$seconds" -ge 1000 ]; then ls "$b/corpus/$1"; else ls "$b/corpus/$1" | shuf -n $((seconds * 2)); fi |
		while read -r f; do ln "$b/corpus/$1/$f" "$tmp/in/"; done
}

target() {
	rm -rf "$tmp"; mkdir -p "$tmp/new" "$tmp/found" "$b/found/$1"
	cpu >"$tmp/cpu"
	from=$(cat "$tmp/cpu")
	seeds "$1"; start "$1"
	"$b/obj/fuzz/$1" $common -fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1 -max_total_time="$seconds" \
		-artifact_prefix="$tmp/found/" "$tmp/new" "$tmp/in" >"$tmp/text" 2>&1
	find "$tmp/new" -type f -exec mv {} "$b/corpus/$1/" \;
	executions=$(sed -n 's/^#\([0-9]*\).*/\1/p; s/^stat::number_of_executed_units: *//p' "$tmp/text" | sort -n | tail -1)
	n=$(ls "$tmp/found" | wc -l)
	find "$tmp/found" -type f -exec mv {} "$b/found/$1/" \;
	cpu >"$tmp/cpu"
	echo "$1 $(($(cat "$tmp/cpu") - from)) ${executions:-0} $n" >>"$log"
	[ $n = 0 ] || { found=$((found + n)); echo "FAIL fuzz $1: $n in $b/found/$1"; grep -m3 -E 'ERROR: |runtime error|^status|bug in' "$tmp/text"; }
	[ "${executions:-0}" -gt 0 ] || { found=$((found + 1)); echo "FAIL fuzz $1: nothing ran"; tail -5 "$tmp/text"; }
}

mkdir -p "$b"
for t in "$@"; do target "$t"; done
rm -rf "$tmp"
awk '{ c[$1] += $2; e[$1] += $3; f[$1] += $4 }
	END { for (t in c) printf "fuzz %-8s %8.1f minutes of a processor %10d executions %4d findings, in all runs\n", t, c[t]/60, e[t], f[t] }' "$log"
[ $found = 0 ]
