/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between the keeper and the recorder, over a socket pair: one datagram each, some with descriptors. Each side
 * may be stopped or replaced by what attacked it: no call blocks for longer than it says, and what arrives is checked. */
#ifndef CORE_DAEMON_CHANNEL_H
#define CORE_DAEMON_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_TEXT 16384
#define CHANNEL_FDS 253 /* SCM_MAX_FD of the kernel */
#define CHANNEL_NAME 32

enum channel_kind {
	/* recorder -> keeper */
	CHANNEL_MAKE_RUN = 1, /* make the folder of run `run`, of the user `number`; text: the number of the rule that
			       * starts it, or -1, then the names of its streams, one per line */
	CHANNEL_KEEP_RUN,     /* its streams have their headers: it is the latest run now */
	CHANNEL_REMOVE_RUN,   /* they could not be written: remove the folder */
	CHANNEL_PREPARE,      /* say which process will fork the command */
	CHANNEL_END_RUN,      /* they have ended */
	CHANNEL_FULL,	      /* the disk is full: free some space if that can be done */
	CHANNEL_FORK,	      /* fork the command, which is to wait */
	CHANNEL_READY,	      /* everything is attached: let the command go */
	CHANNEL_DONE,	      /* the streams are complete; what follows is the wait for the disk */
	CHANNEL_ASK,	      /* read something for a probe; text: struct channel_ask */
	CHANNEL_RELOADED,     /* number: 0, or -errno: nothing has changed */
	CHANNEL_STATE,	      /* reply to ASK_STATE; text: struct channel_state, then struct channel_run for each run */
	CHANNEL_MAKE_SEGMENT, /* make a file for stream `number` of the run; text: the number of the segment */
	CHANNEL_FREE,	      /* clear segments of the run that sinks have delivered; text: how many bytes are needed */
	/* keeper -> recorder */
	CHANNEL_RUN, /* reply to MAKE_RUN; text: the name of its folder, and of its user; fds: output folder, folder, streams.
			 * Or number: -errno; text: what failed */
	CHANNEL_PREPARED, /* reply to PREPARE; number: its pid, or -errno */
	CHANNEL_FORKED,	  /* reply to FORK; number: 0 or -errno */
	CHANNEL_ENDED,	  /* the command has exited */
	CHANNEL_SUSPEND,  /* limits.total is reached: record nothing */
	CHANNEL_RESUME,	  /* record again */
	CHANNEL_STOP,	  /* stop recording */
	CHANNEL_RELOAD, /* other rules and limits; text: a part of conf_reload__pack(), from byte `run` of `number` on */
	CHANNEL_ASK_STATE, /* say how it stands */
	CHANNEL_ANSWER,	   /* reply to ASK; number: 0 or -errno; text: struct channel_answer, and what was read */
	CHANNEL_SEGMENT, /* reply to MAKE_SEGMENT; number: the stream's; the file's descriptor, or text: what failed */
	CHANNEL_FREED,	 /* reply to FREE; text: how many bytes the run takes less */
	CHANNEL_KINDS,
};

struct channel_message {
	uint32_t kind;
	uint32_t run;
	int32_t number;
	uint32_t size; /* of the text */
	char text[CHANNEL_TEXT + 1];
	int fds[CHANNEL_FDS]; /* owned by the receiver */
	size_t fds_count;
};

/* In the text of ASK: struct probe_ask; the path follows, unless there is none. */
struct channel_ask {
	uint32_t id, what, pid, local_pid;
	uint64_t start, device, inode, offset, end;
};

struct channel_answer {
	uint32_t id, zero;
	uint64_t cost_ns, skipped;
};

/* In the text of STATE. Times are of the boot clock, ns. */
struct channel_state {
	uint64_t open, watched, suspended, over_limit, unrecorded, dropped;
	int64_t disk_error; /* -errno */
};

struct channel_run {
	char id[96];
	uint64_t uid, began, watched, processes, bytes, lost;
};

#define CHANNEL_RUNS \
	((CHANNEL_TEXT - sizeof(struct channel_state)) / sizeof(struct channel_run)) /* as many have room */

#define CHANNEL_ANSWER_TEXT 4096 /* bytes that are read for one */

int channel__pair(int fds[2]); /* both close-on-exec; 0 or -errno */

/* Does not block. 0, -EAGAIN if the other side has not read enough, -EPIPE if it has ended, or another -errno. The
 * descriptors stay the caller's. */
int channel__send(int fd, const struct channel_message *message);

/* Sends a message that is nothing but its kind and numbers. */
int channel__tell(int fd, enum channel_kind kind, uint32_t run, int32_t number);

/* Waits for at most this time. 1, 0 if the other side has ended, -ETIMEDOUT, -EMFILE if there is no room for the
 * descriptors, -EBADMSG if this is not a message, or another -errno. Of an error no descriptors remain. */
int channel__receive(int fd, struct channel_message *message, int timeout_ms);

/* Checks a datagram of this size, whose header is at `data`, and fills all but the descriptors. 0 or -EBADMSG. */
int channel__parse(struct channel_message *message, const void *data, size_t size);

/* Splits the text of MAKE_RUN, in place, into names of streams, never a path: [a-z0-9_], shorter than
 * CHANNEL_NAME. Returns their number, or -EINVAL: there is another name, or more than `max`. */
int channel__names(char *text, const char **names, size_t max);

/* What ASK and ANSWER hold; *text: what follows, up to a NUL after all of it. 0, or -EBADMSG: it is too short. */
int channel__get_ask(const struct channel_message *message, struct channel_ask *ask, const char **text);
int channel__get_answer(const struct channel_message *message, struct channel_answer *answer, const char **text);

void channel__drop(struct channel_message *message); /* closes its descriptors */

#endif
