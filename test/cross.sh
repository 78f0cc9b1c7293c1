#!/bin/sh
# The digits example through cross compilers: run under qemu for AArch64, linked without an OS for Cortex-M4.
# usage: cross.sh ZENITHC
z=$1 dir=$(cd "$(dirname "$0")/../examples/digits" && pwd)
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT INT TERM
pass=0 fail=0 skip=0

have() { command -v "$1" >/dev/null || { echo "no $1: skipped"; skip=$((skip + 1)); return 1; }; }
check() { if [ "$1" = 0 ]; then pass=$((pass + 1)); else fail=$((fail + 1)); echo "FAIL $2"; fi; }
accuracy() { grep '^accuracy'; }

"$z" "$dir/digits.onnx" -o "$d/digits.c" && gcc -O2 -I"$d" -o "$d/native" "$dir/main.c" "$d/digits.c" -lm || exit 1
"$d/native" "$dir/images.txt" | accuracy >"$d/want"

if have aarch64-linux-gnu-gcc && have qemu-aarch64; then
	cc=aarch64-linux-gnu-gcc
	"$z" "$dir/digits.onnx" -o "$d/arm64.o" --name digits --cc "$cc"
	check $? "zenithc -o .o --cc $cc"
	$cc -O2 -static -I"$d" -o "$d/arm64" "$dir/main.c" "$d/arm64.o" -lm &&
		qemu-aarch64 "$d/arm64" "$dir/images.txt" | accuracy | cmp -s - "$d/want"
	check $? "AArch64 under qemu: other answers than here"
fi
if have arm-none-eabi-gcc; then
	cc="arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
	"$z" "$dir/digits.onnx" -o "$d/libm4.a" --name digits --cc "$cc"
	check $? "zenithc -o .a --cc arm-none-eabi-gcc"
	cat >"$d/bare.c" <<-'END'
		#include "digits.h"
		static float image[64];
		float scores[10];
		int main(void) { return digits_run(image, scores); }
	END
	$cc -Os -std=c99 -Wall -Wextra -Werror --specs=nosys.specs -I"$d" -o "$d/bare" "$d/bare.c" "$d/libm4.a" -lm 2>"$d/log"
	check $? "linking for Cortex-M4: $(head -1 "$d/log")"
	! arm-none-eabi-nm "$d/libm4.a" | grep -wE 'U (malloc|free|printf|fopen|_sbrk)'
	check $? "code for Cortex-M4 wants a heap or an OS"
	echo "Cortex-M4: $(arm-none-eabi-size "$d/bare" | awk 'NR == 2 { print $1 " bytes of flash, " $2 + $3 " of RAM" }'), libc included"
fi
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
