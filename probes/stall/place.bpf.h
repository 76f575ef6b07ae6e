/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths in the events of a look. Includes nothing: after core/probe.bpf.h and stall.h. */
#ifndef PROBES_STALL_PLACE_BPF_H
#define PROBES_STALL_PLACE_BPF_H

struct place {
	struct path_buffer path;
	struct vfsmount *vfs;
	struct dentry *dentry;
};

/* Of all programs of a look: user space runs one after the other. */
SCRATCH(place_of, struct place);

/* A global function, as lifecycle__walk_cwd(). */
__noinline int stall__walk(void)
{
	struct place *place = scratch__get(&place_of);

	if (place)
		path__walk(&place->path, place->vfs, place->dentry, false);
	return 0;
}

/* Its path: `text` has room for STALL_PATH bytes, `string` has its offset. */
static __always_inline void place__put(struct place *place, struct event_string *string, char *text, bool loop)
{
	__u32 length;

	if (loop)
		path__walk(&place->path, place->vfs, place->dentry, true);
	else
		stall__walk();
	length = path__length(&place->path);
	string->reason = place->path.reason;
	if (length > STALL_PATH) {
		length = STALL_PATH;
		string->reason = EVENT_REASON_TRUNCATED;
	}
	if (bpf_probe_read_kernel(text, length, &place->path.text[place->path.at & (PATH_BYTES - 1)]))
		string->reason = EVENT_REASON_FAULT;
	else
		string->length = length;
}

#endif
