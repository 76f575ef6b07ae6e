# SPDX-License-Identifier: BSD-2-Clause
# Completion for fish. Options and names are read from the programs' own --help and --list, so that they are those of the
# version and the plugins that are installed. fish reads it as PROGRAM.fish, one file for each program.

# What --list or --help says
function __collector_names -a program what
    switch $what
        case sink
            $program --list 2>/dev/null | sed -nE 's/^sink ([^:]*): /\1\t/p'
        case event
            string replace -r -- '-merge$' '' $program | read -l all
            $all --list 2>/dev/null | awk -F'[ :]+' '
                /^(probe|sink) / { probe = $1 == "probe" ? $2 : ""; if (probe) print probe }
                /^  event / && probe { print probe "." $3 }'
        case format
            $program --help 2>/dev/null |
                sed -nE '/ --format /{N; s/.* --format [A-Z]+ +//; s/\(.*//; s/,| or / /g; s/ +/\n/g; p; }' | string match -r '.+'
        case queries
            $program --list 2>/dev/null | sed -E 's/ +/\t/'
        case programs
            $program --help 2>/dev/null | sed -nE 's/^  ([a-z]+) +([a-z].*)/\1\t\2/p'
    end
end

# Whether an operand precedes the word
function __collector_has_operand
    set -l words (commandline -opc)
    string match -qvr -- '^-' $words[2..-1]
end

set -l program (string replace -ar -- '^.*/|\.fish$' '' (status filename))
for row in ($program --help 2>/dev/null |
        sed -nE 's/^  (-(.),|   ) --([a-z-]+)( ([A-Z][^ ]*))?(  +(.*))?$/\3\t\2\t\5\t\7/p')
    set -l part (string split \t -- $row)
    set -l words -c $program -l $part[1] -d "$part[4]"
    if test -n "$part[2]"
        set words $words -s $part[2]
    end
    switch "$part[1] $part[3]"
        case 'sink *' 'event *' 'format *'
            set words $words -x -a "(__collector_names $program $part[1])"
        case 'user *'
            set words $words -x -a '(__fish_complete_users)'
        case 'pid *'
            set words $words -x -a '(__fish_complete_pids)'
        case '* FILE' '* RULES'
            set words $words -r -F
        case '* DIR' '* LAKE*'
            set words $words -x -a '(__fish_complete_directories)'
        case '* ?*'
            set words $words -x
    end
    complete $words
end
switch $program
    case collector
        complete -c collector -n 'not __collector_has_operand' -a '(__collector_names collector programs)'
        complete -c collector -n 'not __collector_has_operand' -a '(__fish_complete_command)'
    case collector-query
        complete -c collector-query -n __collector_has_operand -a '(__collector_names collector-query queries)'
end
