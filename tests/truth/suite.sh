#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs the conformance suite: collector, collector-merge and truth are in PATH, plugins in $PLUGINS; works below
# $OUT; $CASES: only these; $TRUTH_GUEST: the machine is ours. Prints a line a case. Called by tests/kernels/run.
mkdir -p "$OUT/work" && cd "$OUT/work" || exit 2
cat >"$OUT/truth.yaml" <<YAML
run: {name: truth, output: $OUT/runs}
probes:
  lifecycle: {required: true, exec_failed: true}
  cpu: {required: true, interval: 1s}
  mem: {required: true, interval: 1s}
  io: {required: true, interval: 1s}
YAML

beside() {
	while [ ! -e "$OUT/over" ]; do
		truth outside "$OUT/outside"
	done
}

# Watches the cases, with others beside them all the time: an emulated machine takes seconds to start to watch.
watch() {
	beside &
	# shellcheck disable=SC2086 # a list of words
	collector --plugin-dir "$PLUGINS" --no-summary -c "$OUT/truth.yaml" -- truth run "$OUT/expect" $CASES
	code=$?
	touch "$OUT/over"
	wait
	[ "$code" = 0 ] && echo "suite right" && return
	echo "suite WRONG collector -- truth run ended with $code"
	[ "$code" != 125 ] || exit 1
}

# Whether its recorder waits for events: everything is attached then.
is_watching() {
	read -r children <"/proc/$1/task/$1/children"
	for child in $children; do
		read -r comm <"/proc/$child/comm" && [ "$comm" = collector-rec ] || continue
		read -r call _ <"/proc/$child/syscall"
		case $call in 232 | 281 | 22) return 0 ;; esac
	done
	return 1
}

# Processes that are there before: followed by their pid, to their end.
watch_early() {
	truth early "$OUT/expect" "$OUT/go" &
	early=$!
	until [ -e "$OUT/go.ready" ]; do sleep 0.1; done
	collector --plugin-dir "$PLUGINS" --no-summary -c "$OUT/truth.yaml" -o "$OUT/early" --pid "$early" &
	until is_watching $!; do sleep 0.1; done
	touch "$OUT/go"
	wait $! || echo "suite WRONG collector --pid ended with $?"
	wait "$early"
}

# Whether all that are listed have been reported.
all_told() {
	collector-merge -q -p "$PLUGINS" -s jsonl -e stall "$OUT/still/latest" >"$OUT/still.jsonl" 2>"$OUT/still.said"
	while read -r pid; do
		grep "\"pid\":$pid," "$OUT/still.jsonl" | grep -q '"event":"\(picture\|zombie\)"' || return
	done <"$OUT/expect.still"
}

# Those that stand still, in a run of their own: what else the suite does would be reported too. They end when all are
# reported, or after a minute, so that what is missing is found.
watch_still() {
	cat >"$OUT/still.yaml" <<YAML
run: {name: still, output: $OUT/still}
probes:
  lifecycle: {required: true}
  cpu: {required: true, interval: 1s}
  mem: {required: true, interval: 1s}
  io: {required: true, interval: 1s}
  stall: {required: true, interval: 500ms, after: 2s}
YAML
	# shellcheck disable=SC2086 # a list of words
	collector --plugin-dir "$PLUGINS" --no-summary -c "$OUT/still.yaml" -- truth still "$OUT/expect" $CASES &
	until [ -e "$OUT/expect.still" ] || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
	tries=0
	until all_told || [ $tries = 60 ]; do
		tries=$((tries + 1))
		sleep 1
	done
	: >"$OUT/expect.told"
	wait $! || echo "suite WRONG collector -- truth still ended with $?"
}

# With --user it is described what that user's program waits for, and not of one that has had root's rights: kernels differ in
# where they keep whether /proc may show a process to its user.
watch_user() {
	mkdir "$OUT/suid" "$OUT/user" && cp /bin/busybox "$OUT/suid/sleep" && chmod 4755 "$OUT/suid/sleep"
	chown 65534 "$OUT/user"
	echo "probes: {lifecycle: {}, stall: {interval: 200ms, after: 400ms}}" >"$OUT/user.yaml"
	collector --plugin-dir "$PLUGINS" --no-summary -c "$OUT/user.yaml" --user nobody -o "$OUT/user" -- \
		sh -c "sleep 2 & $OUT/suid/sleep 2; wait" >"$OUT/said" 2>&1 || tail -n 1 "$OUT/said"
	collector-merge -q -p "$PLUGINS" -s jsonl -e stall "$OUT/user/latest" >"$OUT/user.jsonl"
	described=$(grep '"event":"stuck"' "$OUT/user.jsonl" | grep -c '"comm":"sleep"')
	denied=$(grep '"comm":"sleep"' "$OUT/user.jsonl" | grep -c '"incomplete":"denied"')
	if [ "$described $denied" = "1 1" ]; then
		echo "of_a_user right"
	else
		echo "of_a_user WRONG $described described, $denied denied"
	fi
}

# A kernel without type information is refused, in a sentence that names it, and nothing is started.
refuses() {
	if collector --plugin-dir "$PLUGINS" -q -o "$OUT/refused" -- touch "$OUT/started" 2>"$OUT/said"; then
		echo "$1 WRONG it was not refused"
	elif [ -e "$OUT/started" ] || ! grep -q "/sys/kernel/btf/vmlinux" "$OUT/said"; then
		echo "$1 WRONG $(tail -n 1 "$OUT/said")"
	else
		echo "$1 right"
	fi
}

hide_btf() {
	: >"$OUT/empty"
	mount -o bind "$OUT/empty" /sys/kernel/btf/vmlinux && refuses btf_empty && umount /sys/kernel/btf/vmlinux
	mount -t tmpfs none /sys/kernel/btf && refuses btf_missing && umount /sys/kernel/btf
}

[ -z "$TRUTH_GUEST" ] || mkswap /dev/nvme0n1 >/dev/null # for the case that needs it; some kernels have no such disk
watch
RUNS=$OUT/runs/latest
case " ${CASES:-stall_}" in *" stall_"*) watch_still && RUNS="$RUNS $OUT/still/latest" ;; esac
case " ${CASES:-early} " in *" early "*) watch_early && RUNS="$RUNS $OUT/early/latest" ;; esac
# shellcheck disable=SC2086 # a list of folders
collector-merge -q -p "$PLUGINS" -s jsonl $RUNS >"$OUT/events.jsonl" || echo "merge WRONG exit code $?"
cat "$OUT/outside" >>"$OUT/expect"
truth check "$OUT/expect" "$OUT/events.jsonl" "$OUT/runs/latest/mem.msgpack"
[ -z "$TRUTH_GUEST" ] || watch_user
[ -z "$TRUTH_GUEST" ] || hide_btf
grep '"event":"lost"' "$OUT/events.jsonl" | sed 's/^/# /' | tail -n 20
exit 0
