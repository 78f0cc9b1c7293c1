#!/bin/sh
# The generated C of some models: the same bytes from two folders; no warning from any compiler, as C99 and as C++17; compiled
# from a foreign working directory; no finding of the sanitizers while it computes.
# usage: ccheck.sh ZENITHC SANITIZED_ZENITHC -O MODEL.onnx...    (two at a time; SANITIZED_ZENITHC may be "-")
warn="-Wall -Wextra -Wpedantic -Wconversion -Werror"

have() { command -v "$1" >/dev/null; }

fail() { echo "FAIL $name $level: $1"; [ -f log ] && head -5 log; rm -rf "$d"; exit 1; }

compile() {
	"$@" >log 2>&1 || fail "$*"
}

# zenithc and an instrumented build of it load the instrumented library, so that both are watched
# drawn inputs may be refused with a status, which is no finding
sanitize() {
	ASAN_OPTIONS=detect_leaks=0 "$z" run "$m" "$level" -o out --format=pb --cc \
		"gcc -O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all" >log 2>&1 ||
		grep -q 'error: running the model: .*(status [0-9]*)' log || fail "run under the sanitizers"
}

one() {
	z=$2 level=$3 m=$4 name=$(basename "$(dirname "$4")")/$(basename "$4" .onnx)
	d=$(mktemp -d) && mkdir "$d/a" "$d/b" && cd "$d/a" || exit 1
	"$1" "$m" "$level" -o m.c >log 2>&1
	case $? in 0) ;; 4) echo "skip $name: $(head -1 log)"; rm -rf "$d"; exit 0;; *) fail "zenithc";; esac
	(cd ../b && "$1" "$m" "$level" -o m.c >/dev/null 2>&1)
	for f in m.c m.h m.c.bin; do
		[ ! -e $f ] || cmp -s $f ../b/$f || fail "$f differs between two runs"
	done
	compile gcc -std=c99 $warn -O2 -S -o /dev/null m.c
	for c in clang clang-19; do
		have $c || continue
		compile $c -std=c99 $warn -fsyntax-only m.c
		compile $c -x c++ -std=c++17 $warn -fsyntax-only m.c
	done
	compile g++ -x c++ -std=c++17 $warn -fsyntax-only m.c
	(cd / && gcc -std=c99 -w -c -o "$d/a/m.o" "$d/a/m.c") >log 2>&1 || fail "compiling from another folder"
	if nm -u m.o | grep -wE 'malloc|calloc|realloc|free|printf|fopen|abort|exit' >log; then fail "uses the heap or stdio"; fi
	[ "$z" = - ] || sanitize
	echo "ok $name"
	rm -rf "$d"
}

if [ "$1" = --one ]; then shift; one "$@"; exit; fi
self=$(cd "$(dirname "$0")" && pwd)/ccheck.sh
absolute() { case $1 in /*|-) echo "$1";; *) echo "$PWD/$1";; esac; }
z=$(absolute "$1") s=$(absolute "$2") level=$3
shift 3
out=$(for m; do absolute "$m"; done | xargs -P 2 -n 1 sh "$self" --one "$z" "$s" "$level")
echo "$out" | grep -v '^ok'
count() { echo "$out" | grep -c "^$1 "; }
echo "generated C at $level: $(count ok) passed, $(count FAIL) failed, $(count skip) skipped"
[ "$(count FAIL)" = 0 ]
