/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The two ends of a socket. Includes nothing: after core/probe.bpf.h and stall.h. */
#ifndef PROBES_STALL_SOCKET_BPF_H
#define PROBES_STALL_SOCKET_BPF_H

struct in6_addr {
	__u8 in6_u[16];
} S_KERNEL;

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} S_KERNEL;

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
} S_KERNEL;

struct socket {
	short type;
	struct sock *sk;
} S_KERNEL;

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
} S_KERNEL;

struct sockaddr_un {
	char sun_path[108];
} S_KERNEL;

struct unix_address {
	int len;
	struct sockaddr_un name[0];
} S_KERNEL;

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
} S_KERNEL;

/* By what a descriptor is looked for among those of others: a pipe, FIFO or locked file by its inode, a socket by its own
 * and its peer's or, of a TCP connection, by both addresses. 0: by nothing. */
struct keys {
	__u64 own, peer;
};

enum { FAMILY_UNIX = 1, FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

static __always_inline __u64 mix(__u64 value)
{
	value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
	value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
	return value ^ value >> 32;
}

static __always_inline void read_name(struct unix_sock *sk, __u8 *text, __u32 *length)
{
	struct unix_address *address = BPF_CORE_READ(sk, addr);
	__u64 bytes = address ? (__u32)BPF_CORE_READ(address, len) - 2 : 0; /* without the family */
	void *name = (void *)address + bpf_core_field_offset(struct unix_address, name);

	*length = 0;
	__asm__ volatile("" : "+r"(bytes)); /* or the bound below is that of a copy, for the verifier */
	if (bytes == 0 || bytes > STALL_ADDRESS)
		return;
	if (!bpf_probe_read_kernel(text, bytes, name + bpf_core_field_offset(struct sockaddr_un, sun_path)))
		*length = bytes;
}

static __always_inline void describe_unix(struct stall_descriptor *e, struct keys *keys, struct sock *sk)
{
	struct stall_socket *s = &e->socket;
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	struct socket *other;
	struct inode *inode;

	read_name((void *)sk, s->local, &s->local_length);
	if (!peer)
		return;
	read_name((void *)peer, s->remote, &s->remote_length);
	other = BPF_CORE_READ(peer, sk_socket);
	if (!other) { /* the other end is closed */
		e->peer = EVENT_NULL(EVENT_REASON_GONE);
		return;
	}
	inode = (void *)other + bpf_core_field_offset(struct socket_alloc, vfs_inode);
	keys->peer = (__u64)inode;
	e->peer = BPF_CORE_READ(inode, i_ino);
}

/* One end of a connection. */
static __always_inline __u64 end_of(const __u8 *address, __u32 length, __u16 port)
{
	__u64 low = *(const __u64 *)address, high = *(const __u64 *)(address + 8);

	/* An IPv4 address that is mapped to IPv6: both ends may be of either kind. */
	if (length == 16 && !low && (__u32)high == 0xffff0000) {
		low = high >> 32;
		high = 0;
	}
	return mix(mix(low + 1) + mix(high) + port);
}

static __always_inline void describe_inet(struct stall_socket *s, struct keys *keys, struct sock *sk)
{
	__u64 here, there;
	__be16 port = BPF_CORE_READ(sk, __sk_common.skc_dport);

	s->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	s->remote_port = __builtin_bswap16(port);
	s->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (s->family == FAMILY_IPV4) {
		BPF_CORE_READ_INTO((__u32 *)s->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__u32 *)s->remote, sk, __sk_common.skc_daddr);
		s->local_length = s->remote_length = 4;
	} else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
		bpf_probe_read_kernel(s->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(s->remote, 16, &sk->__sk_common.skc_v6_daddr);
		s->local_length = s->remote_length = 16;
	}
	if (!port || !s->local_length) { /* not connected */
		s->remote_length = 0;
		return;
	}
	here = end_of(s->local, s->local_length, s->local_port);
	there = end_of(s->remote, s->remote_length, s->remote_port);
	keys->own = mix(here) + there;
	keys->peer = mix(there) + here;
}

/* keys->own: the socket's inode. */
static __always_inline void describe_socket(struct stall_descriptor *e, struct keys *keys, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct stall_socket *s = &e->socket;
	struct sock *sk = BPF_CORE_READ(socket, sk);

	s->type = BPF_CORE_READ(socket, type);
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (s->family == FAMILY_UNIX)
		describe_unix(e, keys, sk);
	else if (s->family == FAMILY_IPV4 || s->family == FAMILY_IPV6)
		describe_inet(s, keys, sk);
}

#endif
