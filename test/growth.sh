#!/bin/sh
# Nothing is quadratic: ten times the nodes may cost at most fifteen times the instructions.
# usage: growth.sh ZENITHC PYTHON [KIND]
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT INT TERM
command -v valgrind >/dev/null || { echo "no valgrind: skipped"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
models=$(dirname "$0")/growth.py

instructions() {
	valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$1" "$2" -o "$d/out.c" 2>&1 >/dev/null |
		sed -n 's/.*I *refs: *//p' | tr -d ,
}

# without a kind all of them, two at a time
if [ -z "${3-}" ]; then
	"$2" "$models" | tr ' ' '\n' | xargs -n 1 -P 2 sh "$0" "$1" "$2" | tee "$d/log"
	fail=$(grep -c '^FAIL' "$d/log")
	[ "$(grep -c ' tenths$' "$d/log")" = "$("$2" "$models" | wc -w)" ] || fail=$((fail + 1))
	echo "$(grep -c '^ok' "$d/log") passed, $fail failed"
	[ "$fail" = 0 ]
	exit
fi
"$2" "$models" "$3" 400 "$d/small.onnx" && "$2" "$models" "$3" 4000 "$d/large.onnx" || exit 1
a=$(instructions "$1" "$d/small.onnx") b=$(instructions "$1" "$d/large.onnx") how=FAIL
[ "$a" ] && [ "$b" ] && [ $((b / 15)) -le "$a" ] && how=ok
echo "$how $3: 400 nodes $a instructions, 4000 nodes $b, $((b * 10 / ${a:-1})) tenths"
