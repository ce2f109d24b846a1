// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxPasswd is as much of a passwd file as is looked at: the file is the image's.
const maxPasswd = 1 << 20

// Home is the home directory of uid in the passwd file at path below root, which is not left
// whatever links the image has put there; "" if there is none. Only a regular file is read.
func Home(root, path string, uid uint32) string {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ""
	}
	var content []byte
	buf := make([]byte, 4096)
	for len(content) < maxPasswd {
		n, err := unix.Read(fd, buf)
		if n <= 0 || err != nil {
			break
		}
		content = append(content, buf[:n]...)
	}
	return findHome(content, uid)
}

// findHome reads passwd(5): name:password:uid:gid:gecos:home:shell.
func findHome(content []byte, uid uint32) string {
	want := strconv.FormatUint(uint64(uid), 10)
	for line := range bytes.SplitSeq(content, []byte{'\n'}) {
		f := bytes.SplitN(line, []byte{':'}, 7)
		if len(f) >= 6 && string(f[2]) == want && bytes.IndexByte(f[5], 0) < 0 {
			return string(f[5])
		}
	}
	return ""
}
