#!/bin/sh
# Golden tests: test/golden/NAME.EXT is what zenithc must print, NAME.onnx beside it the model; EXT is the mode.
# usage: golden.sh ZENITHC [-u] [NAME...]     -u: write what is printed now as what is expected
#   NAME.err          standard error of a compilation that must fail, its exit code in the first line
#   NAME.PASS.ir      --dump=PASS (of all units), with the options in NAME.opt, if there is one
#   NAME.kernels      its kernels: names, parameters, loops, the operations of each statement, the memory of the whole;
#                     numbers of variables and index arithmetic left out, so that only what they do matters
#   NAME.graph        the graph after all passes, numbers of values left out
#   NAME.inspect      zenithc inspect
#   NAME.cmd          one command line (after "$ zenithc"), then its exit code and both streams; no model needed
z=$1; shift
case $z in /*) ;; *) z=$PWD/$z;; esac
update=; [ "${1-}" = -u ] && { update=1; shift; }
cd "$(dirname "$0")/golden" 2>/dev/null || { echo "no golden tests"; exit 0; }
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT INT TERM
pass=0 fail=0

options() { [ -f "$1.opt" ] && cat "$1.opt"; }

# --dump=plan without numbers of variables and regions; of expressions only the operations
summary() {
	awk 'function ops(s,  r) {
		while (match(s, /[a-z][a-z0-9_]*(\.[a-z0-9]+)?\(/)) {
			if (substr(s, RSTART, RLENGTH) != "ix(") r = r " " substr(s, RSTART, RLENGTH - 1)
			s = substr(s, RSTART + RLENGTH)
		}
		return r
	}
	/^variant/ { skip = 1 }
	skip { if (/^}/) skip = 0; next }
	/^(workspace|steps|note)|^$/ || /^\t(weight|in|out|work|heap|state) / { next }
	{ match($0, /^\t*/); tabs = substr($0, 1, RLENGTH); line = substr($0, RLENGTH + 1) }
	line ~ /^(let|set|store) / {
		eq = index(line, " = "); head = substr(line, 1, eq); gsub(/\[.*/, "", head)
		line = head " =" ops(substr(line, eq)); gsub(/  =/, " =", line)
	}
	line ~ /^\$/ { line = "name =" ops(line) }
	line ~ /^if / { line = "if" ops(line) " {" }
	line ~ /^fail / { line = "fail " $2 ops(line) }
	{ gsub(/[.@][0-9]+/, "", line); gsub(/: i/, ": I", line); gsub(/i[0-9]+/, "i", line); gsub(/: I/, ": i", line)
		print tabs line }'
}

# what the test NAME.EXT prints, on standard output
run() {
	f=$1 name=${1%%.*} mode=${1##*.}
	case $mode in
	err)
		$z "$name.onnx" -o "$tmp/out.c" $(options "$name") >"$tmp/text" 2>&1
		echo "exit $?"
		[ -e "$tmp/out.c" ] && echo "wrote an output"
		sed "s|$PWD|FOLDER|g" "$tmp/text";;
	ir)
		pass_name=${f#*.}; pass_name=${pass_name%.ir}
		$z "$name.onnx" -o "$tmp/out.c" --dump="$pass_name" $(options "$name") 2>&1 || echo "exit $?";;
	kernels)
		$z "$name.onnx" -o "$tmp/out.c" --dump=plan $(options "$name") 2>"$tmp/text" || echo "exit $?"
		summary <"$tmp/text";;
	graph)
		$z "$name.onnx" -o "$tmp/out.c" --dump=sweep $(options "$name") 2>&1 | sed "s/%[0-9]*'/'/g; s/%[0-9]*/%/g";;
	inspect)
		$z inspect "$name.onnx" $(options "$name") 2>&1 || echo "exit $?";;
	cmd)
		sed -n '1s/^\$ zenithc//p' "$f" >"$tmp/line"
		echo "\$ zenithc$(cat "$tmp/line")"
		eval "$z $(cat "$tmp/line")" >"$tmp/text" 2>&1 </dev/null
		echo "exit $?"
		cat "$tmp/text";;
	esac
}

for f in ${*:-*.err *.ir *.kernels *.graph *.inspect *.cmd}; do
	[ -f "$f" ] || continue
	run "$f" >"$tmp/got"
	if cmp -s "$tmp/got" "$f"; then pass=$((pass + 1))
	elif [ "$update" ]; then cp "$tmp/got" "$f"; echo "updated $f"; pass=$((pass + 1))
	else
		fail=$((fail + 1)); echo "FAIL $f"
		diff -u "$f" "$tmp/got" | head -40
	fi
	rm -f "$tmp"/out*
done
echo "golden: $pass passed, $fail failed"
[ $fail = 0 ]
