#!/bin/sh
# Builds an example whose network comes in a package of ./bootstrap, and compares it with what the package or ONNX
# Runtime says: examples.sh filetype|voice ZENITHC BUILD
cd "$(dirname "$0")/.." || exit 1
name=$1 z=$(realpath "$2") b=$3
py=build/venv/bin/python

skip() { echo "skipped: $*"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

build() {
	out=$b/examples/$name
	mkdir -p "$out"
	make -s -C examples/$name ZENITHC="$z" OUT="$(realpath "$out")" PY=python3
}

filetype() {
	tool=build/venv/bin/magika
	$tool --version >/dev/null 2>&1 || skip "no $tool: ./bootstrap adds the package where it can be had"
	build && python3 examples/filetype/compare.py "$out/filetype" $tool || return 1
	! "$out/filetype" "$0" >/dev/full 2>&1 || { echo "FAIL: answers that cannot be written"; return 1; }
}

voice() {
	model=$(echo build/venv/lib/python3*/site-packages/silero_vad/data/silero_vad.onnx)
	[ -f "$model" ] || skip "no silero-vad in build/venv: ./bootstrap adds it where it can be had"
	command -v espeak-ng >/dev/null || skip "no espeak-ng to speak"
	build && "$py" examples/voice/compare.py "$out/voice" "$model" || return 1
	! "$out/voice" "$out/vad.h" 2>/dev/null || { echo "FAIL: a file that is no sound"; return 1; }
}

$name
