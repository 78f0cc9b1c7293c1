#!/bin/sh
# examples/server: the same answers in C, C++ and Python, from a static and a dynamic model.
# usage: server.sh ZENITHC PYTHON
root=$(cd "$(dirname "$0")/.." && pwd)
absolute() { case $1 in /*) echo "$1";; */*) echo "$PWD/$1";; *) echo "$1";; esac; }
z=$(absolute "$1") py=$(absolute "$2")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
pass=0 fail=0

check() {
	name=$1; shift
	make -s -C "$root/examples/server" ZENITHC="$z" PYTHON="$py" OUT="$tmp/$name" THREADS=3 REQUESTS=300 \
		CFLAGS="-O1 -Wall -Wextra -Werror" "$@" run >"$tmp/log" 2>&1
	grep -h requests/s "$tmp/log"
	if [ "$(grep -c ' bytes of weights, sum' "$tmp/log")" = 3 ] &&
	    [ "$(sed -n 's/.*, sum //p' "$tmp/log" | sort -u | wc -l)" = 1 ]; then pass=$((pass + 1))
	else fail=$((fail + 1)); echo "FAIL $name"; cat "$tmp/log"; fi
}
check digits MODEL="$root/examples/digits/digits.onnx"
check matmul_dynamic MODEL="$root/test/golden/matmul_dynamic.onnx" DIM=7
check nonzero MODEL="$root/test/golden/nonzero.onnx"
echo "server: $pass passed, $fail failed"
[ $fail = 0 ]
