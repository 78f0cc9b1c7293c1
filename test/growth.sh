#!/bin/sh
# Nothing is quadratic: ten times the nodes may cost at most fifteen times the instructions. usage: growth.sh ZENITHC PYTHON
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT INT TERM
command -v valgrind >/dev/null || { echo "no valgrind: skipped"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
fail=0 pass=0

instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" -o "$d/out.c" 2>&1 >/dev/null |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

for kind in $("$2" "$(dirname "$0")/growth.py"); do
	"$2" "$(dirname "$0")/growth.py" $kind 400 "$d/small.onnx" && "$2" "$(dirname "$0")/growth.py" $kind 4000 "$d/large.onnx" || exit 1
	a=$(instructions "$1" "$d/small.onnx") b=$(instructions "$1" "$d/large.onnx")
	if [ "$a" ] && [ "$b" ] && [ $((b / 15)) -le "$a" ]; then pass=$((pass + 1)); else fail=$((fail + 1)); echo "FAIL $kind"; fi
	echo "$kind: 400 nodes $a instructions, 4000 nodes $b, $((b * 10 / a)) tenths"
done
echo "$pass passed, $fail failed"
[ $fail = 0 ]
