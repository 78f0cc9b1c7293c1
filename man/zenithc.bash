# bash completion for zenithc

_zenithc()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} w cmd=
	local common='--verbose --log-format --color --version --help'
	local model='--optimize --target --dim --shape --state --external-root --limit --dump'
	local opts

	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $w in run|verify|bench|inspect|ops|targets) cmd=$w; break;; esac
	done
	case $prev in
	--weights) COMPREPLY=($(compgen -W 'inline incbin file extern' -- "$cur")); return;;
	--target) COMPREPLY=($(compgen -W 'c scalar avx512vnni avx512 avx2 neondot neon' -- "$cur")); return;;
	--format) COMPREPLY=($(compgen -W 'npy pb' -- "$cur")); return;;
	--scenario) COMPREPLY=($(compgen -W 'single-stream multi-stream offline server' -- "$cur")); return;;
	--log-format) COMPREPLY=($(compgen -W 'text json' -- "$cur")); return;;
	--color) COMPREPLY=($(compgen -W 'auto always never' -- "$cur")); return;;
	--limit) COMPREPLY=($(compgen -S = -W 'input depth nodes ports rank elements fold work split source' -- "$cur")); return;;
	--data|--external-root) COMPREPLY=($(compgen -d -- "$cur")); return;;
	--dim|--shape|--state|--name|--seed|--seconds|--streams|--qps|--rtol|--atol|--max-error|--tolerance|--dump|--threads|--cc) return;;
	-o|--output|-i|--input) COMPREPLY=($(compgen -f -- "$cur")); return;;
	esac
	case $cmd in
	run) opts="$model --threads --cc --output --input --format --data --seed --profile --seconds --json";;
	verify) opts="$model --threads --cc --data --rtol --atol --max-error";;
	bench) opts="$model --threads --cc --input --data --seed --scenario --streams --qps --seconds --json";;
	inspect) opts="$model --json";;
	ops|targets) opts='--json';;
	*) opts="$model --threads --cc --output --name --weights --verify --tolerance --data --seed";;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$opts $common" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -X '!*.onnx' -- "$cur") $(compgen -d -- "$cur"))
		[[ $cmd ]] || COMPREPLY+=($(compgen -W 'run verify bench inspect ops targets' -- "$cur"))
	fi
} && complete -o filenames -F _zenithc zenithc
