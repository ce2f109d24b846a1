// SPDX-License-Identifier: Apache-2.0

// The container's file system, by mount(2): it takes fewer calls than the new mount API, so it is
// the lower floor.

#include "floor.h"

static void mounted(const char *source, const char *target, const char *type, unsigned long flags,
		    const char *data)
{
	must(mount(source, target, type, flags, data), target);
}

enum { quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static void device(const char *path, unsigned major, unsigned minor)
{
	must(mknod(path, S_IFCHR | 0666, makedev(major, minor)), path);
}

static void devices(void)
{
	device("dev/null", 1, 3);
	device("dev/zero", 1, 5);
	device("dev/full", 1, 7);
	device("dev/random", 1, 8);
	device("dev/urandom", 1, 9);
	device("dev/tty", 5, 0);
	must(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
	must(symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
	must(symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
	must(symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
	must(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
}

static void cgroups(const struct cgroup *c)
{
	if (c->unified) {
		mounted("cgroup", "sys/fs/cgroup", "cgroup2", quiet | MS_RELATIME | MS_RDONLY, "");
		return;
	}
	mounted("cgroup", "sys/fs/cgroup", "tmpfs", quiet, "mode=755");
	for (int i = 0; i < c->count; i++) {
		const struct hierarchy *h = &c->at[i];
		if (h->controllers[0] == 0)
			continue;
		char at[path_size];
		snprintf(at, sizeof at, "sys/fs/cgroup/%s", cgroup_mount_name(h));
		must(mkdir(at, 0755), at);
		mounted(h->dir, at, NULL, MS_BIND, NULL);
		mounted(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_RELATIME | quiet, NULL);
	}
	mounted(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet, NULL);
}

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const masked[] = {
	"/proc/acpi",       "/proc/asound",     "/proc/kcore",       "/proc/keys",
	"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/sys/firmware",    "/proc/scsi",       "/sys/devices/virtual/tpm",
};

// many is how many bind mounts and masked paths there are beside the default spec's: those of
// ROOTFS/../binds/N at /binds/N, and directories and files by turns at /masks/N.
static struct { int binds, masks; } many;

static int inside(int root, const char *path, unsigned long flags)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	return syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int tree(int dir, const char *path, unsigned flags)
{
	return must(syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), "open_tree");
}

static void attach(int mount, int at)
{
	must(syscall(SYS_move_mount, mount, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "move_mount");
	must(close(at), "close");
}

static void change(int mount, unsigned flags, struct mount_attr attr)
{
	must(syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | flags, &attr, sizeof attr), "mount_setattr");
}

// What comes with FLOOR_MANY is made by the calls that a runtime makes which does not trust the
// image: below the root's descriptor, and to the descriptor that was found there.
static void many_binds(const char *rootfs)
{
	const char *text = getenv("FLOOR_MANY");
	if (!text || sscanf(text, "%d,%d", &many.binds, &many.masks) != 2)
		return;
	int root = must(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), "root");
	for (int i = 0; i < many.binds; i++) {
		char source[path_size], target[64];
		snprintf(source, sizeof source, "%s/../binds/%d", rootfs, i);
		snprintf(target, sizeof target, "/binds/%d", i);
		int at = must(inside(root, target, 0), target);
		int mount = tree(AT_FDCWD, source, AT_RECURSIVE);
		change(mount, 0, (struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY});
		attach(mount, at);
		change(mount, AT_RECURSIVE, (struct mount_attr){.propagation = MS_PRIVATE});
		must(close(mount), "close");
	}
	must(close(root), "close");
}

static const char *mask(const char *path, const char *empty)
{
	if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno != ENOTDIR)
		return empty;
	if (empty) {
		mounted(empty, path, NULL, MS_BIND, NULL);
		return empty;
	}
	mounted("tmpfs", path, "tmpfs", MS_RDONLY | quiet, "nr_blocks=1,nr_inodes=1");
	return path;
}

static void many_masks(const char *empty)
{
	if (many.masks == 0)
		return;
	int root = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "root");
	int directory = must(open(empty, O_PATH | O_DIRECTORY | O_CLOEXEC), empty);
	int null = must(open("/dev/null", O_PATH | O_CLOEXEC), "/dev/null");
	for (int i = 0; i < many.masks; i++) {
		char path[64];
		snprintf(path, sizeof path, "/masks/%d", i);
		int cover = directory, at = inside(root, path, O_DIRECTORY);
		if (at < 0) {
			cover = null;
			at = must(inside(root, path, 0), path);
		}
		int mount = tree(cover, "", AT_EMPTY_PATH);
		attach(mount, at);
		must(close(mount), "close");
	}
}

static void protect(void)
{
	for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) != 0)
			continue; // this kernel does not have it
		mounted(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	}
	const char *empty = NULL; // the first masked directory; the others are bound from it
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
		empty = mask(masked[i], empty);
	many_masks(empty);
}

void rootfs_enter(const char *rootfs, const struct cgroup *c)
{
	umask(0);
	mounted(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	mounted(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL);
	must(chdir(rootfs), rootfs);
	mounted("proc", "proc", "proc", 0, NULL);
	mounted("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	must(mkdir("dev/pts", 0755), "dev/pts");
	mounted("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	must(mkdir("dev/shm", 0755), "dev/shm");
	mounted("shm", "dev/shm", "tmpfs", quiet, "mode=1777,size=65536k");
	must(mkdir("dev/mqueue", 0755), "dev/mqueue");
	mounted("mqueue", "dev/mqueue", "mqueue", quiet, NULL);
	mounted("sysfs", "sys", "sysfs", quiet | MS_RDONLY, NULL);
	cgroups(c);
	many_binds(rootfs);
	devices();
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount2");
	must(chdir("/"), "/");
	mounted(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	protect();
	umask(022);
}
