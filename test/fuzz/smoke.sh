#!/bin/sh
# The smoke test of the fuzz targets TARGET... in B/fuzz: the same inputs on every machine, and as a hash of them says,
# the same verdicts. One that ends the process is kept as B/fuzz/TARGET.last. usage: smoke.sh B TARGET...
b=$1/fuzz; shift
export LC_ALL=C ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=600:hard_rss_limit_mb=4000 \
	UBSAN_OPTIONS=print_stacktrace=1
pass=0 fail=0
for t in "$@"; do
	case $t in
	data) set -- 150 test/fuzz/data/*;;
	*) set -- 20 test/fuzz/found/*.onnx test/golden/*.onnx;;
	esac
	if "$b/$t-smoke" "$b/$t.last" "$@" >"$b/$t.text" 2>&1; then
		pass=$((pass + 1))
		echo "$t: $(tail -1 "$b/$t.text")"
	else
		fail=$((fail + 1))
		echo "FAIL fuzz $t: $b/$t.last"
		grep -m9 -aE 'ERROR|runtime error|^status|bug in|cannot|#[0-9] ' "$b/$t.text"
	fi
done
echo "fuzz: $pass passed, $fail failed"
[ $fail = 0 ]
