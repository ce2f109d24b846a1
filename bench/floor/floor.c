// SPDX-License-Identifier: Apache-2.0

#include "floor.h"

extern char **environ;

static char *const container_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
	"HOME=/",
	NULL,
};

long must(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
		_exit(1);
	}
	return result;
}

static long clone3(struct clone_args *args) { return syscall(SYS_clone3, args, sizeof *args); }

void confine(void)
{
	enum { kept = 1 << CAP_AUDIT_WRITE | 1 << CAP_KILL | 1 << CAP_NET_BIND_SERVICE };
	struct rlimit files = {1024, 1024};
	must(setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap > 31 || !(kept & 1U << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	must(syscall(SYS_setgroups, 0, NULL), "setgroups");
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{kept, kept, 0}, {0, 0, 0}};
	must(syscall(SYS_capset, &header, data), "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

// born clones a process with the default spec's namespaces into the cgroup.
static pid_t born(struct cgroup *c, const char *id)
{
	cgroup_locate(c, id);
	cgroup_make(c);
	cgroup_open(c);
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS,
		.exit_signal = SIGCHLD,
	};
	int dir = cgroup_dir(c);
	if (dir >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = dir;
	}
	return must(clone3(&args), "clone3");
}

static void become(const struct cgroup *c, const char *rootfs)
{
	cgroup_enter(c);
	if (c->unified)
		must(unshare(CLONE_NEWCGROUP), "unshare");
	must(setsid(), "setsid");
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_ses.floor"), "keyctl");
	rootfs_enter(rootfs, c);
	must(sethostname("floor", 5), "sethostname");
}

static void execute(char **argv)
{
	must(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
	execve(argv[0], argv, container_env);
	must(-1, argv[0]);
}

static int reap(pid_t pid)
{
	int status = 0;
	must(waitpid(pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// run ID ROOTFS COMMAND...: a container from nothing to nothing.
static int run(char **a)
{
	struct cgroup c;
	pid_t pid = born(&c, a[0]);
	if (pid == 0) {
		become(&c, a[1]);
		confine();
		execute(a + 2);
	}
	int code = reap(pid);
	cgroup_remove(&c);
	return code;
}

static const char *in(const char *dir, const char *file)
{
	static char path[2 * path_size];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	return path;
}

// create ID ROOTFS DIR COMMAND...: leaves a process that waits at DIR/start; its pid is in DIR/pid.
static int create(char **a)
{
	struct cgroup c;
	int ready[2];
	must(mkdir(a[2], 0700), a[2]);
	must(mkfifo(in(a[2], "start"), 0600), "start");
	int start = must(open(in(a[2], "start"), O_RDWR | O_CLOEXEC), "start");
	must(pipe2(ready, O_CLOEXEC), "pipe2");
	pid_t pid = born(&c, a[0]);
	char byte = 0;
	if (pid == 0) {
		become(&c, a[1]);
		confine();
		must(write(ready[1], &byte, 1), "ready");
		must(read(start, &byte, 1), "start");
		execute(a + 3);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	char text[16];
	int n = snprintf(text, sizeof text, "%d", pid);
	int fd = must(open(in(a[2], "pid"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "pid");
	must(write(fd, text, n), "pid");
	return 0;
}

static int start(char **a)
{
	int fd = must(open(in(a[0], "start"), O_WRONLY | O_CLOEXEC), "start");
	must(write(fd, "", 1), "start");
	return 0;
}

// delete ID DIR: of a container that has ended.
static int delete(char **a)
{
	struct cgroup c;
	cgroup_locate(&c, a[0]);
	cgroup_remove(&c);
	must(unlink(in(a[1], "start")), "start");
	must(unlink(in(a[1], "pid")), "pid");
	must(rmdir(a[1]), a[1]);
	return 0;
}

static int join(const char *pid)
{
	int fd = must(syscall(SYS_pidfd_open, atoi(pid), 0), "pidfd_open");
	return must(setns(fd, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWCGROUP),
		    "setns");
}

// exec PID COMMAND...: into the namespaces, and nothing else.
static int exec(char **a)
{
	join(a[0]);
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid = must(clone3(&args), "clone3");
	if (pid == 0)
		execute(a + 1);
	return reap(pid);
}

// exec-confined ID PID COMMAND...: into the cgroups as well, with the container's privileges.
static int exec_confined(char **a)
{
	struct cgroup c;
	cgroup_locate(&c, a[0]);
	cgroup_open(&c);
	join(a[1]);
	struct clone_args args = {.exit_signal = SIGCHLD};
	int dir = cgroup_dir(&c);
	if (dir >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = dir;
	}
	pid_t pid = must(clone3(&args), "clone3");
	if (pid == 0) {
		cgroup_enter(&c);
		confine();
		execute(a + 2);
	}
	return reap(pid);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*call)(char **);
	} commands[] = {
		{"run", 3, run},   {"create", 4, create}, {"start", 1, start},
		{"delete", 2, delete}, {"exec", 2, exec}, {"exec-confined", 3, exec_confined},
		{"empty", 0, NULL},
	};
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc >= 2 + commands[i].arguments)
			return commands[i].call ? commands[i].call(argv + 2) : 0;
	fprintf(stderr, "usage: floor run ID ROOTFS COMMAND... | create ID ROOTFS DIR COMMAND... | start DIR |\n"
			"       delete ID DIR | exec PID COMMAND... | exec-confined ID PID COMMAND... | empty\n");
	return 2;
}
