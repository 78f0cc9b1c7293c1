#!/bin/sh
# examples/server: the same answers in C, C++ and Python, from a static and a dynamic model; one copy of the weights,
# however many threads; wrong usage is a message and exit code 1.
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
# the same folder with another model; a library without a slash before its name; integers as outputs
set -- "$tmp/digits"
cat >"$tmp/models.py" <<'END'
import sys
import numpy as np
from onnx import TensorProto as T, helper as h, numpy_helper

def save(path, nodes, inputs, outputs, weights=()):
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info(*v) for v in inputs], [h.make_tensor_value_info(*v) for v in outputs],
                     [numpy_helper.from_array(a, n) for n, a in weights])
    open(path, "wb").write(h.make_model(g, opset_imports=[h.make_opsetid("", 21)], ir_version=9).SerializeToString())

save(sys.argv[1] + "/wide.onnx", [h.make_node("MatMul", ["x", "w"], ["y"])], [("x", T.FLOAT, [1, 1024])], [("y", T.FLOAT, [1, 4096])],
     [("w", np.ones((1024, 4096), np.float32))])
save(sys.argv[1] + "/ints.onnx", [h.make_node("Cast", ["x"], ["y"], to=T.INT32)] + [h.make_node("Cast", ["x"], [n], to=t) for n, t in (
    ("a", T.UINT16), ("b", T.BOOL), ("c", T.DOUBLE), ("d", T.UINT64), ("e", T.INT8))], [("x", T.INT64, [5])],
     [(n, t, [5]) for n, t in (("y", T.INT32), ("a", T.UINT16), ("b", T.BOOL), ("c", T.DOUBLE), ("d", T.UINT64), ("e", T.INT8))])
save(sys.argv[1] + "/words.onnx", [h.make_node("Identity", ["x"], ["y"])], [("x", T.STRING, [5])], [("y", T.STRING, [5])])
END
"$py" "$tmp/models.py" "$tmp" || exit 1
check digits MODEL="$tmp/ints.onnx"
grep -q ', 0 bytes of weights, sum 12' "$tmp/log" && pass=$((pass + 1)) || { fail=$((fail + 1)); echo "FAIL another model in the same folder"; }
check digits MODEL="$tmp/wide.onnx"
# megabytes that so many threads take
peak() { "$py" -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$1/server" -t "$2" -n 16 "$1/model.so"; }
one=$(peak "$1" 1) eight=$(peak "$1" 8)
if [ "$one" -ge 16 ] && [ $((eight - one)) -lt 8 ]; then pass=$((pass + 1))
else fail=$((fail + 1)); echo "FAIL one copy of 16 MB of weights: $one MB with one thread, $eight with eight"; fi

# refused TEXT COMMAND...
refused() {
	text=$1; shift
	(cd "$tmp/digits" && "$@") >"$tmp/log" 2>&1; rc=$?
	if [ $rc = 1 ] && grep -qF -e "$text" "$tmp/log"; then pass=$((pass + 1))
	else fail=$((fail + 1)); echo "FAIL $*: exit $rc"; tail -3 "$tmp/log"; fi
}
script=$root/examples/server/server.py
(cd "$tmp/digits" && ./server model.so -t 1 -n 1 && ./server-cc model.so model_model 1 1 1 && "$py" "$script" model.so model_model 1 1 1) \
	>"$tmp/log" 2>&1 && pass=$((pass + 1)) || { fail=$((fail + 1)); echo "FAIL a library in this folder"; cat "$tmp/log"; }
refused 'no such symbol' ./server -s nothing model.so
refused 'usage' ./server -t 0 model.so
refused 'usage' ./server -t 2 -n 1 model.so
refused 'nothing.so' ./server nothing.so
refused 'at least 1' ./server-cc model.so model_model 0 0 1
refused 'at least THREADS' ./server-cc model.so model_model 2 0 1
refused 'are numbers' ./server-cc model.so model_model 2 x 1
refused 'usage' ./server-cc model.so
refused 'nothing' ./server-cc model.so nothing 1 1 1
refused 'Usage' "$py" "$script" model.so
refused 'failed or disagree' "$py" "$script" model.so model_model 0 0 1
refused 'nothing' "$py" "$script" model.so nothing 1 1 1
"$z" "$tmp/words.onnx" -o "$tmp/digits/words.so" && refused 'tensors of numbers' ./server words.so
refused 'tensors of numbers' ./server-cc words.so words_model 1 1 1
refused 'tensors of numbers' "$py" "$script" words.so words_model 1 1 1
[ "$(wc -l <"$script")" -le 60 ] || { fail=$((fail + 1)); echo "FAIL server.py has more than 60 lines"; }
echo "server: $pass passed, $fail failed"
[ $fail = 0 ]
