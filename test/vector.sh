#!/bin/sh
# The vector helpers beyond what test/unit/vector.c runs: no warning from any compiler, as C99 and as C++17, 
# with no option for the processor; other optimisation; AArch64 under qemu.
# usage: vector.sh PRINTER [soak]    (build/check/unit/vector; soak: functions on all patterns of 32 bits)
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
quiet() { check "a warning" "$@" -D_GNU_SOURCE $warn -S -o "$d/x.s"; }
program() { "$print" "test/vector/$1.c" "$2" >"$d/$1$2.c" || { echo "FAIL printing $1.c"; exit 1; }; }

x86() {
	for o in -O0 -O2; do
		for c in gcc clang; do
			have $c && quiet $c -std=c99 $o "$d/$1.c"
		done
		for c in g++ clang++; do
			have $c && quiet $c -x c++ -std=c++17 $o "$d/$1.c"
		done
	done
	san="gcc -O1 -fsanitize=undefined,address -fno-sanitize-recover"
	for how in "gcc -O0" "gcc -O3 -march=native" "clang -O2" "$san"; do
		have ${how%% *} || continue
		check "$how" $how -std=gnu99 -w -o "$d/x" "$d/$1.c" -lm
		check "$1 by $how" "$d/x"
		[ "$1" = helpers16 ] || continue
		for isa in avx512 avx2; do
			loops $isa $how
			check "loops for $isa by $how" "$d/x"
		done
	done
}

# ISA COMPILER...: loops in lanes, as they are printed for it
loops() {
	isa=$1; shift
	"${print%/*}/lanes" "$isa" >"$d/$isa.c" || { echo "FAIL printing for $isa"; exit 1; }
	check "$isa by $1" "$@" -std=gnu99 -w -o "$d/x" "$d/$isa.c" -lm
}

arm() {
	cross=/usr/aarch64-linux-gnu/include
	if have clang && [ -d $cross ]; then
		quiet clang --target=aarch64-linux-gnu -isystem $cross -std=c99 -O2 "$d/$1.c"
		quiet clang --target=aarch64-linux-gnu -isystem $cross -x c++ -std=c++17 -O2 "$d/$1.c"
	fi
	have aarch64-linux-gnu-gcc && have qemu-aarch64 || return
	quiet aarch64-linux-gnu-gcc -std=c99 -O2 "$d/$1.c"
	check "for NEON" aarch64-linux-gnu-gcc -std=gnu99 -O2 -static -w -o "$d/x" "$d/$1.c" -lm
	check "$1 under qemu" qemu-aarch64 "$d/x"
	[ "$1" = helpers4 ] || return
	loops neon aarch64-linux-gnu-gcc -O2 -static
	check "loops under qemu" qemu-aarch64 "$d/x"
}

if [ "$2" = soak ]; then
	for l in 16 8; do
		program functions $l
		gcc -std=gnu99 -O2 -w -o "$d/x$l" "$d/functions$l.c" -lm || exit 1
	done
	"$d/x16" 1 >"$d/log16" & "$d/x8" 1; r=$?
	wait $! && [ $r = 0 ]; r=$?
	cat "$d/log16"
	exit $r
fi
for f in helpers functions; do
	for l in 16 8 4; do program $f $l; done
	[ "$(uname -m)" = x86_64 ] && x86 ${f}16 && x86 ${f}8
	arm ${f}4
done
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
