#!/bin/sh
# Fills the models of the zoo that are not there yet. usage: zoo.sh PYTHON FILL.PY OUT
py=$1 fill=$2 out=$3
mkdir -p "$out"
names=$("$py" -c 'import json, sys; print(*json.load(open(sys.argv[1])))' "$(dirname "$fill")/inputs.json")
for n in $names; do
	[ -f "$out/$n/test_data_set_0/output_0.pb" ] && continue
	"$py" "$fill" "$out" "$n" || exit 1
done
