// SPDX-License-Identifier: Apache-2.0

// The cgroup of a container: one directory in each hierarchy, where runc puts it.

#include "floor.h"

static void write_file(const char *dir, const char *file, const char *text)
{
	char path[2 * path_size];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	int fd = must(open(path, O_WRONLY | O_CLOEXEC), path);
	must(write(fd, text, strlen(text)), path);
	close(fd);
}

// inherit copies a file of a v1 cpuset, which is born empty, from the directory above.
static void inherit(const char *dir, const char *file)
{
	char path[2 * path_size], value[256];
	snprintf(path, sizeof path, "%s/../%s", dir, file);
	int fd = must(open(path, O_RDONLY | O_CLOEXEC), path);
	ssize_t n = must(read(fd, value, sizeof value - 1), path);
	close(fd);
	value[n] = 0;
	write_file(dir, file, value);
}

const char *cgroup_mount_name(const struct hierarchy *h)
{
	if (h->controllers[0] == 0)
		return "unified";
	if (strncmp(h->controllers, "name=", 5) == 0)
		return h->controllers + 5;
	return h->controllers;
}

// cgroup_locate reads /proc/self/cgroup, whose lines are "ID:CONTROLLERS:PATH".
void cgroup_locate(struct cgroup *c, const char *id)
{
	static char text[4096];
	int fd = must(open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC), "/proc/self/cgroup");
	ssize_t n = must(read(fd, text, sizeof text - 1), "/proc/self/cgroup");
	close(fd);
	text[n] = 0;
	c->count = 0;
	for (char *line = strtok(text, "\n"); line && c->count < max_hierarchies; line = strtok(NULL, "\n")) {
		char *controllers = strchr(line, ':') + 1;
		char *own = strchr(controllers, ':');
		*own++ = 0;
		struct hierarchy *h = &c->at[c->count++];
		snprintf(h->controllers, sizeof h->controllers, "%s", controllers);
		snprintf(h->dir, sizeof h->dir, "/sys/fs/cgroup/%s%s/%s", cgroup_mount_name(h), own[1] ? own : "", id);
		h->entry = -1;
	}
	c->unified = c->count == 1 && c->at[0].controllers[0] == 0;
	if (c->unified)
		snprintf(c->at[0].dir, sizeof c->at[0].dir, "/sys/fs/cgroup/%s", id);
}

// The devices that every container may use (runc's default list, tare's and crun's too).
static const char *const allowed[] = {
	"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:8 rwm", "c 1:7 rwm",   "c 5:0 rwm",
	"c 1:5 rwm", "c 1:9 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
};

static void allow_devices(const char *dir)
{
	char path[2 * path_size];
	write_file(dir, "devices.deny", "a");
	snprintf(path, sizeof path, "%s/devices.allow", dir);
	int fd = must(open(path, O_WRONLY | O_CLOEXEC), path);
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		must(write(fd, allowed[i], strlen(allowed[i])), allowed[i]);
	close(fd);
}

void cgroup_make(struct cgroup *c)
{
	for (int i = 0; i < c->count; i++) {
		struct hierarchy *h = &c->at[i];
		must(mkdir(h->dir, 0755), h->dir);
		if (strcmp(h->controllers, "cpuset") == 0) {
			inherit(h->dir, "cpuset.cpus");
			inherit(h->dir, "cpuset.mems");
		} else if (strcmp(h->controllers, "devices") == 0) {
			allow_devices(h->dir);
		}
	}
}

void cgroup_open(struct cgroup *c)
{
	for (int i = 0; i < c->count; i++) {
		struct hierarchy *h = &c->at[i];
		if (h->controllers[0] == 0) {
			h->entry = must(open(h->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), h->dir);
			continue;
		}
		char path[2 * path_size];
		snprintf(path, sizeof path, "%s/tasks", h->dir);
		h->entry = must(open(path, O_WRONLY | O_CLOEXEC), path);
	}
}

int cgroup_dir(const struct cgroup *c)
{
	for (int i = 0; i < c->count; i++)
		if (c->at[i].controllers[0] == 0)
			return c->at[i].entry;
	return -1;
}

// cgroup_enter writes 0, not a pid, to tasks, not cgroup.procs: the kernel then needs no lock.
void cgroup_enter(const struct cgroup *c)
{
	for (int i = 0; i < c->count; i++)
		if (c->at[i].controllers[0] != 0)
			must(write(c->at[i].entry, "0", 1), c->at[i].controllers);
}

void cgroup_remove(const struct cgroup *c)
{
	for (int i = 0; i < c->count; i++)
		must(rmdir(c->at[i].dir), c->at[i].dir);
}
