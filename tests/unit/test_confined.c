/* SPDX-License-Identifier: BSD-2-Clause */
/* core/bpf/types.c: the security module that may have denied bpf(2), by the label of this process. The labels are those
 * that the kernels of Fedora and Ubuntu show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bpf/bpf.h"

static void test_labels(void **state)
{
	static const struct {
		bool selinux;
		const char *label;
		const char *says[3]; /* NULL: not confined */
	} cases[] = {
		{true,
		 "system_u:system_r:container_t:s0:c1,c2\n",
		 {"SELinux", "system_u:system_r:container_t:s0:c1,c2:", "label=disable"}},
		{false,
		 "docker-default (enforce)\n",
		 {"AppArmor", "profile docker-default may", "apparmor=unconfined"}},
		{false, "docker-default (complain)\n", {0}},
		{false, "unconfined\n", {0}},
		{false, "", {0}},
		{true, "", {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = bpf__confined(cases[i].selinux, cases[i].label);

		assert_int_equal(!text, !cases[i].says[0]);
		for (size_t s = 0; text && s < 3; s++)
			assert_non_null(strstr(text, cases[i].says[s]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
