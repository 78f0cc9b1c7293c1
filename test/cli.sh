#!/bin/sh
# The command line: what is accepted and refused, exit codes, and that nothing is left behind.
# usage: cli.sh ZENITHC
z=$1
case $z in /*) ;; *) z=$PWD/$z;; esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT; trap 'exit 130' INT TERM
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$tmp" || exit 1
mkdir tmp; TMPDIR=$tmp/tmp; export TMPDIR
pass=0 fail=0

ok() { pass=$((pass + 1)); }
bad() { fail=$((fail + 1)); echo "FAIL $*"; sed 's/^/    /' err | head -5; }

# models: x[2,3] -> Relu -> y;  n instead of 2;  an operator that does not exist;  Add, Tanh
x='\022\001\147\132\023\012\001\170\022\016\012\014\010\001\022\010\012\002\010\002\012\002\010\003\142\023\012\001\171\022\016\012\014\010\001\022\010\012\002\010\002\012\002\010\003\102\004\012\000\020\015'
printf '\010\010\072\076\012\017\012\001\170\022\001\171\032\001\162\042\004\122\145\154\165'"$x" >relu.onnx
printf '\010\010\072\100\012\017\012\001\170\022\001\171\032\001\162\042\004\122\145\154\165\022\001\147\132\024\012\001\170\022\017\012\015\010\001\022\011\012\003\022\001\156\012\002\010\003\142\024\012\001\171\022\017\012\015\010\001\022\011\012\003\022\001\156\012\002\010\003\102\004\012\000\020\015' >dyn.onnx
printf '\010\010\072\102\012\023\012\001\170\022\001\171\032\005\142\141\144\052\057\042\004\116\157\160\145'"$x" >nope.onnx
printf '\010\010\072\132\012\025\012\001\170\012\001\170\022\001\164\032\005\164\167\151\143\145\042\003\101\144\144\012\024\012\001\164\022\001\171\032\006\163\161\165\141\163\150\042\004\124\141\156\150'"$x" >two.onnx
# relu.onnx, whose output is declared otherwise: float32[2,4], float32[n,3], int64[2,3]
declared() { printf '\010\010\072\'$1'\012\017\012\001\170\022\001\171\032\001\162\042\004\122\145\154\165'"${x%%\\142*}"'\142'"$2"'\102\004\012\000\020\015'; }
declared 076 '\023\012\001\171\022\016\012\014\010\001\022\010\012\002\010\002\012\002\010\004' >says4.onnx
declared 077 '\024\012\001\171\022\017\012\015\010\001\022\011\012\003\022\001\156\012\002\010\003' >saysn.onnx
declared 076 '\023\012\001\171\022\016\012\014\010\007\022\010\012\002\010\002\012\002\010\003' >saysint.onnx
printf 'no model at all' >junk.onnx
# a test data set: x = 1..6 negated at odd places, y = relu(x); and one that is wrong in the last element
mkdir -p data/test_data_set_0 wrong
le() { printf '\000\000\200\277\000\000\000\100\000\000\100\300\000\000\200\100\000\000\240\300\000\000\300\100'; }
{ printf '\010\002\010\003\020\001\112\030'; le; } >data/test_data_set_0/input_0.pb
printf '\010\002\010\003\020\001\112\030\000\000\000\000\000\000\000\100\000\000\000\000\000\000\200\100\000\000\000\000\000\000\300\100' >data/test_data_set_0/output_0.pb
cp data/test_data_set_0/input_0.pb wrong
sed 's/@$/A/' data/test_data_set_0/output_0.pb >wrong/output_0.pb

# want CODE TEXT ARGS...: the exit code, and TEXT in what it prints
want() {
	code=$1 text=$2; shift 2
	"$z" "$@" >out 2>err </dev/null; got=$?
	if [ $got -ne "$code" ]; then bad "exit $got, want $code: zenithc $*"
	elif [ "$text" ] && ! cat out err | grep -qF -e "$text"; then bad "no '$text' printed: zenithc $*"
	else ok; fi
}
# is CONDITION...: a test of what the last command left
is() { if [ "$@" ]; then ok; else bad "$*"; fi; }
nothing() { for f in "$@"; do is ! -e "$f"; done; }

# usage
want 2 'which model'
want 0 'verify  MODEL.onnx' --help
want 0 'zenithc 0.' --version
want 2 'nothing to write' relu.onnx
want 2 'no option' relu.onnx -o a.c --nonsense
want 2 'no option -q' relu.onnx -o a.c -q
want 2 'needs a value' relu.onnx -o
want 2 'takes no value' relu.onnx -o a.c --verify=1
want 2 'ends in .c' relu.onnx -o a.txt
want 4 'no target for .cu' relu.onnx -o a.cu
want 2 'one model' relu.onnx two.onnx -o a.c
want 2 'means nothing' run relu.onnx --rtol 1
want 2 'none of 0, 1, 2, 3' relu.onnx -o a.c -O7
want 2 'no limit named' relu.onnx -o a.c --limit nodez=4
want 2 'NAME=VALUE' dyn.onnx -o a.c --dim n
want 2 'whole number' dyn.onnx -o a.c --dim n=x
want 2 'whole number' dyn.onnx -o a.c --dim n=5..2
want 2 'whole number' dyn.onnx -o a.c --shape x=2xx3
want 2 'cannot begin names' relu.onnx -o a.c --name 1x
want 2 'no target named' relu.onnx -o a.c --target tpu
want 2 'at most 256' relu.onnx -o a.c --threads 257
want 2 'whole number' relu.onnx -o a.c --threads 0
want 2 '--data DIR' verify relu.onnx
want 2 'about --profile' run relu.onnx --seconds 1
want 2 'about what -o writes' run relu.onnx --format=pb
want 2 'about --scenario server' bench relu.onnx --scenario offline --qps 4
want 2 'other scenarios' bench relu.onnx --streams 2
want 2 'two different sizes' dyn.onnx -o a.c --dim n=2 --dim n=3
want 2 'given twice' dyn.onnx -o a.c --shape x=2x3 --shape x=3x3
want 2 '--dim something else' dyn.onnx -o a.c --dim n=2 --shape x=4x3
want 2 "no command 'foo'" foo relu.onnx
want 2 'need --verify' relu.onnx -o a.c --tolerance 1
for o in --tune --tune=x '--precision=int8' '--calibrate=d' '--report=r.html' '--config=c.json'; do
	want 2 'does not exist yet' relu.onnx -o a.c "$o"
done
want 2 'none of single-stream' bench relu.onnx --scenario all
nothing a.c a.h
want 0 'every processor' targets
want 0 '"name"' targets --json
want 0 'Relu' ops
want 0 '"supported"' ops --json
want 0 '' ops
grep -q '^Constant .*yes$' out && ok || bad 'ops: Constant'

# models
want 3 'cannot' missing.onnx -o a.c
want 3 'junk.onnx: error' junk.onnx -o a.c
want 4 'Nope' nope.onnx -o a.c
want 6 '2 nodes of the model' two.onnx -o a.c --limit nodes=1
want 3 'is a device' /dev/zero -o a.c
nothing a.c
n=$(($(wc -c <relu.onnx)))
"$z" - -o a.c --limit input=$((n - 1)) <relu.onnx 2>err; is $? -eq 6; is -n "$(grep -e '--limit input' err)"; nothing a.c
"$z" - -o a.c --limit input=$n <relu.onnx 2>err; is $? -eq 0; rm -f a.[ch]
want 0 '' "$root/test/golden/ranks.onnx" -o a.c --limit split=9; rm -f a.[ch]
want 6 '9 nodes repeated' "$root/test/golden/ranks.onnx" -o a.c --limit split=8
n=$("$z" relu.onnx -o a.c --limit source=1 2>&1 | sed -n 's/.* \([0-9]*\) bytes of generated.*/\1/p')
want 6 "$n bytes of generated source" relu.onnx -o a.c --limit source=$((n - 1)); nothing a.c a.h
want 0 '' relu.onnx -o a.c --limit source=$n; rm -f a.[ch]
want 3 '{"level":"error","file":"junk.onnx"' junk.onnx -o a.c --log-format=json
want 3 "the model says that output 'y' is int64, but it is float32" saysint.onnx -o a.c
nothing a.c a.h a.c.bin
want 0 "makes 'y' float32[2, 3] where the model says float32[2, 4]" says4.onnx -o says.c
want 0 '' saysn.onnx -o says.c; is ! -s err

