// SPDX-License-Identifier: Apache-2.0

// floor is the least that any runtime must do: the kernel's work for a container of the default
// spec (`tare spec`), by raw system calls in a static C program, and nothing else. It parses no
// JSON, keeps no state, checks nothing that a trusted input makes unnecessary, and must never be
// used for anything but measuring.

#ifndef FLOOR_H
#define FLOOR_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

// must ends the program when a call fails: `must(x, "what")`.
long must(long result, const char *what);

enum { max_hierarchies = 16, path_size = 256 };

// A hierarchy is one line of /proc/self/cgroup and the container's directory in it.
struct hierarchy {
	char controllers[64]; // "memory", "name=systemd"; "" is cgroup2
	char dir[path_size];
	int entry; // descriptor of v1's tasks, or of the cgroup2 directory
};

struct cgroup {
	struct hierarchy at[max_hierarchies];
	int count;
	int unified; // the host has cgroup2 alone
};

void cgroup_locate(struct cgroup *c, const char *id);
void cgroup_make(struct cgroup *c);
void cgroup_open(struct cgroup *c);
void cgroup_enter(const struct cgroup *c); // v1, by the child
int cgroup_dir(const struct cgroup *c);    // for CLONE_INTO_CGROUP, or -1
void cgroup_remove(const struct cgroup *c);
const char *cgroup_mount_name(const struct hierarchy *h);

void rootfs_enter(const char *rootfs, const struct cgroup *c);

// confine gives up privileges: capabilities, resource limits, new privileges.
void confine(void);

#endif
