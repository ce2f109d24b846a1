// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// idMap is one of the two mappings of a user namespace.
type idMap struct {
	where  string // place in config.json
	file   string // in /proc/PID
	helper string // the set-user-ID program of shadow-utils that writes it for ordinary users
	list   []specs.LinuxIDMapping
	own    int // the caller's id
}

// writeMappings writes the id mappings of the user namespace that pid is in. An ordinary user
// may map its own ids and nothing else; for more, newuidmap(1) and newgidmap(1) are asked.
//
// where goes before the names of the two lists in errors.
func writeMappings(pid int, where string, l *specs.Linux) error {
	uid := idMap{where + "uidMappings", "uid_map", "newuidmap", l.UIDMappings, unix.Geteuid()}
	gid := idMap{where + "gidMappings", "gid_map", "newgidmap", l.GIDMappings, unix.Getegid()}
	proc := "/proc/" + strconv.Itoa(pid) + "/"
	for _, m := range [...]*idMap{&uid, &gid} {
		if len(m.list) == 0 {
			continue
		}
		if !m.direct() {
			if err := m.help(pid); err != nil {
				return err
			}
			continue
		}
		if m == &gid && gid.denySetgroups() {
			if err := writeFile(proc+"setgroups", "deny"); err != nil {
				return &Error{Where: m.where, Err: sysError(`write "deny" to setgroups`, err)}
			}
		}
		text := m.text()
		if err := writeFile(proc+m.file, text); err != nil {
			return &Error{Where: m.where, Err: sysError(`write `+strconv.Quote(text)+" to "+m.file, err)}
		}
	}
	return nil
}

// direct tells whether the caller may write the mapping itself (user_namespaces(7)).
func (m *idMap) direct() bool {
	return unix.Geteuid() == 0 || m.single()
}

// single: the caller's own id and no other.
func (m *idMap) single() bool {
	return len(m.list) == 1 && m.list[0].Size == 1 && int(m.list[0].HostID) == m.own
}

// denySetgroups: without rights over groups the kernel takes a gid_map only from one who has
// given up setgroups(2), because dropping a group can give access.
func (m *idMap) denySetgroups() bool { return unix.Geteuid() != 0 && m.single() }

// text is the mapping as the kernel reads it: "container host size", a line each.
func (m *idMap) text() string {
	var b []byte
	for i, e := range m.list {
		if i > 0 {
			b = append(b, '\n')
		}
		b = strconv.AppendUint(b, uint64(e.ContainerID), 10)
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(e.HostID), 10)
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(e.Size), 10)
	}
	return string(b)
}

// helperDirs are where distributions put the helpers. PATH is not asked: engines call the
// runtime with none.
var helperDirs = [...]string{"/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/", "/run/wrappers/bin/", "/run/current-system/sw/bin/"}

func (m *idMap) help(pid int) error {
	path := ""
	for _, dir := range helperDirs {
		if unix.Access(dir+m.helper, unix.X_OK) == nil {
			path = dir + m.helper
			break
		}
	}
	if path == "" {
		return &Error{
			Where: m.where, Err: text(m.helper + " is needed to map ids that are not the caller's own, and is not installed"),
			Tip: `install it (Debian: package "uidmap"), or map a single id: the caller's own`,
		}
	}
	args := []string{m.helper, strconv.Itoa(pid)}
	for _, e := range m.list {
		args = append(args, utoa(e.ContainerID), utoa(e.HostID), utoa(e.Size))
	}
	out, err := runHelper(path, args)
	if err != nil {
		return &Error{
			Where: m.where, Err: text(m.helper + ": " + err.Error() + out),
			Tip: "the ids must be the caller's in /etc/sub" + m.file[:3],
		}
	}
	return nil
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