# output
want 0 '' relu.onnx -o a.c
is -s a.c; is -s a.h
cp a.c first.c; mkdir elsewhere
want 0 '' relu.onnx -o elsewhere/a.c
is "$(cmp a.c elsewhere/a.c && echo same)" = same
cc -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror -c a.c -o a-cc.o 2>err && ok || bad 'cc a.c'
want 0 '' relu.onnx -o b.o --name net; is -s b.o; is -s b.h
want 0 '' relu.onnx -o b.a; is "$(ar t b.a)" = b.o
want 0 '' relu.onnx -o b.so --cc 'cc -O1'; is -s b.so
nm b.o 2>/dev/null | grep -q net_model && ok || bad 'nm b.o: no net_model'
want 0 '_model(void)' relu.onnx -o -
"$z" - -o p.c <relu.onnx 2>err && is -s p.c || bad 'a model from a pipe'
grep -q 'define P_SOURCE_BYTES ' p.h && is "$(sed -n 's/^#define P_SOURCE_BYTES \([0-9]*\).*/\1/p' p.h)" -eq "$(wc -c <p.c)"
"$z" - -o - <relu.onnx 2>err | grep -q '^int model_run(' && ok || bad 'the prefix of a model from a pipe'
# names that are not ASCII: the node's, in UTF-8
sed 's/bad\*\//\xe8\x8a\x82\xc3\xa9/; s/Nope/Relu/' nope.onnx >utf8.onnx
want 0 'node '"'"'\u{8282}\u{e9}'"'"' (Relu, #0)' utf8.onnx -o -
# names of outputs: the source includes the header by its own
want 0 '' relu.onnx -o 'modèle 1.c'; cc -c 'modèle 1.c' -o a-cc.o 2>err && ok || bad 'cc of a name that is not ASCII'
want 0 '' relu.onnx -o 'modèle 1.a'; is -s 'modèle 1.a'
for f in 'a"b.c' 'a\b.c' 'a??b.o' "a
b.so"; do want 2 'cannot be included' relu.onnx -o "$f"; is ! -e "$f"; done
# debug information names no temporary folder
want 0 '' relu.onnx -o g.o --cc 'cc -g'; cp g.o first.o; want 0 '' relu.onnx -o g.o --cc 'cc -g'
is "$(cmp g.o first.o && echo same)" = same
# weights of a megabyte and more, added to x: the assembler takes them from a file where there is ELF, else they are source
varint() { n=$1; while [ "$n" -gt 127 ]; do printf "\\$(printf %o $((n % 128 + 128)))"; n=$((n / 128)); done; printf "\\$(printf %o "$n")"; }
vector() { printf "$1"'\021\012\001'"$2"'\022\014\012\012\010\001\022\006\012\004\010'; varint 262400; }
{ printf '\010\010\072'; varint 1049674; printf '\012\016\012\001x\012\001w\022\001y\042\003Add\022\001g\052'; varint 1049613
	printf '\010'; varint 262400; printf '\020\001\102\001w\112'; varint 1049600; yes abcde | head -c 1049600
	vector '\132' x; vector '\142' y; printf '\102\004\012\000\020\015'; } >big.onnx
