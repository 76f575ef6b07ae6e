/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel types that BPF objects are relocated against (CO-RE), extracted once for all objects. libbpf would parse
 * the kernel's BTF, megabytes, twice per object and search all of it for each type. Not thread-safe. */
#ifndef CORE_BPF_RELOCATION_H
#define CORE_BPF_RELOCATION_H

struct btf;

/* The file to open objects with (bpf_object_open_opts.btf_custom_path). It is empty until relocation__write(), which
 * must precede the first load. Without a place for it: the kernel's whole BTF. */
const char *relocation__path(void);

/* Adds the types that an object's BTF names. 0 or -errno. */
int relocation__add(const struct btf *object);

/* Writes these types, taken from the kernel's BTF, to the file. 0 or -errno. */
int relocation__write(const struct btf *types);

void relocation__forget(void); /* closes the file; objects are loaded by now */

#endif
