#!/bin/sh
# examples/ci: a folder of models becomes libraries for every target whose compiler is here; twice, in two folders, the
# same bytes; nothing is made again but what changed, a model or an option. The same with CMake, where it is, for every
# toolchain file whose compiler is here. What the README says is what is run.
# usage: ci.sh ZENITHC MODEL.onnx...
root=$(cd "$(dirname "$0")/.." && pwd)
absolute() { case $1 in /*) echo "$1";; *) echo "$PWD/$1";; esac; }
z=$(absolute "$1"); shift
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
pass=0 fail=0 skip=0
ok() { pass=$((pass + 1)); }
bad() { fail=$((fail + 1)); echo "FAIL $*"; tail -5 "$tmp/log"; }
build() { make -j2 -C "$root/examples/ci" ZENITHC="$z" MODELS="$tmp/models" OUT="$1" >"$tmp/log" 2>&1; }
libraries() { (cd "$1" && find . -name '*.a' -o -name '*.so' | sort); }

# same A B: the same libraries with the same bytes
same() {
	libraries "$1" >"$tmp/a"; libraries "$2" >"$tmp/b"
	[ -s "$tmp/a" ] && cmp "$tmp/a" "$tmp/b" && while read -r f; do cmp "$1/$f" "$2/$f" || return 1; done <"$tmp/a"
}

mkdir "$tmp/models" "$tmp/deep"
for m; do cp "$m" "$tmp/models/"; done
if build "$tmp/one" && build "$tmp/deep/two" && same "$tmp/one" "$tmp/deep/two" >>"$tmp/log" 2>&1; then ok; else bad "two builds"; fi
ls "$tmp/one" | tr '\n' ' '; libraries "$tmp/one" | wc -l
touch "$tmp/mark"
if build "$tmp/one" && [ -z "$(find "$tmp/one" -newer "$tmp/mark" -type f)" ]; then ok; else bad "nothing to do"; fi
first=$(basename "$1" .onnx)
sleep 1; touch "$tmp/models/$first.onnx"
if build "$tmp/one" && [ "$(find "$tmp/one" -newer "$tmp/mark" -name '*.a' | grep -vc "lib$first.a")" = 0 ] &&
    [ "$(find "$tmp/one" -newer "$tmp/mark" -name "lib$first.a" | wc -l)" -ge 1 ]; then ok; else bad "one model changed"; fi
printf '#include <zenith.h>\nconst zenith_model *%s_model(void);\nint main(void) { return %s_model()->abi != ZENITH_ABI; }\n' \
	"$first" "$first" >"$tmp/t.c"
if gcc -I"$root/runtime" -o "$tmp/t" "$tmp/t.c" "$tmp/one/native/lib$first.a" -lm >"$tmp/log" 2>&1 && "$tmp/t"; then ok; else bad linking; fi
if make -j2 -C "$root/examples/ci" ZENITHC="$z" MODELS="$tmp/models" OUT="$tmp/one" FLAGS=-O0 TARGETS=native >"$tmp/log" 2>&1 &&
    ! cmp -s "$tmp/one/native/$first.c" "$tmp/deep/two/native/$first.c"; then ok; else bad "another option"; fi
mkdir "$tmp/none"
if ! make -C "$root/examples/ci" ZENITHC="$z" MODELS="$tmp/none" OUT="$tmp/o" >"$tmp/log" 2>&1 && grep -q 'no .onnx' "$tmp/log"; then ok
else bad "a folder without models"; fi
echo junk >"$tmp/none/test.onnx"; cp "$1" "$tmp/none/a.b.onnx"
if ! make -k -C "$root/examples/ci" ZENITHC="$z" MODELS="$tmp/none" OUT="$tmp/o" TARGETS=native >"$tmp/log" 2>&1 &&
    [ -s "$tmp/o/native/liba.b.a" ] && [ ! -e "$tmp/o/native/libtest.a" ]; then ok; else bad "a file that is no model"; fi
# configure FOLDER MORE...: with a zenithc that is found, or -DZENITHC
configure() { b=$1; shift; (cd "$root/examples/ci" && cmake -S . -B "$b" -DMODELS="$tmp/models" -DZENITHC="$z" "$@" && cmake --build "$b" -j2); }
if command -v cmake >/dev/null; then
	if configure "$tmp/c1" >"$tmp/log" 2>&1 && configure "$tmp/deep/c2" >"$tmp/log" 2>&1 &&
	    same "$tmp/c1" "$tmp/deep/c2" >>"$tmp/log" 2>&1; then ok; else bad cmake; fi
	touch "$tmp/mark"
	if configure "$tmp/c1" >"$tmp/log" 2>&1 && [ -z "$(find "$tmp/c1" -newer "$tmp/mark" \( -name '*.a' -o -name '*.so' \))" ]; then ok
	else bad "cmake: nothing to do"; fi
	sleep 1; touch "$tmp/models/$first.onnx"
	if configure "$tmp/c1" >"$tmp/log" 2>&1 && [ "$(find "$tmp/c1" -newer "$tmp/mark" -name '*.a')" = "$tmp/c1/lib$first.a" ]; then ok
	else bad "cmake: one model changed"; fi
	for t in aarch64:aarch64-linux-gnu-gcc:AArch64 cortex-m4f:arm-none-eabi-gcc:ARM; do
		m=${t##*:} t=${t%:*}
		command -v "${t#*:}" >/dev/null || { echo "no ${t#*:}: skipped"; skip=$((skip + 1)); continue; }
		t=${t%:*}
		if configure "$tmp/$t" -DCMAKE_TOOLCHAIN_FILE=$t.cmake >"$tmp/log" 2>&1 &&
		    readelf -h "$tmp/$t/lib$first.a" | grep -q "Machine: *$m\$" && { [ $t != aarch64 ] || [ -s "$tmp/$t/$first.so" ]; }; then ok
		else bad "cmake with $t.cmake"; fi
	done
else
	echo "no cmake: skipped"; skip=1
fi
echo "ci: $pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