want 0 '' big.onnx -o big.c; is -s big.c.bin
grep -q 'BIG_WEIGHTS_FILE' big.h && ok || bad 'big.h: WEIGHTS_FILE'
want 0 '' big.onnx -o big.o; is "$(wc -c <big.o)" -gt 1049600
want 0 '' big.onnx -o inline.o -O0 --cc 'cc -U__ELF__ -O0'; is "$(wc -c <inline.o)" -gt 1049600
want 5 'ELF' big.onnx -o no.o --weights=incbin --cc 'cc -U__ELF__'
want 5 'no-such-cc' relu.onnx -o c.o --cc no-such-cc
want 5 'exit code' relu.onnx -o c.o --cc 'cc -include /nonexistent'
# nothing is interpreted by a shell: neither --cc, nor names of files, nor names in a model
for c in 'cc;touch pwned' 'cc ; touch pwned' 'cc && touch pwned' 'cc | touch pwned' 'cc $(touch pwned)' 'cc `touch pwned`' 'cc > pwned' \
		'cc & touch pwned' "cc
touch pwned" 'cc "-DX=$(touch pwned)' 'cc ${HOME}' 'cc *'; do
	want 5 '' relu.onnx -o c.o --cc "$c"
done
want 2 'names no compiler' relu.onnx -o c.o --cc ' 	'
cp relu.onnx '$(touch pwned);touch pwned.onnx'
want 0 '' '$(touch pwned);touch pwned.onnx' -o '`touch pwned`|touch pwned;.so' --name m
want 0 '' run '$(touch pwned);touch pwned.onnx'
rm -f '`touch pwned`|touch pwned;'*
nothing pwned
nothing c.o c.h
echo old >d.c
want 4 '' nope.onnx -o d.c
is "$(cat d.c)" = old
mkdir e.c
want 74 'cannot write' relu.onnx -o e.c
nothing e.h
want 74 'cannot write' relu.onnx -o no/such/folder/a.c
if [ -w /dev/full ]; then
	"$z" relu.onnx -o - >/dev/full 2>err; is $? -eq 74
	"$z" ops >/dev/full 2>err; is $? -eq 74
