#!/bin/sh
# Lines of compiler, codegen and runtime that some tests execute, counted by gcov: golden tests, damaged models, small backend
# cases, the pool; of generated code the lines that return a status, under test/arguments.py.
# usage: coverage.sh B PYTHON MODELS     (B/zenithc built with --coverage; CASES: regular expressions, . for all;
# NO_GENERATED=1: without the generated code). Exit 1 where a folder is below its floor, in percent:
floors="codegen=65 compiler=55 runtime=90"
B=$(cd "$1" && pwd) py=$2 models=$3
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
find "$B" -name '*.gcda' -exec rm -f {} +

sh test/golden.sh "$B/zenithc" | tail -1
"$py" test/hostile.py "$B/zenithc" 10 test/golden/*.onnx 2>&1 | tail -1
[ ! -d build/cases/light ] || "$py" test/conform.py --zenithc "$B/zenithc" --cases build/cases --cc "gcc -O0 -w" ${CASES-_3d _axis_0 loop seq} 2>&1 | tail -1
gcc -O0 --coverage -o "$tmp/pool" test/pool.c runtime/zenith_pool.c -lpthread && "$tmp/pool"

# from the summaries of gcov
{ find "$B" -name '*.gcda'; find "$tmp" -name '*.gcda'; } | xargs gcov -n 2>/dev/null | awk -v floors="$floors" '
	/^File/ { split($0, q, "\047"); f = q[2]; sub(/^\.\//, "", f) }
	/^Lines executed/ {
		if (f !~ /^(compiler|codegen|runtime)\/.*\.c$/ || seen[f]++) next
		split($0, p, /[:% ]+/); n = $NF; split(f, d, "/")
		all[d[1]] += n; hit[d[1]] += n*p[3]/100
	}
	END {
		n = split(floors, q, "[ =]")
		for (i = 1; i < n; i += 2) {
			k = q[i]
			c = all[k] ? 100*hit[k]/all[k] : 0
			printf "%-10s %6d lines, %5.1f%% executed, floor %d%%%s\n", k, all[k], c, q[i + 1], c < q[i + 1] ? ": FAIL" : ""
			low += c < q[i + 1]
		}
		exit low > 0
	}' || rc=1
[ -n "${NO_GENERATED-}" ] || COVERAGE=1 "$py" -W ignore test/arguments.py "$B/zenithc" "$models" | grep -E 'status|passed'
exit ${rc-0}
