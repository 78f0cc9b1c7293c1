#!/bin/sh
# The pool of threads, and models in parts: the pool by itself, plainly and under ThreadSanitizer; of each model the same
# outputs with one thread, two and three, without warnings; under ThreadSanitizer two contexts that share a pool.
# usage: threads.sh ZENITHC MODEL.onnx...    (two at a time; a test build of zenithc divides all that it can)
root=$(cd "$(dirname "$0")/.." && pwd)
absolute() { case $1 in /*) echo "$1";; *) echo "$PWD/$1";; esac; }
one=
[ "$1" != --one ] || { one=1; shift; }
z=$(absolute "$1"); shift
warn="-Wall -Wextra -Wpedantic -Wconversion -Werror"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
ok() { echo ok; }
bad() { echo "FAIL $*"; sed 's/^/	/; 5q' "$tmp/log"; }
try() { "$@" >"$tmp/log" 2>&1; }

pool="$root/runtime/zenith_pool.c"
tsan="-O1 -g -fsanitize=thread"
TSAN_OPTIONS=halt_on_error=1; export TSAN_OPTIONS

# outputs with N threads into $d/N
outputs() { try "$z" run "$m" --threads "$1" --seed 5 -o "$d/$1" --format=pb --cc "gcc -O1 -w"; }

one() {
	m=$1 name=$(basename "$(dirname "$1")") d=$tmp
	if ! outputs 1; then echo "skip $name: $(head -1 "$d/log")"; return; fi
	for n in 2 3; do
		if outputs $n && try diff -r "$d/1" "$d/$n"; then ok; else bad "$name with $n threads"; fi
	done
	try "$z" "$m" --threads 3 -o "$d/m.c" || { bad "$name"; return; }
	if (cd "$d" && try gcc -std=c99 $warn -O1 -S -o /dev/null m.c &&
	    try g++ -x c++ -std=c++17 $warn -fsyntax-only m.c && try clang -std=c99 $warn -fsyntax-only m.c); then ok
	else bad "$name: warnings"; fi
	if grep -q zn_fork "$d/m.c"; then ok; else echo nothing in parts >"$d/log"; bad "$name"; fi
	if try gcc -w -O0 -DM_NO_POOL -c -o "$d/m.o" "$d/m.c" && ! nm -u "$d/m.o" | grep zenith_pool >"$d/log"; then ok
	else bad "$name: needs the runtime without a pool"; fi
	# the driver knows static shapes of plain tensors
	if [ -z "$have_tsan" ] || ! grep -q zenith_pool_shared "$d/m.c" || ! grep -q 'define M_WORKSPACE_BYTES' "$d/m.h" ||
	    grep -q '_capacity;' "$d/m.h"; then return; fi
	if try gcc $tsan -w -o "$d/t" "$root/test/threads.c" "$d/m.c" "$pool" -lm -lpthread && try "$d/t"; then ok
	else bad "$name: contexts that share a pool"; fi
}

if [ "${one-}" ]; then one "$(absolute "$1")"; exit 0; fi
all=$tmp/all have_tsan=
exec 3>&1 >"$all"
echo 'int main(void){return 0;}' >"$tmp/t.c"
try gcc $tsan -o "$tmp/t" "$tmp/t.c" && try "$tmp/t" && have_tsan=1
[ "$have_tsan" ] || echo "skip: no ThreadSanitizer"
export have_tsan

for c in "gcc -std=gnu99" "clang -std=gnu99" "g++ -x c++ -std=c++17"; do
	if try $c $warn -O2 -c -o "$tmp/p.o" "$pool"; then ok; else bad "$c $pool"; fi
done
if try gcc -O2 -o "$tmp/pool" "$root/test/pool.c" "$pool" -lpthread && try "$tmp/pool"; then ok; else bad pool; fi
if [ "$have_tsan" ]; then
	if try gcc $tsan -o "$tmp/pool" "$root/test/pool.c" "$pool" -lpthread && try "$tmp/pool" tsan; then ok; else bad "pool, watched"; fi
fi

# nothing that two write at once mixes: each model's lines come together
printf '%s\n' "$@" | xargs -P 2 -n 1 sh -c 'out=$(sh "$0" --one "$1" "$2") || exit 1; echo "$out"' "$root/test/threads.sh" "$z" ||
	echo "FAIL a model without a result"
exec >&3
grep -v '^ok$' "$all"
count() { grep -c "^$1" "$all"; }
echo "threads: $(count ok) passed, $(count FAIL) failed, $(count skip) skipped"
[ "$(count FAIL)" = 0 ]