fi
{ "$z" ops 2>err; echo $? >code; } | :
case $(cat code) in 0 | 74) ok;; *) bad "a closed pipe: exit $(cat code)";; esac

# run, verify, inspect
want 0 'generator, seed 1' run relu.onnx
want 0 '{"level":"note","file":"relu.onnx","where":"","message":"input ' run relu.onnx --log-format=json
want 0 'y float32[2,3] 0 2 0 4 0 6' run relu.onnx -i x=data/test_data_set_0/input_0.pb
want 0 '' run relu.onnx -i x=data/test_data_set_0/input_0.pb -o r --format=pb; is -s r/output_0.pb
want 0 '' run relu.onnx -i x=data/test_data_set_0/input_0.pb -o r; is -s r/output_0.npy
want 0 'y float32[2,3] 0 2 0 4 0 6' run relu.onnx -i x=r/output_0.npy
want 0 'y float32[2,3] 0 2 0 4 0 6' run relu.onnx --data data
want 2 'no such input' run relu.onnx -i q=r/output_0.npy
want 3 'cannot read' run relu.onnx -i x=none.npy
want 3 'no .npy' run relu.onnx -i "x=$(cp junk.onnx j.npy; echo j.npy)"
want 2 'ends in .npy' run relu.onnx -i x=junk.onnx
want 0 'y float32[2,3] 0 2 0 4 0 6' run relu.onnx --threads 2 -i x=r/output_0.npy
want 0 'y float32[2,3] 0 2 0 4 0 6' run relu.onnx --threads 200 -i x=r/output_0.npy
want 0 '[2,3]' run dyn.onnx -i x=r/output_0.npy --threads 3
want 0 '[2,3]' run dyn.onnx -i x=r/output_0.npy
want 0 '[4,3]' run dyn.onnx --dim n=4
want 0 '[7,3]' run dyn.onnx --shape x=7x3
want 0 'largest difference 0,' verify relu.onnx --data data
want 0 'largest difference 0,' verify relu.onnx --data data/test_data_set_0 --max-error 0 -O0
want 1 'worst [1,2]: got 6' verify relu.onnx --data wrong
mkdir pipe; mkfifo pipe/input_0.pb
want 3 'is not a file' verify relu.onnx --data pipe
want 3 'no input_0' verify relu.onnx --data elsewhere
want 3 'cannot read the folder' verify relu.onnx --data missing
want 0 'Relu' inspect relu.onnx
want 0 '"operator":' inspect two.onnx --json
want 4 "operator 'Nope'" inspect nope.onnx
want 4 'NOT SUPPORTED' inspect nope.onnx
want 0 '"dims":' inspect dyn.onnx --json
tr -d ' \t\n' <out | grep -qF '"inputs":[{"name":"x","type":"float32[n,3]","dtype":"float32","dims":["n",3]}]' && ok || bad 'inspect: inputs'
want 0 '' two.onnx -o v.c --verify --tolerance 1e-5; is -s v.c

