/* SPDX-License-Identifier: BSD-2-Clause */
/* The bpf room: the scope, BPF objects and their hooks, the probes on their way through the stages. */
#ifndef CORE_BPF_BPF_H
#define CORE_BPF_BPF_H

#include "core/bpf/hook.h"
#include "core/bpf/object.h"
#include "core/bpf/probes.h"
#include "core/bpf/scope_map.h"
#include "core/bpf/settle.h"
#include "core/bpf/types.h"

#endif
