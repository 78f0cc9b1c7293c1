#!/bin/sh
# What fuzzing found once: test/fuzz/found/NAME.onnx, .npy, .npz, .pb are refused or compiled, with a word about why, in
# time and memory. usage: found.sh ZENITHC (built with sanitizers)
z=$1
case $z in /*) ;; *) z=$PWD/$z;; esac
cd "$(dirname "$0")/found" || exit 1
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT INT TERM
export ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=4000
pass=0 fail=0
limits="--limit elements=1048576 --limit fold=1048576 --limit work=4194304 --limit source=8388608 --limit nodes=5000 --limit split=200"

one() {
	timeout 60 "$z" "$@" >"$tmp/text" 2>&1
	rc=$?
	case $rc in 0|3|4|6) bad=;; *) bad=1;; esac
	grep -qE 'Sanitizer|runtime error' "$tmp/text" && bad=1
	[ $rc != 0 ] && [ ! -s "$tmp/text" ] && bad=1
	if [ $bad ]; then fail=$((fail + 1)); echo "FAIL $*: exit $rc"; grep -m5 -E 'bug|ERROR|error|#[0-5] ' "$tmp/text"; else pass=$((pass + 1)); fi
}

for f in *.onnx; do
	[ -f "$f" ] || continue
	one "$f" $limits -O0 -o "$tmp/a.c"
	one "$f" $limits --threads 3 -o "$tmp/a.c"
done
for f in *.npy *.npz *.pb; do
	[ -f "$f" ] && one run ../../golden/dense.onnx -i x="$f" -o "$tmp"
done
echo "found: $pass passed, $fail failed"
[ $fail = 0 ] && [ $pass -gt 0 ]
