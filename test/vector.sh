#!/bin/sh
# The vector helpers beyond what test/unit/vector.c runs: no warning from any compiler, as C99 and as C++17, with no
# option for the processor; other optimisation; AArch64 under qemu.
# usage: vector.sh PRINTER    (build/check/unit/vector)
print=$1
cd "$(dirname "$0")/.." || exit 1
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT INT TERM
warn="-Wall -Wextra -Wpedantic -Wconversion -Wpsabi -Werror"
pass=0 fail=0 skip=0

have() { command -v "$1" >/dev/null || { echo "no $1: skipped"; skip=$((skip + 1)); return 1; }; }
check() {
	what=$1; shift
	if "$@" >"$d/log" 2>&1; then pass=$((pass + 1)); return; fi
	fail=$((fail + 1)); echo "FAIL $what: $*"; head -20 "$d/log" 
}
quiet() { "$@" -D_GNU_SOURCE $warn -S -o "$d/x.s"; }

for f in helpers; do
	for l in 16 8 4; do
		"$print" test/vector/$f.c $l >"$d/$f$l.c" || { echo "FAIL printing $f.c"; exit 1; }
	done
	for l in 16 8; do
		[ "$(uname -m)" = x86_64 ] || continue
		for o in -O0 -O2 -O3; do
			for c in gcc clang; do
				have $c && check "warnings" quiet $c -std=c99 $o "$d/$f$l.c"
			done
			have g++ && check "warnings" quiet g++ -x c++ -std=c++17 $o "$d/$f$l.c"
			have clang++ && check "warnings" quiet clang++ -x c++ -std=c++17 $o "$d/$f$l.c"
		done
		for how in "gcc -O0" "gcc -O3 -march=native" "clang -O2" "clang -O0"; do
			have ${how%% *} || continue
			check "$f, $l lanes" $how -std=gnu99 -w -o "$d/x" "$d/$f$l.c" -lm
			check "$f, $l lanes, $how" "$d/x"
		done
	done
	if have aarch64-linux-gnu-gcc && have qemu-aarch64; then
		check "warnings" quiet aarch64-linux-gnu-gcc -std=c99 -O2 "$d/${f}4.c"
		check "$f, 4 lanes" aarch64-linux-gnu-gcc -std=gnu99 -O2 -static -w -o "$d/x" "$d/${f}4.c" -lm
		check "$f, 4 lanes" qemu-aarch64 "$d/x"
	fi
done
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
