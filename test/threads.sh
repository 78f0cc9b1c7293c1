#!/bin/sh
# The pool of threads, and models in parts: the pool by itself, plainly and under ThreadSanitizer; of each model the same
# outputs with one thread, two and three, without warnings; under ThreadSanitizer two contexts that share a pool.
# usage: threads.sh ZENITHC MODEL.onnx...    (a test build of zenithc divides all that it can)
root=$(cd "$(dirname "$0")/.." && pwd)
absolute() { case $1 in /*) echo "$1";; *) echo "$PWD/$1";; esac; }
z=$(absolute "$1"); shift
warn="-Wall -Wextra -Wpedantic -Wconversion -Werror"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
pass=0 fail=0 skip=0
ok() { pass=$((pass + 1)); }
bad() { fail=$((fail + 1)); echo "FAIL $*"; head -5 "$tmp/log"; }
try() { "$@" >"$tmp/log" 2>&1; }

pool="$root/runtime/zenith_pool.c"
tsan="-O1 -g -fsanitize=thread"
TSAN_OPTIONS=halt_on_error=1; export TSAN_OPTIONS
have_tsan=
echo 'int main(void){return 0;}' >"$tmp/t.c"
try gcc $tsan -o "$tmp/t" "$tmp/t.c" && try "$tmp/t" && have_tsan=1
[ "$have_tsan" ] || { echo "no ThreadSanitizer: skipped"; skip=$((skip + 1)); }

for c in "gcc -std=gnu99" "clang -std=gnu99" "g++ -x c++ -std=c++17"; do
	if try $c $warn -O2 -c -o "$tmp/p.o" "$pool"; then ok; else bad "$c $pool"; fi
done
if try gcc -O2 -o "$tmp/pool" "$root/test/pool.c" "$pool" -lpthread && try "$tmp/pool"; then ok; else bad pool; fi
if [ "$have_tsan" ]; then
	if try gcc $tsan -o "$tmp/pool" "$root/test/pool.c" "$pool" -lpthread && try "$tmp/pool" tsan; then ok; else bad "pool, watched"; fi
fi

# outputs with N threads into $tmp/N
outputs() { try "$z" run "$m" --threads "$1" --seed 5 -o "$tmp/$1" --format=pb --cc "gcc -O1 -w"; }

for m; do
	m=$(absolute "$m") name=$(basename "$(dirname "$m")")
	rm -rf "$tmp/1" "$tmp/2" "$tmp/3"
	if ! outputs 1; then skip=$((skip + 1)); echo "skip $name: $(head -1 "$tmp/log")"; continue; fi
	for n in 2 3; do
		if outputs $n && try diff -r "$tmp/1" "$tmp/$n"; then ok; else bad "$name with $n threads"; fi
	done
	try "$z" "$m" --threads 3 -o "$tmp/m.c" || { bad "$name"; continue; }
	if (cd "$tmp" && try gcc -std=c99 $warn -O1 -S -o /dev/null m.c &&
	    try g++ -x c++ -std=c++17 $warn -fsyntax-only m.c && try clang -std=c99 $warn -fsyntax-only m.c); then ok
	else bad "$name: warnings"; fi
	if grep -q zn_fork "$tmp/m.c"; then ok; else echo nothing in parts >"$tmp/log"; bad "$name"; fi
	if try gcc -w -O0 -DM_NO_POOL -c -o "$tmp/m.o" "$tmp/m.c" && ! nm -u "$tmp/m.o" | grep zenith_pool >"$tmp/log"; then ok
	else bad "$name: needs the runtime without a pool"; fi
	# the driver knows static shapes of plain tensors
	if [ -z "$have_tsan" ] || ! grep -q zenith_pool_shared "$tmp/m.c" || ! grep -q 'define M_WORKSPACE_BYTES' "$tmp/m.h" ||
	    grep -q '_capacity;' "$tmp/m.h"; then continue; fi
	if try gcc $tsan -w -o "$tmp/t" "$root/test/threads.c" "$tmp/m.c" "$pool" -lm -lpthread && try "$tmp/t"; then ok
	else bad "$name: contexts that share a pool"; fi
done
echo "threads: $pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
