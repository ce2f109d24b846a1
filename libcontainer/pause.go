// SPDX-License-Identifier: Apache-2.0

package libcontainer

// Pause freezes every process of a created or running container, and returns when they stand
// still. ErrNotRunning in any other status.
func (c *Container) Pause() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != Created && status != Running {
		return ErrNotRunning
	}
	cg, err := openCgroup(c.state)
	if err != nil {
		return err
	}
	return cg.Freeze()
}

// Resume lets a paused container's processes run again. ErrNotPaused in any other status.
func (c *Container) Resume() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != Paused {
		return ErrNotPaused
	}
	cg, err := openCgroup(c.state)
	if err != nil {
		return err
	}
	return cg.Thaw()
}
