/* SPDX-License-Identifier: BSD-2-Clause */
/* Header of the bpf room: the scope, BPF objects and hooks, and the stages of the probes. */
#ifndef CORE_BPF_BPF_H
#define CORE_BPF_BPF_H

#include "core/bpf/hook.h"
#include "core/bpf/object.h"
#include "core/bpf/probes.h"
#include "core/bpf/relocation.h"
#include "core/bpf/scope_map.h"
#include "core/bpf/settle.h"
#include "core/bpf/types.h"
#include "core/bpf/syscall.h"

#endif