# the profile: rows that add up, never times
want 0 'outside kernels' run two.onnx --profile --seconds 0
want 0 'Relu' inspect relu.onnx
want 2 'about --profile' run two.onnx --json
want 0 '"layers":' run two.onnx --profile --seconds 0.01 --json
tr -d ' \t\n' <out | grep -qE '"calls":1,"macs":0,"operand_bytes":48,"layers":\["twice","squash"\]' && ok || bad 'profile: layers'
sum=$(grep share out | sed 's/.*://; s/,//' | awk '{ s += $1 } END { print (s > 0.999999 && s < 1.000001) }')
is "$sum" = 1

# a wrong rewrite, in test builds
"$z" --break-pass=sweep --version >out 2>err && {
	want 0 '' two.onnx -o w.c --break-pass=sweep; rm w.c w.h
	want 1 "the first layer that differs: node 'twice' (Add, #0), 't'" two.onnx -o w.c --verify --break-pass=sweep
	nothing w.c w.h
	# which divide everything: libraries hold the pool
	want 0 '' dyn.onnx --threads 2 -o th.a; nm th.a 2>/dev/null | grep -q 'T zenith_pool_new' && ok || bad 'th.a: no pool'
	want 0 '' dyn.onnx --threads 2 -o th.so; nm -D th.so | grep -q 'T zenith_pool_new' && ok || bad 'th.so: no pool'
	want 0 '' dyn.onnx -o one.so; nm -D one.so | grep -q zenith_pool && bad 'one.so: a pool' || ok
}

# nothing is left, when interrupted neither
cat >slow-cc <<'E2'
#!/bin/sh
sleep 30 & echo $! >sleeper; wait
E2
chmod +x slow-cc
"$z" relu.onnx -o s.o --cc ./slow-cc 2>err & pid=$!
i=0; while [ -z "$(ls tmp)" ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
while [ ! -s sleeper ] && [ $i -lt 99 ]; do sleep 0.1; i=$((i + 1)); done
kill -TERM $pid; wait $pid 2>err; is $? -gt 128
grep -v ') Z ' "/proc/$(cat sleeper)/stat" >err 2>&1 && bad 'what the C compiler started runs on' || ok
nothing s.o s.h
is "$(ls -A tmp | wc -l)" -eq 0
is "$(ls -A . | grep -c '\.tmp')" -eq 0

# what documents repeat: an option, a limit that completion or the manual does not know; code in HACKING.md that is not so
"$z" --help >out
for w in $(grep -oE -e '--[a-z-]+' out | sort -u); do
	is -n "$(grep -F -e "$w" "$root/man/zenithc.bash")"
	is -n "$(sed 's/\\-/-/g' "$root/man/zenithc.1" | grep -F -e "$w")"
done
for w in $(sed -n 's/^LIMIT([A-Z]*, *"\([a-z]*\)".*/\1/p' "$root/compiler/limits.def"); do
	is -n "$(grep -e "--limit).*[ ']$w[ ']" "$root/man/zenithc.bash")"
	is -n "$(grep "^$w:" "$root/man/zenithc.1")"
done
"$z" ops >out; sed -n 's/^    //p' "$root/OPERATORS.md" >said
is -z "$(diff out said)"
"$z" "$root/test/golden/dense.onnx" -o - --target scalar --dump=import --dump=sweep --dump=lower >out 2>&1
sed -n '/^## From a model/,/^## Glossary/s/^    [ 	]*//p' "$root/HACKING.md" | grep -vF -e ... -e '[i0, i1] =' -e zenithc >said
is "$(wc -l <said)" -gt 50
while read -r line; do is -n "$(grep -F -e "$line" out)"; done <said

echo "$pass passed, $fail failed"
[ $fail -eq 0 ]
