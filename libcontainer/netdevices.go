// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/netdevice"
)

// moveNetDevices gives the container the network devices of linux.netDevices, while its process
// waits.
func (c *creation) moveNetDevices() error {
	l := c.b.spec.Linux
	for i, n := range l.Namespaces {
		if n.Type == specs.NetworkNamespace && n.Path != "" {
			return netdevice.Move(c.around.namespaces[i], l.NetDevices)
		}
	}
	fd, err := openFile("/proc/"+strconv.Itoa(c.l.pid)+"/ns/net", unix.O_RDONLY)
	if err != nil {
		return &Error{Where: "linux.netDevices", Err: sysError("open ns/net", err)}
	}
	defer unix.Close(fd)
	return netdevice.Move(fd, l.NetDevices)
}
