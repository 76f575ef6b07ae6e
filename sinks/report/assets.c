/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's files, embedded. The build writes assets.inc, one line per file. */
#include "sinks/report/assets.h"

#include <string.h>

/* clang-format off */
#define ASSET(n, name, file, hash)                                                                           \
	extern const char asset_##n[] __attribute__((visibility("hidden")));                                 \
	extern const char asset_end_##n[] __attribute__((visibility("hidden")));                             \
	__asm__(".pushsection .rodata\n"                                                                     \
		".globl asset_" #n "\n.hidden asset_" #n "\nasset_" #n ":\n.incbin \"" file "\"\n"           \
		".globl asset_end_" #n "\n.hidden asset_end_" #n "\nasset_end_" #n ":\n.popsection");
#include "sinks/report/assets.inc"
#undef ASSET
/* clang-format on */

#define ASSET(n, name, file, hash) {name, asset_##n, asset_end_##n, hash},
const struct asset assets[] = {
#include "sinks/report/assets.inc"
	{0}};

const struct asset *asset__find(const char *name, size_t length)
{
	for (const struct asset *asset = assets; asset->name; asset++)
		if (strlen(asset->name) == length && !memcmp(asset->name, name, length))
			return asset;
	return NULL;
}
