# SPDX-License-Identifier: BSD-2-Clause
# Completion for bash. Options and names are read from the programs' own --help and --list, so that they are those of
# the version and the plugins that are installed.

# _collector_table PROGRAM: a line for each option: its long name, its letter or -, its value's name if it has one.
_collector_table()
{
	"$1" --help 2>/dev/null | sed -nE 's/^  (-(.),|   ) (--[a-z-]+)( ([A-Z][^ ]*))?(  .*)?$/\3 -\2 \5/p'
}

# _collector_formats PROGRAM: the words that the help of --format begins with: "table, csv or json (default table)".
_collector_formats()
{
	"$1" --help 2>/dev/null | sed -nE '/ --format /{N; s/.* --format [A-Z]+ +//; s/\(.*//; s/,| or / /g; p; }'
}

# _collector_events PROGRAM: PROBE and PROBE.EVENT.
_collector_events()
{
	"$1" --list 2>/dev/null | awk -F'[ :]+' '
		/^(probe|sink) / { probe = $1 == "probe" ? $2 : ""; if (probe) print probe }
		/^  event / && probe { print probe "." $3 }'
}

# _collector_value PROGRAM OPTION NAME-OF-VALUE WORD: sets COMPREPLY.
_collector_value()
{
	local kind=$3 names=

	case $2 in
	--sink) names=$("$1" --list 2>/dev/null | sed -n 's/^sink \([^:]*\):.*/\1/p') ;;
	--event) names=$(_collector_events "${1%-merge}") ;;
	--format) names=$(_collector_formats "$1") ;;
	--steps) names="auto none" kind=FILE ;;
	--user) names=$(compgen -u -- "$4") ;;
	esac
	mapfile -t COMPREPLY < <(
		compgen -W "$names" -- "$4"
		case $kind in
		FILE) compgen -f -- "$4" ;;
		DIR|LAKE*) compgen -d -- "$4" ;;
		esac)
	[[ $kind != @(FILE|DIR|LAKE*) ]] || compopt -o filenames 2>/dev/null
}

# _collector_operand PROGRAM WORD OPERAND...: sets COMPREPLY.
_collector_operand()
{
	local program=$1 word=$2 names=
	shift 2

	case ${program##*/}:$# in
	collector:0) names=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p'; compgen -c -- "$word") ;;
	*-query:0) ;;
	*-query:*) names=$("$program" --list 2>/dev/null | sed 's/ .*//') ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word"; compgen -f -- "$word")
	compopt -o filenames 2>/dev/null
}

# What precedes the word: sets `option` and `takes` if it is the value of an option, `operands`, and `ended` if no option
# may follow. Reads `words`, `table` and `name`.
_collector_walk()
{
	local i long letter value

	for ((i = 0; i < ${#words[@]} - 1; i++)); do
		if [ -n "$takes" ]; then
			takes=
			continue
		fi
		case $ended${words[i]} in
		--) ended=1 ;;
		-*=*) ;;
		-*)
			while read -r long letter value; do
				[[ ${words[i]} != "$long" && ${words[i]} != "$letter" ]] || option=$long takes=$value
			done <<<"$table" ;;
		*)
			operands+=("${words[i]}")
			[[ $name != collector ]] || ended=1 ;;
		esac
	done
}

_collector()
{
	local program=$1 name words=() operands=() table option= takes= ended= cur glue= i

	# bash has split words at = and :
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if [[ ${#words[@]} -gt 0 && ( -n $glue || ${COMP_WORDS[i]} == [=:] ) ]]; then
			words[-1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
		glue=
		[[ ${COMP_WORDS[i]} != [=:] ]] || glue=1
	done
	if [[ ${program##*/} == collector && ${#words[@]} -gt 1 && ${words[0]} == @(ls|status|top|merge|query|diff) ]]; then
		program+=-${words[0]}
		words=("${words[@]:1}")
	fi
	name=${program##*/}
	table=$(_collector_table "$program")
	cur=${words[-1]}
	_collector_walk
	if [[ -z $takes && -z $ended && $cur == --*=* ]]; then
		option=${cur%%=*} cur=${cur#*=}
		takes=$(awk -v name="$option" '$1 == name { print $3 }' <<<"$table")
	fi
	COMPREPLY=()
	if [ -n "$takes" ]; then
		_collector_value "$program" "$option" "$takes" "$cur"
	elif [[ -z $ended && $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(awk '{ print $1; if ($2 != "-") print $2 }' <<<"$table")" -- "$cur")
	elif [[ $name == collector && ${#operands[@]} -gt 0 ]] && declare -F _command_offset >/dev/null; then
		# as the command itself completes its arguments, with bash-completion
		for ((i = 1; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} != "${operands[0]}" ]] || break
		done
		_command_offset "$i"
	else
		_collector_operand "$program" "$cur" "${operands[@]}"
	fi
}

complete -F _collector collector collector-ls collector-status collector-merge collector-query collector-diff
