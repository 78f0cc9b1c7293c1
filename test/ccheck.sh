#!/bin/sh
# The generated C of some models: the same bytes from two folders; no warning from any compiler, as C99 and as C++17; compiled
# from a foreign working directory; no finding of the sanitizers while it computes.
# usage: ccheck.sh ZENITHC SANITIZED_ZENITHC -O MODEL.onnx...    (two at a time; SANITIZED_ZENITHC may be "-")
warn="-Wall -Wextra -Wpedantic -Wconversion -Werror"

# where the processor has all that is asked of it, only the variants of kernels that run are compiled to be watched
all="-D__builtin_cpu_supports(x)=1"
for f in avx512f avx512bw avx512dq avx512vl avx512_vnni avx2 fma; do grep -qsw $f /proc/cpuinfo || all=; done

have() { command -v "$1" >/dev/null; }

fail() { echo "FAIL $name $level: $1"; [ -f log ] && head -5 log; rm -rf "$d"; exit 1; }

compile() {
	"$@" >log 2>&1 || fail "$*"
}

# zenithc and an instrumented build of it load the instrumented library, so that both are watched
# drawn inputs may be refused with a status, which is no finding
sanitize() {
	ASAN_OPTIONS=detect_leaks=0 "$z" run "$m" "$level" -o out --format=pb --cc \
		"gcc -O1 -w $all -fsanitize=address,undefined -fno-sanitize-recover=all" >log 2>&1 ||
		grep -q 'error: running the model: .*(status [0-9]*)' log || fail "run under the sanitizers"
}

one() {
	z=$2 level=$3 m=$4 name=$(basename "$(dirname "$4")")/$(basename "$4" .onnx)
	d=$(mktemp -d "$5/XXXXXX") && mkdir "$d/a" && mv "$(first_of "$5" "$4")" "$d/b" && cd "$d/a" || exit 1
	"$1" "$m" "$level" -o m.c >log 2>&1
	case $? in 0) ;; 4) echo "skip $name: $(head -1 log)"; rm -rf "$d"; exit 0;; *) fail "zenithc";; esac
	for f in m.c m.h m.c.bin; do
		[ ! -e $f ] || cmp -s $f ../b/$f || fail "$f differs between two runs"
	done
	(cd / && gcc -std=c99 $warn -O2 -c -o "$d/a/m.o" "$d/a/m.c") >log 2>&1 || fail "gcc, from another folder"
	if nm -u m.o | grep -wE 'malloc|calloc|realloc|free|printf|puts|putchar|fopen|fwrite|abort|exit' >log; then
		fail "uses the heap or stdio"
	fi
	for c in clang clang-19; do
		have $c || continue
		compile $c -std=c99 $warn -fsyntax-only m.c
		compile $c -x c++ -std=c++17 $warn -fsyntax-only m.c
	done
	compile g++ -x c++ -std=c++17 $warn -fsyntax-only m.c
	[ "$z" = - ] || sanitize
	echo "ok $name"
	rm -rf "$d"
}

# the folder of the C that is made first: its size is the order, so that no core waits for the largest at the end
first_of() { echo "$1/$(echo "$2" | tr -c 'a-zA-Z0-9\n' _)"; }

first() {
	d=$(first_of "$4" "$3") && mkdir "$d" && cd "$d" || exit 1
	"$1" "$3" "$2" -o m.c >/dev/null 2>&1
	echo "$(wc -c 2>/dev/null <m.c || echo 0) $3"
}

case $1 in --one|--first) f=${1#--}; shift; $f "$@"; exit;; esac
self=$(cd "$(dirname "$0")" && pwd)/ccheck.sh
absolute() { case $1 in /*|-) echo "$1";; *) echo "$PWD/$1";; esac; }
z=$(absolute "$1") s=$(absolute "$2") level=$3
shift 3
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT; trap 'exit 130' INT TERM
each() { xargs -P 2 -I @ sh "$self" "$@" "$t"; }
out=$(for m; do absolute "$m"; done | each --first "$z" "$level" @ | sort -rn | cut -d' ' -f2- |
	each --one "$z" "$s" "$level" @)
echo "$out" | grep -v '^ok'
count() { echo "$out" | grep -c "^$1 "; }
echo "generated C at $level: $(count ok) passed, $(count FAIL) failed, $(count skip) skipped"
[ "$(count FAIL)" = 0 ] && [ "$(echo "$out" | grep -cE '^(ok|skip) ')" = $# ]
